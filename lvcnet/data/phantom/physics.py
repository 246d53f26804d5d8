"""How the phantom's path lengths become a radiograph: attenuation, scatter, blur, quantum noise, display.

Symbols: G side of the supersampled grid, S side of the image, both in pixels.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from lvcnet.data.phantom.anatomy import draw_normal
from lvcnet.data.phantom.projection import Bones, Map, View, soften
from lvcnet.data.phantom.tissue import Tissue

# Linear attenuation in 1/cm near 50 keV, the mean energy of a 75 kV pelvis beam (after NIST XCOM, ICRU-44 tissues).
# Bone displaces muscle, so its entries are differences to muscle.
MU_MUSCLE = 0.225
MU_FAT = 0.197
MU_CORTEX = 0.81 - MU_MUSCLE
MU_SPONGY = 0.33 - MU_MUSCLE


def expose(bones: Bones, tissue: Tissue, view: View, size: int, rng: np.random.Generator) -> Map:
    """Detected energy (S, S), 1 in the open beam: primary, heel effect, scatter, blur and Poisson noise."""
    path = MU_MUSCLE * (tissue.muscle - tissue.gas) + MU_FAT * tissue.fat
    density = draw_normal(rng, 1, 0.12, 0.72, 1.3)
    path += density * (MU_CORTEX * bones.cortex + MU_SPONGY * bones.spongy)
    primary = cv2.resize(np.exp(-path), (size, size), interpolation=cv2.INTER_AREA)
    primary = primary * _heel(size, rng)
    scale = size / view.field
    # A grid leaves about as much scatter as primary behind the pelvis; it comes from all around.
    # Only rays that meet the body scatter, so the open beam is capped first.
    source = np.minimum(primary, 2.5 * np.median(primary))
    scatter = soften(source, rng.uniform(2.5, 5.0) * scale) * rng.uniform(0.25, 0.9)
    signal = soften(primary, np.hypot(rng.uniform(0.3, 0.6), rng.uniform(0.01, 0.05) * scale)) + scatter
    behind = np.float32(np.percentile(signal, 25))
    # Photons a pixel behind the pelvis: each size is read out as by a detector with pixels of that size.
    photons = np.exp(rng.uniform(np.log(2000), np.log(25000))) / behind
    noisy: Map = rng.poisson(signal * photons).astype(np.float32) / np.float32(photons)
    return noisy


def develop(energy: Map, view: View, rng: np.random.Generator) -> NDArray[np.float32]:
    """Display values in 0..1 (S, S), bone bright: logarithm, range compression, edge boost, window, gamma."""
    size = energy.shape[0]
    scale = size / view.field
    density = -np.log(np.maximum(energy, 1e-5)).astype(np.float32)
    base = soften(density, 4.0 * scale)
    density = density - np.float32(rng.uniform(0.4, 0.75)) * base
    density += np.float32(rng.uniform(0.0, 0.6)) * (density - soften(density, 0.25 * scale + 0.5))
    # The window follows the body in the middle of the field and leaves out what the open beam has reached.
    middle = slice(size // 10, size - size // 10)
    body = energy[middle, middle] < 4 * np.median(energy[middle, middle])
    low, high = np.percentile(density[middle, middle][body], [rng.uniform(0.5, 5), rng.uniform(99.2, 99.9)])
    window = np.clip((density - low) / max(high - low, 1e-3), -0.2, 1.8)
    curved = 1 / (1 + np.exp(-rng.uniform(2.2, 4.2) * (window - rng.uniform(0.34, 0.56))))
    ends = np.percentile(curved, [0.5, 99.7])
    shown = np.clip((curved - ends[0]) / max(ends[1] - ends[0], 1e-3), 0, 1)
    return np.asarray(shown ** rng.uniform(0.75, 1.2), dtype=np.float32)


def collimate(
    image: NDArray[np.float32], innominate: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Darken what lies outside the shutters (S, S); they never cover the target bone."""
    size = image.shape[0]
    if rng.random() < 0.5 or not innominate.any():
        return image
    rows, columns = np.flatnonzero(innominate.any(axis=1)), np.flatnonzero(innominate.any(axis=0))
    line = np.arange(size, dtype=np.float32)
    shade = np.ones_like(image)
    tilt = np.float32(rng.normal(0, 0.006))
    for axis, used in ((0, rows), (1, columns)):
        across = (
            (line[:, None] + tilt * line[None, :]) if axis == 0 else (line[None, :] - tilt * line[:, None])
        )
        room = np.array([used[0], size - 1 - used[-1]]) / size - 0.04
        near, far = np.clip(rng.uniform(-0.03, 0.09, 2), -0.05, room) * size
        shade *= 1 / (1 + np.exp(np.clip(-(across - np.float32(near)) / np.float32(0.0035 * size), -40, 40)))
        shade *= 1 / (
            1 + np.exp(np.clip((across - np.float32(size - 1 - far)) / np.float32(0.0035 * size), -40, 40))
        )
    border = np.float32(rng.uniform(0.0, 0.08))
    return np.asarray(border + (image - border) * shade, dtype=np.float32)


def _heel(size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """The beam's slow fall-off across the field."""
    line = np.linspace(-1, 1, size, dtype=np.float32)
    slope = rng.normal(0, 0.06, 2).astype(np.float32)
    return np.asarray(np.exp(slope[0] * line[:, None] + slope[1] * line[None, :]), dtype=np.float32)


def add_marker(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """On most images, a white side marker near a corner (S, S)."""
    if rng.random() < 0.35:
        return image
    size = image.shape[0]
    text, left = ("R", rng.uniform(0.03, 0.08)) if rng.random() < 0.7 else ("L", rng.uniform(0.88, 0.93))
    base = rng.uniform(0.08, 0.2) if rng.random() < 0.6 else rng.uniform(0.85, 0.96)
    wide, spot = 4 * size, (round(4 * left * size), round(4 * base * size))
    canvas = np.zeros((wide, wide), dtype=np.uint8)
    cv2.putText(
        canvas, text, spot, cv2.FONT_HERSHEY_SIMPLEX, 0.0022 * wide, 1, max(1, wide // 130), cv2.LINE_8
    )
    letter = cv2.resize(canvas.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(image + (rng.uniform(0.8, 1.0) - image) * letter, dtype=np.float32)
