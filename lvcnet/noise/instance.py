"""Instance noise: errors of whole objects. Misplaced (shift), only boxed (box), or forgotten (drop).

Symbols: H, W image size.
"""

import numpy as np
from scipy import ndimage

from lvcnet.masks.geometry import signed_distance
from lvcnet.masks.parts import components
from lvcnet.noise.levels import Mask
from lvcnet.noise.objects import keep_alive

TURN = np.deg2rad(1.0)
"""Standard deviation of the rotation in radians per pixel of strength."""
SCALE = 0.02
"""Standard deviation of the logarithm of the scale per pixel of strength."""


def shift(mask: Mask, strength: float, rng: np.random.Generator, bias: float = 0.0) -> Mask:
    """Move, turn and scale every object about its centre.

    Args:
        mask: (H, W) bool.
        strength: standard deviation of the displacement in px along each axis; rotation (1 degree a px) and scale
            (2 % a px) go with it.
        rng: keyed generator.
        bias: -1 only scales down, 1 only up.

    Returns:
        (H, W) bool.
    """
    noisy = np.zeros_like(mask)
    for component in components(mask):
        displacement = strength * rng.normal(size=2)
        angle = strength * TURN * rng.normal()
        direction = 1 if rng.random() < (1 + bias) / 2 else -1
        scale = np.exp(direction * strength * SCALE * abs(rng.normal()))
        centre = np.argwhere(component).mean(axis=0)
        cosine, sine = np.cos(angle), np.sin(angle)
        backward = np.array([[cosine, sine], [-sine, cosine]]) / scale
        start = centre - backward @ (centre + displacement)
        # Nearest neighbour: interpolation would lose objects one pixel wide.
        moved = ndimage.affine_transform(
            component.astype(np.uint8), backward, start, order=0, mode="nearest", output=np.uint8
        )
        noisy |= keep_alive(moved > 0, component)
    return noisy


def box(mask: Mask, strength: float, rng: np.random.Generator, bias: float = 0.0) -> Mask:
    """Blend every object with its bounding box: 0 is the object, 1 the box.

    The outline in between is the zero level of the blended signed distances. Nothing is drawn from `rng`, and
    `bias` does not apply: a box always grows.
    """
    noisy = np.zeros_like(mask)
    rows, columns = np.indices(mask.shape)
    for component in components(mask):
        where = np.argwhere(component)
        (top, left), (bottom, right) = where.min(axis=0), where.max(axis=0)
        sides = [rows - top, bottom - rows, columns - left, right - columns]
        to_box = np.minimum.reduce(sides) + 0.5
        noisy |= (1 - strength) * signed_distance(component) + strength * to_box > 0
    return noisy


def drop(mask: Mask, strength: float, rng: np.random.Generator, bias: float = 0.0) -> Mask:
    """Forget every object with probability `strength`; `bias` does not apply."""
    noisy = np.zeros_like(mask)
    for component in components(mask):
        if rng.random() >= strength:
            noisy |= component
    return noisy
