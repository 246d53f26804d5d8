"""What the compare page shows as rows and orders; every number in them comes from lvcnet.evaluation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from lvcnet.comparison.cells import BASELINE, Cell, Comparison
from lvcnet.comparison.collect import collect, evaluations_of, image_scores
from lvcnet.comparison.tables import interval, marked, round_table, summary
from lvcnet.comparison.where import Where, varying
from lvcnet.data.dataset import find_dataset, list_datasets
from lvcnet.errors import LvcnetError
from lvcnet.masks.metrics import METRICS
from lvcnet.methods import method_title
from lvcnet.planner.curve import Plan, plan_dataset
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import find_run, is_demo, list_runs

Stamp = tuple[tuple[str, int], ...]


def data_sets() -> list[str]:
    """Data sets with an evaluated run, then those with a run, then those without; none where there is no run at all."""
    evaluated: dict[str, bool] = {}
    for run in list_runs():
        name = run.config()["dataset"]
        evaluated[name] = evaluated.get(name, False) or run.has_evaluation()
    known = sorted(evaluated, key=lambda name: (not evaluated[name], name))
    return known + [name for name in list_datasets() if known and name not in evaluated]


def settings_to_choose(dataset: str) -> dict[str, list[Any]]:
    """Settings in which finished runs of a data set differ, with the values they have."""
    return varying(run.config() for run in list_runs(dataset) if run.has_evaluation())


def load_comparison(dataset: str, metric: str, where: Where | None = None) -> Comparison:
    """`lvcnet.comparison.collect.collect`, kept until a run or the data change.

    Raises:
        LvcnetError: if there is nothing to compare.
    """
    return _compared(dataset, metric, dict(where or {}), _stamp(dataset))


def load_plan(dataset: str, where: Where | None = None) -> Plan:
    """`lvcnet.planner.curve.plan_dataset`, kept until a run or the data change.

    Raises:
        LvcnetError: if nothing can be planned.
    """
    return _planned(dataset, dict(where or {}), _stamp(dataset))


def find_plan(dataset: str, where: Where | None = None) -> Plan | None:
    """`load_plan`, or None where nothing can be planned."""
    try:
        return load_plan(dataset, where)
    except LvcnetError:
        return None


def not_evaluated(dataset: str) -> list[RunDirectory]:
    """The user's runs that are done, have a checkpoint and wait for their evaluation."""
    return [
        run
        for run in list_runs(dataset, demo=False)
        if run.status()["state"] == "done"
        and not run.has_evaluation()
        and (run.checkpoints / "last.safetensors").exists()
        and not is_demo(run)
    ]


def table_rows(comparison: Comparison, further: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Table 1 as `lvcnet compare` prints it, then further metrics, an interval, and how good the labels were."""
    table = round_table(comparison)
    return [
        {
            **dict(zip(table.header, row, strict=True)),
            "Labels": comparison.title(cell.labels),
            **{METRICS[name].title: summary(cell.values[name]) for name in further},
            "95 % interval": interval(cell),
            "Label IoU": cell.label_iou,
        }
        for row, cell in zip(table.rows, comparison.ordered_cells(), strict=True)
    ]


def headline(comparison: Comparison) -> list[tuple[str, str, str | None]]:
    """At the noisiest labels: (method, score, difference from the baseline) for every method that learned from them.

    There is no difference from or to a score from which nothing is concluded.
    """
    labels = hardest_labels(comparison)
    found = [cell for cell in comparison.cells if cell.labels == labels]
    baseline = next((cell for cell in found if cell.method == BASELINE and not cell.excluded), None)
    base = baseline.mean(comparison.metric) if baseline else None
    rows: list[tuple[str, str, str | None]] = []
    for cell in found:
        score = cell.mean(comparison.metric)
        delta = None if base is None or cell.excluded or cell.method == BASELINE else f"{score - base:+.3f}"
        rows.append((marked(cell, method_title(cell.method)), f"{score:.3f}", delta))
    return rows


def hardest_labels(comparison: Comparison) -> str:
    """The label set most methods learned from; of several the noisiest level."""
    counts: dict[str, int] = {}
    for cell in comparison.cells:
        counts[cell.labels] = counts.get(cell.labels, 0) + 1
    most = max(counts.values())
    return max(
        (name for name in counts if counts[name] == most), key=lambda name: comparison.level(name) or -1
    )


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
def _compared(dataset: str, metric: str, where: dict[str, Any], stamp: Stamp) -> Comparison:
    return collect(dataset, metric=metric, where=where)


@st.cache_data(max_entries=8, show_spinner="Counting clicks")
def _planned(dataset: str, where: dict[str, Any], stamp: Stamp) -> Plan:
    return plan_dataset(dataset, where=where)
