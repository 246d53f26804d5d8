"""What people drew, kept as their files say it, beside the masks of the working grid.

A label set that was imported has all of it; one that was made of it (a correction, hand edits) says in addition which
outlines have changed since. What has not changed is exported as it came.

Symbols: N images. A layer is a category, or the pixels to be ignored, by its name.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.damage import check_types
from lvcnet.errors import LvcnetError

DEEPEST = 32
"""Levels that what is kept of a file may be nested; tools write three."""
Entry = dict[str, Any]


@dataclass(frozen=True)
class DrawnImage:
    """One image.

    Attributes:
        entry: what the file says about the image itself.
        shapes: layer and entry of each annotation in the order of the file; None for one that was not imported.
    """

    entry: Entry
    shapes: list[tuple[str | None, Entry]]

    def of(self, layer: str) -> list[Entry]:
        """The annotations of one layer."""
        return [entry for name, entry in self.shapes if name == layer]


@dataclass(frozen=True)
class Drawn:
    """The outlines of a label set.

    Attributes:
        format: of the imported file: coco, labelme or masks.
        source: the label set as which it was imported.
        file: what the file says about no single image.
        images: by row, a `DrawnImage` as JSON; empty where the label set covers none.
        changed: by row, the layers whose outline is another one by now.
    """

    format: str
    source: str
    file: Entry
    images: tuple[bytes, ...]
    changed: tuple[frozenset[str], ...]

    def image(self, row: int) -> DrawnImage | None:
        """What is kept of an image.

        Raises:
            LvcnetError: if it is damaged.
        """
        if not self.images[row]:
            return None
        try:
            stored = json.loads(self.images[row])
            check_types(stored, entry=dict, shapes=list)
            shapes = [(layer, check_types(entry)) for layer, entry in stored["shapes"]]
            return DrawnImage(stored["entry"], shapes)
        except (TypeError, ValueError, KeyError, RecursionError) as error:
            raise LvcnetError(
                f"what was kept of image {row + 1} of label set {self.source!r} is damaged: import it again"
            ) from error

    def is_kept(self, row: int, layer: str) -> bool:
        """Whether a layer of an image is as it was drawn."""
        return bool(self.images[row]) and layer not in self.changed[row]

    def after(self, changes: NDArray[np.bool_], layers: Sequence[str]) -> "Drawn":
        """The same after some outlines have changed.

        Args:
            changes: (N, L) bool.
            layers: L names.
        """
        changed = tuple(
            before | {name for name, moved in zip(layers, moves, strict=True) if moved}
            for before, moves in zip(self.changed, changes.tolist(), strict=True)
        )
        return replace(self, changed=changed)

    def packed(self) -> tuple[bytes, bytes]:
        """As it is stored: a head, and the images one after the other."""
        head = {
            "format": self.format,
            "source": self.source,
            "file": self.file,
            "bytes": [len(one) for one in self.images],
            "changed": [sorted(names) for names in self.changed],
        }
        return json.dumps(head).encode(), b"".join(self.images)

    @classmethod
    def unpacked(cls, head: bytes, images: bytes) -> "Drawn":
        """From what `packed` made.

        Raises:
            ValueError: if the two do not belong together.
        """
        known = check_types(json.loads(head), format=str, source=str, file=dict, bytes=list, changed=list)
        ends = np.cumsum([0, *known["bytes"]]).tolist()
        if (
            len(known["bytes"]) != len(known["changed"])
            or ends[-1] != len(images)
            or min(known["bytes"], default=0) < 0
        ):
            raise ValueError("the outlines do not fit their list")
        parts = tuple(images[start:stop] for start, stop in pairwise(ends))
        changed = tuple(frozenset(map(str, names)) for names in known["changed"])
        return cls(known["format"], known["source"], known["file"], parts, changed)


def kept_entry(entry: Entry, without: Sequence[str] = ()) -> bytes:
    """An entry of a file as it is kept, but for some keys.

    Raises:
        LvcnetError: if it is nested deeper than can be written again.

    >>> kept_entry({"id": 3, "imageData": "..."}, ["imageData"])
    b'{"id": 3}'
    """
    kept = {key: value for key, value in entry.items() if key not in without}
    if _is_deeper(kept, DEEPEST):
        raise LvcnetError(f"is nested too deeply: at most {DEEPEST} levels are kept")
    return json.dumps(kept).encode()


def united_files(one: Entry, other: Entry) -> Entry:
    """What two files say about no single image: the first counts, and lists take what is new in the second.

    >>> united_files({"licenses": [{"id": 1}]}, {"licenses": [{"id": 1}, {"id": 2}], "year": 2026})
    {'licenses': [{'id': 1}, {'id': 2}], 'year': 2026}
    """
    united = {**other, **one}
    for key, listed in one.items():
        if isinstance(listed, list) and isinstance(other.get(key), list):
            known = {json.dumps(entry, sort_keys=True) for entry in listed}
            united[key] = listed + [e for e in other[key] if json.dumps(e, sort_keys=True) not in known]
    return united


def kept_image(entry: bytes, shapes: Sequence[tuple[str | None, bytes]]) -> bytes:
    """A `DrawnImage` of kept entries."""
    listed = b", ".join(b"[%s, %s]" % (json.dumps(layer).encode(), one) for layer, one in shapes)
    return b'{"entry": %s, "shapes": [%s]}' % (entry, listed)


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(one, levels - 1) for one in inner)
