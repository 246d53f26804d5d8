"""Ellipses and rings, and data sets of them in memory."""

import numpy as np

from lvcnet.data.dataset import CLEAN, Dataset, Item, LabelSet
from lvcnet.files import keyed_rng
from lvcnet.noise.levels import Mask

SIZE = 96


def shapes(key: str) -> Mask:
    """(2, S, S): two tilted ellipses of which one has a hole, and a ring."""
    rng = keyed_rng(0, key)
    row, column = np.mgrid[:SIZE, :SIZE].astype(float)
    left = _ellipse(row, column, 48 + rng.normal(0, 3), 24, 30, 14, 0.3)
    hole = _ellipse(row, column, 52, 24, 6, 5, 0.0)
    right = _ellipse(row, column, 48, 70 + rng.normal(0, 2), 28, 15, -0.3)
    ring = _ellipse(row, column, 48, 48, 34, 30, 0.0) & ~_ellipse(row, column, 48, 48, 16, 14, 0.0)
    return np.stack([(left & ~hole) | right, ring])


def make_dataset(keys: list[str], test_keys: tuple[str, ...] = ()) -> Dataset:
    """A data set with these images, in this order."""
    items = [Item(key, "test" if key in test_keys else "train", SIZE, SIZE) for key in keys]
    dataset = Dataset("shapes", ["bones", "ring"], items, np.zeros((len(keys), SIZE, SIZE), np.uint8))
    masks = np.stack([shapes(key) for key in keys])
    dataset.add_labels(LabelSet(CLEAN, masks, np.ones(len(keys), bool), {}))
    return dataset


def _ellipse(row: Mask, column: Mask, y: float, x: float, height: float, width: float, angle: float) -> Mask:
    down, across = row - y, column - x
    along = down * np.cos(angle) + across * np.sin(angle)
    aside = across * np.cos(angle) - down * np.sin(angle)
    return (along / height) ** 2 + (aside / width) ** 2 <= 1
