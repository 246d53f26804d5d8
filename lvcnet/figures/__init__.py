"""Figures of results, and the HTML report of them. Only here does the library import plotly, and only when it is used."""

import importlib.util

from lvcnet.errors import LvcnetError


def check_plotly() -> None:
    """Raises:
    LvcnetError: if plotly, which draws the figures, is not installed.
    """
    if importlib.util.find_spec("plotly") is None:
        raise LvcnetError(
            "the HTML report is drawn by plotly, which is not installed: pip install 'lvcnet-lab[lab]'"
        )
