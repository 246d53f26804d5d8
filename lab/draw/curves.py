"""Learning curves and label histograms as plotly figures, readable on the light and the dark theme."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from lvcnet.drawing.palette import FURTHER_COLOURS, LABEL_COLOURS
from lvcnet.figures.layout import count_ticks, plotly_text
from lvcnet.runs.held_out import PREFIX

Rows = Sequence[dict[str, Any]]
"""The lines of a metrics.jsonl."""
LOSS_TITLES: dict[str, str] = {
    "loss": "Total",
    "label": "Label, trunk",
    "warped": "Label, after the warps",
    "guidance": "Guidance (Eq. 5)",
    "edge": "Edge (Eq. 7)",
    "lvc": "LVC (Eq. 1)",
    "stray": "Stray LVC",
    "relearn": "Repaired outline, second head",
}
"""Loss terms by their column in metrics.jsonl, in the order of the legend."""
NOT_A_LOSS = {"epoch", "step", "seconds", "images_per_second", "memory_mb", "validation_iou", "test_iou"}
NOISY = FURTHER_COLOURS[0]
LINE_COLOURS = ("#7F8C99", "#7A6FC0", "#C0504D", "#A07800", "#2F8FA3", "#6F8F2F", "#B5651D", "#A0609A")
"""For loss terms; none of them is the colour of a method."""
OTHER_COLOURS = ("#B5651D", "#A0609A", "#2F8FA3", "#6F8F2F")
DASHES = ("dash", "dashdot", "longdash")
"""For runs beside the chosen one: told apart by their strokes, too."""
HEIGHT = 320


def loss_curves(rows: Rows, weight: float = 0.0, others: Mapping[str, Rows] | None = None) -> go.Figure:
    """Every loss term of metrics.jsonl over the steps, and the total of other runs as broken lines.

    Args:
        rows: the lines of metrics.jsonl.
        weight: of the smoothing, see `smoothed`.
        others: run name -> its lines.
    """
    columns = {name for row in rows for name in row} - NOT_A_LOSS
    found = {name for name in columns if not name.startswith(PREFIX)}
    names = [name for name in LOSS_TITLES if name in found] + sorted(found - set(LOSS_TITLES))
    figure, axis = go.Figure(), _axis(rows, others)
    for number, name in enumerate(names):
        colour = LINE_COLOURS[number % len(LINE_COLOURS)]
        _add_line(figure, rows, axis, name, LOSS_TITLES.get(name, name), colour, weight)
    _add_others(figure, others or {}, axis, "loss", "total", weight)
    return _laid_out(figure, axis, "Loss, mean of an epoch", rows)


def iou_curves(
    rows: Rows,
    labels: str,
    label_iou: float | None,
    weight: float = 0.0,
    others: Mapping[str, Rows] | None = None,
) -> go.Figure:
    """IoU with held-out noisy labels (chooses the best checkpoint) and with clean test labels (chooses nothing).

    Args:
        rows: the lines of metrics.jsonl.
        labels: name of the label set the run learns from.
        label_iou: IoU of those labels with the clean ones, drawn as a level to beat; None leaves it out.
        weight: of the smoothing, see `smoothed`.
        others: run name -> its lines; their agreement with clean labels is drawn as broken lines.
    """
    figure = go.Figure()
    axis = _axis(rows, others)
    _add_line(figure, rows, axis, "validation_iou", f"Held-out images, {labels} labels", NOISY, weight)
    _add_line(figure, rows, axis, "test_iou", "Test images, clean labels", LABEL_COLOURS["clean"], weight)
    if label_iou is not None and labels != "clean":
        figure.add_trace(
            go.Scatter(
                x=[1, max([2, *(row[axis] for row in rows)])],
                y=[label_iou, label_iou],
                mode="lines",
                name=f"The {plotly_text(labels)} labels themselves, against clean",
                line={"color": "#7F8C99", "width": 1.5, "dash": "dot"},
                hovertemplate="%{y:.3f}",
            )
        )
    _add_others(figure, others or {}, axis, "test_iou", "clean labels", weight)
    figure.update_yaxes(range=[0, 1])
    return _laid_out(figure, axis, "Foreground IoU", rows)


def smoothed(values: Sequence[float], weight: float) -> list[float]:
    """Exponential moving average without the pull towards zero at its start, as TensorBoard smooths.

    Args:
        values: one an epoch.
        weight: of what came before, from 0 (nothing is changed) to below 1.

    >>> smoothed([1.0, 1.0, 4.0], 0.5)
    [1.0, 1.0, 2.7142857142857144]
    """
    found: list[float] = []
    average = 0.0
    for count, value in enumerate(values, start=1):
        average = weight * average + (1 - weight) * value
        found.append(average / (1 - weight**count))
    return found


def iou_histogram(values: Sequence[float], target: float | None) -> go.Figure:
    """How many images have which IoU of noisy with clean labels; the level's target as a line."""
    lines = {} if target is None else {f"target {target:g}": target}
    return _histogram(values, lines, "IoU of noisy with clean labels", "IoU %{x}: %{y} images")


def area_histogram(changes: Sequence[float]) -> go.Figure:
    """How many images have which change of area in percent; no change and the mean change, the bias, as lines.

    Args:
        changes: (noisy area - clean area) / clean area, image by image.
    """
    percents = [100 * change for change in changes]
    lines = {"no change": 0.0}
    if percents:
        mean = sum(percents) / len(percents)
        lines[f"mean {mean:+z.1f} %"] = mean
    return _histogram(percents, lines, "Change of area (%)", "%{x} %: %{y} images")


def _histogram(values: Sequence[float], lines: Mapping[str, float], x_title: str, hover: str) -> go.Figure:
    """A histogram over training images with named vertical lines, whose names take turns above and below each other."""
    figure = go.Figure(
        go.Histogram(
            x=list(values),
            nbinsx=20,
            marker={"color": NOISY},
            hovertemplate=f"{hover}<extra></extra>",
            name="Images",
        )
    )
    for number, (text, place) in enumerate(lines.items()):
        figure.add_vline(
            x=place,
            line={"color": "#7F8C99", "width": 2, "dash": "dot" if number == 0 else "dash"},
            annotation_text=text,
            annotation_position="top left" if number else "top right",
            annotation_yanchor="bottom",  # above the bars
        )
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 8, "r": 8, "t": 32, "b": 8},
        showlegend=False,
        bargap=0.05,
        xaxis_title=x_title,
        yaxis_title="Training images",
        yaxis_dtick=count_ticks(len(values)),
    )
    return figure


def _axis(rows: Rows, others: Mapping[str, Rows] | None) -> str:
    """Column that the curves are drawn over: steps, or epochs where a run is older than the record of its steps."""
    every = [*rows, *(row for one in (others or {}).values() for row in one)]
    return "step" if every and all("step" in row for row in every) else "epoch"


def _add_line(
    figure: go.Figure,
    rows: Rows,
    axis: str,
    name: str,
    title: str,
    colour: str,
    weight: float,
    dash: str | None = None,
) -> None:
    """A column over steps or epochs; smoothed, with what was measured pale behind it."""
    points = [(row[axis], row[name]) for row in rows if row.get(name) is not None]
    places, values = [place for place, _ in points], [value for _, value in points]
    if weight:
        figure.add_scatter(
            x=places,
            y=values,
            mode="lines",
            line={"color": colour, "width": 1, "dash": dash},
            opacity=0.35,
            hoverinfo="skip",
            showlegend=False,
        )
    figure.add_scatter(
        x=places,
        y=smoothed(values, weight) if weight else values,
        mode="lines" if len(points) > 40 or weight or dash else "lines+markers",
        name=plotly_text(title),
        line={"color": colour, "width": 2, "dash": dash},
        marker={"size": 5},
        hovertemplate="%{y:.3f}",
    )


def _add_others(
    figure: go.Figure, others: Mapping[str, Rows], axis: str, name: str, what: str, weight: float
) -> None:
    for number, (run, rows) in enumerate(others.items()):
        colour, dash = OTHER_COLOURS[number % len(OTHER_COLOURS)], DASHES[number % len(DASHES)]
        _add_line(figure, rows, axis, name, f"{run}, {what}", colour, weight, dash)


def _laid_out(figure: go.Figure, axis: str, y_title: str, rows: Rows) -> go.Figure:
    """Axis titles with units, a legend below that stays readable on a phone, one hover label for all lines."""
    few = axis == "epoch" and len(rows) <= 12
    figure.update_layout(
        height=HEIGHT + 60,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        hovermode="x unified",
        showlegend=True,
        legend={"orientation": "h", "yanchor": "top", "y": -0.22, "x": 0},
        xaxis_title=axis.capitalize(),
        yaxis_title=y_title,
    )
    figure.update_xaxes(dtick=1 if few else None, rangemode="tozero")
    return figure
