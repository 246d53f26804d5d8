"""Dataset: images, named label sets, splits, fingerprint.

Symbols: N images, C foreground categories (overlapping, C >= 1), S working size in pixels.

Images are resampled to a square S x S grid (as in the paper); each item remembers the size of the file it came
from, so that results go back to full resolution. Noise, correction and a second annotator all just add a label
set; training names the one it learns from.

On disk, one folder a data set:
    dataset.json            name, size, categories, items, source, checksum of the images, format version
    images.npy              (N, S, S) uint8
    labels/NAME.npz         a label set (see lvcnet.data.label_sets)
"""

import io
import json
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet import formats, workspace
from lvcnet.claims import using
from lvcnet.damage import check_types, reading
from lvcnet.data.label_sets import LabelFolder
from lvcnet.data.label_sets import LabelSet as LabelSet
from lvcnet.data.label_sets import comparable_masks as comparable_masks
from lvcnet.data.label_sets import labels_digest as labels_digest
from lvcnet.errors import DamagedError, LvcnetError
from lvcnet.files import check_name, checksum, digest, read_json, write_atomic, write_json
from lvcnet.folders import TakenError, whole_folder
from lvcnet.progress import Report

SPLITS = ("train", "test")
CLEAN = "clean"
CHECKSUM = "images_crc32"
"""Key in dataset.json. Every flipped bit changes it, and it takes no longer than reading the images."""
FOLD = "fold"
"""Manifest `kind` of a label set that only leaves images of another one out (see lvcnet.correction.folds)."""


@dataclass(frozen=True)
class Item:
    """One image: its key (unique in the data set), split, and the size of the file it came from."""

    key: str
    split: str
    height: int
    width: int
    source: str | None = None
    spacing_mm: tuple[float, float] | None = None
    """Row and column spacing of the original pixels in mm, where the file tells."""


class Dataset:
    """Images (N, S, S) uint8 in memory, label sets read when asked for.

    Args:
        name: folder name in the workspace.
        categories: C names, the channels of every label set.
        items: N items in the order of `images`.
        images: (N, S, S) uint8.
        source: JSON-able origin of the data (command, options).
        folder: where it is stored; None while it exists only in memory.
    """

    def __init__(
        self,
        name: str,
        categories: list[str],
        items: list[Item],
        images: NDArray[np.uint8],
        source: dict[str, Any] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.name = check_name(name, "data set")
        self.categories = list(categories)
        self.items = list(items)
        self.images = images
        self.source = source or {}
        self.folder = folder
        self._labels: dict[str, LabelSet] = {}
        self._stored = None if folder is None else LabelFolder(folder / "labels")
        _check_items(self.items, images, self.categories)

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        labels = ", ".join(self.label_names()) or "none"
        return f"Dataset({self.name!r}, {len(self)} images of {self.size} px, labels {labels})"

    @property
    def size(self) -> int:
        """S, the side of the working grid in pixels."""
        return int(self.images.shape[-1])

    @property
    def is_demo(self) -> bool:
        """Whether it ships with the project and so must not be changed."""
        return self.folder is not None and workspace.is_shipped(self.folder)

    def indices(self, split: str) -> NDArray[np.intp]:
        """Row numbers of a split, in order.

        Raises:
            LvcnetError: for an unknown split.
        """
        if split not in SPLITS:
            raise LvcnetError(f"split {split!r} does not exist: choose one of {', '.join(SPLITS)}")
        return np.array([i for i, item in enumerate(self.items) if item.split == split], dtype=np.intp)

    def index(self, key: str) -> int:
        """Row number of the image with this key.

        Raises:
            LvcnetError: if there is none.
        """
        for number, item in enumerate(self.items):
            if item.key == key:
                return number
        raise LvcnetError(f"data set {self.name!r} has no image {key!r}")

    def label_names(self) -> list[str]:
        """Names of the label sets, `clean` first."""
        names = set(self._labels)
        if self._stored is not None:
            names |= set(self._stored.names())
        return sorted(names, key=lambda name: (name != CLEAN, name))

    def opinions(self) -> list[str]:
        """The label sets that a person chooses from: all but the folds that label repair trains on."""
        found = []
        for name in self.label_names():
            try:
                if self.manifest(name).get("kind") != FOLD:
                    found.append(name)
            except DamagedError:  # it is named by lvcnet.data.summary.damaged_datasets
                continue
        return found

    def labels(self, name: str) -> LabelSet:
        """The label set `name`.

        Raises:
            LvcnetError: if the data set has none of that name.
        """
        if name not in self._labels:
            if name not in self.label_names():
                raise LvcnetError(
                    f"data set {self.name!r} has no label set {name!r}: it has {', '.join(self.label_names()) or 'none'}"
                    " (make noisy ones with `lvcnet noise`)"
                )
            assert self._stored is not None
            self._labels[name] = self._stored.read(name)
        return self._labels[name]

    def manifest(self, name: str) -> dict[str, Any]:
        """The manifest of a label set, without reading its masks."""
        if name in self._labels:
            return self._labels[name].manifest
        if self._stored is None or name not in self._stored.names():
            return self.labels(name).manifest  # which says what there is
        return self._stored.manifest(name)

    def add_labels(self, labels: LabelSet) -> None:
        """Add or replace a label set; written at once when the data set is stored.

        Raises:
            LvcnetError: if its shape does not fit, or the data set ships with the project.
            TakenError: if another process made or changed one of that name since this data set was loaded.
        """
        check_name(labels.name, "label set")
        if self.is_demo:
            raise LvcnetError(
                f"data set {self.name!r} ships with the project and stays as it is:"
                " make your own with `lvcnet data phantom NAME` and add label sets to that"
            )
        expected = (len(self), len(self.categories), self.size, self.size)
        shapes = {part.shape for part in (labels.masks, labels.ignored) if part is not None}
        if shapes != {expected} or labels.covered.shape != (len(self),):
            raise LvcnetError(
                f"label set {labels.name!r} has masks {sorted(shapes)} and coverage {labels.covered.shape}:"
                f" the data set needs {expected} and ({len(self)},)"
            )
        if self._stored is not None:
            self._stored.write(labels)
        self._labels[labels.name] = labels

    def fingerprint(self) -> str:
        """12 hexadecimal digits over images, items, categories and clean labels: equal data, equal digits."""
        head = json.dumps([self.categories, [[item.key, item.split] for item in self.items]])
        clean = self.labels(CLEAN)
        parts = [clean.masks, *([] if clean.ignored is None else [clean.ignored])]
        return digest(
            [head.encode(), self.images.tobytes(), *(np.packbits(part).tobytes() for part in parts)]
        )

    def save(self, folder: Path | None = None, report: Report | None = None) -> Path:
        """Write everything to `folder` (default: the workspace) and keep writing there.

        Args:
            folder: must not exist; nothing of it stays if writing ends early.
            report: called with (done, total) after each label set; an exception of it is in time to stop all.

        Raises:
            LvcnetError: if the folder holds a data set already, or another process made one there meanwhile.
        """
        target = folder or workspace.datasets_dir() / self.name
        check_free(target)
        head = {
            "name": self.name,
            "size": self.size,
            "categories": self.categories,
            "source": self.source,
            CHECKSUM: checksum([self.images]),
            "items": [asdict(item) for item in self.items],
        }
        names = self.label_names()
        with whole_folder(target, "data set") as unfinished:
            _write_array(unfinished / "images.npy", self.images)
            write_json(unfinished / "dataset.json", formats.DATASET.stamped(head))
            labels = LabelFolder(unfinished / "labels")
            for number, name in enumerate(names, start=1):
                labels.write(self.labels(name))
                if report is not None:
                    report(number, len(names))
        self.folder, self._stored = target, LabelFolder(target / "labels")
        return target

    @classmethod
    def load(cls, name_or_folder: str | Path) -> "Dataset":
        """Read a data set by name (workspace, then the demo data in assets/) or by folder.

        Raises:
            LvcnetError: if there is none, or it was written by a newer version.
            DamagedError: if one of its files is damaged, be it by a single bit of its images.
        """
        folder = find_dataset(name_or_folder)
        do = f"put back a copy of it, or delete the data set with `lvcnet data delete {folder.name} --yes`"
        path = folder / "dataset.json"
        with reading(path, do):
            head = formats.DATASET.current(read_json(path), path)
            check_types(head, name=str, categories=list, items=list, source=dict)
            items = [
                Item(**{**item, "spacing_mm": tuple(item["spacing_mm"]) if item.get("spacing_mm") else None})
                for item in head["items"]
            ]
            name, categories, source = head["name"], head["categories"], head["source"]
        with reading(folder / "images.npy", do):
            # mapped first: a header that was changed must not ask for more memory than there is file
            images = np.array(np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False))
            if len(images) != len(items):
                raise ValueError(f"{len(images)} images for {len(items)} items")
            if head.get(CHECKSUM) not in (None, checksum([images])):
                raise ValueError("its pixels are not those that were saved")
        return cls(name, categories, items, images, source, folder)


def find_dataset(name_or_folder: str | Path) -> Path:
    """Folder of a data set given by name or path.

    Raises:
        LvcnetError: if there is none.
    """
    candidates = [
        workspace.datasets_dir() / name_or_folder,
        workspace.assets_dir() / "datasets" / name_or_folder,
        Path(name_or_folder),
    ]
    for candidate in candidates:
        if (candidate / "dataset.json").is_file():
            return candidate
    known = ", ".join(list_datasets()) or "none yet; make one with `lvcnet data phantom NAME`"
    raise LvcnetError(f"there is no data set {str(name_or_folder)!r}: known are {known}")


def check_free(folder: Path) -> None:
    """Make sure that no data set would be overwritten; worth asking before a long import.

    Raises:
        LvcnetError: if the folder exists.
    """
    if folder.exists():
        raise LvcnetError(
            f"data set {folder.name!r} exists at {folder}: choose another name or delete it first"
        )


def list_datasets() -> list[str]:
    """Names of all data sets in the workspace and of the demo data that ships with the project."""
    folders = [workspace.datasets_dir(), workspace.assets_dir() / "datasets"]
    found = {path.parent.name for folder in folders for path in folder.glob("*/dataset.json")}
    return sorted(name for name in found if not name.startswith("."))


def own_copy(dataset: Dataset) -> Dataset:
    """The data set itself, or, if it ships with the project, its copy in the workspace under the same name.

    From then on the copy is what the name means; runs trained on the original fit it, as it has the same fingerprint.
    """
    if not dataset.is_demo:
        return dataset
    assert dataset.folder is not None
    target = workspace.datasets_dir() / dataset.name
    if not target.exists():
        with suppress(TakenError), whole_folder(target, "data set") as unfinished:  # another one is as good
            shutil.copytree(dataset.folder, unfinished, dirs_exist_ok=True)
    return Dataset.load(target)


def without_checksum() -> list[Path]:
    """Folders of the workspace's data sets whose images have no checksum, as before format 2."""
    found = []
    for head in sorted(workspace.datasets_dir().glob("[!.]*/dataset.json")):
        with suppress(LvcnetError):  # it is named as damaged
            if CHECKSUM not in formats.DATASET.current(read_json(head), head):
                found.append(head.parent)
    return found


def add_checksum(folder: Path) -> None:
    """Note the checksum of a data set's images as they are now.

    Raises:
        LvcnetError: if the data set cannot be read.
    """
    path = folder / "dataset.json"
    with using("data set", folder, "it is given a checksum"):
        images, head = Dataset.load(folder).images, formats.DATASET.current(read_json(path), path)
        write_json(path, {**head, CHECKSUM: checksum([images])})


def _check_items(items: list[Item], images: NDArray[np.uint8], categories: list[str]) -> None:
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1] != images.shape[2]:
        raise LvcnetError(f"images are {images.dtype} {images.shape}: expected uint8 (N, S, S)")
    if len(items) != len(images):
        raise LvcnetError(f"{len(items)} items for {len(images)} images: there must be one item an image")
    if not categories:
        raise LvcnetError("a data set needs at least one category")
    keys = [item.key for item in items]
    if len(set(keys)) != len(keys):
        repeated = sorted({key for key in keys if keys.count(key) > 1})
        raise LvcnetError(f"image keys must be unique: {', '.join(repeated[:5])} occur more than once")
    unknown = sorted({item.split for item in items} - set(SPLITS))
    if unknown:
        raise LvcnetError(f"unknown split {', '.join(unknown)}: use {' or '.join(SPLITS)}")


def _write_array(path: Path, array: NDArray[Any]) -> None:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_atomic(path, buffer.getvalue())
