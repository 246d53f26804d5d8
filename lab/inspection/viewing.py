"""One image as a run sees it: from the run's checkpoint, or from a snapshot where there is none.

Symbols: H, W size of the image on the working grid in pixels, C categories.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab.ui.widgets import Stamp, dataset_stamp, load_dataset
from lvcnet.data.dataset import CLEAN, Dataset, find_dataset, list_datasets
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.protocol import GRID
from lvcnet.inference.finished import load_predictor
from lvcnet.masks.metrics import image_metrics
from lvcnet.models.maps import MAP_TITLES
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.snapshots import Snapshot, read_snapshot, snapshot_epochs
from lvcnet.thresholds import THRESHOLD

VECTORS = ("guidance", "offsets")


@dataclass(frozen=True, eq=False)
class Sight:
    """An image, what is known about it and what a run says.

    Attributes:
        key: of the image.
        split: train or test.
        source: where the prediction comes from, in words.
        image: (H, W) uint8.
        clean: (C, H, W) bool, None where no clean label covers the image.
        labels: (C, H, W) bool, what the run learns from, None where it does not cover the image.
        prediction: (C, H, W) in [0, 1].
        maps: by name, (1 or C, H, W), or vector fields (C, 2, H, W) in pixels.
        categories: C names.
        pixel: height and width of a pixel, in `unit`.
        unit: of distances: px of the original image, mm, or grid px where the original's size is not known.
    """

    key: str
    split: str
    source: str
    image: NDArray[np.uint8]
    clean: NDArray[np.bool_] | None
    labels: NDArray[np.bool_] | None
    prediction: NDArray[Any]
    maps: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    categories: tuple[str, ...] = ("foreground",)
    pixel: tuple[float, float] = (1.0, 1.0)
    unit: str = "px"

    def mask(self, channel: int, name: str = "prediction") -> NDArray[np.bool_]:
        """(H, W): a prediction, the final one or one of `maps`, at or above one half."""
        values = self.prediction if name == "prediction" else self.maps[name]
        return np.asarray(values[min(channel, len(values) - 1)] >= THRESHOLD)

    def scores(self, name: str = "prediction") -> dict[str, float]:
        """All metrics of a prediction against the clean label, means over categories; empty without a clean label."""
        if self.clean is None:
            return {}
        masks = np.stack([self.mask(channel, name) for channel in range(len(self.clean))])
        return {
            metric: float(value.mean())
            for metric, value in image_metrics(
                masks[None], self.clean[None], sizes=np.array([self.pixel])
            ).items()
        }


def map_names(sight: Sight) -> list[str]:
    """Maps in the order of the paper's figure: known ones, other ones by name, then the warps."""
    known = list(MAP_TITLES)
    return sorted(
        sight.maps,
        key=lambda name: (
            name.startswith("warp"),
            known.index(name) if name in known else len(known),
            len(name),
            name,
        ),
    )


def checkpoint_stamp(run: RunDirectory) -> int:
    """When the last checkpoint was written; 0 if there is none."""
    return max((path.stat().st_mtime_ns for path in run.checkpoints.glob("last.safetensors")), default=0)


def data_of(run: RunDirectory) -> Dataset | None:
    """The data set a run learned from; None if it is gone or not what it was then."""
    config = run.config()
    if config["dataset"] not in list_datasets():
        return None
    folder = find_dataset(config["dataset"])
    if _fingerprint(str(folder), dataset_stamp(folder)) != config["data"]["fingerprint"]:
        return None
    return load_dataset(config["dataset"])


def can_predict(run: RunDirectory) -> bool:
    """Whether any image of the data set can be shown, not only those of the snapshots."""
    return bool(checkpoint_stamp(run)) and data_of(run) is not None


def from_checkpoint(run: RunDirectory, key: str) -> Sight:
    """An image of the run's data set as the last checkpoint sees it.

    Raises:
        LvcnetError: without checkpoint or data, or if the checkpoint cannot be used.
    """
    dataset, stamp = data_of(run), checkpoint_stamp(run)
    if dataset is None or not stamp:
        what = "data set as it was in training" if dataset is None else "checkpoint"
        raise LvcnetError(f"run {run.name!r} has no {what} here: only its snapshots can be shown")
    return _predicted(run.name, str(run.path), stamp, dataset_stamp(find_dataset(dataset.name)), key)


def from_snapshot(run: RunDirectory, epoch: int, key: str) -> Sight:
    """A fixed image as the run saw it after an epoch.

    Raises:
        LvcnetError: if the snapshot is gone, or has no such image.
    """
    snapshot = load_snapshot(run, epoch)
    if key not in snapshot.keys:
        raise LvcnetError(
            f"snapshot {epoch} of run {run.name!r} has no image {key!r}: it has {', '.join(snapshot.keys)}"
        )
    seen, dataset = snapshot.cut(snapshot.keys.index(key)), data_of(run)
    known = ((1.0, 1.0), GRID) if dataset is None else _pixel_of(dataset, dataset.index(key))
    return Sight(
        key=key,
        split=seen.splits[0],
        source=f"snapshot of epoch {epoch}",
        image=seen.images[0],
        clean=seen.clean[0],
        labels=seen.labels[0] if seen.covered[0] else None,
        prediction=seen.prediction[0],
        maps={name: values[0] for name, values in seen.maps.items()},
        categories=tuple(run.config()["data"]["categories"]),
        pixel=known[0],
        unit=known[1],
    )


def latest(run: RunDirectory, key: str) -> Sight:
    """The checkpoint's view of an image, else the last snapshot's.

    Raises:
        LvcnetError: if neither knows the image.
    """
    epochs = snapshot_epochs(run.snapshots)
    if can_predict(run):
        try:
            return from_checkpoint(run, key)
        except LvcnetError:
            if not epochs or key not in load_snapshot(run, epochs[-1]).keys:
                raise
    if not epochs:
        raise LvcnetError(f"run {run.name!r} has neither a checkpoint nor snapshots here")
    return from_snapshot(run, epochs[-1], key)


def keys_of(run: RunDirectory, split: str | None = None) -> list[str]:
    """Images that `latest` can show, of one split if given."""
    if can_predict(run):
        dataset = data_of(run)
        assert dataset is not None
        return [item.key for item in dataset.items if split in (None, item.split)]
    epochs = snapshot_epochs(run.snapshots)
    if not epochs:
        return []
    snapshot = load_snapshot(run, epochs[-1])
    return [key for key, part in zip(snapshot.keys, snapshot.splits, strict=True) if split in (None, part)]


def load_snapshot(run: RunDirectory, epoch: int) -> Snapshot:
    """A snapshot, the last few kept in memory.

    Raises:
        LvcnetError: if it is gone or broken.
    """
    path = run.snapshots / f"epoch-{epoch:04d}.npz"
    try:
        return _snapshot(str(run.snapshots), epoch, path.stat().st_mtime_ns)
    except OSError:
        raise LvcnetError(f"snapshot {epoch} of run {run.name!r} is gone: choose another epoch") from None


@st.cache_resource(max_entries=32, show_spinner=False)
def _snapshot(folder: str, epoch: int, stamp: int) -> Snapshot:
    return read_snapshot(Path(folder), epoch)


@st.cache_data(max_entries=16, show_spinner=False)
def _fingerprint(folder: str, stamp: Stamp) -> str:
    return load_dataset(Path(folder).name).fingerprint()


@st.cache_resource(max_entries=48, show_spinner="Segmenting the image")
def _predicted(run: str, path: str, stamp: int, data_stamp: Stamp, key: str) -> Sight:
    predictor = load_predictor(run)
    config = predictor.run.config()
    dataset = load_dataset(config["dataset"])
    row = dataset.index(key)
    maps = predictor.predict_array(dataset.images[row][None], dataset.frames[row][None])
    maps = maps.cut(*dataset.frames[row].tolist())
    pixel, unit = _pixel_of(dataset, row)
    return Sight(
        key=key,
        split=dataset.items[row].split,
        source="last checkpoint",
        image=dataset.image(row),
        clean=_covered(dataset, CLEAN, row),
        labels=_covered(dataset, config["labels"], row),
        prediction=maps.prediction[0].numpy(),
        maps={name: value[0].numpy() for name, value in maps.named.items()},
        categories=tuple(dataset.categories),
        pixel=pixel,
        unit=unit,
    )


def _pixel_of(dataset: Dataset, row: int) -> tuple[tuple[float, float], str]:
    """Height and width of a pixel of an image, and their unit, which is that of the test images' distances."""
    unit = dataset.unit(np.append(dataset.indices("test"), row))
    height, width = dataset.pixel_sizes(np.array([row]), unit)[0].tolist()
    return (height, width), unit


def _covered(dataset: Dataset, name: str, row: int) -> NDArray[np.bool_] | None:
    if name not in dataset.label_names() or not dataset.labels(name).covered[row]:
        return None
    return np.asarray(dataset.masks(name, row))
