"""How far outlines lie beside their edge, on images whose edges are known: discs, bars, nothing, two edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from lvcnet.masks.displacement import (
    Displacement,
    Verdict,
    depth_of,
    measure_displacement,
    moved,
    window_of,
)
from lvcnet.masks.geometry import Mask

SIDE = 96
IMAGES = 8


def disc(radius: float, centre: tuple[float, float] = (47.5, 47.5), side: int = SIDE) -> Mask:
    rows, columns = np.ogrid[:side, :side]
    return np.hypot(rows - centre[0], columns - centre[1]) <= radius


def photographed(objects: list[Mask], contrast: float = 60.0, seed: int = 0) -> list[np.ndarray]:
    """Images of objects that are brighter than a ground with texture, blurred as an X-ray is."""
    rng = np.random.default_rng(seed)
    found = []
    for shown in objects:
        texture = ndimage.gaussian_filter(rng.normal(size=shown.shape), 2)
        grey = 100 + contrast * ndimage.gaussian_filter(shown.astype(float), 0.7)
        grey += 15 * texture / texture.std() + rng.normal(scale=4, size=shown.shape)
        found.append(grey.clip(0, 255).astype(np.uint8))
    return found


def discs(seed: int = 1) -> list[tuple[float, tuple[float, float]]]:
    rng = np.random.default_rng(seed)
    return [
        (float(rng.uniform(20, 26)), (float(rng.uniform(40, 56)), float(rng.uniform(40, 56))))
        for _ in range(IMAGES)
    ]


@pytest.mark.parametrize("contrast", [60.0, -60.0])
@pytest.mark.parametrize("dilation", [-4.0, -2.0, 0.0, 2.0, 4.0, 6.0])
def test_dilated_discs_lie_outside_their_edge_by_their_dilation(dilation: float, contrast: float) -> None:
    images = photographed([disc(radius, centre) for radius, centre in discs()], contrast)
    drawn = [disc(radius + dilation, centre) for radius, centre in discs()]

    found = measure_displacement(images, drawn)

    assert found.px == pytest.approx(dilation, abs=0.3)
    assert found.low <= found.px <= found.high
    assert found.high - found.low < 1.5
    assert found.verdict is (Verdict.ON if dilation == 0 else Verdict.BESIDE)
    assert found.shift() == (0 if dilation == 0 else found.px)


def test_noise_to_both_sides_is_no_displacement() -> None:
    rng = np.random.default_rng(2)
    true = discs()
    images = photographed([disc(radius, centre) for radius, centre in true])
    drawn = [
        disc(radius + rng.uniform(-3, 3), (centre[0] + rng.uniform(-2, 2), centre[1] + rng.uniform(-2, 2)))
        for radius, centre in true
    ]

    assert measure_displacement(images, drawn).shift() == 0


def test_moved_discs_are_the_true_ones_again() -> None:
    mask = disc(30.0)
    back = moved(mask, 6.0, window_of(depth_of([mask]), SIDE))

    assert (back ^ disc(24.0)).sum() <= 0.03 * disc(24.0).sum()  # a quarter pixel all around
    assert (moved(disc(24.0), -6.0, 1.5) ^ mask).sum() <= 0.03 * mask.sum()


def test_where_there_is_no_edge_nothing_is_said() -> None:
    images = photographed([disc(22.0)] * 12, contrast=0.0)
    found = measure_displacement(images, [disc(24.0)] * 12)

    assert found.verdict is not Verdict.BESIDE
    assert found.shift() == found.shift(belong_on_edges=False) == 0


def test_rings_have_two_edges_and_stay() -> None:
    """A nerve in its bright sheath: the outline between two edges belongs to none of them."""
    rings = [disc(26.0, centre) & ~disc(20.0, centre) for _, centre in discs()]
    drawn = [disc(22.5, centre) for _, centre in discs()]

    found = measure_displacement(photographed(rings), drawn)

    assert found.verdict is Verdict.NONE
    assert found.shift() == found.shift(belong_on_edges=True) == 0


def test_thin_bars_are_neither_displaced_nor_erased() -> None:
    bars = []
    for row in range(30, 30 + IMAGES * 4, 4):
        bar = np.zeros((SIDE, SIDE), bool)
        bar[row : row + 4, 15:80] = True
        bars.append(bar)

    assert measure_displacement(photographed(bars), bars).shift() == 0
    assert (moved(bars[0], 3.0, 1.0) == bars[0]).all()


def test_a_part_of_which_nothing_would_be_left_stays_beside_one_that_is_moved() -> None:
    large, small = disc(20.0), disc(2.0, (10.0, 10.0))
    result = moved(large | small, 3.0, 2.0)

    assert (result & disc(5.0, (10.0, 10.0)) == small).all()
    assert abs(int((result & large).sum()) - int(disc(17.0).sum())) < 30


def test_pixels_that_do_not_count_say_nothing() -> None:
    shown = [disc(22.0)] * IMAGES
    images = photographed(shown)
    valid = [np.zeros((SIDE, SIDE), bool)] * IMAGES

    assert measure_displacement(images, [disc(27.0)] * IMAGES, valid).verdict is Verdict.NONE


@pytest.mark.parametrize("count", [0, 1, 4])
def test_a_few_images_are_too_few_for_a_verdict(count: int) -> None:
    found = measure_displacement(photographed([disc(22.0)] * count), [disc(27.0)] * count)

    assert (found.verdict, found.images, found.shift(True)) == (Verdict.NONE, count, 0)


def test_empty_and_full_masks_say_nothing() -> None:
    full = np.ones((SIDE, SIDE), bool)

    assert measure_displacement(photographed([full] * 2), [full, ~full]).images == 0


def test_told_that_outlines_belong_on_edges_small_displacements_are_moved_too() -> None:
    small = Displacement(0.8, 0.5, 1.1, 1.5, Verdict.ON, 40)
    none = Displacement(0.1, -0.3, 0.5, 1.5, Verdict.ON, 40)

    assert (small.shift(), small.shift(True), none.shift(True)) == (0, 0.8, 0)


@settings(max_examples=25, deadline=None)
@given(
    arrays(np.bool_, (24, 24)),
    st.floats(-5, 5, allow_nan=False),
    st.floats(1, 3, allow_nan=False),
)
def test_no_part_of_any_mask_is_erased(mask: Mask, shift: float, window: float) -> None:
    result = moved(mask, shift, window)
    parts, count = ndimage.label(mask, np.ones((3, 3)))

    assert result.shape == mask.shape
    assert set(range(1, count + 1)) <= set(np.unique(parts[result]).tolist())
    if not mask.any():
        assert not result.any()
