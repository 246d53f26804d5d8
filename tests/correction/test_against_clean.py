"""Average precision from histograms, and what clean labels say about labels and proposals."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from lvcnet.correction.against_clean import CleanCheck, PixelRanking
from tests.correction.conftest import square


def test_average_precision_by_hand() -> None:
    """Falling scores: right, wrong, wrong, right; precision 1/2 and 2/3 where the wrong ones are found."""
    ranking = PixelRanking()
    ranking.add(np.array([1.0, 0.8, 0.4, 0.0]), np.array([False, True, True, False]))
    assert ranking.average_precision() == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_average_precision_is_scikit_learns_however_it_is_batched() -> None:
    rng = np.random.default_rng(1)
    steps = rng.integers(0, 256, 3000)
    wrong = rng.random(3000) < steps / 500
    ranking = PixelRanking()
    for part in np.array_split(np.arange(3000), 7):
        ranking.add(steps[part] / 255, wrong[part])
    assert ranking.average_precision() == pytest.approx(average_precision_score(wrong, steps))


def test_flagged_pixels_by_hand() -> None:
    """Scores of .6 and more are flagged: two pixels, one of them wrong; the other wrong pixel is missed."""
    ranking = PixelRanking()
    ranking.add(np.array([0.9, 0.6, 0.4, 0.1]), np.array([True, False, True, False]))
    assert ranking.flagged() == (0.5, 0.5)
    assert PixelRanking().flagged() == (None, None)


def test_no_wrong_pixel_has_no_average_precision() -> None:
    ranking = PixelRanking()
    ranking.add(np.array([0.3]), np.array([False]))
    assert ranking.average_precision() is None


def test_proposals_that_are_right_find_every_wrong_pixel_first() -> None:
    check = CleanCheck()
    clean, labels = square()[None, None], square(left=5)[None, None]
    (row,) = check.add(np.where(clean, 0.9, 0.1), labels, clean)
    assert row == {"label_clean_iou": pytest.approx(56 / 72), "proposal_clean_iou": 1.0}
    assert check.result() == {
        "label_iou": pytest.approx(56 / 72),
        "proposal_iou": 1.0,
        "suspicion_average_precision": 1.0,
        "suspicion_precision": 1.0,
        "suspicion_recall": 1.0,
    }


def test_without_clean_foreground_there_is_nothing_to_say() -> None:
    check = CleanCheck()
    empty = np.zeros((1, 1, 20, 20), dtype=bool)
    assert check.add(np.zeros(empty.shape), empty, empty) == [
        {"label_clean_iou": None, "proposal_clean_iou": None}
    ]
    assert check.result() is None
