"""The promise that no family of noise but `drop` deletes an object."""

import numpy as np

from lvcnet.masks.geometry import deepest
from lvcnet.noise.levels import Mask


def keep_alive(noisy: Mask, component: Mask) -> Mask:
    """`noisy` if it has a pixel, else the innermost pixel of the object it came from."""
    if noisy.any():
        return noisy
    alive = np.zeros_like(component)
    alive[deepest(component)] = True
    return alive
