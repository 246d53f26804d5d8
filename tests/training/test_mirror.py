"""Mirroring: left becomes right, or images stay as they are."""

import numpy as np
import pytest
import torch

from lvcnet.data.dataset import Dataset, Item, LabelSet
from lvcnet.training.augment import augment
from lvcnet.training.config import TrainConfig
from lvcnet.training.feed import Feed
from lvcnet.training.mirror import mirrored_names

LEFT, MIDDLE, RIGHT = (1, 6), (6, 10), (10, 15)


def _bands(*columns: tuple[int, int]) -> np.ndarray:
    """(5, C, 16, 16): the same band of columns in every image, one a category."""
    masks = np.zeros((5, len(columns), 16, 16), dtype=bool)
    for number, (first, last) in enumerate(columns):
        masks[:, number, 2:14, first:last] = True
    return masks


@pytest.mark.parametrize(
    ("names", "places", "expected"),
    [
        (["left lung", "right lung"], [LEFT, RIGHT], [1, 0]),
        (["Lung_L", "heart", "Lung_R"], [LEFT, MIDDLE, RIGHT], [2, 1, 0]),
        (["RightFemur", "LeftFemur"], [LEFT, RIGHT], [1, 0]),
        (["leftlung", "rightlung"], [LEFT, RIGHT], [1, 0]),
        (["rechts", "links"], [LEFT, RIGHT], [1, 0]),
        (["L", "R"], [RIGHT, LEFT], [1, 0]),
        (["L1", "L2"], [MIDDLE, MIDDLE], [0, 1]),
        (["innominate bone"], [MIDDLE], [0]),
        (["cleft palate", "bright spot"], [MIDDLE, LEFT], [0, 1]),
        (["left kidney", "spleen"], [LEFT, MIDDLE], None),
        (["1", "2"], [LEFT, RIGHT], None),
        (["spine", "heart"], [(7, 9), (8, 12)], [0, 1]),
        (["a", "b"], [(0, 16), (0, 15)], [0, 1]),
    ],
)
def test_names_and_places_tell_sides(names, places, expected):
    assert mirrored_names(names, _bands(*places)) == expected


def test_sides_by_name_that_do_not_change_places_forbid_mirroring():
    """The ventricles of a heart off the middle, and hips of which every image shows one in its middle."""
    assert mirrored_names(["left ventricle", "right ventricle"], _bands((9, 14), (6, 9))) is None
    assert mirrored_names(["left hip", "right hip"], _bands(MIDDLE, MIDDLE)) is None


def test_a_category_that_no_image_has():
    masks = _bands(LEFT, RIGHT)
    masks[:, 1] = False
    assert mirrored_names(["1", "2"], masks) == [0, 1]
    assert mirrored_names(["left", "right"], masks) is None


def test_labels_of_mirrored_images_change_channels():
    """The left half is channel 0, the right half channel 1: also in mirrored images, once the channels are swapped."""
    labels = torch.zeros(32, 2, 32, 32)
    labels[:, 0, :, :16] = labels[:, 1, :, 16:] = 1
    images = torch.linspace(0, 1, 32).expand(32, 1, 32, 32).clone()
    kept = augment(images, labels, torch.Generator().manual_seed(0))[1]
    swapped = augment(images, labels, torch.Generator().manual_seed(0), mirrored=[1, 0])[1]
    assert kept[:, 0, :, :6].mean() < 0.8
    assert swapped[:, 0, :, :6].mean() == swapped[:, 1, :, -6:].mean() == 1


@pytest.mark.parametrize(("names", "mirrors"), [(["left", "right"], True), (["1", "2"], False)])
def test_training_sees_each_side_in_its_place(names, mirrors):
    masks = _bands(LEFT, RIGHT)
    items = [Item(f"image-{n}", "train", 16, 16) for n in range(5)]
    dataset = Dataset("sides", names, items, np.zeros((5, 16, 16), np.uint8))
    dataset.add_labels(LabelSet("clean", masks, np.ones(5, bool), ignored=masks[:, ::-1].copy()))
    config = TrainConfig(dataset="sides", batch_size=5, validation=0)
    feed = Feed(dataset, config, torch.device("cpu"))
    assert feed.mirrors is mirrors
    for epoch in range(1, 6):
        batch = next(iter(feed.batches(epoch)))
        assert batch.labels[:, 0, :, 10:].sum() == batch.labels[:, 1, :, :6].sum() == 0
        assert batch.labels.sum() > 0
        # each category's own region counts, the other one's is ignored
        assert batch.weights is not None
        assert (batch.weights[:, 0, :, 10:].mean(), batch.weights[:, 0, :, :6].mean()) < (0.9, 1.0)
        assert (batch.labels * (1 - batch.weights)).sum() == 0
