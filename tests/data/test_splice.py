"""Outlines that have changed in one place: exact elsewhere, smooth there, and the same mask on the working grid."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from lvcnet.data.images import mask_to_working_grid
from lvcnet.data.outlines.shapes import painted
from lvcnet.data.outlines.smooth import Region, smooth_shapes
from lvcnet.data.outlines.splice import spliced
from lvcnet.masks.outlines import Outline
from lvcnet.masks.rle import encode_run_lengths, parse_run_lengths
from tests.data.test_smooth import FULL, SIZE, ellipse, iou

ANGLES = np.linspace(0, 2 * np.pi, 300, endpoint=False)
DRAWN = Outline([np.stack([250.25 + 150 * np.cos(ANGLES), 260.5 + 100 * np.sin(ANGLES)], axis=1)])


def changed(mask: np.ndarray) -> np.ndarray:
    """With four more pixels of the grid, to the right of the object."""
    after = mask.copy()
    row = int(np.flatnonzero(mask.any(axis=1)).mean())
    right = int(np.flatnonzero(mask[row]).max())
    after[row - 1 : row + 1, right + 1 : right + 3] = True
    return after


def test_an_outline_keeps_its_points_where_nothing_has_changed() -> None:
    before = painted([DRAWN], FULL, FULL)
    mask = changed(mask_to_working_grid(before, (SIZE, SIZE)))
    shapes = spliced([DRAWN], mask, FULL, FULL)
    after = painted(shapes, FULL, FULL)
    np.testing.assert_array_equal(mask_to_working_grid(after, (SIZE, SIZE)), mask)
    np.testing.assert_array_equal(after[:, :350], before[:, :350])
    (shape,) = shapes
    assert isinstance(shape, Outline)
    points = {tuple(point) for point in np.round(shape.rings[0], 2).tolist()}
    left = [tuple(point) for point in np.round(DRAWN.rings[0], 2).tolist() if point[0] < 350]
    assert len(points & set(left)) > 0.95 * len(left), "most original points are in it"
    assert 4 * 64 * 0.8 < after.sum() - before.sum() < 4 * 64 * 1.3


def test_run_lengths_with_a_hole_stay_to_the_pixel_elsewhere() -> None:
    before = ellipse(0.5, 0.5, 0.3, 0.25, 0.4) & ~ellipse(0.45, 0.5, 0.08, 0.1, 0)
    drawn = parse_run_lengths(encode_run_lengths(before), FULL, FULL)
    mask = changed(mask_to_working_grid(before, (SIZE, SIZE)))
    shapes = spliced([drawn], mask, FULL, FULL)
    after = painted(shapes, FULL, FULL)
    assert [type(shape) for shape in shapes] == [Region]
    np.testing.assert_array_equal(after[:, :330], before[:, :330])
    np.testing.assert_array_equal(mask_to_working_grid(after, (SIZE, SIZE)), mask)


def test_what_has_changed_all_over_is_drawn_anew() -> None:
    before = painted([DRAWN], FULL, FULL)
    mask = ndimage.binary_dilation(mask_to_working_grid(before, (SIZE, SIZE)), iterations=3)
    after, smooth = (
        painted(shapes, FULL, FULL)
        for shapes in (spliced([DRAWN], mask, FULL, FULL), smooth_shapes(mask, FULL, FULL))
    )
    np.testing.assert_array_equal(after, smooth)
    assert spliced([DRAWN], np.zeros_like(mask), FULL, FULL) == []


def test_an_outline_that_crosses_itself_is_filled_as_before() -> None:
    bow_tie = Outline([np.array([[50.0, 50.0], [450.0, 400.0], [450.0, 50.0], [50.0, 400.0]])])
    before = painted([bow_tie], FULL, FULL)
    mask = mask_to_working_grid(before, (SIZE, SIZE))
    mask[20, 8:14] = True
    after = painted(spliced([bow_tie], mask, FULL, FULL), FULL, FULL)
    np.testing.assert_array_equal(mask_to_working_grid(after, (SIZE, SIZE)), mask)
    assert iou(after[:, 300:], before[:, 300:]) > 0.999


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(17, 90), st.integers(17, 90))
def test_any_change_of_anything_drawn_comes_back(seed: int, pixels: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    before = ndimage.gaussian_filter(rng.normal(size=(height, width)), 5) > 0
    mask = mask_to_working_grid(before, (16, 16))
    mask[tuple(rng.integers(0, 16, (2, pixels)))] ^= True
    drawn = parse_run_lengths(encode_run_lengths(before), height, width)
    shapes = spliced([drawn], mask, height, width)
    exact = smooth_shapes(mask, height, width)
    wrong, least = (
        int((mask_to_working_grid(painted(found, height, width), (16, 16)) != mask).sum())
        for found in (shapes, exact)
    )
    assert wrong <= least, "as good as what is drawn anew, which is exact where the image can hold it"
    if min(height, width) > 32:
        assert wrong == 0


@pytest.mark.parametrize("size", [64, 40])
def test_an_image_no_larger_than_the_grid_gets_its_pixels(size: int) -> None:
    mask = ellipse(0.5, 0.5, 0.3, 0.2, 0, SIZE)
    drawn = parse_run_lengths(encode_run_lengths(np.ones((size, size), dtype=bool)), size, size)
    after = painted(spliced([drawn], mask, size, size), size, size)
    np.testing.assert_array_equal(after, painted(smooth_shapes(mask, size, size), size, size))
