"""The report of label repair, on squares worked out by hand."""

import label_repair
import numpy as np

from lvcnet.correction.apply import apply_correction, made_labels, verdicts_by
from lvcnet.correction.store import Correction
from lvcnet.data.dataset import Dataset
from tests.correction.conftest import correction, dataset, make_squares, square

__all__ = ["correction", "dataset", "make_squares"]


def test_labels_before_and_after_by_hand(correction: Correction) -> None:
    """Labels have IoU 56 / 72 and proposals 1; three of the four labels are surely wrong: .9, .7 and, with the median of
    .6, .5."""
    (row,) = label_repair.repair_table([correction]).rows
    assert row[:4] == ["squares", "second", "4", "0.778"]
    assert row[4].startswith("1.000 (+22.2; +22.2 to +22.2)")
    assert row[5] == "3"
    assert row[6].startswith("0.944 (+16.7; ")


def test_precision_and_recall_by_hand() -> None:
    found, wrong = square(left=4), square(left=6)  # 64 px each, 48 in common
    assert label_repair.precision_recall(found, wrong) == ("0.750", "0.750")
    assert label_repair.precision_recall(np.zeros_like(wrong), wrong) == ("0.000", "0.000")


def test_label_sets_and_their_corrections_belong_together(correction: Correction, dataset: Dataset) -> None:
    apply_correction(correction, dataset, "better", verdicts_by(correction, "confident"), "confident")
    assert made_labels(correction, dataset) == ["better"]
