"""Majority vote and STAPLE, on votes that can be worked out by hand and against the paper's pixelwise iteration."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lvcnet.correction.consensus import (
    Estimate,
    codes,
    consensus,
    majority,
    restricted_region,
    staple,
)
from lvcnet.data.dataset import Dataset, LabelSet
from lvcnet.errors import LvcnetError
from tests.correction.conftest import square


def test_two_of_three_win() -> None:
    votes = np.array([[[1, 1, 0, 0]], [[1, 0, 1, 0]], [[1, 1, 0, 0]]], dtype=bool)
    mask, tie = majority(votes)
    assert mask.tolist() == [[True, True, False, False]]
    assert not tie.any()


def test_two_outlines_are_met_half_way() -> None:
    small, large = square(6, 6, 4), square(2, 2, 12)
    mask, tie = majority(np.stack([small, large]))
    assert np.array_equal(tie, large & ~small)
    assert np.array_equal(mask[10], square(4, 6, 8)[6]), "4 px apart: 2 px each"
    assert np.array_equal(mask, majority(np.stack([large, small]))[0])


def test_an_object_that_only_one_of_two_drew_is_left_out() -> None:
    both, extra = square(1, 1, 3), square(12, 12, 7)
    mask, _ = majority(np.stack([both, both | extra]))
    assert np.array_equal(mask, both)
    assert not majority(np.stack([np.zeros_like(extra), extra]))[0].any()
    assert majority(np.stack([np.ones_like(extra), extra]))[0].sum() > extra.sum(), "but a hole is filled"


def test_the_restricted_region_has_as_much_background_as_foreground() -> None:
    votes = np.zeros((2, 1, 20), dtype=bool)
    votes[0, 0, 8:10], votes[1, 0, 9:11] = True, True
    assert np.flatnonzero(restricted_region(votes)).tolist() == [6, 7, 8, 9, 10, 11, 12]
    assert not restricted_region(np.zeros((2, 3, 3), dtype=bool)).any()
    assert restricted_region(np.ones((2, 3, 3), dtype=bool)).all()


def test_who_always_says_the_opposite_is_found_out() -> None:
    counts = np.zeros(8, dtype=np.int64)
    counts[0b011], counts[0b100] = 50, 50
    found = staple(counts, 3)
    assert found.sensitivity == pytest.approx([1, 1, 0], abs=1e-6)
    assert found.specificity == pytest.approx([1, 1, 0], abs=1e-6)
    assert found.probability[0b011] == pytest.approx(1)
    assert found.probability[0b100] == pytest.approx(0)


def test_where_nobody_or_everybody_drew_there_is_nothing_to_measure() -> None:
    nobody = staple(np.array([9, 0, 0, 0]), 2)
    assert np.isnan(nobody.sensitivity).all()
    assert nobody.specificity.tolist() == [1, 1]
    everybody = staple(np.array([0, 0, 0, 9]), 2)
    assert everybody.sensitivity.tolist() == [1, 1]
    assert np.isnan(everybody.specificity).all()
    assert np.isnan(staple(np.zeros(4, dtype=np.int64), 2).sensitivity).all()


def test_known_reliabilities_are_recovered() -> None:
    rng = np.random.default_rng(2)
    truth = rng.random((400, 500)) < 0.5
    sensitivity, specificity = (
        [0.95, 0.85, 0.7, 0.9],
        [0.9, 0.97, 0.8, 0.73],
    )  # in the mean as the sensitivities: votes are unbiased
    drawn = [
        np.where(truth, rng.random(truth.shape) < p, rng.random(truth.shape) >= q)
        for p, q in zip(sensitivity, specificity, strict=True)
    ]
    votes = np.stack(drawn)
    found = staple(np.bincount(codes(votes).ravel(), minlength=16), 4)
    assert found.sensitivity == pytest.approx(sensitivity, abs=0.01)
    assert found.specificity == pytest.approx(specificity, abs=0.01)
    united = (found.probability >= 0.5)[codes(votes)]
    assert (united == truth).mean() > (majority(votes[:3])[0] == truth).mean()


def pixelwise(votes: np.ndarray, rounds: int) -> Estimate:
    """The paper's iteration as it is printed: over annotators (J) and pixels (n)."""
    votes = votes.reshape(len(votes), -1)
    prior = votes.mean()
    p = q = np.full(len(votes), 0.99)
    for _ in range(rounds):
        a = np.prod([np.where(v, pj, 1 - pj) for v, pj in zip(votes, p, strict=True)], axis=0) * prior
        b = np.prod([np.where(v, 1 - qj, qj) for v, qj in zip(votes, q, strict=True)], axis=0) * (1 - prior)
        w = a / (a + b)
        p = np.array([w[v].sum() / w.sum() for v in votes])
        q = np.array([(1 - w)[~v].sum() / (1 - w).sum() for v in votes])
    return Estimate(w, p, q)


@given(arrays(bool, (3, 5, 6), elements=st.booleans()))
def test_counting_codes_gives_what_the_iteration_over_pixels_gives(votes: np.ndarray) -> None:
    if not 0 < votes.mean() < 1:
        return
    code = codes(votes)
    found, expected = staple(np.bincount(code.ravel(), minlength=8), 3, rounds=10), pixelwise(votes, 10)
    np.testing.assert_allclose(found.probability[code].ravel(), expected.probability, atol=1e-6)
    np.testing.assert_allclose(found.sensitivity, expected.sensitivity, atol=1e-6)
    np.testing.assert_allclose(found.specificity, expected.specificity, atol=1e-6)


def three_annotators(dataset: Dataset) -> Dataset:
    """Beside `clean` and `second`, `third`, who draws twice the side but skips the last image."""
    total = len(dataset)
    masks = np.tile(square(4, 4, 16), (total, 1, 1, 1))
    covered = np.arange(total) < total - 1
    dataset.add_labels(LabelSet("third", masks & covered[:, None, None, None], covered))
    return dataset


@pytest.mark.parametrize("vote", ["majority", "staple"])
def test_three_annotators_become_a_label_set(make_squares, vote: str) -> None:
    dataset = three_annotators(make_squares(test=0))
    united, found = consensus(dataset, ["clean", "second", "third"], vote, "all")
    assert found["images"] == 11
    assert found["left_out"] == 1
    assert united.covered.tolist() == [True] * 11 + [False]
    expected = square(4, 4, 8) | square(5, 4, 8)  # `third` contains both, so their union has two votes
    assert all(np.array_equal(mask, expected) for mask in united.masks[:11, 0])
    assert not united.masks[11].any()
    measured = found["per_category"]["square"]
    assert measured["disputed_px"] == 11 * (256 - 56)
    if vote == "majority":
        assert measured["ties_px"] == 0
        assert measured["sensitivity"] == {
            "clean": pytest.approx(64 / 72),
            "second": pytest.approx(64 / 72),
            "third": 1.0,
        }
        assert measured["specificity"]["clean"] == 1
    else:
        assert measured["sensitivity"]["third"] == pytest.approx(1, abs=1e-3)
    assert measured["specificity"]["third"] < 0.9
    dataset.add_labels(united)
    assert Dataset.load("squares").manifest("all") == json.loads(json.dumps(found))


def test_what_cannot_be_united_is_refused(make_squares) -> None:
    dataset = three_annotators(make_squares())
    for names, vote, name, problem in (
        (["clean", "second"], "mean", "all", "vote 'mean' does not exist"),
        (["clean"], "staple", "all", "name 2 to 12"),
        (["clean", "clean"], "staple", "all", "name 2 to 12"),
        (["clean", "second"], "staple", "second", "choose another name for the result"),
        (["clean", "second"], "staple", "third", "exists"),
        (["clean", "absent"], "staple", "all", "no label set 'absent'"),
    ):
        with pytest.raises(LvcnetError, match=problem):
            consensus(dataset, names, vote, name, overwrite=True)


def test_only_a_consensus_is_replaced(make_squares) -> None:
    dataset = make_squares()
    dataset.add_labels(consensus(dataset, ["clean", "second"], "staple", "all")[0])
    with pytest.raises(LvcnetError, match="exists"):
        consensus(dataset, ["clean", "second"], "majority", "all")
    assert consensus(dataset, ["clean", "second"], "majority", "all", overwrite=True)[1]["vote"] == "majority"
