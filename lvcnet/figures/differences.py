"""Figures of differences and of the planner, and all figures of a report."""

import numpy as np
import plotly.graph_objects as go

from lvcnet.comparison.cells import BASELINE, Comparison
from lvcnet.drawing.palette import method_colour
from lvcnet.figures.layout import SYMBOLS, chart_layout, plotly_text
from lvcnet.figures.scores import retention_bars, robustness_curve
from lvcnet.masks.metrics import METRICS
from lvcnet.methods import method_title
from lvcnet.planner.curve import Plan
from lvcnet.planner.plan_text import by_saving


def difference_intervals(comparison: Comparison) -> go.Figure:
    """Every method minus the baseline with its 95 % interval, by label set; the line at 0 is a draw.

    In points (hundredths) for scores, in pixels for distances. Empty where nothing can be paired.
    """
    figure = go.Figure()
    metric = METRICS[comparison.metric]
    scale = 1.0 if metric.unit else 100.0
    paired = {difference.labels for difference in comparison.differences}
    labels = [name for name in comparison.label_sets() if name in paired]
    for number, method in enumerate(comparison.methods()):
        found = [one for one in comparison.differences if one.method == method]
        if found:
            figure.add_scatter(
                x=[plotly_text(comparison.title(one.labels)) for one in found],
                y=[scale * one.mean for one in found],
                error_y={
                    "array": [scale * (one.high - one.mean) for one in found],
                    "arrayminus": [scale * (one.mean - one.low) for one in found],
                },
                name=plotly_text(method_title(method)),
                mode="markers",
                offsetgroup=method,
                marker={
                    "color": method_colour(method),
                    "symbol": SYMBOLS[number % len(SYMBOLS)],
                    "size": 9,
                },
                hovertemplate="%{y:+.2f}",
            )
    if not figure.data:
        return figure
    figure.add_hline(0, line={"color": "#8C8C8C", "dash": "dash", "width": 1})
    unit = metric.unit_in(comparison.unit) or "points"
    figure.update_layout(
        **chart_layout(),
        scattermode="group",
        scattergap=0.6,
        yaxis_title=f"{metric.short} minus {method_title(BASELINE)}'s ({unit})",
        showlegend=True,
    )
    figure.update_xaxes(
        categoryorder="array", categoryarray=[plotly_text(comparison.title(name)) for name in labels]
    )
    return figure


def plan_curve(plan: Plan) -> go.Figure:
    """Clicks an image (log axis) against IoU, one line a method, with 95 % intervals.

    Dotted lines lead from the points of the method that saves most to the baseline's clicks for the same IoU.
    """
    figure = go.Figure()
    for one in next(iter(by_saving(plan).values()), []):
        if one.unclear is None and np.isfinite(one.needed):
            figure.add_scatter(
                x=[one.point.clicks, one.needed],
                y=[one.point.score, one.point.score],
                mode="lines",
                line={"color": "#8C8C8C", "dash": "dot", "width": 1.5},
                hoverinfo="skip",
                showlegend=False,
            )
    for number, method in enumerate(plan.methods()):
        points = plan.of(method)
        colour = method_colour(method)
        figure.add_scatter(
            x=[point.clicks for point in points],
            y=[point.score for point in points],
            error_y={
                "array": [point.high - point.score for point in points],
                "arrayminus": [point.score - point.low for point in points],
            },
            name=plotly_text(method_title(method)),
            mode="lines+markers",
            line={"color": colour, "width": 2.5},
            marker={"symbol": SYMBOLS[number % len(SYMBOLS)], "size": 9},
            customdata=[plotly_text(point.labels) for point in points],
            hovertemplate="%{y:.3f} with %{x:.1f} clicks (%{customdata})",
        )
    figure.update_layout(
        **chart_layout(),
        xaxis_title="Clicks an image (log scale)",
        yaxis_title=METRICS["iou"].title,
        showlegend=True,
    )
    figure.update_xaxes(
        type="log",
        tickvals=[one.clicks for one in plan.outlines],
        ticktext=[f"{one.clicks:.0f}<br>{plotly_text(one.title)}" for one in plan.outlines],
    )
    return figure


def report_figures(comparison: Comparison) -> dict[str, go.Figure]:
    """Title -> figure, as a report shows them; without those that would be empty."""
    metric = comparison.metric
    baseline = method_title(BASELINE)
    found = {
        f"{comparison.titled(metric)} by noise level": robustness_curve(comparison, metric),
        f"{comparison.titled(metric)} by label IoU": robustness_curve(comparison, metric, "label_iou"),
        f"Difference from {baseline}, 95 % intervals": difference_intervals(comparison),
        "Retention relative to its own level 1": retention_bars(comparison),
        f"Retention over {baseline} trained on clean labels": retention_bars(
            comparison, kind="retention_clean"
        ),
    }
    return {title: figure for title, figure in found.items() if figure.data}
