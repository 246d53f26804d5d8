"""Measurements against values worked out by hand, against geometry, and against scikit-image."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import perimeter_crofton

from lvcnet.inference.measure import category_ious, longest_diameter, measure, perimeter, sizes

masks = arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def ellipse(rows: int, columns: int, spacing: tuple[float, float], half: tuple[float, float]) -> np.ndarray:
    """An ellipse with half axes (vertical, horizontal) in mm, in the middle of the image."""
    y = (np.arange(rows) - (rows - 1) / 2)[:, None] * spacing[0]
    x = (np.arange(columns) - (columns - 1) / 2) * spacing[1]
    return (y / half[0]) ** 2 + (x / half[1]) ** 2 <= 1


def test_a_rectangle_on_pixels_of_2_by_half_a_mm() -> None:
    mask = np.zeros((10, 20), bool)
    mask[2:5, 4:12] = True  # 3 rows of 2 mm, 8 columns of 0.5 mm
    row = measure(mask, (2.0, 0.5))
    assert (row["area_px"], row["area_mm2"], row["fraction"], row["parts"]) == (24, 24.0, 0.12, 1)
    assert (row["width_px"], row["height_px"], row["longest_px"]) == (8, 3, round(math.hypot(3, 8), 2))
    assert (row["width_mm"], row["height_mm"], row["longest_mm"]) == (4.0, 6.0, round(math.hypot(6, 4), 2))


def test_the_perimeter_of_a_small_rectangle_by_hand() -> None:
    # 4 rows and 5 columns: 8 crossings along rows, 10 along columns, and two on each of 8 lines in either diagonal
    by_hand = math.pi / 8 * (8 + 10 + (16 + 16) / math.sqrt(2))
    assert perimeter(np.ones((4, 5), bool)) == pytest.approx(by_hand)


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (2.0, 1.0), (0.4, 1.0)])
def test_a_circle_keeps_its_perimeter_and_diameter_on_every_grid(spacing: tuple[float, float]) -> None:
    mask = ellipse(round(220 / spacing[0]), round(220 / spacing[1]), spacing, (100, 100))
    found = sizes(mask, spacing)
    assert found.perimeter == pytest.approx(200 * math.pi, rel=0.02)
    assert found.longest == pytest.approx(200, abs=2 * max(spacing))
    assert found.area == pytest.approx(math.pi * 100**2, rel=0.005)


def test_the_outline_of_a_hole_counts() -> None:
    ring = ellipse(200, 200, (1, 1), (80, 80)) & ~ellipse(200, 200, (1, 1), (40, 40))
    assert perimeter(ring) == pytest.approx(2 * math.pi * 120, rel=0.02)


def test_the_longest_diameter_spans_all_parts() -> None:
    mask = np.zeros((30, 50), bool)
    mask[0, 0] = mask[29, 39] = True
    row = measure(mask, None)
    assert row["parts"] == 2
    assert row["longest_px"] == 50.0  # 30 rows and 40 columns from corner to corner
    assert row["longest_mm"] is row["area_mm2"] is None


def test_an_empty_mask_measures_nothing() -> None:
    row = measure(np.zeros((5, 5), bool), (0.5, 0.5))
    assert set(row.values()) == {0}


@given(masks)
def test_pixels_are_measured_as_scikit_image_does(mask: np.ndarray) -> None:
    # theirs needs a border to see outlines that touch it
    assert perimeter(mask) == pytest.approx(perimeter_crofton(np.pad(mask, 2), directions=4))


@given(masks, st.floats(0.1, 3), st.floats(0.1, 3))
def test_sizes_turn_with_the_image(mask: np.ndarray, row: float, column: float) -> None:
    upright, turned = sizes(mask, (row, column)), sizes(mask.T, (column, row))
    assert turned.area == pytest.approx(upright.area)
    assert turned.perimeter == pytest.approx(upright.perimeter)
    assert turned.longest == pytest.approx(upright.longest)
    assert (turned.width, turned.height) == (upright.height, upright.width)


@given(masks)
def test_the_longest_diameter_is_that_of_all_pairs_of_pixels(mask: np.ndarray) -> None:
    pixels = np.argwhere(mask)
    apart = np.abs(pixels[:, None] - pixels[None]) + 1
    expected = np.hypot(apart[..., 0], apart[..., 1]).max() if len(pixels) else 0
    assert longest_diameter(mask) == pytest.approx(expected)


def test_agreement_is_the_iou_of_shared_categories() -> None:
    first, second = np.zeros((2, 4, 4), bool), np.zeros((2, 4, 4), bool)
    first[0, :2] = True  # 8 px
    second[1, 1:3] = True  # 8 px, 4 of them shared
    assert category_ious(first, second, ["hip", "femur"], ["sacrum", "hip"]) == {"hip": 0.3333}
    assert category_ious(first[1:], second[:1], ["hip"], ["hip"]) == {"hip": 1.0}
    assert category_ious(first, second, ["a", "b"], ["c", "d"]) == {}
