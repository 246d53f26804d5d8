"""A tiny data set of squares, so that a training takes a second."""

import numpy as np
import pytest

from lvcnet.data.dataset import Dataset, Item, LabelSet
from lvcnet.training.config import TrainConfig
from tests.evaluations import noise_manifest


@pytest.fixture
def squares(workspace_home) -> Dataset:
    """12 training and 4 test images of 32 px with a bright square each; level3 covers the training images."""
    rng = np.random.default_rng(0)
    masks = np.zeros((16, 1, 32, 32), bool)
    for mask in masks:
        top, left = rng.integers(4, 14, size=2)
        mask[0, top : top + 12, left : left + 12] = True
    images = (80 + 100 * masks[:, 0] + rng.integers(0, 20, (16, 32, 32))).astype(np.uint8)
    items = [Item(f"image-{n:02d}", "train" if n < 12 else "test", 32, 32) for n in range(16)]
    dataset = Dataset("squares", ["square"], items, images)
    dataset.add_labels(LabelSet("clean", masks, np.ones(16, bool)))
    covered = np.arange(16) < 12
    noisy = np.roll(masks, 2, axis=-1) & covered[:, None, None, None]
    dataset.add_labels(LabelSet("level3", noisy, covered, noise_manifest(3)))
    dataset.save()
    return dataset


@pytest.fixture
def tiny() -> TrainConfig:
    """Three epochs of three steps."""
    return TrainConfig(
        dataset="squares", labels="level3", method="lvcnet", width=4, depth=3, epochs=3, batch_size=3,
        device="cpu", precision="fp32", threads=1, snapshot_every=2, snapshot_images=3,
    )  # fmt: skip
