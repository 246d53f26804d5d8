"""What is said about one label, on squares worked out by hand."""

import math

import numpy as np
import pytest
from cleanlab.segmentation.rank import get_label_quality_scores

from lvcnet.correction.judge import (
    find_regions,
    judge_batch,
    label_quality,
    masked_by_valid,
    propose,
    suspicion,
)
from lvcnet.data.dataset import LabelSet
from tests.correction.conftest import SIZE, square


def test_disagreement_of_a_square_shifted_by_one_pixel() -> None:
    """Of each outline's 28 pixels 14 lie on the other one and 14 are 1 px away: 0.5 px; IoU 56 / 72."""
    (row,) = judge_batch(square(left=5)[None, None].astype(np.float32), square()[None, None], ["a"])
    assert row["disagreement_px"] == pytest.approx(0.5)
    assert row["iou"] == pytest.approx(56 / 72)
    assert (row["missing"], row["extra"]) == (0, 0)


def test_equal_masks_disagree_nowhere() -> None:
    (row,) = judge_batch(square()[None, None].astype(np.float32), square()[None, None], ["a"])
    assert (row["disagreement_px"], row["iou"], row["quality"]) == (0.0, 1.0, 1.0)


def test_what_a_label_ignores_is_not_judged() -> None:
    """The method sees a second square where the label says nothing, and misses nothing elsewhere."""
    elsewhere = square(left=0, top=0, side=3)
    ignoring = LabelSet("a", square()[None, None], np.ones(1, bool), {}, elsewhere[None, None])
    probability = (square() | elsewhere)[None, None].astype(np.float32)
    masked = masked_by_valid(probability, ignoring, np.array([0]))
    (row,) = judge_batch(masked, ignoring.masks, ["a"])
    assert (row["disagreement_px"], row["iou"], row["quality"], row["missing"]) == (0.0, 1.0, 1.0, 0)
    (blind,) = judge_batch(probability, ignoring.masks, ["a"])
    assert blind["missing"] == 1


def test_measures_are_means_over_categories_and_quality_is_that_of_the_worst() -> None:
    probability = np.stack([square(left=5), square()])[None].astype(np.float32)
    labels = np.stack([square(), square()])[None]
    (row,) = judge_batch(probability, labels, ["a", "b"])
    assert row["disagreement_px"] == pytest.approx(0.25)
    assert row["iou"] == pytest.approx((56 / 72 + 1) / 2)
    assert row["quality"] == pytest.approx(label_quality(probability[0, 0], labels[0, 0]))


def test_label_quality_is_the_softmin_of_the_labels_probabilities() -> None:
    """Scores 1 and 0 at temperature 0.1 have the weights 1 and e^10."""
    assert label_quality(np.array([1.0, 1.0]), np.array([True, False])) == pytest.approx(
        1 / (1 + math.exp(10))
    )
    assert label_quality(np.full((3, 4), 0.2), np.zeros((3, 4), bool)) == pytest.approx(0.8)


def test_quality_and_suspicion_are_cleanlabs_on_the_two_class_problem() -> None:
    rng = np.random.default_rng(0)
    probability, label = rng.random((SIZE, SIZE)), rng.random((SIZE, SIZE)) < 0.5
    both = np.stack([1 - probability, probability])[None]
    scores, pixels = get_label_quality_scores(label[None].astype(int), both, verbose=False)
    assert label_quality(probability, label) == pytest.approx(scores[0])
    np.testing.assert_allclose(suspicion(probability, label), 1 - pixels[0])


def test_suspicion_is_the_probability_of_the_opposite_class_and_above_one_half_where_the_two_disagree() -> (
    None
):
    probability = np.array([[0.9, 0.9, 0.25, 0.25, 0.5]])
    label = np.array([[True, False, True, False, False]])
    found = suspicion(probability, label)
    np.testing.assert_allclose(found, [[0.1, 0.9, 0.75, 0.25, 0.5]])
    np.testing.assert_array_equal(found >= 0.5, propose(probability) != label)


def test_missing_and_extra_objects_are_counted_and_specks_are_not() -> None:
    seen = square(1, 1, 3) | square(10, 10, 4) | square(18, 1, 1)  # the last is a speck of 1 px
    drawn = square(1, 14, 5) | square(10, 11, 4)
    regions = find_regions(np.where(seen, 0.9, 0.1), drawn, "a")
    assert {(region.kind, region.box, region.pixels) for region in regions} == {
        ("missing", (1, 1, 4, 4), 9),
        ("extra", (1, 14, 6, 19), 25),
        ("both", (10, 10, 14, 15), 20),
    }
    qualities = {region.kind: region.quality for region in regions}
    assert qualities["missing"] == pytest.approx(0.1)
    assert qualities["extra"] == pytest.approx(0.1)
    weights = 12 * math.exp(1), 8 * math.exp(9)  # 12 pixels in both, 4 + 4 in one of the two only
    assert qualities["both"] == pytest.approx((0.9 * weights[0] + 0.1 * weights[1]) / sum(weights))
