"""Parts of pages that are drawn by the browser: NAME.html, NAME.css and NAME.js in lab/ui/web/."""

from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

WEB = Path(__file__).resolve().parent / "web"


def web_component(name: str) -> ComponentRenderer:
    """The command that mounts a component; registered at each use, as the module may be older than Streamlit's runtime."""
    html, css, js = ((WEB / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component(f"lvcnet_{name}", html=html, css=css, js=js)
