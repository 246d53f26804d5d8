"""Bootstrap, Wilcoxon and Holm against values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvcnet.errors import LvcnetError
from lvcnet.evaluation.statistics import holm, mean_sd, paired_bootstrap, signed_rank


def test_bootstrap_of_two_images_by_hand() -> None:
    # differences 0 and 1: a resample's mean is 0, 1/2 or 1 with probability 1/4, 1/2, 1/4
    interval = paired_bootstrap(np.array([0.5, 1.0]), np.array([0.5, 0.0]))
    assert (interval.mean, interval.low, interval.high) == (0.5, 0.0, 1.0)


def test_bootstrap_is_close_to_the_normal_interval() -> None:
    difference = np.random.default_rng(0).normal(0.1, 0.2, 400)
    interval = paired_bootstrap(difference, np.zeros(400))
    half = 1.96 * difference.std() / 20
    assert interval.low == pytest.approx(difference.mean() - half, abs=0.002)
    assert interval.high == pytest.approx(difference.mean() + half, abs=0.002)


def test_bootstrap_of_two_seeds_by_hand() -> None:
    # one image, differences 0 and 1: two seeds drawn from two give their mean 1/2 with probability 1/2, and with 1/4 each
    # one seed twice: 1/2 -+ 1/2, widened by the root of 2 / (2 - 1)
    interval = paired_bootstrap(np.array([[0.0], [1.0]]), np.zeros((2, 1)))
    assert (interval.mean, interval.low, interval.high) == pytest.approx(
        (0.5, 0.5 - 0.5**0.5, 0.5 + 0.5**0.5)
    )


def test_bootstrap_over_seeds_and_images_has_the_variance_of_both() -> None:
    # crossed: the mean's variance is that of the seeds over S plus that of the images over n, each with n - 1
    seeds, images = np.array([-0.02, 0.0, 0.02]), np.random.default_rng(2).normal(0, 0.05, 400)
    difference = seeds[:, None] + images
    interval = paired_bootstrap(difference, np.zeros_like(difference))
    sd = (0.0004 / 3 + images.var(ddof=1) / 400) ** 0.5
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * sd, rel=0.1)
    alone = paired_bootstrap(difference.mean(0), np.zeros(400))
    assert alone.high - alone.low < 0.5 * (interval.high - interval.low)


def test_equal_seeds_add_nothing_to_the_interval() -> None:
    values = np.random.default_rng(3).random((2, 50))
    once, thrice = (paired_bootstrap(*np.stack([values] * n, 1)) for n in (1, 3))
    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high), rel=0.05)


def test_bootstrap_is_keyed_by_its_seed() -> None:
    values = np.random.default_rng(1).random((2, 30))
    assert paired_bootstrap(*values, seed=4) == paired_bootstrap(*values, seed=4)
    assert paired_bootstrap(*values, seed=4) != paired_bootstrap(*values, seed=5)


def test_signed_rank_by_hand() -> None:
    # five pairs, all in one direction: two of the 2**5 sign patterns are as extreme
    assert signed_rank(np.array([1.0, 2, 3, 4, 5]), np.zeros(5)) == pytest.approx(2 / 32)


def test_signed_rank_averages_seeds_first() -> None:
    scores = np.array([[2.0, 0, 5, 4, 3], [0.0, 4, 1, 4, 7]])  # means 1 2 3 4 5
    assert signed_rank(scores, np.zeros((2, 5))) == pytest.approx(2 / 32)


def test_signed_rank_of_equal_values_is_one() -> None:
    assert signed_rank(np.ones(4), np.ones(4)) == 1.0


def test_values_that_are_not_pairs_are_refused() -> None:
    for first, second in ((np.zeros(3), np.zeros(4)), (np.zeros((2, 3)), np.zeros(3)), (np.zeros(0),) * 2):
        with pytest.raises(LvcnetError, match="same images"):
            paired_bootstrap(first, second)


def test_holm_by_hand() -> None:
    # sorted .005 .01 .03 .04 -> x4 .020, x3 .030, x2 .060, x1 .040 raised to .060
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_never_lowers_a_p_value_nor_leaves_the_range(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(before <= after <= 1 for before, after in zip(p_values, adjusted, strict=True))


def test_mean_sd_uses_n_minus_one() -> None:
    assert mean_sd([1.0, 2.0, 3.0]) == (2.0, 1.0)
