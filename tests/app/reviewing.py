"""A correction to review without a training: the clean masks are proposed for noisy labels."""

import numpy as np
import pytest

from lvcnet.correction.judge import judge_batch
from lvcnet.correction.store import Correction, CorrectionWriter
from lvcnet.data.dataset import labels_digest
from lvcnet.data.phantom import make_phantom
from lvcnet.noise.calibrate import make_noisy_labels

NAME = "hips-level3-unet-s0"


def make_correction() -> Correction:
    """Data set `hips` with labels `level3` of six training images, all judged, in the current workspace."""
    dataset = make_phantom("hips", train=6, test=2, size=64, seed=3)
    dataset.save()
    dataset.add_labels(make_noisy_labels(dataset, level=3))
    rows = dataset.indices("train")
    labels = dataset.labels("level3")
    clean = dataset.labels("clean").masks[rows]
    probability = np.where(clean, 0.9, 0.1).astype(np.float32)
    writer = CorrectionWriter(NAME, clean.shape)
    writer.write(np.arange(len(rows)), probability)
    judged = judge_batch(probability, labels.masks[rows], dataset.categories)
    images = [
        {"key": dataset.items[row].key, "run": "none", "confident": 1.0, **one}
        for row, one in zip(rows, judged, strict=True)
    ]
    head = {"dataset": "hips", "labels": "level3", "labels_digest": labels_digest(labels), "method": "unet"}
    return writer.finish({**head, "seed": 0, "folds": 2, "runs": ["none"], "clean": None, "images": images})


@pytest.fixture
def correction() -> Correction:
    return make_correction()
