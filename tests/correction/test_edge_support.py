"""Whom the image sides with, on outlines and edges worked out by hand."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lvcnet.correction.agreement import agreement
from lvcnet.correction.consensus import consensus
from lvcnet.correction.edge_support import FIRST, NOWHERE, SECOND, UNDECIDED, edge_support, side_map
from lvcnet.data.dataset import LabelSet
from lvcnet.data.phantom.make import make_phantom
from lvcnet.errors import LvcnetError
from lvcnet.noise.calibrate import make_noisy_labels
from tests.correction.conftest import SIZE, square


def edges_at(*columns: int) -> np.ndarray:
    """Strength 1 in some columns, else 0."""
    strength = np.zeros((SIZE, SIZE))
    strength[:, list(columns)] = 1
    return strength


def test_the_outline_on_the_edge_gets_both_strips() -> None:
    first, second = square(4), square(5)
    found = side_map(edges_at(3, 4, 11, 12), first, second)
    assert np.array_equal(found, np.where(first ^ second, FIRST, NOWHERE))
    found = side_map(edges_at(4, 5, 12, 13), first, second)
    assert np.array_equal(found, np.where(first ^ second, SECOND, NOWHERE))


def test_each_strip_is_judged_by_its_own_edges() -> None:
    found = side_map(edges_at(3, 4, 12, 13), square(4), square(5))
    assert set(found[4:12, 4]) == {FIRST}
    assert set(found[4:12, 12]) == {SECOND}


def test_a_difference_within_chance_decides_nothing() -> None:
    rng = np.random.default_rng(0)
    first, second = square(4, 4, 8), square(4, 4, 10)
    flat = side_map(np.full((SIZE, SIZE), 0.5), first, second)
    assert np.array_equal(flat, np.where(first ^ second, UNDECIDED, NOWHERE))
    sides = [side_map(rng.random((SIZE, SIZE)), first, second)[13, 13] for _ in range(200)]
    # neighbouring pixel edges share a pixel, so a standard error is a lower bar than the 68 % of independent ones
    assert 60 < sides.count(UNDECIDED) < 160
    assert abs(sides.count(FIRST) - sides.count(SECOND)) < 40


def test_an_object_that_only_one_drew_stays_undecided() -> None:
    found = side_map(edges_at(4, 11), square(), np.zeros((SIZE, SIZE), dtype=bool))
    assert np.array_equal(found, np.where(square(), UNDECIDED, NOWHERE))


masks = arrays(bool, (2, 9, 8), elements=st.booleans())


@given(masks, arrays(np.float32, (9, 8), elements=st.floats(0, 1, width=16)))
def test_the_order_of_the_label_sets_does_not_matter(drawn: np.ndarray, strength: np.ndarray) -> None:
    there, back = side_map(strength, drawn[0], drawn[1]), side_map(strength, drawn[1], drawn[0])
    assert np.array_equal(there > 0, drawn[0] != drawn[1])
    exchanged = np.choose(back, [NOWHERE, SECOND, FIRST, UNDECIDED])
    assert np.array_equal(there, exchanged)


def test_a_data_set_is_summed_up(make_squares) -> None:
    dataset = make_squares()
    dataset.images[:] = np.where(square(), 200, 40)
    dataset.images[3] = np.where(square(5), 200, 40)
    dataset.images[4] = 40
    found = edge_support(dataset, "clean", "second")
    assert found["images"] == 12
    assert found["area_px"] == 12 * 16
    assert found["share"] == pytest.approx({"first": 10 / 12, "second": 1 / 12, "undecided": 1 / 12})
    assert found["images_won"] == {"first": 10, "second": 1}
    assert found["per_category"]["square"]["area_px"] == 12 * 16
    rows = {row["key"]: row for row in found["per_image"]}
    assert rows["image-3"] == {"key": "image-3", "area_px": 16, "first": 0, "second": 16, "undecided": 0}
    assert json.loads(json.dumps(found)) == found


def test_ignored_pixels_are_not_compared(make_squares) -> None:
    dataset = make_squares(test=0)
    second = dataset.labels("second")
    ignored = np.zeros_like(second.masks)
    ignored[:, :, :, 12] = True  # the strip that only `second` drew
    dataset.add_labels(LabelSet("unsure", second.masks, second.covered, {}, ignored))
    assert edge_support(dataset, "clean", "unsure")["area_px"] == 12 * 8
    assert agreement(dataset, "clean", "unsure")["area_bias"] == pytest.approx(-8 / 64)
    united, _ = consensus(dataset, ["clean", "second", "unsure"], "majority", "all")
    assert np.array_equal(united.ignored, ignored)
    assert consensus(dataset, ["clean", "second"], "majority", "all")[0].ignored is None


def test_without_disagreement_there_is_no_share(make_squares) -> None:
    dataset = make_squares()
    clean = dataset.labels("clean")
    dataset.add_labels(LabelSet("same", clean.masks.copy(), clean.covered.copy()))
    found = edge_support(dataset, "clean", "same")
    assert found["area_px"] == 0
    assert found["share"] == {"first": None, "second": None, "undecided": None}
    with pytest.raises(LvcnetError, match="agrees with itself"):
        edge_support(dataset, "clean", "clean")
    with pytest.raises(LvcnetError, match="no image of test"):
        edge_support(dataset, "clean", "second", "test")


def test_radiographs_side_with_clean_outlines_against_coarse_ones() -> None:
    dataset = make_phantom("hips", train=6, test=0, size=96, seed=1)
    dataset.add_labels(make_noisy_labels(dataset, level=3))
    found = edge_support(dataset, "clean", "level3")
    assert found["share"]["first"] > 0.7
    assert found["share"]["second"] < 0.1
