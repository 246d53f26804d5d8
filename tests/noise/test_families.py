"""Every family: identity, what it may change, and values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from lvcnet.errors import LvcnetError
from lvcnet.files import keyed_rng
from lvcnet.masks.geometry import signed_distance
from lvcnet.noise import FAMILIES, create_family
from lvcnet.noise.boundary import circular_walk, markov, morphology
from lvcnet.noise.instance import box, drop, shift
from lvcnet.noise.levels import Mask
from lvcnet.noise.objects import keep_alive
from tests.noise.helpers import shapes

NAMES = sorted(FAMILIES)
BIASABLE = sorted(name for name, family in FAMILIES.items() if family.biasable)
masks = arrays(bool, st.tuples(st.integers(1, 24), st.integers(1, 24)))


def rng(number: int = 0) -> np.random.Generator:
    return keyed_rng(number, "test")


def rectangle(height: int = 4, width: int = 5) -> Mask:
    mask = np.zeros((16, 16), bool)
    mask[5 : 5 + height, 6 : 6 + width] = True
    return mask


def iou(a: Mask, b: Mask) -> float:
    return float((a & b).sum() / (a | b).sum())


@pytest.mark.parametrize("name", NAMES)
@given(mask=masks, number=st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_strength_zero_changes_nothing(name: str, mask: Mask, number: int) -> None:
    np.testing.assert_array_equal(FAMILIES[name].apply(mask, 0.0, rng(number), 0.0), mask)


@pytest.mark.parametrize("name", NAMES)
@given(mask=masks, share=st.floats(0, 1), bias=st.sampled_from([-1.0, 0.0, 0.5]), number=st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_output_is_a_new_mask_and_only_drop_deletes(
    name: str, mask: Mask, share: float, bias: float, number: int
) -> None:
    before = mask.copy()
    noisy = FAMILIES[name].apply(mask, share * FAMILIES[name].max_strength(24), rng(number), bias)
    assert noisy.shape == mask.shape
    assert noisy.dtype == np.bool_
    assert noisy is not mask
    np.testing.assert_array_equal(mask, before)
    if name != "drop":
        assert noisy.any() == mask.any()


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"drop"}))
def test_far_apart_small_objects_all_survive(name: str) -> None:
    mask = np.zeros((96, 96), bool)
    for top in (8, 44, 80):
        for left in (8, 44, 80):
            mask[top : top + 3, left : left + 2] = True
    strength = 1.0 if FAMILIES[name].unit == "fraction" else 4.0
    for bias in (-1.0, 0.0):
        noisy = FAMILIES[name].apply(mask, strength, rng(), bias)
        assert ndimage.label(noisy, np.ones((3, 3)))[1] >= 9


@pytest.mark.parametrize("name", NAMES)
def test_more_strength_means_less_overlap(name: str) -> None:
    family = FAMILIES[name]
    clean = [shapes(str(number))[number % 2] for number in range(24)]
    steps = [0.1, 0.3, 0.5, 0.9] if family.unit == "fraction" else [0.5, 1.5, 3.0, 6.0]
    means = [
        np.mean([iou(mask, family.apply(mask, step, rng(i), 0.0)) for i, mask in enumerate(clean)])
        for step in steps
    ]
    assert 1 > means[0] > means[1] > means[2] > means[3] > 0


@pytest.mark.parametrize("name", BIASABLE)
@pytest.mark.parametrize("bias", [-1.0, 1.0])
def test_full_bias_always_shrinks_or_always_grows(name: str, bias: float) -> None:
    for number in range(12):
        clean = shapes(str(number))[number % 2]
        noisy = FAMILIES[name].apply(clean, 3.0, rng(number), bias)
        assert bias * (int(noisy.sum()) - int(clean.sum())) > 0


@pytest.mark.parametrize("name", BIASABLE)
def test_no_bias_keeps_the_area_on_average(name: str) -> None:
    changes = []
    for number in range(120):
        clean = shapes(str(number % 6))[0]
        changes.append(FAMILIES[name].apply(clean, 1.5, rng(number), 0.0).sum() / clean.sum() - 1)
    standard_error = np.std(changes) / np.sqrt(len(changes))
    assert abs(np.mean(changes)) < 3 * standard_error + 0.01


def test_dilation_by_one_pixel_adds_the_four_neighbours() -> None:
    noisy = morphology(rectangle(), 1.0, rng(), 1.0)
    assert noisy.sum() == 20 + 2 * (4 + 5)
    cross = ndimage.binary_dilation(rectangle())
    np.testing.assert_array_equal(noisy, cross)


def test_erosion_by_one_pixel_leaves_two_by_three() -> None:
    noisy = morphology(rectangle(), 1.0, rng(), -1.0)
    expected = np.zeros((16, 16), bool)
    expected[6:8, 7:10] = True
    np.testing.assert_array_equal(noisy, expected)


def test_fractional_radius_lies_between_whole_ones() -> None:
    clean = shapes("a")[0]
    one, between, two = (morphology(clean, radius, rng(), 1.0) for radius in (1.0, 1.5, 2.0))
    assert (one <= between).all()
    assert (between <= two).all()
    share = (between.sum() - one.sum()) / (two.sum() - one.sum())
    assert 0.25 < share < 0.75


def test_coin_of_morphology_follows_bias() -> None:
    clean = rectangle()
    grown = [morphology(clean, 1.0, rng(number), 0.5).sum() > 20 for number in range(200)]
    assert 0.65 < np.mean(grown) < 0.85  # expected 3/4, standard deviation .03


def test_border_is_no_outline() -> None:
    mask = np.zeros((20, 20), bool)
    mask[:, :8] = True
    eroded = morphology(mask, 2.0, rng(), -1.0)
    expected = np.zeros((20, 20), bool)
    expected[:, :6] = True
    np.testing.assert_array_equal(eroded, expected)


def test_markov_at_full_bias_never_crosses_the_outline() -> None:
    clean = shapes("b")[0]
    assert (markov(clean, 4.0, rng(), 1.0) >= clean).all()
    assert (markov(clean, 4.0, rng(), -1.0) <= clean).all()


def test_circular_walk_has_unit_variance_and_joins_up() -> None:
    walks = np.stack([circular_walk(60, rng(number)) for number in range(3000)])
    assert walks.var() == pytest.approx(1.0, abs=0.03)
    step = np.mean(walks[:, 0] * walks[:, 1])
    assert step == pytest.approx(np.exp(-1 / 12), abs=0.06)
    assert np.mean(walks[:, 0] * walks[:, -1]) == pytest.approx(step, abs=0.02)


def test_full_box_is_the_bounding_box_of_each_object() -> None:
    triangle = np.zeros((16, 16), bool)
    triangle[2:8, 2:8] = np.tril(np.ones((6, 6), bool))
    triangle[11:13, 12] = True
    expected = triangle.copy()
    expected[2:8, 2:8] = True
    np.testing.assert_array_equal(box(triangle, 1.0, rng()), expected)
    half = box(triangle, 0.5, rng())
    assert triangle.sum() < half.sum() < expected.sum()
    assert (triangle <= half).all()
    assert (half <= expected).all()


def test_rectangle_is_its_own_box() -> None:
    for strength in (0.3, 1.0):
        np.testing.assert_array_equal(box(rectangle(), strength, rng()), rectangle())


def test_drop_forgets_objects_with_the_given_probability() -> None:
    mask = np.zeros((40, 40), bool)
    mask[1::4, 1::4] = True  # 100 objects
    kept = [int(drop(mask, 0.3, rng(number)).sum()) for number in range(20)]
    assert np.mean(kept) == pytest.approx(70, abs=4)
    assert not drop(mask, 1.0, rng()).any()
    assert (drop(mask, 0.6, rng()) <= drop(mask, 0.3, rng())).all()


def test_shift_moves_by_the_given_standard_deviation() -> None:
    disc = signed_distance_of_point(64) > -9
    centres = [np.argwhere(shift(disc, 2.0, rng(number))).mean(axis=0) - 32 for number in range(300)]
    assert np.std(centres) == pytest.approx(2.0, abs=0.25)
    assert np.abs(np.mean(centres)) < 0.3


def signed_distance_of_point(size: int) -> np.ndarray:
    point = np.zeros((size, size), bool)
    point[size // 2, size // 2] = True
    return signed_distance(point)


def test_signed_distance_is_half_a_pixel_beside_the_outline() -> None:
    distance = signed_distance(rectangle())
    np.testing.assert_allclose(distance[6, 4:9], [-1.5, -0.5, 0.5, 1.5, 1.5])


def test_keep_alive_returns_the_innermost_pixel() -> None:
    alive = keep_alive(np.zeros((16, 16), bool), rectangle(5, 5))
    assert np.argwhere(alive).tolist() == [[7, 8]]


def test_unknown_family_names_the_known_ones() -> None:
    with pytest.raises(LvcnetError, match="'scribble' does not exist: choose one of polygon, morphology"):
        create_family("scribble")
