"""COCO run-length masks, compressed or not, to pixels and back.

Symbols: H, W size in pixels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from lvcnet.errors import LvcnetError
from lvcnet.masks.blocks import row_blocks


@dataclass(frozen=True, eq=False)
class RunLengths:
    """A COCO run-length mask: runs down the columns, background first."""

    height: int
    width: int
    runs: NDArray[np.int64]

    def raster(self, height: int, width: int) -> NDArray[np.bool_]:
        """(H, W) bool.

        Raises:
            LvcnetError: at any other size than its own.
        """
        mask = np.zeros((height, width), dtype=bool)
        self.paint(mask)
        return mask

    def paint(self, mask: NDArray[np.bool_]) -> None:
        """Set what is inside in a (H, W) mask; only columns that hold some of it are touched.

        Raises:
            LvcnetError: at any other size than its own.
        """
        if mask.shape != (self.height, self.width):
            height, width = mask.shape
            raise LvcnetError(
                f"a run-length mask of {self.width} x {self.height} does not fit {width} x {height}"
            )
        ends = np.cumsum(self.runs)
        inside = np.flatnonzero(self.runs[1::2]) * 2 + 1
        if not len(inside):
            return
        first = int(ends[inside[0] - 1]) // self.height
        last = (int(ends[inside[-1]]) - 1) // self.height + 1
        edges = np.clip(ends, first * self.height, last * self.height)
        runs = np.diff(edges, prepend=first * self.height)
        values = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
        mask[:, first:last] |= values.reshape(last - first, self.height).T


def parse_run_lengths(segmentation: dict[str, Any], height: int, width: int) -> RunLengths:
    """Check and unpack a COCO run-length mask. Done here, since pycocotools trusts the counts and may crash.

    Raises:
        LvcnetError: if size or counts do not fit the image.
    """
    size = segmentation.get("size")
    if size != [height, width]:
        raise LvcnetError(
            f"the run-length mask has size {size!s:.60}, the image [{height}, {width}] (height, width)"
        )
    counts = segmentation.get("counts")
    if isinstance(counts, str):
        counts = _uncompress(counts)
    if (
        not isinstance(counts, list)
        or not all(type(run) is int and run >= 0 for run in counts)
        or sum(counts) != height * width
    ):
        raise LvcnetError(f"the run lengths do not add up to the {height * width} pixels of the image")
    return RunLengths(height, width, np.array(counts, dtype=np.int64))


def encode_run_lengths(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """A (H, W) mask as compressed COCO run lengths, JSON-able.

    >>> encode_run_lengths(np.ones((2, 3), bool))["size"]
    [2, 3]
    """
    return encode_part(mask, 0, 0, *mask.shape)


def encode_part(inside: NDArray[np.bool_], top: int, left: int, height: int, width: int) -> dict[str, Any]:
    """A (H, W) mask that is empty but for what was cut out at (top, left), as `encode_run_lengths` has it.

    Taken in blocks of columns, so that neither the whole mask nor a copy of the part is needed.
    """
    found = [np.zeros(0, dtype=np.int64)]
    for columns in row_blocks(*inside.shape[::-1]):
        padded = np.pad(inside[:, columns].T, ((0, 0), (1, 1)))
        column, row = np.nonzero(padded[:, 1:] != padded[:, :-1])
        found.append((left + columns.start + column) * height + top + row)
    ends, times = np.unique(np.concatenate(found), return_counts=True)
    # a run that goes on at the top of the next column does not end; nothing comes after the last pixel
    ends = ends[(times == 1) & (ends < height * width)]
    runs = np.diff(ends, prepend=0, append=height * width)
    encoded = coco_mask.frPyObjects({"size": [height, width], "counts": runs.tolist()}, height, width)
    return {"size": [height, width], "counts": encoded["counts"].decode("ascii")}


def _uncompress(text: str) -> list[int]:
    """COCO's compressed counts: base 32 digits from character 48 on, signed, differences to the count before last.

    Raises:
        LvcnetError: if the text is cut off or holds other characters.
    """
    counts: list[int] = []
    value, shift = 0, 0
    for character in text:
        digit = ord(character) - 48
        if not 0 <= digit < 64 or shift > 60:
            raise LvcnetError("the compressed run lengths are damaged")
        value |= (digit & 31) << shift
        shift += 5
        if digit & 32:
            continue
        if digit & 16:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value, shift = 0, 0
    if shift:
        raise LvcnetError("the compressed run lengths are cut off")
    return counts
