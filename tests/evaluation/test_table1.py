"""Table 1: rounds of several seeds pooled, the paper's figures beside them."""

from pathlib import Path
from typing import Any

import pytest

from lvcnet.evaluation.comparison import Cell, Comparison
from lvcnet.evaluation.metrics import METRICS
from lvcnet.evaluation.table1 import pooled_rounds, rounds_note, table_1
from lvcnet.runs.directory import RunDirectory


def evaluation(values: list[float]) -> dict[str, Any]:
    rounds = {name: {"values": values} for name in ("precision", "recall", "miou")}
    return {"rounds": {"rounds": len(values), "images": 50, "of": 60, **rounds}}


def test_rounds_of_all_seeds_are_pooled() -> None:
    mean, sd = pooled_rounds([evaluation([0.5, 0.7]), evaluation([0.6, 0.8])])["recall"]
    assert mean == pytest.approx(0.65)
    assert sd == pytest.approx((0.05 / 3) ** 0.5)  # squares .0225 .0025 .0025 .0225 over n - 1
    assert rounds_note([evaluation([0.5, 0.7])]) == "2 rounds of 50 of 60 test images"


def test_rows_go_from_clean_to_noisy_and_in_the_order_of_the_paper(workspace_home: Path) -> None:
    cells = []
    for method, labels, level in (("lvcnet", "level4", 4), ("unet", "level4", 4), ("unet", "clean", 0)):
        run = RunDirectory(workspace_home / "runs" / f"{method}-{labels}")
        run.create({})
        run.write_evaluation(evaluation([0.5, 0.7]))
        values = {name: [0.6] for name in METRICS}
        cells.append(Cell(method, labels, level, 0.7, {0: run.name}, values, 1, 1.0))
    rows = table_1(Comparison("hips", "iou", cells, []))
    assert [(row.cell.labels, row.cell.method) for row in rows] == [
        ("clean", "unet"),
        ("level4", "unet"),
        ("level4", "lvcnet"),
    ]
    assert rows[0].paper is None  # the paper has no clean labels
    assert rows[2].paper == {"precision": 0.815, "recall": 0.796, "miou": 0.738}
    assert rows[2].rounds["miou"][0] == pytest.approx(0.6)
