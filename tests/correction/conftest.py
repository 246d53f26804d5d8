"""Squares whose distances, areas and overlaps can be worked out by hand."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from lvcnet.data.dataset import Dataset, Item, LabelSet

SIZE = 20


def square(left: int = 4, top: int = 4, side: int = 8, size: int = SIZE) -> NDArray[np.bool_]:
    """A (size, size) mask of one filled square."""
    mask = np.zeros((size, size), dtype=bool)
    mask[top : top + side, left : left + side] = True
    return mask


MakeSquares = Callable[..., Dataset]


@pytest.fixture
def make_squares() -> MakeSquares:
    """A stored data set of one 8 x 8 square an image; label set `second` draws it 1 px further right."""

    def make(train: int = 12, test: int = 2, name: str = "squares") -> Dataset:
        total = train + test
        items = [Item(f"image-{n}", "train" if n < train else "test", SIZE, SIZE) for n in range(total)]
        images = np.full((total, SIZE, SIZE), 40, dtype=np.uint8)
        dataset = Dataset(name, ["square"], items, images)
        dataset.add_labels(LabelSet("clean", np.tile(square(), (total, 1, 1, 1)), np.ones(total, dtype=bool)))
        covered = np.arange(total) < train
        second = np.tile(square(left=5), (total, 1, 1, 1)) & covered[:, None, None, None]
        dataset.add_labels(LabelSet("second", second, covered, {"kind": "import"}))
        dataset.save()
        return dataset

    return make
