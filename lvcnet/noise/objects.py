"""Connected components of a mask, and the promise that no family but `drop` deletes one.

Symbols: H, W image size in pixels.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lvcnet.noise.levels import Mask


def components(mask: Mask) -> Iterator[Mask]:
    """The 4-connected objects of a (H, W) mask, each as a (H, W) mask, in scan order."""
    labels, count = ndimage.label(mask)
    for number in range(1, count + 1):
        yield labels == number


def keep_alive(noisy: Mask, component: Mask) -> Mask:
    """`noisy` if it has a pixel, else the innermost pixel of the object it came from."""
    if noisy.any():
        return noisy
    alive = np.zeros_like(component)
    depth = ndimage.distance_transform_edt(np.pad(component, 1))[1:-1, 1:-1]
    alive[np.unravel_index(int(depth.argmax()), depth.shape)] = True
    return alive


def beyond_border(shape: tuple[int, ...]) -> int:
    """How many pixels an object that touches the border is taken to go on behind it.

    Without this, every family would see the border itself as an outline and open gaps along it.
    """
    return max(shape) // 8


def signed_distance(mask: Mask) -> NDArray[np.float64]:
    """(H, W) Euclidean distance in px from each pixel's centre to the outline of a mask that is not empty.

    Positive inside; a pixel beside the outline has +0.5 or -0.5. Objects go on beyond the border.
    """
    beyond = beyond_border(mask.shape)
    padded = np.pad(np.pad(mask, beyond, mode="edge"), 1)
    inside, outside = ndimage.distance_transform_edt(padded), ndimage.distance_transform_edt(~padded)
    signed: NDArray[np.float64] = np.where(padded, inside - 0.5, 0.5 - outside)
    return signed[beyond + 1 : -beyond - 1, beyond + 1 : -beyond - 1].copy()
