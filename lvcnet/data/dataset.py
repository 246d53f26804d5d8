"""Dataset: images, named label sets, splits, fingerprint.

Symbols: N images, C foreground categories (overlapping, C >= 1), H x W the working grid, the longer side S pixels.

Images are scaled, in their own proportions, to a grid that all of them share (lvcnet.frames); each item remembers the
size of the file it came from, so that results go back to full resolution. Noise, correction and a second annotator all just
add a label set; training names the one it learns from.

Up to format 2 every image was stretched to a square. Such data sets stay as they are, and say so.

On disk, one folder a data set:
    dataset.json            name, size, categories, items, source, checksum of the images, format version
    images.npy              (N, H, W) uint8
    labels/NAME.npz         a label set (see lvcnet.data.label_sets)
"""

import io
import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet import formats, workspace
from lvcnet.damage import check_types, reading
from lvcnet.data.label_sets import LabelFolder
from lvcnet.data.label_sets import LabelSet as LabelSet
from lvcnet.data.label_sets import comparable_masks as comparable_masks
from lvcnet.data.label_sets import labels_digest as labels_digest
from lvcnet.errors import DamagedError, LvcnetError
from lvcnet.files import check_name, checksum, digest, read_json, write_atomic, write_json
from lvcnet.folders import whole_folder
from lvcnet.frames import Frames, Size, frame_of, inside
from lvcnet.progress import Report
from lvcnet.trained import CLEAN as CLEAN

SPLITS = ("train", "test")
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
    """Images (N, H, W) uint8 in memory, label sets read when asked for.

    Args:
        name: folder name in the workspace.
        categories: C names, the channels of every label set.
        items: N items in the order of `images`.
        images: (N, H, W) uint8.
        source: JSON-able origin of the data (command, options).
        folder: where it is stored; None while it exists only in memory.
        stretched: whether every image fills the grid, whatever its proportions are.

    Attributes:
        stretched: whether that is so for an image whose proportions are others.
        frames: (N, 2) rows and columns of the grid that hold each image, top left; the rest is padding.
    """

    def __init__(
        self,
        name: str,
        categories: list[str],
        items: list[Item],
        images: NDArray[np.uint8],
        source: dict[str, Any] | None = None,
        folder: Path | None = None,
        stretched: bool = False,
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
        found = [frame_of(item.height, item.width, self.size) for item in self.items]
        true = np.array(found, dtype=np.intp).reshape(-1, 2)
        self.stretched = stretched and bool((true != self.grid).any())
        self.frames: Frames = np.full_like(true, self.grid) if self.stretched else true
        if (self.frames > self.grid).any():
            number = int((self.frames > self.grid).any(axis=1).argmax())
            height, width = self.frames[number]
            raise LvcnetError(
                f"image {self.items[number].key!r} needs {height} x {width} pixels in its own proportions, the grid has"
                f" {self.grid[0]} x {self.grid[1]}: give a larger grid, or say that images are stretched"
            )

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        labels = ", ".join(self.label_names()) or "none"
        return f"Dataset({self.name!r}, {len(self)} images of {self.grid[0]} x {self.grid[1]} px, labels {labels})"

    @property
    def size(self) -> int:
        """S, the longer side of the working grid in pixels."""
        return max(self.grid)

    @property
    def grid(self) -> Size:
        """Rows and columns of the working grid."""
        height, width = self.images.shape[1:]
        return int(height), int(width)

    @cached_property
    def inside(self) -> NDArray[np.bool_] | None:
        """(N, 1, H, W): which pixels belong to the image and are no padding; None where no image has any."""
        return inside(self.frames, self.grid)

    def place(self, row: int) -> tuple[slice, slice]:
        """Where on the grid an image is, to cut it out of images, masks and maps: their last two axes."""
        height, width = self.frames[row].tolist()
        return slice(height), slice(width)

    def image(self, row: int) -> NDArray[np.uint8]:
        """An image without its padding, (h, w)."""
        return self.images[row][self.place(row)]

    def unit(self, rows: NDArray[np.intp]) -> str:
        """The unit of distances in some images: mm where the file of each of them says how large a pixel is, else px."""
        return "mm" if all(self.items[row].spacing_mm for row in rows) else "px"

    def pixel_sizes(self, rows: NDArray[np.intp], unit: str = "px") -> NDArray[np.float64]:
        """(N, 2): height and width of a pixel of the grid in pixels of the original image, or in mm."""
        originals = np.array([(self.items[row].height, self.items[row].width) for row in rows], dtype=float)
        sizes: NDArray[np.float64] = originals.reshape(-1, 2) / self.frames[rows]
        if unit == "mm":
            sizes *= np.array([self.items[row].spacing_mm for row in rows], dtype=float).reshape(-1, 2)
        return sizes

    def masks(self, labels: str, row: int) -> NDArray[np.bool_]:
        """The masks of an image in a label set, without padding, (C, h, w)."""
        return self.labels(labels).masks[(row, slice(None), *self.place(row))]

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
            self._labels[name] = self._fitted(self._stored.read(name))
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
        expected = (len(self), len(self.categories), *self.grid)
        shapes = {part.shape for part in (labels.masks, labels.ignored) if part is not None}
        if shapes != {expected} or labels.covered.shape != (len(self),):
            raise LvcnetError(
                f"label set {labels.name!r} has masks {sorted(shapes)} and coverage {labels.covered.shape}:"
                f" the data set needs {expected} and ({len(self)},)"
            )
        labels = self._fitted(labels)
        if self._stored is not None:
            self._stored.write(labels)
        self._labels[labels.name] = labels

    def _fitted(self, labels: LabelSet) -> LabelSet:
        """A label set that knows what is padding, with nothing drawn there."""
        if self.inside is None:
            return labels
        ignored = None if labels.ignored is None else labels.ignored & self.inside
        return replace(labels, masks=labels.masks & self.inside, ignored=ignored, inside=self.inside)

    def fingerprint(self) -> str:
        """12 hexadecimal digits over images, items, categories and clean labels: equal data, equal digits."""
        square = self.inside is None and self.grid[0] == self.grid[1]
        shape = [] if square else [self.grid, self.frames.tolist()]  # digits of before there was padding stay
        head = json.dumps([self.categories, [[item.key, item.split] for item in self.items], *shape])
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
            "stretched": self.stretched,
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
            if not isinstance(head["stretched"], bool):
                raise TypeError(f"stretched is {type(head['stretched']).__name__}")
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
        return cls(name, categories, items, images, source, folder, head["stretched"])


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


def _check_items(items: list[Item], images: NDArray[np.uint8], categories: list[str]) -> None:
    if images.dtype != np.uint8 or images.ndim != 3:
        raise LvcnetError(f"images are {images.dtype} {images.shape}: expected uint8 (N, H, W)")
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
