"""Which labels are surely wrong: confident learning's thresholds, and the majority of disputed pixels."""

import numpy as np
from cleanlab.segmentation.filter import find_label_issues
from hypothesis import given
from hypothesis import strategies as st

from lvcnet.correction.apply import accepted_keys, verdicts_by
from lvcnet.correction.confidence import MeanConfidence, confident_share, surely_wrong
from lvcnet.correction.judge import propose
from tests.correction.conftest import square


def test_thresholds_are_the_mean_probability_of_a_class_where_labels_say_it() -> None:
    """Foreground .9 and .5 (its mean is .7), background .8 and 1 - .4 (its mean is .7)."""
    confidence = MeanConfidence(1)
    for probability, label in ((0.9, True), (0.5, True), (0.2, False), (0.4, False)):
        confidence.add(*(np.full((1, 1, 1, 1), value) for value in (probability, label, True)))
    confidence.add(*(np.full((1, 1, 1, 1), value) for value in (0.1, True, False)))  # ignored
    np.testing.assert_allclose(confidence.thresholds(), [[0.7], [0.7]])
    np.testing.assert_array_equal(MeanConfidence(2).thresholds(), np.ones((2, 2)))


def test_careful_labels_are_hardly_disputed_confidently_and_coarse_ones_are() -> None:
    """The method blurs every outline by a pixel, as networks do; the coarse label is displaced by three."""
    probability = np.where(square(), 0.97, 0.03)
    probability[:, 4], probability[:, 12] = (
        0.55,
        0.45,
    )  # unsure on either side of the left and the right border
    labels = np.stack([square(left=5), square(left=8)])[:, None]
    both = np.repeat(probability[None, None], 2, axis=0)
    confidence = MeanConfidence(1)
    confidence.add(both, labels, np.ones_like(labels))
    careful, coarse = confident_share(both, labels, confidence.thresholds())
    assert careful < 0.5 < coarse


def test_where_nothing_is_disputed_nothing_is_confident() -> None:
    label = square()[None, None]
    assert confident_share(np.where(label, 0.9, 0.1), label, np.full((2, 1), 0.5)).tolist() == [0.0]


def test_disputed_pixels_are_cleanlabs_label_issues() -> None:
    """The pixels that cleanlab's off-diagonal confident counts are about; it removes as many as it estimates to be wrong."""
    rng = np.random.default_rng(0)
    clean = np.stack([square(left=left) for left in rng.integers(2, 9, 12)])
    labels = np.roll(clean, 2, axis=2)
    probability = np.where(clean, 0.9, 0.1) + rng.uniform(-0.05, 0.05, clean.shape)
    both = np.stack([1 - probability, probability], axis=1)
    found = find_label_issues(labels.astype(int), both, downsample=1, n_jobs=1, verbose=False)
    disputed = propose(probability) != labels
    assert (found & ~disputed).sum() == 0
    assert found.sum() > 0.9 * disputed.sum()


def test_rules_are_joined_and_the_first_that_says_something_counts(correction) -> None:
    correction.decisions.decide("image-1", "reject", "anna", None)
    verdicts = verdicts_by(correction, "reviewed+confident")
    assert {key: verdict.decision for key, verdict in verdicts.items()} == {
        "image-0": "accept",
        "image-1": "reject",
        "image-2": "accept",
    }
    assert verdicts_by(correction, "confident+reviewed")["image-1"].decision == "accept"


def test_the_rule_accepts_labels_of_which_most_is_confident(correction) -> None:
    """The fixture's shares are .5, .9, .7 and .1: their median is .6, so from .4 on a label goes with its set."""
    assert accepted_keys(correction, "confident") == ["image-1", "image-2", "image-0"]


def test_a_few_wrong_labels_among_careful_ones_are_found_and_nothing_else() -> None:
    shares = np.array([0.6, 0.1, 0.2, 0.45, 0.3])
    assert surely_wrong(shares).tolist() == [True, False, False, False, False]


def test_careful_labels_in_a_set_of_mostly_wrong_ones_stay() -> None:
    assert surely_wrong(np.array([0.7, 0.6, 0.65, 0.1, 0.15])).tolist() == [True, True, True, False, False]


@given(st.lists(st.floats(0, 1), max_size=20))
def test_who_is_surely_wrong_alone_is_surely_wrong_in_any_set(shares: list[float]) -> None:
    wrong = surely_wrong(np.array(shares))
    assert wrong[np.array(shares, dtype=float) > 0.5].all()
    assert len(wrong) == len(shares)
