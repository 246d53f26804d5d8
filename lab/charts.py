"""Figures on a page: drawn by plotly, with buttons below that save them as PNG or SVG.

The browser does the saving (charts.js), with the plotly that the lab serves at /plotly.min.js: nothing leaves the machine.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import plotly
import plotly.graph_objects as go
import streamlit as st

from lab.figures import EXPORT

LIBRARY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
HTML = """
<div class="files" role="group"><output></output>
<button class="png">Save PNG</button><button class="svg">Save SVG</button></div>
"""
CSS = """
.files { display: flex; gap: 0.25rem; justify-content: flex-end; align-items: center; font-family: var(--st-font);
  font-size: 0.8rem; color: var(--st-text-color); }
button { font: inherit; color: inherit; background: none; border: 1px solid transparent; cursor: pointer; opacity: 0.75;
  min-height: 1.75rem; padding: 0 0.5rem; border-radius: var(--st-base-radius); text-decoration: underline; }
button:hover, button:focus-visible { opacity: 1; color: var(--st-primary-color); border-color: var(--st-border-color); }
"""


def show_chart(
    figure: go.Figure, key: str, alt: str, name: str, on_select: Callable[[], None] | None = None
) -> None:
    """Draw a figure over its buttons.

    Args:
        figure: from lab.figures, lab.map_figures and their like.
        key: unique on the page.
        alt: alternative text.
        name: of saved files, without a suffix.
        on_select: called when a point is clicked.
    """
    selecting: dict[str, Any] = (
        {} if on_select is None else {"on_select": on_select, "selection_mode": "points"}
    )
    with st.container(gap=None):
        st.plotly_chart(figure, key=key, config=EXPORT, alt=alt, **selecting)
        script = Path(__file__).with_name("charts.js").read_text(encoding="utf-8")
        files = st.components.v2.component("lvcnet_chart_files", html=HTML, css=CSS, js=script)
        files(data={"chart": key, "name": name.replace("/", "-")}, key=f"{key}-files")
