"""Plotly figures of what a network saw in one image: maps with colour bars, outlines, the learning film.

Symbols: H, W size of the image in pixels. Axes are pixels, (x, y), y down, pixel centres at integers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from lvcnet.drawing.palette import LABEL_COLOURS
from lvcnet.figures.layout import plotly_text
from lvcnet.masks.outlines import trace_edges

Mask = NDArray[np.bool_]

FRACTION_SCALE = "Cividis"
"""For maps in [0, 1]: sequential, the same to colour-blind readers."""
LENGTH_SCALE = "Viridis"
"""For lengths in pixels."""
SIGNED_SCALE = "PuOr"
"""For maps that also have negative values: white is zero."""
HEIGHT = 265
MOST_NAMED = 512 * 512
"""Larger images, in pixels, do not tell categories under the pointer: the text would weigh megabytes."""


@dataclass(frozen=True)
class Line:
    """An outline to draw.

    Attributes:
        title: for the legend.
        mask: (H, W) bool.
        colour: hex.
        dash: solid, dot or dash.
    """

    title: str
    mask: Mask
    colour: str
    dash: str = "solid"


def label_lines(clean: Mask | None, noisy: Mask | None, prediction: Mask | None) -> list[Line]:
    """The three outlines of every picture in their fixed colours; None leaves one out."""
    found = [
        ("Clean label", clean, LABEL_COLOURS["clean"], "solid"),
        ("Label in training", noisy, LABEL_COLOURS["noisy"], "dash"),
        ("Prediction", prediction, LABEL_COLOURS["prediction"], "solid"),
    ]
    return [Line(name, mask, colour, dash) for name, mask, colour, dash in found if mask is not None]


def image_figure(image: NDArray[np.uint8], lines: Sequence[Line] = (), height: int = HEIGHT) -> go.Figure:
    """A radiograph (H, W) with outlines over it; the legend switches them on and off."""
    figure = go.Figure(grey(image))
    for line in lines:
        figure.add_scatter(**line_trace(line))
    return frame(figure, image.shape, height)


def labelled_figure(
    image: NDArray[np.uint8], lines: Sequence[Line], masks: Mapping[str, Mask], height: int
) -> go.Figure:
    """A radiograph with outlines that tells grey value and categories of the pixel under the pointer.

    Args:
        image: (H, W).
        lines: outlines over it.
        masks: category to (H, W) mask.
        height: of the figure in screen pixels.
    """
    figure = image_figure(image, lines, height)
    figure.update_traces(
        hoverinfo="skip", selector={"type": "scatter"}
    )  # the pixel below is what one points at
    if image.size <= MOST_NAMED:
        figure.data[0].update(
            customdata=category_names({plotly_text(name): mask for name, mask in masks.items()}, image.shape),
            hovertemplate="x %{x}, y %{y}: grey value %{z}<br>%{customdata}<extra></extra>",
        )
    return figure


def category_names(masks: Mapping[str, Mask], shape: tuple[int, ...]) -> NDArray[Any]:
    """(H, W) of text: the categories that cover each pixel.

    >>> category_names({"a": np.array([[True, False]]), "b": np.array([[True, True]])}, (1, 2)).tolist()
    [['a, b', 'b']]
    """
    names = np.full(shape, "", dtype=object)
    for name, mask in masks.items():
        names[mask] = [f"{before}, {name}" if before else name for before in names[mask]]
    names[names == ""] = "background"
    return names


def map_figure(
    values: NDArray[Any],
    unit: str = "",
    highest: float | None = 1.0,
    lines: Sequence[Line] = (),
    height: int = HEIGHT,
) -> go.Figure:
    """A map (H, W) with its colour bar: sequential from 0, diverging around 0 only if it has negative values.

    Args:
        values: a fraction, or a length in pixels.
        unit: shown at the colour bar; px chooses the scale for lengths.
        highest: top of the scale; None takes the map's maximum.
        lines: outlines over it.
        height: of the figure in screen pixels.
    """
    top = (float(np.abs(values).max(initial=0.0)) if highest is None else highest) or 1.0
    signed = float(values.min(initial=0.0)) < 0
    figure = go.Figure(
        go.Heatmap(
            z=np.round(values, 3).astype(np.float32),
            zmin=-top if signed else 0.0,
            zmax=top,
            colorscale=SIGNED_SCALE if signed else LENGTH_SCALE if unit == "px" else FRACTION_SCALE,
            colorbar={"thickness": 10, "len": 0.9, "title": {"text": unit}, "nticks": 6},
            hovertemplate=f"x %{{x}}, y %{{y}}: %{{z:.2f}} {unit}<extra></extra>",
        )
    )
    for line in lines:
        figure.add_scatter(**line_trace(line), hoverinfo="skip", showlegend=False)
    return frame(figure, values.shape, height, top=4)


def film_figure(
    image: NDArray[np.uint8],
    clean: Mask,
    noisy: Mask | None,
    predictions: Mapping[int, Mask],
    scores: Mapping[int, float],
    height: int = 420,
) -> go.Figure:
    """The learning film: the predicted outline by epoch and its IoU, with play and pause buttons and a slider."""
    epochs = sorted(predictions)
    figure = image_figure(image, label_lines(clean, noisy, None), height + 90)
    outlines = [
        replace(line, title=f"{line.title}, IoU {scores[epoch]:.3f}")
        for epoch in epochs
        for line in label_lines(None, None, predictions[epoch])
    ]
    figure.add_scatter(**line_trace(outlines[-1]))
    moving = len(figure.data) - 1
    figure.frames = [
        go.Frame(name=str(epoch), data=[go.Scatter(**line_trace(line))], traces=[moving])
        for epoch, line in zip(epochs, outlines, strict=True)
    ]
    # redraw: without it plotly leaves the heatmap, the radiograph itself, out of the frames
    play = {"frame": {"duration": 350, "redraw": True}, "transition": {"duration": 0}, "fromcurrent": True}
    jump = {"frame": {"duration": 0, "redraw": True}, "mode": "immediate"}
    figure.update_layout(
        margin_b=90,
        updatemenus=[
            {
                "type": "buttons",
                "showactive": False,
                "direction": "left",
                "x": 0,
                "y": 0,
                "xanchor": "left",
                "yanchor": "top",
                "pad": {"t": 40},
                "buttons": [
                    {"label": "Play", "method": "animate", "args": [None, {**play, "fromcurrent": False}]},
                    {"label": "Pause", "method": "animate", "args": [[None], jump]},
                ],
            }
        ],
        sliders=[
            {
                "active": len(epochs) - 1,
                "x": 0.3,
                "len": 0.7,
                "pad": {"t": 10},
                "currentvalue": {"prefix": "Epoch "},
                "steps": [
                    {"label": str(epoch), "method": "animate", "args": [[str(epoch)], jump]}
                    for epoch in epochs
                ],
            }
        ],
    )
    return figure


def outline_points(mask: Mask) -> tuple[NDArray[Any], NDArray[Any]]:
    """x and y of a mask's closed outlines along pixel edges, NaN between rings; pixel centres at integers."""
    rings = trace_edges(mask)
    if not rings:
        return np.array([np.nan]), np.array([np.nan])
    gap = np.full((1, 2), np.nan)
    points = np.concatenate(
        [part for ring in rings for part in (ring.points - 0.5, ring.points[:1] - 0.5, gap)]
    )
    return points[:, 0], points[:, 1]


def line_trace(line: Line) -> dict[str, Any]:
    """A Line as a trace of a figure."""
    x, y = outline_points(line.mask)
    return {
        "x": x,
        "y": y,
        "mode": "lines",
        "name": plotly_text(line.title),
        "line": {"color": line.colour, "width": 2, "dash": line.dash},
    }


def grey(image: NDArray[np.uint8]) -> go.Heatmap:
    """A radiograph (H, W) whose grey values can be read under the cursor."""
    return go.Heatmap(
        z=image,
        zmin=0,
        zmax=255,
        colorscale=[[0, "#000000"], [1, "#FFFFFF"]],
        showscale=False,
        hovertemplate="x %{x}, y %{y}: grey value %{z}<extra></extra>",
    )


def frame(figure: go.Figure, size: tuple[int, ...], height: int, top: int = 28) -> go.Figure:
    """Square pixels of an image of `size` (H, W), y down, no axes, and room for a legend."""
    hidden = {"visible": False, "constrain": "domain"}
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 0, "t": top, "b": 4},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
        dragmode="zoom",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
    figure.update_xaxes(range=[-0.5, size[1] - 0.5], **hidden)
    figure.update_yaxes(range=[size[0] - 0.5, -0.5], scaleanchor="x", **hidden)
    return figure
