"""Plotly figures of a vector field over its image: arrows, direction by colour, the deformed sampling grid.

Symbols: H, W size of the image in pixels. Fields are (2, H, W), x then y, in pixels: where each pixel reads from. Axes are
pixels, (x, y), y down, pixel centres at integers.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image

from lab.draw.map_figures import HEIGHT, Line, frame, grey, line_trace
from lvcnet.drawing import overlays

STROKE_COLOUR = "#F0E442"
SHORTEST_ARROW = 0.06
"""Vectors shorter than this many pixels are noise of the storage (1/8 px) and are not drawn."""
HEAD = 0.35
"""Length of an arrow's head over the arrow's."""
WHEEL = 0.16
"""Width of the direction wheel over the figure's."""


def arrow_figure(
    image: NDArray[np.uint8],
    field: NDArray[Any],
    every: int = 4,
    scale: float = 1.0,
    lines: Sequence[Line] = (),
    height: int = HEIGHT,
) -> go.Figure:
    """A vector field as arrows over the image.

    Args:
        image: (H, W).
        field: (2, H, W), x then y, in pixels: where each pixel reads from.
        every: one arrow for so many pixels along x and y.
        scale: drawn length over true length.
        lines: outlines over it.
        height: of the figure in screen pixels.
    """
    figure = go.Figure(grey(image).update(**_vectors_under_cursor(field)))
    for line in lines:
        figure.add_scatter(**line_trace(line), hoverinfo="skip")
    x, y = arrows(field, every, scale)
    figure.add_scatter(**_strokes(x, y, width=1.6))
    return frame(figure, image.shape, height)


def arrows(field: NDArray[Any], every: int, scale: float = 1.0) -> tuple[NDArray[Any], NDArray[Any]]:
    """Strokes of arrows for a (2, H, W) field: x and y of polylines with NaN between them.

    Every arrow takes six entries: tail, tip, NaN, one side of the head, tip, other side; then NaN.

    >>> field = np.zeros((2, 3, 3)); field[0, 1, 1] = 2.0
    >>> arrows(field, every=2)[0][:2].tolist()
    [1.0, 3.0]
    """
    height, width = field.shape[1:]
    first = every // 2
    rows, columns = np.mgrid[first:height:every, first:width:every]
    rows, columns = rows.ravel(), columns.ravel()
    vectors = np.stack([field[0, rows, columns], field[1, rows, columns]]).astype(float)
    kept = np.hypot(*vectors) >= SHORTEST_ARROW
    tail = np.stack([columns, rows]).astype(float)[:, kept]
    vector = vectors[:, kept] * scale
    tip = tail + vector
    turned = np.stack([-vector[1], vector[0]])
    left, right = (tip - HEAD * (vector + sign * 0.6 * turned) for sign in (1.0, -1.0))
    gap = np.full_like(tail, np.nan)
    strokes = np.stack([tail, tip, gap, left, tip, right, gap], axis=-1).reshape(2, -1)
    return strokes[0], strokes[1]


def direction_figure(field: NDArray[Any], lines: Sequence[Line] = (), height: int = HEIGHT) -> go.Figure:
    """Direction by colour, length by brightness (black is no move), with the colour wheel beside it."""
    figure = go.Figure(go.Image(z=overlays.directions(field), **_vectors_under_cursor(field)))
    for line in lines:
        figure.add_scatter(**line_trace(line), hoverinfo="skip", showlegend=False)
    frame(figure, field.shape[1:], height, top=4)
    figure.update_xaxes(domain=[0, 1 - WHEEL - 0.04])
    wheel = {"xref": "paper", "yref": "paper", "xanchor": "center", "sizex": WHEEL, "sizey": WHEEL}
    place = {"x": 1 - WHEEL / 2, "y": 0.8}
    picture = Image.fromarray(overlays.direction_wheel())
    figure.add_layout_image(source=picture, yanchor="middle", **place, **wheel)
    words = {"xref": "paper", "yref": "paper", "showarrow": False, "x": place["x"], "font_size": 11}
    figure.add_annotation(text="up", y=place["y"] + 0.1, yanchor="bottom", **words)
    figure.add_annotation(text="down", y=place["y"] - 0.1, yanchor="top", **words)
    return figure


def grid_figure(
    image: NDArray[np.uint8],
    field: NDArray[Any],
    every: int = 4,
    scale: float = 1.0,
    lines: Sequence[Line] = (),
    height: int = HEIGHT,
) -> go.Figure:
    """The sampling grid as the field deforms it, over the image; arguments as of `arrow_figure`."""
    figure = go.Figure(grey(image).update(**_vectors_under_cursor(field)))
    x, y = grid_lines(field, every, scale)
    figure.add_scatter(**_strokes(x, y, width=1), opacity=0.75)
    for line in lines:
        figure.add_scatter(**line_trace(line), hoverinfo="skip")
    return frame(figure, image.shape, height)


def grid_lines(field: NDArray[Any], every: int, scale: float = 1.0) -> tuple[NDArray[Any], NDArray[Any]]:
    """x and y of every n-th row and column of pixels where the field takes them, NaN between lines.

    >>> field = np.zeros((2, 3, 3)); field[0, 0, 1] = 0.5
    >>> grid_lines(field, every=2)[0][:4].tolist()
    [0.0, 1.5, 2.0, nan]
    """
    rows, columns = np.indices(field.shape[1:], dtype=float)
    places = np.stack([columns, rows]) + scale * field
    parts = [
        np.pad(lines[:, ::every], ((0, 0), (0, 0), (0, 1)), constant_values=np.nan).reshape(2, -1)
        for lines in (places, places.transpose(0, 2, 1))
    ]
    both = np.concatenate(parts, axis=1)
    return both[0], both[1]


def _strokes(x: NDArray[Any], y: NDArray[Any], width: float) -> dict[str, Any]:
    line = {"color": STROKE_COLOUR, "width": width}
    return {"x": x, "y": y, "mode": "lines", "line": line, "showlegend": False, "hoverinfo": "skip"}


def _vectors_under_cursor(field: NDArray[Any]) -> dict[str, Any]:
    return {
        "customdata": np.round(np.moveaxis(field, 0, -1), 2).astype(np.float32),
        "hovertemplate": "x %{x}, y %{y}<br>reads %{customdata[0]:.2f} px to the right and"
        " %{customdata[1]:.2f} px below<extra></extra>",
    }
