"""Masks worked on in blocks: the same as in one piece."""

from unittest.mock import patch

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco_mask
from scipy import ndimage

from lvcnet.data import images
from lvcnet.masks import blocks as in_blocks
from lvcnet.masks.outlines import rasterise, trace_edges
from lvcnet.masks.parts import (
    EIGHT_CONNECTED,
    FOUR_CONNECTED,
    Neighbours,
    components,
    count_parts,
    label_parts,
    parts,
)
from lvcnet.masks.rle import encode_part

masks = arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))
blocks = st.sampled_from([1, 7, 30, 1000])


@given(masks, blocks, st.sampled_from([(4, FOUR_CONNECTED), (8, EIGHT_CONNECTED)]))
def test_labels_are_those_of_scipy(mask: np.ndarray, block: int, kind: tuple[Neighbours, np.ndarray]) -> None:
    neighbours, structure = kind
    expected, count = ndimage.label(mask, structure=structure)
    with patch.object(in_blocks, "BLOCK", block):
        labels, found = label_parts(mask, neighbours)
    assert found == count
    assert np.array_equal(labels, expected)


@given(masks, blocks)
def test_parts_are_those_of_scipy_in_its_order(mask: np.ndarray, block: int) -> None:
    labels, count = ndimage.label(mask, structure=EIGHT_CONNECTED)
    with patch.object(in_blocks, "BLOCK", block):
        assert count_parts(mask) == count
        found = list(parts(mask))
    expected = ndimage.find_objects(labels)
    assert [(rows, columns) for rows, columns, _ in found] == expected
    for number, (rows, columns, part) in enumerate(found, start=1):
        assert np.array_equal(part, labels[rows, columns] == number)


def test_components_touch_by_sides_only() -> None:
    """Three pixels on a diagonal and one below: two corners part them into three objects."""
    mask = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]], dtype=bool)
    found = list(components(mask))
    assert [int(one.sum()) for one in found] == [1, 2, 1]
    assert np.array_equal(np.any(found, axis=0), mask)
    assert count_parts(mask) == 1


@given(masks, blocks, st.integers(0, 3), st.integers(0, 3))
def test_run_lengths_are_those_of_pycocotools(mask: np.ndarray, block: int, top: int, left: int) -> None:
    whole = np.pad(mask, ((top, 1), (left, 2)))
    with patch.object(in_blocks, "BLOCK", block):
        encoded = encode_part(mask, top, left, *whole.shape)
    assert encoded["counts"].encode() == coco_mask.encode(np.asfortranarray(whole, dtype=np.uint8))["counts"]


@given(masks, blocks)
def test_outlines_are_the_same_and_give_the_mask_back(mask: np.ndarray, block: int) -> None:
    whole = trace_edges(mask)
    with patch.object(in_blocks, "BLOCK", block):
        rings = trace_edges(mask)
    assert [ring.points.tolist() for ring in rings] == [ring.points.tolist() for ring in whole]
    assert np.array_equal(rasterise(rings, *mask.shape), mask)


@given(st.integers(1, 200), st.integers(1, 700), st.integers(0, 9))
def test_probabilities_in_blocks_of_columns_are_equal_to_the_bit(height: int, width: int, seed: int) -> None:
    grid = np.random.default_rng(seed).random((16, 16), dtype=np.float32)
    whole = images.mask_to_original(grid, height, width)
    with patch.object(images, "BLOCK", 1):
        found = list(images.blocks_at_original(grid, height, width))
    assert len(found) == max(1, width // 64)
    assert np.array_equal(np.concatenate([values for _, values in found], axis=1), whole)
