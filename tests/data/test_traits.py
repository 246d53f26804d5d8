"""Traits of a data set, by masks that are drawn by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvcnet.data.dataset import Dataset, Item, LabelSet
from lvcnet.data.traits import measure, thicknesses
from lvcnet.data.working_size import working_size
from lvcnet.errors import LvcnetError


def _dataset() -> Dataset:
    """Four training images and a test image of 200 x 100 px on a grid of 64 x 32: a bar in all, a thin line in one."""
    items = [Item(f"image-{n}", "train" if n < 4 else "test", 100, 200, None, (0.5, 0.5)) for n in range(5)]
    masks = np.zeros((5, 3, 32, 64), bool)
    masks[:4, 0, 8:16, 10:50] = True
    masks[0, 1, 20:22, 4:60] = True
    masks[4] = True  # a test image shows everything, and is not looked at
    dataset = Dataset("bars", ["bar", "line", "nothing"], items, np.full((5, 32, 64), 51, np.uint8))
    dataset.add_labels(LabelSet("clean", masks, np.ones(5, bool)))
    return dataset


def test_traits_by_hand() -> None:
    traits = measure(_dataset())
    assert (traits.images, traits.measured, traits.size, traits.original) == (4, 4, 64, (200, 100))
    assert (traits.aspect, traits.spacing_mm, traits.longest) == (2.0, (0.5, 0.5), 200)
    assert (traits.brightness, traits.contrast) == (pytest.approx(0.2), pytest.approx(0))
    bar, line, nothing = traits.categories
    assert (bar.presence, bar.parts, bar.thickness) == (1.0, 1, 8.0)
    assert (bar.area, bar.original_thickness) == (pytest.approx(320 / 2048), pytest.approx(25))
    assert (line.presence, line.thickness, line.area) == (0.25, 2.0, pytest.approx(112 / 2048))
    assert (nothing.presence, nothing.thickness, nothing.area) == (0.0, None, None)
    assert (traits.thinnest, traits.rarest) == (line, line)


def test_labels_that_are_learned_from_count_and_no_others() -> None:
    """The same data with another label set: what clean labels and uncovered images say is not looked at."""
    dataset = _dataset()
    masks = np.zeros((5, 3, 32, 64), bool)
    masks[1:3, 0, 8:20, 10:50] = True
    covered = np.array([False, True, True, False, True])
    dataset.add_labels(LabelSet("drawn", masks, covered))
    traits = measure(dataset, "drawn")
    assert (traits.images, traits.categories[0].thickness) == (2, 12.0)
    assert [one.presence for one in traits.categories] == [1.0, 0.0, 0.0]
    dataset.add_labels(LabelSet("test-only", masks, np.arange(5) == 4))
    with pytest.raises(LvcnetError, match="covers no training image"):
        measure(dataset, "test-only")


@given(width=st.integers(1, 30), length=st.integers(30, 60), turned=st.booleans())
def test_a_bar_is_as_thick_as_it_is(width: int, length: int, turned: bool) -> None:
    mask = np.zeros((70, 70), bool)
    mask[5 : 5 + width, 5 : 5 + length] = True
    assert thicknesses(mask.T if turned else mask) == [width]


def test_a_disc_is_as_thick_as_its_diameter_also_where_the_border_cuts_it() -> None:
    rows, columns = np.mgrid[:80, :80]
    disc = (rows - 40) ** 2 + (columns - 40) ** 2 <= 20**2
    assert thicknesses(disc) == [pytest.approx(40, abs=1.5)]
    assert thicknesses(disc[40:]) == [pytest.approx(20, abs=1.5)]


def test_a_rare_category_is_not_the_thinnest_common_one() -> None:
    traits = measure(_dataset())
    rare = replace(traits.categories[1], presence=0.04)
    common = replace(traits, categories=(traits.categories[0], rare))
    assert common.thinnest == common.rarest == traits.categories[0]
    assert replace(traits, categories=(rare,)).thinnest == rare  # where nothing is common, what there is


def test_the_working_size_gives_the_thinnest_structure_its_pixels() -> None:
    """8 px of a structure that is a 25th of the image are 200 px, and the next multiple of 32 is 224."""
    assert working_size(1 / 25, 2000) == 224
    assert working_size(1 / 25, 210) == 192  # never beyond the image
    assert working_size(1 / 4, 2000) == working_size(None, 2000) == working_size(1 / 25, 100) == 128
    assert working_size(1 / 1000, 4000) == 256  # nor beyond what is paid for
