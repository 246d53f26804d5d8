"""Runs for the fake trainer, and waiting for processes with patience."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lvcnet.data.dataset import Dataset, Item, LabelSet
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import new_run
from tests.evaluations import noise_manifest

FAKE_TRAINER = (sys.executable, str(Path(__file__).with_name("fake_trainer.py")))
PATIENCE = 90.0


def eventually(condition: Callable[[], Any], what: str) -> Any:
    """The first true value of `condition`; a slow machine gets time."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {PATIENCE:.0f} s in vain for {what}")


def make_run(name: str = "phantom-unet", epochs: int = 3, **options: Any) -> RunDirectory:
    """A queued run for the fake trainer."""
    return new_run(
        name,
        {"dataset": "phantom", "method": "unet", "labels": "clean", "epochs": epochs, "options": options},
    )


def make_dataset(name: str = "discs", images: int = 8, size: int = 32) -> Dataset:
    """Bright discs of different sizes, half of them for training, with label sets clean and level3 (a bit larger)."""
    y, x = np.mgrid[:size, :size]
    distance = np.hypot(x - size / 2, y - size / 2)
    radii = np.linspace(size / 6, size / 3, images)
    masks = np.stack([distance < radius for radius in radii])
    items = [Item(f"disc-{n}", "train" if n < images // 2 else "test", size, size) for n in range(images)]
    dataset = Dataset(name, ["disc"], items, np.where(masks, 200, 50).astype(np.uint8))
    covered = np.ones(images, dtype=bool)
    dataset.add_labels(LabelSet("clean", masks[:, None], covered))
    larger = np.stack([distance < radius + 2 for radius in radii])
    dataset.add_labels(LabelSet("level3", larger[:, None], covered, noise_manifest(3)))
    dataset.save()
    return dataset
