"""What a radiograph file becomes once it is read.

Symbols: H, W size in pixels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lvcnet.errors import LvcnetError
from lvcnet.masks.blocks import row_blocks

MOST_PIXELS = 100_000_000
"""Larger files are refused: the largest flat panels have a sixth of it, and damaged headers claim far more."""
MOST_SIDE = 100_000
"""No radiograph is longer, in pixels."""


@dataclass(frozen=True, eq=False)
class Radiograph:
    """Grey values and, where the file tells, pixel spacing.

    Attributes:
        pixels: (H, W) float32 in [0, 1], bright where little radiation arrived (bone).
        spacing_mm: row and column spacing.
        notes: what was decided in reading that a user should know, such as which of several frames was read.
    """

    pixels: NDArray[np.float32]
    spacing_mm: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()


def several(what: str) -> str:
    """The note that only the first of several frames or pages was read.

    >>> several("3 frames")
    'it has 3 frames: the first was read, save the others as files of their own to use them'
    """
    return f"it has {what}: the first was read, save the others as files of their own to use them"


def check_pixel_count(height: int, width: int, name: str) -> None:
    """Refuse images that are too large to be a radiograph, before they are decoded.

    Raises:
        LvcnetError: if there are too many pixels, too many on a side, or none.
    """
    if height * width > MOST_PIXELS:
        raise LvcnetError(
            f"{name} has {width} x {height} pixels: at most {MOST_PIXELS:,} are allowed; reduce it first"
        )
    if max(height, width) > MOST_SIDE:
        raise LvcnetError(
            f"{name} has {width} x {height} pixels: at most {MOST_SIDE:,} are allowed on a side"
        )
    if height * width == 0:
        raise LvcnetError(f"{name} has no pixels")


def robust_window(
    values: NDArray[np.floating], counts: NDArray[np.integer] | NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Stretch the 0.5 to 99.5 percentiles to [0, 1]; a constant image becomes 0.

    Args:
        values: of any shape and unit.
        counts: of the same shape, how often each value counts for the percentiles; default once.

    Returns:
        float32 of the same shape.
    """
    finite = np.isfinite(values)
    if counts is None or counts.dtype == np.bool_:
        chosen = values[finite if counts is None else finite & counts]
        low, high = (
            np.percentile(chosen, (0.5, 99.5), overwrite_input=True).tolist() if chosen.size else (0, 0)
        )
    else:
        used = finite & (counts > 0)
        chosen = values[used]
        low, high = _percentiles(chosen, counts[used], (0.5, 99.5)) if chosen.size else (0.0, 0.0)
    if high <= low:
        low, high = (float(chosen.min()), float(chosen.max())) if chosen.size else (0.0, 0.0)
    if high <= low:
        return np.zeros(values.shape, dtype=np.float32)
    grey = np.subtract(values, low, dtype=np.result_type(values, np.float32))
    grey /= high - low
    np.nan_to_num(np.clip(grey, 0, 1, out=grey), copy=False)
    return grey.astype(np.float32, copy=False)


def histogram(stored: NDArray[np.integer]) -> tuple[int, NDArray[np.int64]]:
    """The least value of an image of at most 16 bits, and how often that and each of the following values occurs.

    >>> histogram(np.array([[-1, 2], [2, 0]], np.int16))
    (-1, array([1, 1, 0, 2]))
    """
    least, length = int(stored.min()), int(stored.max()) - int(stored.min()) + 1
    counts = np.zeros(length, dtype=np.int64)
    for rows in row_blocks(*stored.shape):
        counts += np.bincount((stored[rows].astype(np.int64) - least).ravel(), minlength=length)
    return least, counts


def look_up(stored: NDArray[np.integer], least: int, table: NDArray[np.floating]) -> NDArray[np.float32]:
    """(H, W) float32: for each stored value, `least` or more, what the table says about it.

    >>> look_up(np.array([[-1, 0, 1]], np.int16), -1, np.array([0.0, 0.5, 1.0])).tolist()
    [[0.0, 0.5, 1.0]]
    """
    grey = np.empty(stored.shape, dtype=np.float32)
    for rows in row_blocks(*stored.shape):
        grey[rows] = table[stored[rows].astype(np.int64) - least]
    return grey


def _percentiles(
    values: NDArray[np.floating], counts: NDArray[np.integer], percents: tuple[float, float]
) -> tuple[float, float]:
    """What `np.percentile` says about each of the values repeated so often as it counts."""
    order = np.argsort(values)
    ends, ordered = np.cumsum(counts[order]), values[order]
    places = np.array(percents) / 100 * (int(ends[-1]) - 1)
    below = ordered[np.searchsorted(ends, np.floor(places), side="right")]
    above = ordered[np.searchsorted(ends, np.ceil(places), side="right")]
    low, high = below + (above - below) * (places % 1)
    return float(low), float(high)
