"""What a radiograph file becomes once it is read.

Symbols: H, W size in pixels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lvcnet.errors import LvcnetError

MOST_PIXELS = 100_000_000
"""Larger files are refused: the largest flat panels have a sixth of it, and damaged headers claim far more."""


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


def several(count: int, what: str) -> tuple[str, ...]:
    """The note that only the first of `count` frames or pages was read; none for a single one.

    >>> several(3, "frames"), several(1, "pages")
    (('it has 3 frames: the first was read, save the others as files of their own to use them',), ())
    """
    fix = "save the others as files of their own to use them"
    return (f"it has {count} {what}: the first was read, {fix}",) if count > 1 else ()


def check_pixel_count(height: int, width: int, name: str) -> None:
    """Refuse images that are too large to be a radiograph, before they are decoded.

    Raises:
        LvcnetError: if there are too many pixels, or none.
    """
    if height * width > MOST_PIXELS:
        raise LvcnetError(
            f"{name} has {width} x {height} pixels: at most {MOST_PIXELS:,} are allowed; reduce it first"
        )
    if height * width == 0:
        raise LvcnetError(f"{name} has no pixels")


def robust_window(
    values: NDArray[np.floating], valid: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Stretch the 0.5 to 99.5 percentiles to [0, 1]; a constant image becomes 0.

    Args:
        values: (H, W), any unit.
        valid: (H, W), which pixels count for the percentiles; default all.

    Returns:
        (H, W) float32.
    """
    chosen = values[np.isfinite(values) & (valid if valid is not None else True)]
    low, high = np.percentile(chosen, (0.5, 99.5)) if chosen.size else (0.0, 0.0)
    if high <= low:
        low, high = (float(chosen.min()), float(chosen.max())) if chosen.size else (0.0, 0.0)
    if high <= low:
        return np.zeros(values.shape, dtype=np.float32)
    return np.nan_to_num(np.clip((values - low) / (high - low), 0, 1)).astype(np.float32)
