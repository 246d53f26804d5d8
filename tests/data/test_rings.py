"""Every kind of bad outline in a user's file, and that looking for them costs little."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvcnet.data.outlines import rings
from lvcnet.data.outlines.rings import check_ring, crosses_itself

BOW_TIE = np.array([[0.0, 0.0], [4.0, 4.0], [4.0, 0.0], [0.0, 4.0]])


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
    assert crosses_itself(rings[kind]) == crosses_by_every_pair(rings[kind])


def test_a_long_outline_is_checked_by_few_comparisons(monkeypatch: pytest.MonkeyPatch) -> None:
    """300,000 points: each pair would be 45 thousand million comparisons."""
    compared, compare = [0], rings._any_cross

    def counted(start: np.ndarray, end: np.ndarray, one: np.ndarray, two: np.ndarray) -> bool:
        compared[0] += len(one)
        return compare(start, end, one, two)

    monkeypatch.setattr(rings, "_any_cross", counted)
    angles = np.linspace(0, 2 * np.pi, 300_000, endpoint=False)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1) * 4000 + 4500
    points, problems = check_ring(ring.ravel().tolist(), 9000, 9000, "a")
    assert points is not None
    assert problems == []
    assert compared[0] < 5 * len(ring)


def test_an_outline_that_fills_the_memory_when_drawn_is_refused() -> None:
    zigzag = np.stack([np.tile([0.0, 9000.0], 1000), np.linspace(0, 9000, 2000)], axis=1)
    points, (problem,) = check_ring(zigzag.ravel().tolist(), 9000, 9000, "a")
    assert points is None
    assert "px long" in problem.what


def test_what_no_hand_draws_is_not_compared_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rings, "MOST_PAIRS", 1000)
    steps = np.arange(200)
    diagonals = np.stack([90.0 * (steps % 2), 90.0 * (steps % 2) + 0.25 * steps], axis=1)
    tangle = np.vstack([diagonals, [[95, 300], [1, 300], [1, 250], [0, 250]]])
    points, (problem,) = check_ring(tangle.ravel().tolist(), 900, 900, "a")
    assert points is None
    assert "too tangled" in problem.what
