"""Label sets as files: one file a label set, so that masks and manifest are never of two different ones.

    labels/NAME.npz     packed (N, C, H, W) masks, (N,) coverage, ignored pixels if any, and as JSON the manifest,
                        of corrected labels the report of what changed, and what people drew where it was imported

Format 1 kept the manifest in labels/NAME.json beside the masks, and up to format 2 nothing was kept of what people drew;
such files are still read.

Symbols: N images, C foreground categories, H x W the working grid.
"""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet import formats
from lvcnet.damage import check_types, reading
from lvcnet.data.outlines.drawn import Drawn
from lvcnet.errors import LvcnetError
from lvcnet.files import digest, read_json, write_atomic
from lvcnet.folders import TakenError, name_lock, sweep

PARTS = {"manifest", "shape", "packed", "covered", "ignored", "report", "drawn", "drawn_images"}
END_BYTES = 22
"""Of the last record of a zip archive without a comment."""
Stamp = tuple[int, int, int]
"""Inode, modification time and size of a file: another one after every write."""


@dataclass(frozen=True)
class LabelSet:
    """One opinion about every covered image.

    Attributes:
        masks: (N, C, H, W) bool; rows that are not covered are empty, and so is padding.
        covered: (N,) bool, which images this label set has an opinion about.
        manifest: JSON-able origin: family, level, strength, achieved IoU, seed, source file ...
        ignored: (N, C, H, W) bool, pixels about which this label set says nothing: no method learns from them; None
            where there are none.
        report: what changed, image by image, in labels that a correction repaired (lvcnet.correction.apply).
        drawn: the outlines of the imported files, and which have changed since; None where none were kept.
        inside: (N, 1, H, W) bool, which pixels belong to the images; None where all do. The data set knows it, no file says it.
    """

    name: str
    masks: NDArray[np.bool_]
    covered: NDArray[np.bool_]
    manifest: dict[str, Any] = field(default_factory=dict)
    ignored: NDArray[np.bool_] | None = None
    report: dict[str, Any] | None = None
    drawn: Drawn | None = None
    inside: NDArray[np.bool_] | None = None

    def valid(self, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which pixels of these images it says something about, (N, C, H, W): not those ignored, and no padding."""
        shape = (len(rows), *self.masks.shape[1:])
        valid = np.ones(shape, dtype=np.bool_) if self.ignored is None else ~self.ignored[rows]
        return valid if self.inside is None else valid & self.inside[rows]


def comparable_masks(
    one: LabelSet, two: LabelSet, rows: NDArray[np.intp]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(N, C, H, W) masks of two label sets, empty wherever one of them ignores a pixel: there is nothing to compare."""
    compared = one.valid(rows) & two.valid(rows)
    return one.masks[rows] & compared, two.masks[rows] & compared


def labels_digest(labels: LabelSet) -> str:
    """12 hexadecimal digits over masks, coverage and ignored pixels: equal content, equal digits, whatever the name."""
    parts = [labels.masks, labels.covered, *([] if labels.ignored is None else [labels.ignored])]
    rows, columns = labels.masks.shape[2:]
    shape = [] if rows == columns else [f"{rows} x {columns}".encode()]
    return digest([*shape, *(np.packbits(part).tobytes() for part in parts)])


def changed_layers(before: LabelSet, after: LabelSet) -> NDArray[np.bool_]:
    """(N, C + 1): whether the outline of a category of an image is another one; the last column is of ignored pixels.

    An outline that was drawn says nothing about pixels that were ignored then. It is no longer the whole truth where such
    a pixel counts now, but it stays the label where further pixels are ignored.
    """
    changed = np.zeros((len(before.masks), before.masks.shape[1] + 1), dtype=np.bool_)
    for row in range(len(changed)):
        old, new = (_ignored_in(labels, row) for labels in (before, after))
        differs = (before.masks[row] != after.masks[row]) | (old & ~new)
        changed[row, :-1] = differs.any(axis=(1, 2))
        changed[row, -1] = (old.all(axis=0) != new.all(axis=0)).any()
    return changed


def _ignored_in(labels: LabelSet, row: int) -> NDArray[np.bool_]:
    if labels.ignored is None:
        return np.zeros(labels.masks.shape[1:], dtype=np.bool_)
    return labels.ignored[row]


class LabelFolder:
    """The label sets of one data set on disk, as they were when this object was made.

    Args:
        path: the folder `labels` of the data set.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = {name: _stamp(self._file(name)) for name in self.names()}

    def names(self) -> list[str]:
        """The label sets that are there now."""
        return sorted(path.stem for path in self.path.glob("*.npz"))

    def read(self, name: str) -> LabelSet:
        """One label set."""
        with self._opened(name) as stored:
            shape = tuple(int(length) for length in stored["shape"])
            masks, covered = _unpack(stored["packed"], shape), stored["covered"]
            ignored = _unpack(stored["ignored"], shape) if "ignored" in stored.files else None
            if len(covered) != len(masks) or covered.dtype != np.bool_:
                raise ValueError("the coverage does not fit the masks")
            report = check_types(_from_json(stored["report"])) if "report" in stored.files else None
            drawn = None
            if "drawn" in stored.files:
                drawn = Drawn.unpacked(stored["drawn"].tobytes(), stored["drawn_images"].tobytes())
                if len(drawn.images) != len(masks):
                    raise ValueError("the outlines do not fit the masks")
            return LabelSet(name, masks, covered, self._manifest(name, stored), ignored, report, drawn)

    def manifest(self, name: str) -> dict[str, Any]:
        """The manifest of a label set, without reading its masks."""
        with self._opened(name) as stored:
            return self._manifest(name, stored)

    def write(self, labels: LabelSet) -> None:
        """Add a label set, or replace the one that was there when this object was made.

        Raises:
            TakenError: if another process has made, replaced or deleted one of that name since; that stays.
            LvcnetError: if the data set was deleted since.
        """
        path, content = self._file(labels.name), _content(labels)
        try:
            self.path.mkdir(exist_ok=True)
        except FileNotFoundError:
            raise LvcnetError(
                f"data set {self.path.parent.name!r} no longer exists: restore it with `lvcnet trash restore"
                f" {self.path.parent.name}` and make label set {labels.name!r} again"
            ) from None
        with name_lock(path):
            sweep(self.path)
            if _stamp(path) != self._seen.get(labels.name):
                if path.exists() and path.read_bytes() == content:  # both made the same
                    self._seen[labels.name] = _stamp(path)
                    return
                raise TakenError(
                    f"label set {labels.name!r} was made, replaced or deleted meanwhile by another process, and stays as"
                    " that left it: look at it, or choose another name and do it again"
                )
            write_atomic(path, content)
            self.path.joinpath(f"{labels.name}.json").unlink(missing_ok=True)  # of format 1
            self._seen[labels.name] = _stamp(path)

    def _file(self, name: str) -> Path:
        return self.path / f"{name}.npz"

    def _manifest(self, name: str, stored: Any) -> dict[str, Any]:
        if "manifest" not in stored.files:
            beside = self.path / f"{name}.json"
            if not beside.exists():
                raise ValueError("its manifest is missing")
            return check_types(read_json(beside))
        head = formats.LABELS.current(_from_json(stored["manifest"]), self._file(name))
        return check_types(head["manifest"])

    @contextmanager
    def _opened(self, name: str) -> Iterator[Any]:
        """A label set's file. Each part has a checksum of its own; the list of the parts has none, so it is checked here."""
        path = self._file(name)
        with (
            reading(path, f"put back a copy of it, or delete it and make label set {name!r} again"),
            np.load(path, allow_pickle=False) as stored,
        ):
            if unknown := sorted(set(stored.files) - PARTS):
                raise ValueError(f"it has parts that no label set has: {', '.join(unknown)}")
            if len(stored.files) != _parts_of(path):
                raise ValueError("some of its parts are missing")
            yield stored


def _parts_of(path: Path) -> int:
    """How many parts a zip archive has by the last record in it, which `zipfile` does not look at.

    Source: PKWARE, "APPNOTE.TXT: .ZIP File Format Specification", 4.3.16.
    """
    with path.open("rb") as stream:
        stream.seek(-END_BYTES, io.SEEK_END)
        return int.from_bytes(stream.read()[10:12], "little")


def _content(labels: LabelSet) -> bytes:
    """The bytes of a label set's file; equal label sets have equal ones."""
    head = formats.LABELS.stamped({"manifest": labels.manifest})
    arrays: dict[str, Any] = {"packed": _pack(labels.masks), "covered": labels.covered}
    if labels.ignored is not None:
        arrays["ignored"] = _pack(labels.ignored)
    if labels.report is not None:
        arrays["report"] = _as_json(labels.report)
    if labels.drawn is not None:
        parts = zip(("drawn", "drawn_images"), labels.drawn.packed(), strict=True)
        arrays |= {name: np.frombuffer(part, dtype=np.uint8) for name, part in parts}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, manifest=_as_json(head), shape=np.array(labels.masks.shape), **arrays)
    return buffer.getvalue()


def _as_json(value: dict[str, Any]) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(value).encode(), dtype=np.uint8)


def _from_json(stored: NDArray[np.uint8]) -> Any:
    return json.loads(stored.tobytes())


def _stamp(path: Path) -> Stamp | None:
    """None where there is no file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _pack(masks: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.packbits(masks.reshape(len(masks), -1), axis=1)


def _unpack(packed: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    flat = np.unpackbits(packed, axis=1, count=int(np.prod(shape[1:])))
    return flat.reshape(shape).astype(bool)
