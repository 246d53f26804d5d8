"""Connected components of a mask, and the promise that no family but `drop` deletes one.

Symbols: H, W image size in pixels.
"""

from collections.abc import Iterator

import numpy as np
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
