import streamlit as st

from lab.navigation import page_frame

page_frame("inspect", "Not built yet.")
