"""What the compare page shows as rows and sentences; every number in them comes from lvcnet.evaluation.

Symbols: fractions are shown as such in tables and as points (hundredths) in sentences; distances in pixels.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from lvcnet.data.dataset import find_dataset, list_datasets
from lvcnet.evaluation import paper
from lvcnet.evaluation.comparison import (
    BASELINE,
    ENOUGH_SEEDS,
    Cell,
    Comparison,
    Difference,
    method_order,
    noise_level,
)
from lvcnet.evaluation.metrics import LOWER_IS_BETTER, METRICS
from lvcnet.evaluation.planner import Plan, plan_dataset
from lvcnet.evaluation.report import compare, evaluations_of, image_scores
from lvcnet.evaluation.tables import SHORT, method_title, plus_minus, summary
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import find_run, is_demo, list_runs

Stamp = tuple[tuple[str, int], ...]


def data_sets() -> list[str]:
    """Data sets that have runs, those with an evaluated run first."""
    evaluated: dict[str, bool] = {}
    for run in list_runs():
        name = run.config()["dataset"]
        evaluated[name] = evaluated.get(name, False) or (run.path / "evaluation.json").exists()
    return sorted(evaluated, key=lambda name: (not evaluated[name], name))


def load_comparison(dataset: str, metric: str) -> Comparison:
    """`lvcnet.evaluation.report.compare`, kept until a run or the data change.

    Raises:
        LvcnetError: if there is nothing to compare.
    """
    return _compared(dataset, metric, _stamp(dataset))


def load_plan(dataset: str) -> Plan:
    """`lvcnet.evaluation.planner.plan_dataset`, kept until a run or the data change.

    Raises:
        LvcnetError: if nothing can be planned.
    """
    return _planned(dataset, _stamp(dataset))


def not_evaluated(dataset: str) -> list[RunDirectory]:
    """The user's runs that are done, have a checkpoint and wait for their evaluation."""
    return [
        run
        for run in list_runs(dataset, demo=False)
        if run.status()["state"] == "done"
        and not (run.path / "evaluation.json").exists()
        and (run.checkpoints / "last.safetensors").exists()
        and not is_demo(run)
    ]


def labels_title(labels: str, label_iou: float | None = None) -> str:
    """A label set in words, with its IoU where it is known.

    >>> labels_title("level3", 0.82), labels_title("clean"), labels_title("dentist2")
    ('Level 3 (label IoU 0.82)', 'Clean', 'dentist2')
    """
    known = {"clean": "Clean", **{f"level{level}": f"Level {level}" for level in paper.LEVELS}}
    end = f" (label IoU {label_iou:.2f})" if label_iou is not None and labels != "clean" else ""
    return known.get(labels, labels) + end


def table_rows(comparison: Comparison, further: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Table 1: a row for each label set and method, ours beside the paper's, then further metrics."""
    with_paper = any(cell.paper for cell in comparison.cells)
    return [
        {
            "Labels": labels_title(cell.labels),
            "Label IoU": cell.label_iou,
            "Method": method_title(cell.method),
            **{SHORT[name]: plus_minus(*cell.rounds[name]) for name in paper.METRICS},
            **{METRICS[name]: summary(cell.values[name]) for name in further},
            **{
                f"Paper: {SHORT[name]}": cell.paper[name] if cell.paper else None
                for name in (paper.METRICS if with_paper else ())
            },
            "Seeds": len(cell.runs),
        }
        for cell in comparison.ordered_cells()
    ]


def difference_sentence(difference: Difference) -> str:
    """A paired comparison in words, as Markdown.

    >>> print(difference_sentence(Difference("lvcnet", "level4", "iou", [0, 1, 2], 60, 0.052, 0.041, 0.063, 0.001)))
    **Level 4: LVC-Net is better than U-Net.** On the same 60 images its IoU (foreground) is 5.2 points higher \
(95 % interval 4.1 to 6.3).
    """
    unit, scale = ("px", 1.0) if difference.metric in LOWER_IS_BETTER else ("points", 100.0)
    first, second = method_title(difference.method), method_title(BASELINE)
    low, high = sorted((difference.low * scale, difference.high * scale))
    mean = difference.mean * scale
    certain = low > 0 or high < 0
    gain = -mean if difference.metric in LOWER_IS_BETTER else mean
    if certain:
        where = "" if len(difference.seeds) >= ENOUGH_SEEDS else " in these trainings"
        claim = f"{first} is {'better' if gain > 0 else 'worse'} than {second}{where}."
    else:
        claim = f"{first} and {second} cannot be told apart."
    if mean < 0:
        low, high = -high, -low
    metric = METRICS[difference.metric].removesuffix(" (px)")
    return (
        f"**{labels_title(difference.labels)}: {claim}** On the same {difference.images} images its {metric} is"
        f" {abs(mean):.1f} {unit} {'lower' if mean < 0 else 'higher'} (95 % interval {low:.1f} to {high:.1f})."
    )


def hardest_first(differences: Sequence[Difference]) -> list[Difference]:
    """Comparisons by label set from noisy to clean; within it LVC-Net before the others."""
    return sorted(
        differences,
        key=lambda one: (-(noise_level(one.labels) or 0), one.labels, -method_order(one.method)[0]),
    )


def seeds_caveat(differences: Sequence[Difference]) -> str | None:
    """What the intervals leave out, if there are too few seeds to see it."""
    fewest = min((len(difference.seeds) for difference in differences), default=ENOUGH_SEEDS)
    if fewest >= ENOUGH_SEEDS:
        return None
    if fewest == 1:
        reason = (
            "The intervals say how certain a difference is for other images. Some rest on one training a method,"
            " and another seed may shift them"
        )
    else:
        reason = (
            f"The intervals rest on as few as {fewest} trainings a method, too few to know how trainings vary"
        )
    return f"{reason}: train at least {ENOUGH_SEEDS} seeds before relying on them."


def headline(comparison: Comparison) -> list[tuple[str, str, str | None]]:
    """At the noisiest labels: (method, score, difference from the baseline) for every method that learned from them."""
    labels = hardest_labels(comparison)
    found = [cell for cell in comparison.cells if cell.labels == labels]
    baseline = next((cell for cell in found if cell.method == BASELINE), None)
    base = baseline.mean(comparison.metric) if baseline else None
    rows: list[tuple[str, str, str | None]] = []
    for cell in found:
        score = cell.mean(comparison.metric)
        delta = None if base is None or cell.method == BASELINE else f"{score - base:+.3f}"
        rows.append((method_title(cell.method), f"{score:.3f}", delta))
    return rows


def hardest_labels(comparison: Comparison) -> str:
    """The label set most methods learned from; of several the noisiest level."""
    counts: dict[str, int] = {}
    for cell in comparison.cells:
        counts[cell.labels] = counts.get(cell.labels, 0) + 1
    most = max(counts.values())
    return max((name for name in counts if counts[name] == most), key=lambda name: noise_level(name) or -1)


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
    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
    own, base = scores.get(method, {}), scores.get(BASELINE, {})
    if kind == "worst":
        return sorted((key for key in keys if key in own), key=lambda key: sign * own[key])
    if kind == "gain":
        both = [key for key in keys if key in own and key in base]
        return sorted(both, key=lambda key: -sign * (own[key] - base[key]))
    return list(keys)


def _stamp(dataset: str) -> Stamp:
    """Everything a comparison reads: evaluations, states, and the data."""
    files = [run.path / name for run in list_runs(dataset) for name in ("evaluation.json", "status.json")]
    if dataset in list_datasets():
        folder = find_dataset(dataset)
        files += [folder / "dataset.json", folder / "labels" / "clean.npz"]
    return tuple((str(path), _changed(path)) for path in files)


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@st.cache_data(max_entries=32, show_spinner="Comparing runs")
def _compared(dataset: str, metric: str, stamp: Stamp) -> Comparison:
    return compare(dataset, metric=metric)


@st.cache_data(max_entries=8, show_spinner="Counting clicks")
def _planned(dataset: str, stamp: Stamp) -> Plan:
    return plan_dataset(dataset)
