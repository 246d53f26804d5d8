"""Outlines drawn anew from the working grid, beside the shape that the grid is of."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from lvcnet.data.images import mask_to_full_resolution, mask_to_working_grid
from lvcnet.data.importing.annotated import Shape
from lvcnet.data.outlines.rings import crosses_itself
from lvcnet.data.outlines.shapes import painted
from lvcnet.data.outlines.smooth import Region, evenly_spaced, smooth_shapes, smoothed
from lvcnet.masks.outlines import Outline, Ring, signed_area

SIZE, FULL = 64, 512


def ellipse(x: float, y: float, across: float, down: float, turn: float, size: int = FULL) -> np.ndarray:
    """(size, size) bool; centre and half axes as shares of the side."""
    rows, columns = (np.mgrid[:size, :size] + 0.5) / size
    u = (columns - x) * np.cos(turn) + (rows - y) * np.sin(turn)
    v = (rows - y) * np.cos(turn) - (columns - x) * np.sin(turn)
    return (u / across) ** 2 + (v / down) ** 2 < 1


def iou(one: np.ndarray, two: np.ndarray) -> float:
    return float((one & two).sum() / (one | two).sum())


def gain(smooth: np.ndarray, truth: np.ndarray) -> float:
    """Which share of the error of the stairs is gone."""
    stairs = mask_to_full_resolution(mask_to_working_grid(truth, (SIZE, SIZE)), *truth.shape)
    return 1 - (1 - iou(smooth, truth)) / (1 - iou(stairs, truth))


def drawn_anew(mask: np.ndarray, height: int = FULL, width: int = FULL) -> np.ndarray:
    return painted(smooth_shapes(mask, height, width), height, width)


def test_ellipses_are_nearer_to_the_truth_than_stairs_and_keep_their_area() -> None:
    rng = np.random.default_rng(0)
    found, areas, gains = [], [], []
    for _ in range(20):
        x, y = rng.uniform(0.35, 0.65, 2)
        truth = ellipse(x, y, *rng.uniform(0.1, 0.3, 2), rng.uniform(0, np.pi))
        grid = mask_to_working_grid(truth, (SIZE, SIZE))
        smooth = drawn_anew(grid)
        found.append(iou(smooth, truth))
        gains.append(gain(smooth, truth))
        areas.append(smooth.sum() / truth.sum() - 1)
    assert np.mean(found) > 0.98
    assert np.mean(gains) > 0.5
    assert min(gains) > 0.3
    assert abs(np.mean(areas)) < 0.002
    assert max(map(abs, areas)) < 0.01


@pytest.mark.parametrize(("height", "width"), [(512, 512), (300, 700), (130, 65), (64, 200)])
def test_what_is_drawn_anew_is_the_same_mask_on_the_working_grid(height: int, width: int) -> None:
    for seed in range(4):
        mask = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(SIZE, SIZE)), 3) > 0
        back = mask_to_working_grid(drawn_anew(mask, height, width), (SIZE, SIZE))
        np.testing.assert_array_equal(back, mask)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.floats(0.4, 3), st.floats(-0.1, 0.1), st.integers(2, 5), st.integers(1, 5)
)
def test_any_mask_comes_back(seed: int, blur: float, level: float, down: int, across: int) -> None:
    """From specks of a pixel to blobs, with holes, at the border and anywhere."""
    mask = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(16, 16)), blur) > level
    full = drawn_anew(mask, 16 * down + 1, 16 * across + 3)
    np.testing.assert_array_equal(mask_to_working_grid(full, (16, 16)), mask)


def test_holes_and_parts_stay() -> None:
    truth = ellipse(0.5, 0.5, 0.3, 0.25, 0.3) & ~ellipse(0.5, 0.5, 0.1, 0.12, 0)
    truth |= ellipse(0.5, 0.5, 0.04, 0.04, 0) | ellipse(0.1, 0.1, 0.05, 0.07, 0)
    shapes = smooth_shapes(mask_to_working_grid(truth, (SIZE, SIZE)), FULL, FULL)
    kinds = sorted(type(shape).__name__ for shape in shapes)
    assert kinds == ["Outline", "Outline", "Region"]
    full = painted(shapes, FULL, FULL)
    assert ndimage.label(full)[1] == 3
    assert ndimage.label(~full)[1] == 2
    assert gain(full, truth) > 0.3


def test_a_line_of_one_pixel_stays_whole() -> None:
    mask = np.zeros((SIZE, SIZE), dtype=bool)
    mask[20, 5:50] = mask[20:40, 50] = True
    assert ndimage.label(drawn_anew(mask))[1] == 1


def test_objects_that_touch_the_border_go_on_behind_it() -> None:
    truth = ellipse(0.0, 0.5, 0.3, 0.2, 0) | ellipse(1.0, 1.0, 0.2, 0.2, 0)
    full = drawn_anew(mask_to_working_grid(truth, (SIZE, SIZE)))
    assert gain(full, truth) > 0.4
    np.testing.assert_array_equal(full[:, 0], full[:, 1])
    assert drawn_anew(np.ones((SIZE, SIZE), dtype=bool)).all()


def test_outlines_are_simple_short_and_inside_the_image() -> None:
    shapes: list[Shape] = smooth_shapes(
        mask_to_working_grid(ellipse(0.5, 0.6, 0.3, 0.4, 0), (SIZE, SIZE)), FULL, FULL
    )
    (shape,) = shapes
    assert isinstance(shape, Outline)
    (ring,) = shape.rings
    assert not crosses_itself(ring)
    assert 20 < len(ring) < 120
    assert ring.min() >= 0
    assert ring.max() <= FULL


def test_an_image_no_larger_than_the_grid_gets_its_pixels() -> None:
    mask = ellipse(0.5, 0.5, 0.3, 0.2, 0.5, SIZE)
    np.testing.assert_array_equal(drawn_anew(mask, SIZE, SIZE), mask)
    assert smooth_shapes(np.zeros((SIZE, SIZE), dtype=bool), FULL, FULL) == []


def test_a_straight_edge_stays_where_it_is_and_a_square_keeps_its_area() -> None:
    corners = np.array([[0.0, 0.0], [20.0, 0.0], [20.0, 20.0], [0.0, 20.0]])
    smooth = smoothed(evenly_spaced(corners), 400.0)
    assert signed_area(smooth) == pytest.approx(400, abs=0.5)
    middle = smooth[10:30]  # of the upper edge, 5 px off the corners
    assert np.abs(middle[:, 1]).max() < 0.1


def test_what_lies_in_a_hole_of_a_region_is_not_erased() -> None:
    square = np.array([[0.0, 0.0], [9.0, 0.0], [9.0, 9.0], [0.0, 9.0]])

    mask = np.zeros((12, 12), dtype=bool)
    mask[5, 5] = True
    Region([Ring(square + 1), Ring(square / 3 + 4, hole=True)]).paint(mask)
    assert mask[5, 5]
    assert mask.sum() == 81 - 9 + 1
