"""Figures on a page: drawn by plotly, with buttons below that save them as PNG or SVG.

The browser does the saving, with the plotly that the lab serves at /plotly.min.js: nothing leaves the machine. Its half is in
lab/ui/web/.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import plotly
import plotly.graph_objects as go
import streamlit as st

from lab.ui.web_component import web_component
from lvcnet.figures.layout import EXPORT

LIBRARY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


def show_chart(
    figure: go.Figure, key: str, alt: str, name: str, on_select: Callable[[], None] | None = None
) -> None:
    """Draw a figure over its buttons.

    Args:
        figure: from lvcnet.figures, lab.draw.map_figures and their like.
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
        web_component("charts")(data={"chart": key, "name": name.replace("/", "-")}, key=f"{key}-files")
