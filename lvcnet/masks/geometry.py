"""Distances inside and around one mask.

Symbols: H, W image size in pixels.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]


def beyond_border(shape: tuple[int, ...]) -> int:
    """How many pixels an object that touches the border is taken to go on behind it.

    Without this, the border itself would count as an outline.
    """
    return max(shape) // 8


def signed_distance(mask: Mask) -> NDArray[np.float64]:
    """(H, W) Euclidean distance in px from each pixel's centre to the outline of a mask that is not empty.

    Positive inside; a pixel beside the outline has +0.5 or -0.5. Objects go on beyond the border.
    """
    beyond = beyond_border(mask.shape)
    padded = np.pad(np.pad(mask, beyond, mode="edge"), 1)
    inside, outside = distance_to(~padded), distance_to(padded)
    signed: NDArray[np.float64] = np.where(padded, inside - 0.5, 0.5 - outside)
    return signed[beyond + 1 : -beyond - 1, beyond + 1 : -beyond - 1].copy()


def distance_to(mask: Mask) -> NDArray[np.float64]:
    """(H, W) Euclidean distance in px from each pixel to the nearest one of a mask that is not empty; 0 in it.

    >>> distance_to(np.array([[True, False, False]])).tolist()
    [[0.0, 1.0, 2.0]]
    """
    distance: NDArray[np.float64] = ndimage.distance_transform_edt(~mask)
    return distance


def deepest(mask: Mask) -> tuple[int, int]:
    """Row and column of the pixel of a mask that is farthest from its outline; what lies beyond the border is outside.

    >>> deepest(np.ones((3, 5), bool))
    (1, 1)
    """
    depth = distance_to(~np.pad(mask, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return int(row), int(column)
