"""Boundaries on the image's own grid: a disc with known error, and all that must not change by a bit."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lvcnet.cues.edges import edge_gradient
from lvcnet.models.conventions import AnnotationMargin, Polarity
from lvcnet.models.full_resolution import (
    Conventions,
    fine_grid,
    full_resolution,
    image_slopes,
    in_full_edges,
    resampled,
    tiles,
)

GRID, ZOOM = 64, 8
SIDE = GRID * ZOOM
CENTRE, RADIUS = 256.0, 140.0


def _distance(side: int = SIDE, scale: float = 1.0) -> NDArray[np.float32]:
    """(side, side): how far inside the disc a pixel's centre lies, in pixels of the image."""
    middle = (np.arange(side) + 0.5) * scale - CENTRE
    return (RADIUS - np.hypot(middle[:, None], middle[None])).astype(np.float32)


def _radiograph() -> NDArray[np.float32]:
    """The disc on the image's own grid, brighter than what is around it, its edge a pixel wide."""
    return np.clip(_distance() + 0.5, 0, 1) * np.float32(0.5) + np.float32(0.25)


def _prediction(outside: float) -> NDArray[np.float32]:
    """(1, GRID, GRID): the disc as a network says it that draws it so many image pixels too large."""
    return (1 / (1 + np.exp(-(_distance(GRID, ZOOM) + outside) / ZOOM)))[None].astype(np.float32)


def _radius(probability: NDArray[np.float32]) -> float:
    """Of a disc of the same area."""
    return float(np.sqrt((probability >= 0.5).sum() / np.pi))


@pytest.mark.parametrize("outside", [-5.0, 5.0])
def test_a_disc_that_is_drawn_too_large_or_too_small_lands_on_its_edge(outside: float) -> None:
    prediction = _prediction(outside)
    before = _radius(resampled(prediction[0], (SIDE, SIDE)))
    assert before == pytest.approx(RADIUS + outside, abs=0.3)
    found = full_resolution(prediction, _radiograph())
    assert found is not None
    assert found.shape == (1, SIDE, SIDE)
    assert _radius(found[0]) == pytest.approx(
        RADIUS, abs=1.2
    )  # of 5 px, which is more than half a working pixel
    wrong = (found[0] >= 0.5) != (_distance() >= 0)
    assert np.abs(_distance()[wrong]).max(initial=0) < 2  # nowhere further than that from the true outline


def test_without_an_edge_nothing_changes() -> None:
    assert full_resolution(_prediction(5.0), np.full((SIDE, SIDE), 0.5, dtype=np.float32)) is None
    elsewhere = np.zeros((SIDE, SIDE), dtype=np.float32)
    elsewhere[5:15, 5:15] = 1  # a marker in the corner, far from the disc
    assert full_resolution(_prediction(5.0), elsewhere) is None


def test_half_an_edge_moves_that_half_only() -> None:
    """The right half of the disc fades out: there every probability is the upsampled one, to the bit."""
    image, prediction = _radiograph(), _prediction(5.0)
    image[:, 256:] = 0.5
    found, plain = full_resolution(prediction, image), resampled(prediction[0], (SIDE, SIDE))
    assert found is not None
    np.testing.assert_array_equal(found[0][:, 320:], plain[:, 320:])
    assert int(np.argmax(found[0][256] >= 0.5)) == pytest.approx(CENTRE - RADIUS, abs=2)


def test_an_image_that_was_upsampled_from_the_grid_says_nothing_new() -> None:
    small = resampled(_radiograph(), (GRID, GRID))
    for how in (cv2.INTER_LINEAR, cv2.INTER_CUBIC):
        blurred = np.clip(cv2.resize(small, (SIDE, SIDE), interpolation=how), 0, 1)
        assert full_resolution(_prediction(5.0), blurred) is None


@pytest.mark.parametrize("size", [(64, 64), (40, 64), (64, 30), (33, 50)])
def test_an_image_no_larger_than_the_grid_says_nothing_new(size: tuple[int, int]) -> None:
    assert full_resolution(_prediction(5.0), resampled(_radiograph(), size)) is None


def test_outlines_that_agree_need_a_strong_edge() -> None:
    """A weak edge 5 px off moves a soft boundary, and a steep one half as far."""
    weak = _radiograph()
    weak[:20] = np.arange(SIDE)[None] % 4 // 2  # what is a full edge in this image
    weak[20:] = 0.5 + (weak[20:] - 0.5) * 0.1
    steep = np.clip((_distance(GRID, ZOOM) + 5.0) / ZOOM + 0.5, 0, 1)[None].astype(np.float32)
    moved = [full_resolution(one, weak) for one in (_prediction(5.0), steep)]
    radii = [_radius(_prediction(5.0)[0]) if one is None else _radius(one[0]) for one in moved]
    plain = _radius(resampled(steep[0], (SIDE, SIDE)))
    stays = plain if moved[1] is None else radii[1]
    assert radii[0] < RADIUS + 3
    assert abs(stays - plain) < 0.7 * abs(radii[0] - (RADIUS + 5))


def test_the_rarer_polarity_and_displaced_edges_are_respected() -> None:
    polarity, margin = Polarity(1), AnnotationMargin(1)
    polarity.brighter.fill_(0.02)  # inside is darker, as a rule: this edge is another object's
    held = full_resolution(_prediction(3.0), _radiograph(), Conventions(polarity))
    assert held is None or _radius(held[0]) > RADIUS + 2
    margin.pixels.fill_(0.5)  # outlines are drawn half a working pixel outside their edges
    found = full_resolution(_prediction(3.0), _radiograph(), Conventions(None, margin))
    assert found is not None
    assert _radius(found[0]) == pytest.approx(RADIUS + 0.5 * ZOOM, abs=1.0)


def test_edges_are_those_of_the_paper_s_cues() -> None:
    image = np.random.default_rng(0).random((40, 48)).astype(np.float32)
    theirs = edge_gradient(torch.from_numpy(image)[None, None], 0.8)[0].numpy()
    ours = in_full_edges(image_slopes(image, 0.8))
    np.testing.assert_allclose(ours[:, 4:-4, 4:-4], theirs[:, 4:-4, 4:-4], atol=0.02)


@given(st.integers(1, 700), st.integers(1, 700), st.floats(1.0, 8.0), st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_the_cores_of_tiles_meet_every_boundary_pixel_once(
    height: int, width: int, zoom: float, seed: int
) -> None:
    probability = np.random.default_rng(seed).random((height, width)).astype(np.float32)
    count = np.zeros((height, width), dtype=int)
    for core, around, middle in tiles(probability, zoom):
        count[core] += 1
        np.testing.assert_array_equal(probability[around][middle], probability[core])
    assert (count == 1).all()
    assert not list(tiles(np.zeros((height, width), dtype=np.float32), zoom))


@given(st.integers(8, 64), st.integers(8, 64), st.integers(1, 900), st.integers(1, 900), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_any_sizes_give_probabilities_on_the_fine_grid(
    h: int, w: int, height: int, width: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    prediction = rng.random((2, h, w)).astype(np.float32)
    found = full_resolution(prediction, rng.random((height, width)).astype(np.float32))
    grid = fine_grid((h, w), height, width)
    assert grid is not None or found is None
    if found is not None:
        assert found.shape == (2, *grid)
        assert found.min() >= 0
        assert found.max() <= 1
