"""Pictures and charts of two label sets: who drew what, whom the image sides with, where they differ most.

Symbols: S side of the image in pixels, N images.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from lab.draw.pictures import enlarged, enlarged_mask
from lvcnet.correction.edge_support import SIDES, SideMap
from lvcnet.drawing import overlays
from lvcnet.drawing.palette import OPINION_COLOURS
from lvcnet.figures.layout import chart_layout, count_ticks, plotly_text

SIDE = 512
CHART_COLOURS = {"first": "#0082C8", "second": "#A07800", "undecided": "#6B7480"}
"""The same hues for charts, dark enough for a white page."""
WORDY = 0.08
"""Share of a bar from which on a number fits into it; all are in the alternative text."""
PATTERNS = {"first": "", "second": "/", "undecided": "."}


def who_drew_what(image: NDArray[np.uint8], first: overlays.Mask, second: overlays.Mask) -> overlays.Rgb:
    """A radiograph (S, S) with the areas that only the first, only the second, or both drew."""
    picture = enlarged(image, SIDE)
    for name, mask, opacity in (
        ("both", first & second, 0.2),
        ("first", first & ~second, 0.75),
        ("second", second & ~first, 0.75),
    ):
        picture = overlays.paint(picture, enlarged_mask(mask, SIDE), OPINION_COLOURS[name], opacity)
    return picture


def whom_it_sides_with(
    image: NDArray[np.uint8], sides: SideMap, first: overlays.Mask, second: overlays.Mask
) -> overlays.Rgb:
    """A radiograph (S, S) with every region of disagreement in the colour of the label set it goes to.

    The outlines of both are drawn over it.
    """
    picture = enlarged(image, SIDE)
    for name, side in SIDES.items():
        picture = overlays.paint(picture, enlarged_mask(sides == side, SIDE), OPINION_COLOURS[name], 0.75)
    for name, mask in (("first", first), ("second", second)):
        rim = overlays.outline(enlarged_mask(mask, SIDE), 1)
        picture = overlays.paint(picture, rim, OPINION_COLOURS[name])
    return picture


def share_bar(share: Mapping[str, float], titles: Mapping[str, str]) -> go.Figure:
    """Shares of the area of disagreement as one bar; hatched, so that they do not depend on colour."""
    figure = go.Figure()
    for side, value in share.items():
        figure.add_bar(
            x=[100 * value],
            y=[""],
            name=plotly_text(titles[side]),
            orientation="h",
            text=f"{100 * value:.0f} %" if value >= WORDY else "",
            textposition="inside",
            textangle=0,
            insidetextanchor="middle",
            insidetextfont={"color": "#FFFFFF", "size": 15},
            marker={
                "color": CHART_COLOURS[side],
                "pattern": {
                    "shape": PATTERNS[side],
                    "fillmode": "overlay",
                    "fgcolor": "rgba(255,255,255,0.3)",
                    "size": 8,
                },
            },
            hovertemplate=f"{plotly_text(titles[side])}: %{{x:.1f}} % of the area<extra></extra>",
        )
    figure.update_layout(**chart_layout())
    figure.update_layout(barmode="stack", height=150, legend={"traceorder": "normal"})
    figure.update_xaxes(range=[0, 100], dtick=25, title="Share of the disputed area (%)")
    figure.update_yaxes(showticklabels=False)
    return figure


def spread_figure(values: Sequence[float], title: str) -> go.Figure:
    """How many images have which value of a measure."""
    figure = go.Figure(
        go.Histogram(
            x=list(values),
            nbinsx=24,
            marker={"color": CHART_COLOURS["first"]},
            hovertemplate=f"{title} %{{x}}: %{{y}} images<extra></extra>",
        )
    )
    figure.update_layout(**chart_layout())
    figure.update_layout(height=280, bargap=0.05, xaxis_title=title, yaxis_title="Images", showlegend=False)
    figure.update_yaxes(dtick=count_ticks(len(values)))
    return figure
