"""A comparison in the form of the paper's Table 1: precision, recall and mIoU over rounds of random test images.

The paper draws 5 rounds of 50 test images; the sd says how much the choice of the images matters. With several seeds
the rounds of all of them are pooled, so that it also holds what another start of the training changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lvcnet.evaluation.comparison import Cell, Comparison
from lvcnet.evaluation.protocol import ROUND_METRICS
from lvcnet.evaluation.statistics import mean_sd
from lvcnet.evaluation.tables import paper_values
from lvcnet.runs.store import find_run

Evaluation = Mapping[str, Any]


@dataclass(frozen=True)
class Table1Row:
    """One method on one label set.

    Attributes:
        cell: which runs, and the means of all metrics.
        rounds: precision, recall and miou -> mean and sd over the rounds of all seeds.
        paper: the paper's figures for the same method and level, if it has them.
    """

    cell: Cell
    rounds: dict[str, tuple[float, float | None]]
    paper: dict[str, float] | None


def table_1(comparison: Comparison) -> list[Table1Row]:
    """Rows by label set, from clean to noisy, and within it by method, in the order of the paper.

    Raises:
        LvcnetError: if a run of the comparison is gone.
    """
    cells = [
        cell
        for labels in comparison.label_sets()
        for method in comparison.methods()
        if (cell := comparison.cell(method, labels)) is not None
    ]
    return [Table1Row(cell, pooled_rounds(evaluations_of(cell)), paper_values(cell)) for cell in cells]


def evaluations_of(cell: Cell) -> list[Evaluation]:
    """The evaluation.json of every run in a cell, by seed."""
    found = [find_run(name).evaluation() for name in cell.runs.values()]
    return [evaluation for evaluation in found if evaluation is not None]


def pooled_rounds(evaluations: Sequence[Evaluation]) -> dict[str, tuple[float, float | None]]:
    """Metric -> mean and sd over the rounds of all evaluations.

    >>> one = {"rounds": {name: {"values": [0.5, 0.7]} for name in ("precision", "recall", "miou")}}
    >>> mean, sd = pooled_rounds([one])["miou"]
    >>> round(mean, 3), round(sd, 3)
    (0.6, 0.141)
    """
    return {
        name: mean_sd([value for evaluation in evaluations for value in evaluation["rounds"][name]["values"]])
        for name in ROUND_METRICS
    }


def rounds_note(evaluations: Sequence[Evaluation]) -> str:
    """What the rounds were, in a sentence."""
    rounds = evaluations[0]["rounds"]
    images = f"{rounds['images']} of {rounds['of']} test images"
    return f"{rounds['rounds']} rounds of {images}"
