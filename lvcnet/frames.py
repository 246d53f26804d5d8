"""Where images lie on the working grid: scaled alike along both axes, top left; what is left of the grid is padding.

Every image is scaled so that its longer side has S pixels, whatever its own size: a pixel of the grid covers as much of the
image's height as of its width. The grid of a data set has room for all of its images. Beyond an image its border is
repeated, so that no edge appears there, but nothing in the padding counts: no loss, no cue and no metric sees it.

The pixels of an image count as square, as viewers show them. Where a file says that they are not, distances in mm are
right all the same: they are measured along each axis by itself.

Symbols: N images, H x W an image's own size, S working size, h x w the frame, the part of the grid that holds the image.
"""

from collections.abc import Iterable, Iterator
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

Size = tuple[int, int]
"""Rows and columns."""
Frames = NDArray[np.intp]
"""(N, 2): h and w of every image."""
MULTIPLE = 32
"""That networks of usual depth take: an FCN of depth 4 halves its images five times."""


def frame_of(height: int, width: int, size: int) -> Size:
    """h and w of an image on a grid of a working size.

    >>> frame_of(204, 512, 128), frame_of(600, 600, 128), frame_of(1000, 1, 128)
    ((51, 128), (128, 128), (128, 1))
    """
    longer = max(height, width)
    return max(1, round(height * size / longer)), max(1, round(width * size / longer))


def grid_of(frames: Iterable[Size], size: int) -> Size:
    """The smallest grid that holds frames of a working size and that networks take.

    Its sides are multiples of 32, or, where S is none, of the largest power of two that divides both.

    >>> grid_of([(51, 128), (57, 128)], 128), grid_of([(100, 40)], 100)
    ((64, 128), (100, 40))
    """
    step = gcd(size, MULTIPLE)
    rows, columns = (-(-max(sides) // step) * step for sides in zip(*frames, strict=True))
    return rows, columns


def inside(frames: Frames, grid: Size) -> NDArray[np.bool_] | None:
    """(N, 1, rows, columns): which pixels of the grid belong to the image; None where all do.

    >>> inside(np.array([[1, 2]]), (2, 2)).astype(int).tolist()
    [[[[1, 1], [0, 0]]]]
    """
    if (frames == grid).all():
        return None
    rows = np.arange(grid[0]) < frames[:, :1]
    columns = np.arange(grid[1]) < frames[:, 1:]
    return (rows[:, :, None] & columns[:, None, :])[:, None]


def placed(pixels: NDArray[Any], grid: Size, mode: str = "constant") -> NDArray[Any]:
    """(..., h, w) pixels on the grid, (..., rows, columns); beyond them nothing, or with mode `edge` their border.

    >>> placed(np.array([[1, 2]]), (2, 3), "edge").tolist()
    [[1, 2, 2], [1, 2, 2]]
    """
    height, width = pixels.shape[-2:]
    beyond = [(0, 0)] * (pixels.ndim - 2) + [(0, grid[0] - height), (0, grid[1] - width)]
    on_grid: NDArray[Any] = np.pad(pixels, beyond, mode=mode)  # type: ignore[call-overload]
    return on_grid


def by_frame(frames: Frames) -> Iterator[tuple[NDArray[np.intp], Size]]:
    """Images that have the same frame: their numbers, and the frame.

    >>> [(numbers.tolist(), frame) for numbers, frame in by_frame(np.array([[4, 8], [8, 4], [4, 8]]))]
    [([0, 2], (4, 8)), ([1], (8, 4))]
    """
    kinds, which = np.unique(frames, axis=0, return_inverse=True)
    for number, (height, width) in enumerate(kinds.tolist()):
        yield np.flatnonzero(which.reshape(-1) == number), (height, width)
