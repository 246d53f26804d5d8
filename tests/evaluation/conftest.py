"""A tiny data set whose answers are known, runs on it, and a method that thresholds the image."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from lvcnet.data.dataset import Dataset, Item, LabelSet
from lvcnet.files import write_json
from lvcnet.models.maps import Maps
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import new_run
from lvcnet.training.config import build_config
from tests.evaluations import noise_manifest

TRAIN, TEST, SIZE = 4, 6, 16


class BrightMethod:
    """Says that bright is bone; a missing column per `cut` makes it worse."""

    def __init__(self, cut: int) -> None:
        self.cut = cut

    def predict(self, images: torch.Tensor, details: bool = True) -> Maps:
        prediction = images.clone()
        prediction[..., : 4 + self.cut] = 0
        return Maps(prediction)

    def parameters(self) -> int:
        return 7


CUTS = {"lvcnet": 0, "unet": 1, "fcn": 2}


@pytest.fixture
def tiny() -> Dataset:
    """Images that show an 8 x 8 square at columns 4-11; in test image n the clean mask is n columns narrower."""
    images = np.zeros((TRAIN + TEST, SIZE, SIZE), dtype=np.uint8)
    for n, image in enumerate(
        images
    ):  # every second square is a row lower: one mask for all would be a collapse
        image[4 + n % 2 : 12 + n % 2, 4:12] = 255
    items = [Item(f"train{n}", "train", SIZE, SIZE) for n in range(TRAIN)]
    items += [Item(f"test{n}", "test", SIZE, SIZE) for n in range(TEST)]
    dataset = Dataset("tiny", ["bone"], items, images)
    clean = (images > 0)[:, None]
    for n in range(TEST):
        clean[TRAIN + n, ..., 12 - n : 12] = False
    everywhere = np.ones(TRAIN + TEST, dtype=bool)
    dataset.add_labels(LabelSet("clean", clean, everywhere))
    half = clean.copy()
    half[..., 8:] = False  # 4 of 8 columns: IoU 0.5 with the clean training labels
    dataset.add_labels(LabelSet("level4", half, np.arange(TRAIN + TEST) < TRAIN, noise_manifest(4)))
    dataset.add_labels(LabelSet("level1", clean.copy(), everywhere, noise_manifest(1)))
    dataset.save()
    return dataset


MakeRun = Callable[..., RunDirectory]


@pytest.fixture
def make_run(tiny: Dataset, monkeypatch: pytest.MonkeyPatch) -> MakeRun:
    """Makes a finished run whose method is a BrightMethod."""

    def load(run: RunDirectory, which: str = "last", device: str = "auto") -> BrightMethod:
        return BrightMethod(CUTS[run.config()["method"]])

    monkeypatch.setattr("lvcnet.inference.predictor.load_method", load)

    def make(method: str = "lvcnet", labels: str = "clean", seed: int = 0, **settings: Any) -> RunDirectory:
        state = settings.pop("state", "done")
        config = build_config(
            {"dataset": "tiny", "method": method, "labels": labels, "seed": seed, **settings}
        )
        data = {"fingerprint": tiny.fingerprint(), "size": SIZE, "categories": tiny.categories}
        data["labels"] = tiny.manifest(labels) if labels in tiny.label_names() else {}
        run = new_run(f"tiny-{method}-{labels}-s{seed}", {**config.model_dump(), "data": data})
        run.update_status(state=state)
        write_json(run.checkpoints / "last.json", {"format": 1, "epoch": 3})
        for epoch, score in enumerate([0.5, 0.75, 0.7], start=1):
            run.append_metrics({"epoch": epoch, "seconds": 2.0, "test_iou": score})
        return run

    return make
