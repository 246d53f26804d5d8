"""A comparison image by image: scores of every method on single images, and in which order to look at them."""

from collections.abc import Mapping, Sequence
from typing import Any

from lvcnet.comparison.cells import BASELINE, Cell, Comparison
from lvcnet.comparison.headline import hardest_labels
from lvcnet.comparison.scores import evaluations_of, image_scores
from lvcnet.errors import LvcnetError
from lvcnet.masks.metrics import METRICS
from lvcnet.runs.store import find_run

ORDERS = ("data", "worst:METHOD", "gain:METHOD")
"""As in the data set; where a method is worst first; where it gains most over the baseline first."""


def image_rows(
    comparison: Comparison, labels: str | None = None, order: str = "", seed: int | None = None
) -> list[dict[str, Any]]:
    """One row an image: its key, then the comparison's metric by method.

    Args:
        comparison: whose runs are asked.
        labels: that the methods learned from; default those of the headline, `hardest_labels`.
        order: `data`, `worst:METHOD` or `gain:METHOD`; default where the last of the methods is worst first.
        seed: of the trainings; default the mean over all.

    Raises:
        LvcnetError: for labels, methods or a seed that were not measured.
    """
    labels = labels or hardest_labels(comparison)
    cells = [cell for cell in comparison.ordered_cells() if cell.labels == labels]
    if not cells:
        raise LvcnetError(
            f"no measured run learned from {labels!r}: choose one of {', '.join(comparison.label_sets())}"
        )
    if seed is not None and not any(seed in cell.runs for cell in cells):
        raise LvcnetError(
            f"no measured run on {labels} has seed {seed}: choose another one, or none for their mean"
        )
    scores = {
        cell.method: cell_scores(cell, comparison.metric)
        if seed is None
        else run_scores(cell, seed, comparison.metric)
        for cell in cells
        if seed is None or seed in cell.runs
    }
    order = order or f"worst:{list(scores)[-1]}"
    check_order(order, list(scores))
    keys = list(dict.fromkeys(key for values in scores.values() for key in values))
    return [
        {"image": key, **{method: values.get(key) for method, values in scores.items()}}
        for key in ordered_keys(keys, scores, order, comparison.metric)
    ]


def check_order(order: str, methods: Sequence[str]) -> None:
    """Raises:
    LvcnetError: if there is no such order, or it is about a method that was not measured.
    """
    kind, _, method = order.partition(":")
    if kind not in ("data", "worst", "gain") or (kind == "data") != (not method):
        raise LvcnetError(f"order {order!r} does not exist: choose one of {', '.join(ORDERS)}")
    if method and method not in methods:
        raise LvcnetError(f"order {order!r}: {method!r} was not measured: choose one of {', '.join(methods)}")
    if kind == "gain" and BASELINE not in methods:
        raise LvcnetError(f"order {order!r}: there is no measured {BASELINE} to gain over")


def cell_scores(cell: Cell, metric: str) -> dict[str, float]:
    """Image key -> a metric, mean over the cell's seeds."""
    return image_scores(evaluations_of(cell), metric)


def run_scores(cell: Cell, seed: int, metric: str) -> dict[str, float]:
    """Image key -> a metric under the cell's training with one seed."""
    evaluation = find_run(cell.runs[seed]).evaluation()
    return image_scores([evaluation], metric) if evaluation else {}


def ordered_keys(
    keys: Sequence[str], scores: Mapping[str, Mapping[str, float]], order: str, metric: str
) -> list[str]:
    """Image keys, worst first.

    Args:
        keys: in the data set's order.
        scores: method -> image key -> score.
        order: `data`, `worst:METHOD`, or `gain:METHOD`: where METHOD gains least over the baseline last.
        metric: decides what is worse.
    """
    kind, _, method = order.partition(":")
    sign = -1.0 if METRICS[metric].lower_is_better else 1.0
    own, base = scores.get(method, {}), scores.get(BASELINE, {})
    if kind == "worst":
        return sorted((key for key in keys if key in own), key=lambda key: sign * own[key])
    if kind == "gain":
        both = [key for key in keys if key in own and key in base]
        return sorted(both, key=lambda key: -sign * (own[key] - base[key]))
    return list(keys)
