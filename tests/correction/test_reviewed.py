"""Masks that verdicts make: by hand on squares, and properties of blending on any masks."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from lvcnet.correction.decisions import Verdict
from lvcnet.correction.judge import judge_batch
from lvcnet.correction.reviewed import (
    blend,
    decode_masks,
    encode_masks,
    region_masks,
    reviewed_masks,
    take_regions,
)
from lvcnet.errors import LvcnetError
from tests.correction.conftest import square

Masks = NDArray[np.bool_]
MASKS = arrays(bool, (2, 9, 9))
FRACTIONS = st.floats(0, 1)


def part(**details: object) -> Verdict:
    return Verdict(decision="part", details=details)


def test_accept_reject_and_edited() -> None:
    old, new, drawn = square()[None], square(6)[None], square(3, 3, 4)[None]
    edited = Verdict(decision="edited", details={"masks": json.loads(json.dumps(encode_masks(drawn)))})
    assert (reviewed_masks(old, new, Verdict(decision="accept")) == new).all()
    assert (reviewed_masks(old, new, Verdict(decision="reject")) == old).all()
    assert (reviewed_masks(old, new, None) == old).all()
    assert (reviewed_masks(old, new, edited) == drawn).all()


def test_half_way_between_two_squares_is_the_square_between_them_with_rounded_corners() -> None:
    """Old 8 x 8, new 4 px further right: half way it is 2 px further right."""
    half = blend(square(4)[None], square(8)[None], 0.5)[0]
    middle = square(6)
    assert (half[6:10] == middle[6:10]).all(), "rows away from the corners"
    assert not (half & ~middle).any()


def test_a_square_that_is_missing_grows_from_its_middle() -> None:
    """A 9 x 9 object of depth 4.5: at half the way, what is more than 2 px deep is there, a 5 x 5 square."""
    empty, full = np.zeros((1, 20, 20), bool), square(4, 4, 9)[None]
    assert (blend(empty, full, 0.5)[0] == square(6, 6, 5)).all()
    assert (blend(full, empty, 0.5)[0] == square(6, 6, 5)).all()


@settings(max_examples=50, deadline=None)
@given(MASKS, MASKS)
def test_the_ends_are_exact(old: Masks, new: Masks) -> None:
    assert (blend(old, new, 0) == old).all()
    assert (blend(old, new, 1) == new).all()
    assert (reviewed_masks(old, new, part(blend=1)) == new).all()


@settings(max_examples=50, deadline=None)
@given(MASKS, MASKS, FRACTIONS, FRACTIONS)
def test_blending_only_ever_moves_towards_the_new_mask(
    old: Masks, new: Masks, one: float, other: float
) -> None:
    early, late = (blend(old, new, fraction) for fraction in sorted((one, other)))
    for mask in (early, late):
        assert not (mask & ~(old | new)).any()
        assert (mask >= (old & new)).all()
    assert ((early ^ new) >= (late ^ new)).all(), "a pixel that changed stays changed"


@settings(max_examples=50, deadline=None)
@given(MASKS, FRACTIONS)
def test_equal_masks_stay_equal(mask: Masks, fraction: float) -> None:
    assert (blend(mask, mask, fraction) == mask).all()


def scene() -> tuple[Masks, Masks]:
    """Region 0: drawn 1 px too far left; region 1: overlooked; a speck that both lack of a region's size."""
    old, new = square(2, 2, 5), square(3, 2, 5) | square(12, 12, 4)
    new[0, 19] = True
    return old[None], new[None]


def test_regions_are_taken_one_by_one() -> None:
    old, new = scene()
    assert (take_regions(old, new, [])[0] == square(2, 2, 5)).all()
    assert (take_regions(old, new, [0])[0] == square(3, 2, 5)).all()
    assert (take_regions(old, new, [1])[0] == (square(2, 2, 5) | square(12, 12, 4))).all()
    assert (take_regions(old, new, [0, 1])[0] == (square(3, 2, 5) | square(12, 12, 4))).all(), "no speck"
    with pytest.raises(LvcnetError, match="no region 2: it has 2"):
        take_regions(old, new, [0, 2])


def test_regions_and_blending_go_together() -> None:
    old, new = scene()
    found = reviewed_masks(old, new, part(regions=[1], blend=0.5))[0]
    assert (found[:10] == square(2, 2, 5)[:10]).all()
    assert (found[10:] == square(13, 13, 2)[10:]).all()


@settings(max_examples=50, deadline=None)
@given(MASKS, MASKS)
def test_regions_come_in_the_order_of_the_judgement(old: Masks, new: Masks) -> None:
    rows = judge_batch(np.where(new, 0.9, 0.1)[None], old[None], ["a", "b"])[0]["regions"]
    found = region_masks(old, new)
    assert [(row["category"], row["pixels"]) for row in rows] == [
        ("ab"[c], int(mask.sum())) for c, mask in found
    ]


@settings(max_examples=50, deadline=None)
@given(MASKS)
def test_edited_masks_survive_json(masks: Masks) -> None:
    assert (decode_masks(json.loads(json.dumps(encode_masks(masks))), masks.shape) == masks).all()


def test_edited_masks_of_another_size_are_refused() -> None:
    with pytest.raises(LvcnetError, match="1 edited masks for 2 categories"):
        decode_masks(encode_masks(np.ones((1, 9, 9), bool)), (2, 9, 9))
    with pytest.raises(LvcnetError, match="has size"):
        decode_masks(encode_masks(np.ones((1, 8, 9), bool)), (1, 9, 9))
