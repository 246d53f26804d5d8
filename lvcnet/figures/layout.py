"""What all figures of plotly have in common; imports no plotly itself."""

from html import escape

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x")
FEW = 10
EXPORT = {"toImageButtonOptions": {"format": "png", "scale": 3}, "displaylogo": False}
"""Plotly's `config`: the camera button of every figure saves a PNG that is sharp enough for print."""


def plotly_text(text: object) -> str:
    """Text that Plotly shows as it is, in names, titles, hover templates and custom data.

    >>> plotly_text("<b>%{x}")
    '&lt;b&gt;&#37;{x}'
    """
    return escape(str(text), quote=False).replace("%{", "&#37;{")


def count_ticks(things: int) -> int | None:
    """Distance of the ticks of an axis that counts things: whole numbers also where there are few.

    >>> count_ticks(8), count_ticks(300)
    (1, None)
    """
    return 1 if things <= FEW else None


def chart_layout() -> dict[str, object]:
    """What all charts have in common."""
    return {
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "height": 380,
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
    }
