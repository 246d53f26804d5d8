"""What a comparison's report and the compare page draw beside the curves of `lab.figures`."""

import plotly.graph_objects as go

from lab.figures import SYMBOLS, chart_layout, retention_bars, robustness_curve
from lab.palette import method_colour
from lvcnet.evaluation.comparison import BASELINE, Comparison
from lvcnet.evaluation.metrics import LOWER_IS_BETTER, METRICS
from lvcnet.evaluation.tables import method_title


def difference_intervals(comparison: Comparison) -> go.Figure:
    """Every method minus the baseline with its 95 % interval, by label set; the line at 0 is a draw.

    In points (hundredths) for scores, in pixels for distances. Empty where nothing can be paired.
    """
    figure = go.Figure()
    distance = comparison.metric in LOWER_IS_BETTER
    scale = 1.0 if distance else 100.0
    paired = {difference.labels for difference in comparison.differences}
    labels = [name for name in comparison.label_sets() if name in paired]
    for number, method in enumerate(comparison.methods()):
        found = [one for one in comparison.differences if one.method == method]
        if found:
            figure.add_scatter(
                x=[one.labels for one in found],
                y=[scale * one.mean for one in found],
                error_y={
                    "array": [scale * (one.high - one.mean) for one in found],
                    "arrayminus": [scale * (one.mean - one.low) for one in found],
                },
                name=method_title(method),
                mode="markers",
                offsetgroup=method,
                marker={
                    "color": method_colour(method.partition(" ")[0]),
                    "symbol": SYMBOLS[number % len(SYMBOLS)],
                    "size": 9,
                },
                hovertemplate="%{y:+.2f}",
            )
    if not figure.data:
        return figure
    figure.add_hline(0, line={"color": "#8C8C8C", "dash": "dash", "width": 1})
    unit = "px" if distance else "points"
    metric = METRICS[comparison.metric].removesuffix(" (px)")
    figure.update_layout(
        **chart_layout(),
        scattermode="group",
        scattergap=0.6,
        yaxis_title=f"{metric} minus {method_title(BASELINE)}'s ({unit})",
        showlegend=True,
    )
    figure.update_xaxes(categoryorder="array", categoryarray=labels)
    return figure


def report_figures(comparison: Comparison) -> dict[str, go.Figure]:
    """Title -> figure, as a report shows them; without those that would be empty."""
    metric = comparison.metric
    baseline = method_title(BASELINE)
    found = {
        f"{METRICS[metric]} by noise level": robustness_curve(comparison, metric),
        f"{METRICS[metric]} by label IoU": robustness_curve(comparison, metric, "label_iou"),
        f"Difference from {baseline}, 95 % intervals": difference_intervals(comparison),
        "Retention over the own level 1": retention_bars(comparison),
        f"Retention over {baseline} trained on clean labels": retention_bars(
            comparison, kind="retention_clean"
        ),
    }
    return {title: figure for title, figure in found.items() if figure.data}
