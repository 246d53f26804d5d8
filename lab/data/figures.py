"""Plotly figures of a data set: original sizes, foreground shares, components, readable on both themes."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from lvcnet.data.facts import ImageFacts
from lvcnet.drawing.palette import FURTHER_COLOURS
from lvcnet.figures.layout import chart_layout, count_ticks, plotly_text

HEIGHT = 280
PLAIN = FURTHER_COLOURS[1]
COLOURS = ("#0082C8", "#D55E00", "#B86A9C", "#A07800", "#009E73", "#7A6FC0")
"""Of categories on the page's ground, where those of `lvcnet.drawing.palette`, meant for radiographs, would be too bright."""


def size_figure(statistics: dict[str, Any]) -> go.Figure:
    """Original sizes as bubbles: width across, height up, area by the number of images."""
    sizes = statistics["sizes"]
    most = max(size["images"] for size in sizes)
    figure = go.Figure(
        go.Scatter(
            x=[size["width"] for size in sizes],
            y=[size["height"] for size in sizes],
            customdata=[size["images"] for size in sizes],
            mode="markers",
            marker={
                "size": [8 + 24 * (size["images"] / most) ** 0.5 for size in sizes],
                "color": PLAIN,
                "opacity": 0.7,
            },
            hovertemplate="%{x} x %{y} px: %{customdata} images<extra></extra>",
        )
    )
    figure.update_xaxes(rangemode="tozero", nticks=5)
    figure.update_yaxes(rangemode="tozero", nticks=5)
    return _laid_out(figure, "Width (px)", "Height (px)")


def foreground_figure(facts: Sequence[ImageFacts], categories: Sequence[str]) -> go.Figure:
    """How many labelled images have which share of foreground, one histogram a category."""
    figure = go.Figure()
    for channel, name in enumerate(categories):
        figure.add_histogram(
            x=[100 * share for one in facts if one.labelled and (share := one.shares[channel]) is not None],
            name=plotly_text(name),
            nbinsx=24,
            marker={"color": COLOURS[channel % len(COLOURS)]},
            opacity=1.0 if len(categories) == 1 else 0.65,
            hovertemplate="%{x} %: %{y} images",
        )
    figure.update_layout(barmode="overlay", bargap=0.05)
    figure.update_yaxes(dtick=count_ticks(sum(one.labelled for one in facts)))
    return _laid_out(figure, "Foreground (%)", "Images", len(categories) > 1)


def component_figure(statistics: dict[str, Any]) -> go.Figure:
    """How many labelled images have how many components, bars side by side for categories."""
    figure = go.Figure()
    for number, (name, counts) in enumerate(statistics["components"].items()):
        figure.add_bar(
            x=[int(count) for count in counts],
            y=list(counts.values()),
            name=plotly_text(name),
            marker={"color": COLOURS[number % len(COLOURS)]},
            text=list(counts.values()),
            textposition="outside",
            cliponaxis=False,
            width=0.8 / len(statistics["components"]),
            hovertemplate="%{x} parts: %{y} images",
        )
    shown = {int(count) for counts in statistics["components"].values() for count in counts}
    figure.update_xaxes(
        dtick=1 if len(shown) <= 12 else None, range=[min(shown, default=0) - 1, max(shown, default=0) + 1]
    )
    return _laid_out(figure, "Parts", "Images", len(statistics["components"]) > 1)


def _laid_out(figure: go.Figure, x_title: str, y_title: str, legend: bool = False) -> go.Figure:
    layout = {**chart_layout(), "height": HEIGHT, "margin": {"l": 8, "r": 8, "t": 24, "b": 8}}
    figure.update_layout(**layout, showlegend=legend, xaxis_title=x_title, yaxis_title=y_title)
    return figure
