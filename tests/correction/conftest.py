"""Squares whose distances, areas and overlaps can be worked out by hand, and the command line."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from lvcnet.correction.store import Correction, CorrectionWriter
from lvcnet.data.dataset import Dataset, Item, LabelSet, labels_digest
from lvcnet.data.phantom.make import make_phantom
from lvcnet.noise.calibrate import make_noisy_labels

SIZE = 20


def square(left: int = 4, top: int = 4, side: int = 8, size: int = SIZE) -> NDArray[np.bool_]:
    """A (size, size) mask of one filled square."""
    mask = np.zeros((size, size), dtype=bool)
    mask[top : top + side, left : left + side] = True
    return mask


@pytest.fixture(autouse=True)
def only_own(no_demo: None) -> None:
    """Corrections that ship with the project would be listed, too."""


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


QUALITIES = {"image-0": 0.5, "image-1": 0.1, "image-2": 0.3, "image-3": 0.9}


@pytest.fixture
def dataset(make_squares) -> Dataset:
    return make_squares(train=4)


@pytest.fixture
def correction(dataset: Dataset) -> Correction:
    """Judges labels `second` of four images, 1 px too far right, and proposes the clean square everywhere."""
    writer = CorrectionWriter("mine", (4, 1, SIZE, SIZE))
    probability = np.where(square(), 0.8, 0.1)[None, None]
    for part in ([0, 1, 2], [3]):
        numbers = np.array(part, dtype=np.intp)
        writer.write(numbers, np.repeat(probability, len(part), axis=0))
    rows = [
        {"key": key, "quality": quality, "confident": 1 - quality, "disagreement_px": 0.5}
        | {
            "label_clean_iou": 56 / 72,
            "proposal_clean_iou": 1.0,
            "regions": [{"category": "square", "kind": "both"}],
        }
        for key, quality in QUALITIES.items()
    ]
    head = {
        "dataset": "squares",
        "labels": "second",
        "labels_digest": labels_digest(dataset.labels("second")),
    }
    return writer.finish({**head, "method": "unet", "runs": ["a", "b"], "images": rows})


@pytest.fixture
def pelves() -> Dataset:
    """Twelve training images whose outlines are too coarse."""
    dataset = make_phantom("pelves", train=12, test=2, size=32)
    dataset.add_labels(make_noisy_labels(dataset, 3))
    dataset.save()
    return dataset
