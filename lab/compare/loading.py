"""What the compare page reads, kept until a run or the data change, and Table 1 as its rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from lvcnet.comparison.cells import Comparison
from lvcnet.comparison.collect import collect
from lvcnet.comparison.tables import interval, round_table, summary
from lvcnet.comparison.where import Where, varying
from lvcnet.data.dataset import find_dataset, list_datasets
from lvcnet.errors import LvcnetError
from lvcnet.planner.curve import Plan, plan_dataset
from lvcnet.runs.store import list_runs

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


def table_rows(comparison: Comparison, further: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Table 1 as `lvcnet compare` prints it, then further metrics, an interval, and how good the labels were."""
    table = round_table(comparison)
    return [
        {
            **dict(zip(table.header, row, strict=True)),
            "Labels": comparison.title(cell.labels),
            **{comparison.titled(name): summary(cell.values[name]) for name in further},
            "95 % interval": interval(cell),
            "Label IoU": cell.label_iou,
        }
        for row, cell in zip(table.rows, comparison.ordered_cells(), strict=True)
    ]


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
