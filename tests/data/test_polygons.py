"""Pixel-edge polygons: hand-made rings, the round trip through pycocotools, and every kind of bad outline."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco_mask
from scipy import ndimage

from lvcnet.data import polygons
from lvcnet.data.polygons import Ring, check_ring, clip, crosses_itself, rasterise, signed_area, trace

MASKS = arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14)))
BOW_TIE = np.array([[0.0, 0.0], [4.0, 4.0], [4.0, 0.0], [0.0, 4.0]])


def test_a_rectangle_of_20_pixels_keeps_its_20_pixels() -> None:
    mask = np.zeros((8, 9), dtype=bool)
    mask[2:6, 3:8] = True
    (ring,) = trace(mask)
    assert ring.points.tolist() == [[3, 2], [8, 2], [8, 6], [3, 6]]
    assert signed_area(ring.points) == 20
    assert rasterise([ring], 8, 9).sum() == 20


def test_holes_and_islands_come_as_rings_of_falling_area() -> None:
    mask = np.ones((7, 7), dtype=bool)
    mask[1:6, 1:6] = False
    mask[3, 3] = True
    rings = trace(mask)
    assert [(ring.hole, abs(signed_area(ring.points))) for ring in rings] == [
        (False, 49),
        (True, 25),
        (False, 1),
    ]
    np.testing.assert_array_equal(rasterise(rings, 7, 7), mask)


def test_pixels_that_meet_at_a_corner_are_separate_rings() -> None:
    rings = trace(np.eye(3, dtype=bool))
    assert [ring.points.tolist()[0] for ring in rings] == [[0, 0], [1, 1], [2, 2]]


def test_nothing_to_trace() -> None:
    assert trace(np.zeros((3, 4), dtype=bool)) == []
    assert not rasterise([], 3, 4).any()


@settings(max_examples=300, deadline=None)
@given(MASKS)
def test_round_trip_is_exact(mask: np.ndarray) -> None:
    rings = trace(mask)
    np.testing.assert_array_equal(rasterise(rings, *mask.shape), mask)
    assert sum(signed_area(ring.points) for ring in rings) == mask.sum()
    assert sum(not ring.hole for ring in rings) == ndimage.label(mask)[1]
    assert not any(crosses_itself(ring.points) for ring in rings)


def test_large_smooth_masks_come_back_exactly() -> None:
    noise = np.random.default_rng(0).normal(size=(300, 410))
    mask = ndimage.gaussian_filter(noise, 6) > 0
    np.testing.assert_array_equal(rasterise(trace(mask), *mask.shape), mask)


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


@pytest.mark.parametrize(
    ("points", "crosses"),
    [
        (BOW_TIE, True),
        (np.array([[0.0, 0], [4, 0], [4, 4], [0, 4]]), False),
        (np.array([[0.0, 0], [2, 2], [4, 0], [4, 4], [2, 2], [0, 4]]), False),
    ],
    ids=["bow tie", "square", "touching itself in a point"],
)
def test_crossing(points: np.ndarray, crosses: bool) -> None:
    assert crosses_itself(points) is crosses


def test_crossing_is_found_across_blocks() -> None:
    angles = np.linspace(0, 2 * np.pi, 1500, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1) * 100
    assert not crosses_itself(circle)
    circle[[1400, 1401]] = circle[[1401, 1400]]
    assert crosses_itself(circle)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ([], "is empty"),
        ([1, 1, 2, 2], "has 2 points"),
        ([1, 1, 5, 5, 1, 1], "has 2 points"),
        ([1, 1, 5, 5, 9, 9], "area is 0"),
        ([1, 1, 5, 5, 9], "unpaired"),
        ([1, 1, 5, float("nan"), 9, 9], "not numbers"),
        ([1, 1, 5, float("inf"), 9, 9], "not numbers"),
        ([1, 1, 5, 10**400, 9, 9], "not numbers"),
        ([1, 1, 5, "5", 9, 9], "not numbers"),
        ([1, 1, 5, None, 9, 9], "not numbers"),
        ([1, 1, 5, True, 9, 9], "not numbers"),
        ([[1, 1], [5], [9, 9]], "not numbers"),
        ({"x": 1}, "not numbers"),
        (None, "not numbers"),
        ([50, 50, 60, 50, 60, 60], "entirely outside"),
        ([20, 0, 30, 0, 30, 9], "entirely outside"),
    ],
)
def test_outlines_that_cannot_be_used(values: object, what: str) -> None:
    points, (problem,) = check_ring(values, height=10, width=20, where="here")
    assert points is None
    assert problem.blocking
    assert what in problem.what


def test_a_self_crossing_outline_is_marked() -> None:
    points, (problem,) = check_ring(BOW_TIE.ravel().tolist(), 10, 20, "here")
    assert points is not None
    assert (problem.kind, problem.blocking) == ("self-crossing", True)


def test_an_outline_slightly_outside_is_clipped_with_a_warning() -> None:
    points, (problem,) = check_ring([-2, 0, 4, 0, 4, 4, -2, 4], 10, 20, "here")
    assert points is not None
    assert points.min() == 0
    assert not problem.blocking
    assert "reaches 2 px out" in problem.what


def test_a_repeated_first_point_is_no_problem() -> None:
    points, problems = check_ring([0, 0, 20, 0, 20, 10, 0, 10, 0, 0], 10, 20, "here")
    assert points is not None
    assert (len(points), problems) == (4, [])


def crosses_by_every_pair(points: np.ndarray) -> bool:
    """The definition: some edge properly crosses another, each compared with all."""

    def side(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
        ab, ac = b - a, c - a
        return np.sign(ab[..., 0] * ac[..., 1] - ab[..., 1] * ac[..., 0])

    a, b = points[:, None], np.roll(points, -1, axis=0)[:, None]
    c, d = points[None], np.roll(points, -1, axis=0)[None]
    return bool(((side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0)).any())


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(3, 200), st.sampled_from(["grid", "plane", "star"]))
def test_a_tree_of_boxes_finds_what_comparing_every_pair_finds(seed: int, count: int, kind: str) -> None:
    draw = np.random.default_rng(seed)
    angles = np.sort(draw.random(count)) * 2 * np.pi
    rings = {
        "grid": draw.integers(0, 8, (count, 2)).astype(float),  # touches and runs along itself a lot
        "plane": draw.random((count, 2)) * 40,
        "star": np.stack([np.cos(angles), np.sin(angles)], axis=1) * (10 + draw.random((count, 1))),
    }
    assert polygons.crosses_itself(rings[kind]) == crosses_by_every_pair(rings[kind])


def test_a_long_outline_is_checked_by_few_comparisons(monkeypatch: pytest.MonkeyPatch) -> None:
    """300,000 points: each pair would be 45 thousand million comparisons."""
    compared, compare = [0], polygons._any_cross

    def counted(start: np.ndarray, end: np.ndarray, one: np.ndarray, two: np.ndarray) -> bool:
        compared[0] += len(one)
        return compare(start, end, one, two)

    monkeypatch.setattr(polygons, "_any_cross", counted)
    angles = np.linspace(0, 2 * np.pi, 300_000, endpoint=False)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1) * 4000 + 4500
    points, problems = polygons.check_ring(ring.ravel().tolist(), 9000, 9000, "a")
    assert points is not None
    assert problems == []
    assert compared[0] < 5 * len(ring)


def test_an_outline_that_fills_the_memory_when_drawn_is_refused() -> None:
    zigzag = np.stack([np.tile([0.0, 9000.0], 1000), np.linspace(0, 9000, 2000)], axis=1)
    points, (problem,) = polygons.check_ring(zigzag.ravel().tolist(), 9000, 9000, "a")
    assert points is None
    assert "px long" in problem.what


def test_what_no_hand_draws_is_not_compared_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polygons, "MOST_PAIRS", 1000)
    steps = np.arange(200)
    diagonals = np.stack([90.0 * (steps % 2), 90.0 * (steps % 2) + 0.25 * steps], axis=1)
    tangle = np.vstack([diagonals, [[95, 300], [1, 300], [1, 250], [0, 250]]])
    points, (problem,) = polygons.check_ring(tangle.ravel().tolist(), 900, 900, "a")
    assert points is None
    assert "too tangled" in problem.what


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 45), st.floats(-5, 25)), min_size=3, max_size=8))
def test_painting_in_its_own_box_is_painting_in_the_whole_image(corners: list[tuple[float, float]]) -> None:
    points = clip(np.round(np.array(corners), 2), 20, 40)
    expected = np.zeros((20, 40), dtype=bool)
    if len(points) >= 3:
        encoded = coco_mask.frPyObjects([points.ravel().tolist()], 20, 40)
        expected = coco_mask.decode(encoded)[:, :, 0].astype(bool)
    np.testing.assert_array_equal(rasterise([Ring(np.round(np.array(corners), 2))], 20, 40), expected)
