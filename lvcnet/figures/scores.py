"""Plotly figures of comparisons: scores against noise, retention, and one method against another image by image.

Figures bring no background and no text colour: the page that shows them, light or dark, gives them both.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import plotly.graph_objects as go

from lvcnet.comparison import paper
from lvcnet.comparison.cells import Cell, Comparison, method_order
from lvcnet.comparison.tables import interval, marked
from lvcnet.drawing.palette import method_colour, rgb
from lvcnet.figures.layout import SYMBOLS, chart_layout, plotly_text
from lvcnet.masks.metrics import METRICS
from lvcnet.methods import method_title

Against = Literal["level", "label_iou"]
Retention = Literal["retention", "retention_clean"]
AGAINST: dict[Against, str] = {
    "level": "Noise level",
    "label_iou": "Label IoU (training labels with clean ones)",
}


def robustness_curve(
    comparison: Comparison, metric: str, against: Against = "level", with_paper: bool = False
) -> go.Figure:
    """A metric against the labels' noise, one line a method within the band of its 95 % intervals.

    Args:
        comparison: cells with a level (or a label IoU) of the default noise family are drawn.
        metric: a key of `METRICS`; bands are known for the comparison's own.
        against: the noise level, or how good the labels really were (worse to the right).
        with_paper: dotted lines with the paper's Table 1, only for its metrics and against the level.
    """
    figure = go.Figure()
    for number, method in enumerate(comparison.methods()):
        cells = _curve_cells(comparison, method, against)
        symbol, banded = SYMBOLS[number % len(SYMBOLS)], metric == comparison.metric
        # A line is read as a conclusion: cells that cannot be set beside the others are hollow points beside it.
        for part in (
            [cell for cell in cells if cell.pooled],
            [cell for cell in cells if not cell.pooled],
        ):
            if part:
                places = [_place(cell, against) for cell in part]
                _add_curve(figure, method, places, part, metric, symbol, banded)
    if with_paper and against == "level" and metric in paper.METRICS:
        for method, levels in paper.TABLE_1.items():
            figure.add_scatter(
                x=list(levels),
                y=[getattr(cell, metric) for cell in levels.values()],
                name=f"{method_title(method)}, paper",
                mode="lines",
                line={"color": method_colour(method), "dash": "dot", "width": 1.5},
                hovertemplate="%{y:.3f}",
            )
    figure.update_layout(
        **chart_layout(),
        xaxis_title=AGAINST[against],
        yaxis_title=comparison.titled(metric),
        hovermode="x unified" if against == "level" else "closest",
    )
    if against == "level":
        levels_shown = sorted(
            {cell.level for cell in comparison.cells if cell.level is not None} | {1, 2, 3, 4}
        )
        names = ["clean" if level == 0 else str(level) for level in levels_shown]
        figure.update_xaxes(tickvals=levels_shown, ticktext=names)
    else:
        figure.update_xaxes(autorange="reversed", tickformat=".2f")
    return figure


def retention_bars(
    comparison: Comparison, with_paper: bool = True, kind: Retention = "retention"
) -> go.Figure:
    """Retention in percent by level, one bar a method; hatched beside them the paper's, level 4 over level 1.

    The figure is empty where no method learned from a level and from what it is measured by.

    Args:
        comparison: cells of the default noise family are drawn.
        with_paper: the paper's bars, which there are only over level 1.
        kind: over the method's own level 1, or over the baseline trained on clean labels.
    """
    figure = go.Figure()
    own = {method: _retention(comparison, method, kind) for method in comparison.methods()}
    if not any(own.values()):
        return figure
    with_paper = with_paper and kind == "retention"
    theirs = {method: 100 * paper.paper_retention(method) for method in paper.TABLE_1} if with_paper else {}
    for method in sorted({*own, *theirs}, key=method_order):
        bars = {f"Level {level}": (value, "") for level, value in own.get(method, {}).items()}
        if method in theirs:
            bars["Level 4, paper (mIoU)"] = (theirs[method], "/")
        if bars:
            _add_bars(figure, method, bars)
    places = sorted({place for bar in figure.data for place in bar.x}, key=lambda place: (len(place), place))
    figure.update_layout(**chart_layout(), barmode="group", yaxis_title="Retention (%)")
    figure.update_xaxes(categoryorder="array", categoryarray=places)
    return figure


def _add_bars(figure: go.Figure, method: str, bars: Mapping[str, tuple[float, str]]) -> None:
    """Place -> height and hatching."""
    figure.add_bar(
        x=list(bars),
        y=[value for value, _ in bars.values()],
        name=plotly_text(method_title(method)),
        marker={
            "color": method_colour(method),
            "pattern": {"shape": [shape for _, shape in bars.values()]},
        },
        texttemplate="%{y:.0f}",
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y:.1f} %",
    )


def _retention(comparison: Comparison, method: str, kind: Retention) -> dict[int, float]:
    """Level -> percent."""
    found = comparison.robustness(method)[kind]
    return {level: 100 * value for level, value in found.items() if value is not None}


def pair_scatter(
    first: Mapping[str, float],
    second: Mapping[str, float],
    titles: tuple[str, str],
    methods: tuple[str, str],
    metric: str,
    unit: str = "px",
) -> go.Figure:
    """One point an image: the first method's score across, the second's up; the diagonal is a draw.

    Args:
        first, second: image key -> score; keys of both are drawn.
        titles: the methods' names on screen.
        methods: their keys, for colours: a point has the colour of the method that did better.
        metric: a key of `METRICS`.
        unit: of distances.
    """
    keys = sorted(set(first) & set(second))
    x, y = np.array([first[key] for key in keys]), np.array([second[key] for key in keys])
    ahead = (y < x) if METRICS[metric].lower_is_better else (y > x)
    colours = [method_colour(methods[int(wins)]) for wins in ahead]
    low, high = (float(min(x.min(), y.min())), float(max(x.max(), y.max()))) if keys else (0.0, 1.0)
    margin = 0.05 * (high - low or 1.0)
    ends = [low - margin, high + margin]
    names = [plotly_text(title) for title in titles]
    figure = go.Figure()
    figure.add_scatter(
        x=ends, y=ends, mode="lines", line={"color": "#8C8C8C", "dash": "dash", "width": 1}, hoverinfo="skip"
    )
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"color": colours, "size": 10, "line": {"width": 1, "color": "#FFFFFF"}},
        customdata=keys,
        hovertext=[plotly_text(key) for key in keys],
        hovertemplate=f"<b>%{{hovertext}}</b><br>{names[0]} %{{x:.3f}}<br>{names[1]} %{{y:.3f}}<extra></extra>",
    )
    figure.update_layout(
        **{**chart_layout(), "height": 480},
        showlegend=False,
        xaxis={"title": f"{names[0]}: {METRICS[metric].titled(unit)}", "range": ends, "constrain": "domain"},
        yaxis={
            "title": f"{names[1]}: {METRICS[metric].titled(unit)}",
            "range": ends,
            "constrain": "domain",
            "scaleanchor": "x",
        },
    )
    return figure


def _curve_cells(comparison: Comparison, method: str, against: Against) -> list[Cell]:
    cells = [
        cell
        for cell in comparison.cells
        if cell.method == method and cell.paper_noise and getattr(cell, against) is not None
    ]
    return sorted(cells, key=lambda cell: _place(cell, against))


def _place(cell: Cell, against: Against) -> float:
    return float(getattr(cell, against))


def _add_curve(
    figure: go.Figure,
    method: str,
    x: Sequence[float],
    cells: Sequence[Cell],
    metric: str,
    symbol: str,
    banded: bool,
) -> None:
    """A method's line in its band, or, if these are cells that are not pooled, hollow points without."""
    colour = method_colour(method)
    excluded = not cells[0].pooled
    means = [cell.mean(metric) for cell in cells]
    bounds = [(place, *cell.interval) for place, cell in zip(x, cells, strict=True) if cell.interval]
    if banded and bounds and not excluded:
        red, green, blue = rgb(colour)
        places, low, high = zip(*bounds, strict=True)
        figure.add_scatter(
            x=[*places, *reversed(places)],
            y=[*high, *reversed(low)],
            fill="toself",
            fillcolor=f"rgba({red},{green},{blue},0.18)",
            line={"width": 0},
            mode="lines",
            hoverinfo="skip",
            showlegend=False,
            legendgroup=method,
        )
    figure.add_scatter(
        x=list(x),
        y=means,
        name=plotly_text(marked(cells[0], method_title(method))),
        legendgroup=method,
        mode="markers" if excluded else "lines+markers",
        line={"color": colour, "width": 2.5},
        marker={"symbol": f"{symbol}-open" if excluded else symbol, "size": 9, "color": colour},
        customdata=[
            [
                f" (95 % interval {interval(cell)})" if banded and cell.interval else "",
                plotly_text(cell.labels),
                len(cell.runs),
            ]
            for cell in cells
        ],
        hovertemplate="%{y:.3f}%{customdata[0]}, labels %{customdata[1]}, seeds %{customdata[2]}",
    )
