"""Outlines in both conventions: hand-made rings and the round trip through pycocotools."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco_mask
from scipy import ndimage

from lvcnet.data.outlines.rings import crosses_itself
from lvcnet.masks.outlines import Ring, clip, rasterise, signed_area, trace_edges

MASKS = arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14)))


def test_a_rectangle_of_20_pixels_keeps_its_20_pixels() -> None:
    mask = np.zeros((8, 9), dtype=bool)
    mask[2:6, 3:8] = True
    (ring,) = trace_edges(mask)
    assert ring.points.tolist() == [[3, 2], [8, 2], [8, 6], [3, 6]]
    assert signed_area(ring.points) == 20
    assert rasterise([ring], 8, 9).sum() == 20


def test_holes_and_islands_come_as_rings_of_falling_area() -> None:
    mask = np.ones((7, 7), dtype=bool)
    mask[1:6, 1:6] = False
    mask[3, 3] = True
    rings = trace_edges(mask)
    assert [(ring.hole, abs(signed_area(ring.points))) for ring in rings] == [
        (False, 49),
        (True, 25),
        (False, 1),
    ]
    np.testing.assert_array_equal(rasterise(rings, 7, 7), mask)


def test_pixels_that_meet_at_a_corner_are_separate_rings() -> None:
    rings = trace_edges(np.eye(3, dtype=bool))
    assert [ring.points.tolist()[0] for ring in rings] == [[0, 0], [1, 1], [2, 2]]


def test_nothing_to_trace() -> None:
    assert trace_edges(np.zeros((3, 4), dtype=bool)) == []
    assert not rasterise([], 3, 4).any()


@settings(max_examples=300, deadline=None)
@given(MASKS)
def test_round_trip_is_exact(mask: np.ndarray) -> None:
    rings = trace_edges(mask)
    np.testing.assert_array_equal(rasterise(rings, *mask.shape), mask)
    assert sum(signed_area(ring.points) for ring in rings) == mask.sum()
    assert sum(not ring.hole for ring in rings) == ndimage.label(mask)[1]
    assert not any(crosses_itself(ring.points) for ring in rings)


def test_large_smooth_masks_come_back_exactly() -> None:
    noise = np.random.default_rng(0).normal(size=(300, 410))
    mask = ndimage.gaussian_filter(noise, 6) > 0
    np.testing.assert_array_equal(rasterise(trace_edges(mask), *mask.shape), mask)


def test_later_rings_paint_over_earlier_ones() -> None:
    outer = Ring(np.array([[0.0, 0], [6, 0], [6, 6], [0, 6]]))
    hole = Ring(np.array([[2.0, 2], [4, 2], [4, 4], [2, 4]]), hole=True)
    assert rasterise([outer, hole], 6, 6).sum() == 32
    assert rasterise([hole, outer], 6, 6).sum() == 36


def test_outlines_beyond_the_border_are_cut_there() -> None:
    far = np.array([[-1e6, 1.0], [3.0, 1.0], [3.0, 3.0], [-1e6, 3.0]])
    expected = np.zeros((4, 5), dtype=bool)
    expected[1:3, :3] = True
    np.testing.assert_array_equal(rasterise([Ring(far)], 4, 5), expected)


def test_clip_keeps_the_part_inside() -> None:
    triangle = np.array([[-2.0, 0.0], [2.0, 0.0], [2.0, 4.0]])
    assert signed_area(clip(triangle, 10, 10)) == 8 - 2
    assert len(clip(triangle - 50, 10, 10)) == 0


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 45), st.floats(-5, 25)), min_size=3, max_size=8))
def test_painting_in_its_own_box_is_painting_in_the_whole_image(corners: list[tuple[float, float]]) -> None:
    points = clip(np.round(np.array(corners), 2), 20, 40)
    expected = np.zeros((20, 40), dtype=bool)
    if len(points) >= 3:
        encoded = coco_mask.frPyObjects([points.ravel().tolist()], 20, 40)
        expected = coco_mask.decode(encoded)[:, :, 0].astype(bool)
    np.testing.assert_array_equal(rasterise([Ring(np.round(np.array(corners), 2))], 20, 40), expected)
