"""Snapshots: what a method saw on a few fixed images as training went on.

One epoch-NNNN.npz a snapshot, small enough to keep: probabilities in 1/255, vector fields in 1/8 px.

Symbols: n images, C categories, H x W pixels.
"""

import io
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lvcnet.damage import reading
from lvcnet.files import write_atomic
from lvcnet.formats import newer
from lvcnet.frames import Frames

FORMAT_VERSION = 2
"""Of the entry `format`. Files of version 0 have none and are otherwise as version 1, which has no frames."""
VECTOR_UNIT = 1 / 8
"""Pixels a step of a stored vector component; int8 reaches +-16 px."""


@dataclass(frozen=True)
class Snapshot:
    """One epoch's view.

    Attributes:
        epoch: 1, 2, ...; 0 is before training.
        keys: n image keys.
        splits: n names, train or test.
        images: (n, H, W) uint8.
        frames: (n, 2) rows and columns that hold each image; beyond them is padding.
        clean: (n, C, H, W) bool.
        labels: (n, C, H, W) bool, what training saw; empty where it saw none.
        covered: (n,) bool, whether it saw any.
        prediction: (n, C, H, W) float32 in [0, 1].
        maps: by name, (n, 1 or C, H, W) in [0, 1] or (n, C, 2, H, W) in pixels.
    """

    epoch: int
    keys: list[str]
    splits: list[str]
    images: NDArray[np.uint8]
    frames: Frames
    clean: NDArray[np.bool_]
    labels: NDArray[np.bool_]
    covered: NDArray[np.bool_]
    prediction: NDArray[np.float32]
    maps: dict[str, NDArray[np.float32]]

    def cut(self, row: int) -> "Snapshot":
        """One image, without its padding; the first axis stays, with length 1."""
        height, width = self.frames[row].tolist()
        one, place = slice(row, row + 1), np.s_[..., :height, :width]
        return replace(
            self,
            keys=self.keys[one],
            splits=self.splits[one],
            images=self.images[one][place],
            frames=self.frames[one],
            clean=self.clean[one][place],
            labels=self.labels[one][place],
            covered=self.covered[one],
            prediction=self.prediction[one][place],
            maps={name: values[one][place] for name, values in self.maps.items()},
        )


def write_snapshot(folder: Path, snapshot: Snapshot) -> None:
    """Write epoch-NNNN.npz, atomically."""
    arrays: dict[str, NDArray[np.generic]] = {
        "format": np.array(FORMAT_VERSION),
        "keys": np.array(snapshot.keys),
        "splits": np.array(snapshot.splits),
        "images": snapshot.images,
        "frames": snapshot.frames,
        "clean": np.packbits(snapshot.clean, axis=-1),
        "labels": np.packbits(snapshot.labels, axis=-1),
        "covered": snapshot.covered,
        "prediction": _encode(snapshot.prediction),
        **{f"map_{name}": _encode(value) for name, value in snapshot.maps.items()},
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    write_atomic(folder / f"epoch-{snapshot.epoch:04d}.npz", buffer.getvalue())


def snapshot_epochs(folder: Path) -> list[int]:
    """Epochs that have a snapshot, in order."""
    return sorted(int(path.stem.removeprefix("epoch-")) for path in folder.glob("epoch-*.npz"))


def read_snapshot(folder: Path, epoch: int) -> Snapshot:
    """The snapshot of an epoch.

    Raises:
        LvcnetError: if it is of a newer version.
        DamagedError: if it cannot be read.
    """
    path = folder / f"epoch-{epoch:04d}.npz"
    with reading(path, "choose another epoch, or delete it"), np.load(path, allow_pickle=False) as stored:
        version = int(stored["format"]) if "format" in stored.files else 0
        if version > FORMAT_VERSION:
            raise newer(path, version, FORMAT_VERSION)
        images = stored["images"]
        side = images.shape[-1]
        maps = {
            name.removeprefix("map_"): _decode(stored[name])
            for name in stored.files
            if name.startswith("map_")
        }
        return Snapshot(
            epoch=epoch,
            keys=[str(key) for key in stored["keys"]],
            splits=[str(split) for split in stored["splits"]],
            images=images,
            frames=stored["frames"] if version > 1 else np.tile(images.shape[1:], (len(images), 1)),
            clean=np.unpackbits(stored["clean"], axis=-1, count=side).astype(bool),
            labels=np.unpackbits(stored["labels"], axis=-1, count=side).astype(bool),
            covered=stored["covered"],
            prediction=_decode(stored["prediction"]),
            maps=maps,
        )


def _encode(value: NDArray[np.float32]) -> NDArray[np.generic]:
    if value.ndim == 5:
        return np.clip(np.round(value / VECTOR_UNIT), -127, 127).astype(np.int8)
    return np.round(np.clip(value, 0, 1) * 255).astype(np.uint8)


def _decode(value: NDArray[np.generic]) -> NDArray[np.float32]:
    scale = VECTOR_UNIT if value.dtype == np.int8 else 1 / 255
    return value.astype(np.float32) * np.float32(scale)
