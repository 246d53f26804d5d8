"""The hurried outline: exact tracing and filling, simplification, offset, holes, stability of the jitter."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lvcnet.files import keyed_rng
from lvcnet.masks.outlines import fill_centres, signed_area, trace_centres
from lvcnet.masks.parts import components
from lvcnet.noise.levels import Mask
from lvcnet.noise.polygon import offset, polygon, simplify
from tests.noise.helpers import shapes


def rectangle() -> Mask:
    mask = np.zeros((12, 12), bool)
    mask[3:7, 4:9] = True
    return mask


def disc(radius: float, size: int = 96) -> Mask:
    row, column = np.mgrid[:size, :size]
    return np.hypot(row - size / 2, column - size / 2) <= radius


@given(mask=arrays(bool, st.tuples(st.integers(1, 20), st.integers(1, 20))))
@settings(max_examples=60, deadline=None)
def test_tracing_and_filling_give_back_any_mask(mask: Mask) -> None:
    again = np.zeros_like(mask)
    for component in components(mask):
        outer, holes = trace_centres(component)
        filled = fill_centres(outer, mask.shape)
        for hole in holes:
            filled &= ~fill_centres(hole, mask.shape)
        again |= filled
    np.testing.assert_array_equal(again, mask)


def test_rectangle_of_4_by_5_keeps_20_pixels() -> None:
    outer, holes = trace_centres(rectangle())
    assert holes == []
    assert fill_centres(outer, (12, 12)).sum() == 20
    assert abs(signed_area(outer)) == pytest.approx(20 - 4 / 8)  # marching squares cut each corner by 1/8
    np.testing.assert_array_equal(polygon(rectangle(), 0.01, keyed_rng(0)), rectangle())


def test_filling_has_no_half_pixel_bias() -> None:
    """Squares at random sub-pixel places cover as many pixels on average as their area says."""
    rng = keyed_rng(0, "squares")
    counts = []
    for _ in range(2000):
        top, left = rng.uniform(5, 10, size=2)
        square = np.array([[top, left], [top + 7.3, left], [top + 7.3, left + 7.3], [top, left + 7.3]])
        counts.append(int(fill_centres(square, (24, 24)).sum()))
    assert np.mean(counts) == pytest.approx(7.3**2, abs=0.5)


def test_simplify_keeps_the_corners_of_a_square() -> None:
    side = np.arange(0, 10, 0.5)
    far = np.full_like(side, 10.0)
    ring = np.concatenate(
        [np.c_[side * 0, side], np.c_[side, far], np.c_[far, 10 - side], np.c_[10 - side, side * 0]]
    )
    assert sorted(map(tuple, ring[simplify(ring, 1.0)].tolist())) == [(0, 0), (0, 10), (10, 0), (10, 10)]


def test_offset_of_a_square_moves_each_side() -> None:
    square = np.array([[0.0, 0.0], [0.0, 4.0], [4.0, 4.0], [4.0, 0.0]])
    for ring in (square, square[::-1]):
        assert abs(signed_area(offset(ring, 1.0))) == pytest.approx(36.0)
        assert abs(signed_area(offset(ring, -1.0))) == pytest.approx(4.0)


def test_simplified_disc_keeps_its_area() -> None:
    clean = disc(28)
    changes = [polygon(clean, 4.0, keyed_rng(number)).sum() / clean.sum() - 1 for number in range(100)]
    assert abs(np.mean(changes)) < 0.02


def test_vertices_get_fewer() -> None:
    outer, _ = trace_centres(disc(29))
    counts = [len(simplify(outer, tolerance)) for tolerance in (0.5, 1.0, 2.0, 5.0)]
    assert counts == sorted(counts, reverse=True)
    # An octagon's chords stay within 29 (1 - cos 22.5 deg) = 2.2 px of the circle, a square's only within 8.5 px.
    assert counts[0] > 12
    assert counts[-1] == 8


def test_small_hole_vanishes_and_large_one_stays() -> None:
    small = disc(30) & ~disc(2)
    large = disc(40) & ~disc(20)
    assert not polygon(small, 0.3, keyed_rng(0))[48, 48]
    assert polygon(small, 6.0, keyed_rng(0))[48, 48]
    assert not polygon(large, 6.0, keyed_rng(0))[48, 48]


def test_border_gets_no_gap() -> None:
    mask = np.zeros((64, 64), bool)
    mask[:, :30] = True
    noisy = polygon(mask, 4.0, keyed_rng(3))
    assert noisy[:, 0].all()
    assert not (noisy == mask).all()


def test_a_little_more_strength_changes_little() -> None:
    clean = shapes("a")[0]
    before, after = (polygon(clean, strength, keyed_rng(5)) for strength in (2.0, 2.01))
    assert (before ^ after).sum() < 0.03 * clean.sum()
