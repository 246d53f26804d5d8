"""Boundary noise: the outline lies too far out or in, everywhere alike (morphology) or by turns (markov).

Symbols: H, W image size, M contour points.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree
from scipy.special import ndtr

from lvcnet.masks.geometry import signed_distance
from lvcnet.masks.outlines import trace_centres
from lvcnet.masks.parts import components, label_parts
from lvcnet.noise.levels import Mask
from lvcnet.noise.objects import keep_alive

PATCH = 4.0
"""Size in px of the patches in which a fractional radius is rounded up or down."""
WALK_LENGTH = 12.0
"""Contour points after which the walk has forgotten 63 % of its distance."""


def morphology(mask: Mask, strength: float, rng: np.random.Generator, bias: float = 0.0) -> Mask:
    """Dilate or erode by `strength` px, one or the other by a coin that `bias` loads.

    A whole radius r moves the outline by exactly r px (Euclidean disc). In between, patches of the outline move by
    the next smaller and the next larger whole radius, in proportion: no pixel can move by a fraction.

    Args:
        mask: (H, W) bool.
        strength: radius in px.
        rng: keyed generator.
        bias: -1 always erodes, 1 always dilates, 0 does each for half of the masks.

    Returns:
        (H, W) bool; erosion leaves the innermost pixels of every object.
    """
    grow = rng.random() < (1 + bias) / 2
    patches = _uniform_patches(mask.shape, rng)
    if not mask.any():
        return mask.copy()
    radius = np.floor(strength) + (patches < strength % 1)
    distance = signed_distance(mask)
    if grow:
        dilated: Mask = mask | (distance >= 0.5 - radius)
        return dilated
    labels, count = label_parts(mask, 4)
    peaks = np.concatenate([[0.0], ndimage.maximum(distance, labels, np.arange(1, count + 1))])
    eroded: Mask = mask & (distance > np.minimum(radius - 0.5, peaks[labels] - 1e-6))
    return eroded


def markov(mask: Mask, strength: float, rng: np.random.Generator, bias: float = 0.0) -> Mask:
    """Let the outline of every object wander in and out, as a Markov walk along the contour.

    Args:
        mask: (H, W) bool.
        strength: standard deviation of the outline's error in px.
        rng: keyed generator.
        bias: -1 never outside the true outline, 1 never inside, in between a blend.

    Returns:
        (H, W) bool.

    Source:
        After the Markov boundary noise of Yao et al., "Learning to segment from noisy annotations: a spatial
        correction approach", ICLR 2023, with one circular walk per ring in place of repeated random flips.
    """
    noisy = np.zeros_like(mask)
    for component in components(mask):
        outer, holes = trace_centres(component)
        rings = [outer, *holes]
        steps = np.concatenate([circular_walk(len(ring), rng) for ring in rings])
        outward = strength * ((1 - abs(bias)) * steps + bias * np.abs(steps))
        distance = signed_distance(component)
        near = np.argwhere(np.abs(distance) <= np.abs(outward).max())
        if len(near):
            nearest = cKDTree(np.concatenate(rings)).query(near)[1]
            distance[tuple(near.T)] += outward[nearest]
        noisy |= keep_alive(distance > 0, component)
    return noisy


def circular_walk(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(M,) first-order autoregressive sequence with unit variance whose end joins its start."""
    memory = np.exp(-1 / WALK_LENGTH)
    response = 1 - memory * np.exp(-2j * np.pi * np.fft.rfftfreq(count))
    walk = np.fft.irfft(np.fft.rfft(rng.normal(size=count)) / response, n=count)
    wrap = memory**count
    scaled: NDArray[np.float64] = walk * np.sqrt((1 - memory**2) * (1 - wrap) / (1 + wrap))
    return scaled


def _uniform_patches(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """(H, W) smooth field whose values are uniform between 0 and 1."""
    smooth = ndimage.gaussian_filter(rng.normal(size=shape), PATCH, mode="wrap")
    # Standard deviation of white noise after a Gaussian filter of this width.
    uniform: NDArray[np.float64] = ndtr(smooth * 2 * np.sqrt(np.pi) * PATCH)
    return uniform
