"""A correction to review without a training: the clean masks are proposed for noisy labels."""

import numpy as np
import pytest

from lvcnet.correction.judge import judge_batch
from lvcnet.correction.store import Correction, CorrectionWriter
from lvcnet.data.dataset import CLEAN, Dataset, LabelSet, labels_digest
from lvcnet.data.phantom.make import make_phantom
from lvcnet.noise.calibrate import make_noisy_labels

NAME = "hips-level3-unet-s0"
HALVES = ["left bone", "right bone"]


def make_correction(name: str = NAME, halves: bool = False) -> Correction:
    """Data set `hips` with labels `level3` of six training images, all judged, in the current workspace.

    With `halves` it is the data set `halves`, where each side of the picture is a category.
    """
    dataset = make_phantom("hips", train=6, test=2, size=64, seed=3)
    if halves:
        masks = dataset.labels(CLEAN).masks
        left = np.arange(masks.shape[-1]) < masks.shape[-1] / 2
        dataset = Dataset("halves", HALVES, dataset.items, dataset.images)
        both = np.concatenate([masks & left, masks & ~left], axis=1)
        dataset.add_labels(LabelSet(CLEAN, both, np.ones(len(both), dtype=np.bool_), {"family": "exact"}))
    dataset.save()
    dataset.add_labels(make_noisy_labels(dataset, level=3))
    rows = dataset.indices("train")
    labels = dataset.labels("level3")
    clean = dataset.labels("clean").masks[rows]
    probability = np.where(clean, 0.9, 0.1).astype(np.float32)
    writer = CorrectionWriter(name, clean.shape)
    writer.write(np.arange(len(rows)), probability)
    judged = judge_batch(probability, labels.masks[rows], dataset.categories)
    images = [
        {"key": dataset.items[row].key, "run": "none", "confident": 1.0, **one}
        for row, one in zip(rows, judged, strict=True)
    ]
    head = {
        "dataset": dataset.name,
        "labels": "level3",
        "labels_digest": labels_digest(labels),
        "method": "unet",
    }
    return writer.finish({**head, "seed": 0, "folds": 2, "runs": ["none"], "clean": None, "images": images})


@pytest.fixture
def correction() -> Correction:
    return make_correction()
