"""Who uses the page: the name under which somebody signed in (lab/serving/login.py)."""

import streamlit as st

from lab.serving.login import USER_HEADER


def user() -> str | None:
    """The name of who is signed in; None where the lab has no login."""
    return st.context.headers.get(USER_HEADER) or None
