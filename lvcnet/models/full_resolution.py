"""The last steps on the image's own pixels: a boundary that a coarse grid predicted moves to the edges that a finer one shows.

A working pixel of a radiograph of 3000 x 2400 stands for 23 x 23 pixels. Upsampling draws a smooth line through them, the image
itself says where in them the boundary runs. The same warps as in `lvcnet.models.lvcnet` say it, in windows below a working
pixel and with the same gate: where outlines agree, edges must be strong, and without one in sight nothing moves. It works on
tiles along the boundary, so that memory does not grow with the image. Region evidence was tried there, too: it moves
outlines further and leaves worse outliers (benchmarks/results/full-resolution.md).

Symbols: C categories, h x w the image on the working grid without padding, H x W its own size, h' x w' the fine grid on which
boundaries move: the image's own, or, where that is finer, one of `FINEST` pixels a working pixel; z fine pixels a working pixel.
Constants were set on training images of the phantom (rendered at 512 px, working size 128) and of the mandible; those of mandible
and chest at level 4 were looked at, too.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lvcnet.cues.edges import EDGE_QUANTILE, inward_normals, length, oriented_edges
from lvcnet.cues.guidance import agreement_damping, aligned_guidance, cap_length
from lvcnet.cues.warp import warp
from lvcnet.frames import Size
from lvcnet.models.conventions import AnnotationMargin, Polarity

FloatArray = NDArray[np.float32]
Place = tuple[slice, slice]
"""Rows and columns."""

WARPS = 3
STEP = 1.0
"""Longest move of one warp, in working pixels."""
SIGMA = 0.4
"""Gaussian window in which edges are looked for, in working pixels: what the grid leaves open is one pixel."""
NORMALS = 0.75
"""Blur of the prediction that has the normals, in working pixels."""
EDGES = 0.2
"""Blur of the image that has the edges, in working pixels; at least `LEAST_EDGES` fine ones."""
LEAST_EDGES = 0.8
DAMPING, AGREEMENT = 0.003, 10.0
"""As of `LVCNet`."""
SHARPER = 1.6
"""Times the edge energy along a boundary that the working grid shows: below it the image is no sharper than the grid.

Images that were upsampled from the grid have 1.3 to 1.5, radiographs at twice to four times its size 1.8 to 2.7."""
FINEST = 8.0
"""Fine pixels a working pixel at most: an eighth of a working pixel is less than boundaries are worth."""
MOST_PIXELS = 4_000_000
"""Of the fine grid."""
LARGEST = 50_000_000
"""Pixels of an image; larger ones are upsampled only: they leave no memory for more."""
TILE = 320
"""Side of a tile in fine pixels, all of them alike: the matrices of blurs are kept by size."""
MARGIN = 4
"""Working pixels around the core of a tile, for windows that look beyond it."""
UNCERTAIN = 0.02
"""Tiles whose probabilities are all nearer to 0 or to 1 have no boundary."""
LEAST_MOVE = 0.02
"""In working pixels, of all warps together; what moves less stays as it was, to the bit."""


@dataclass(frozen=True)
class Conventions:
    """What a method has counted along its labels; a U-Net has counted nothing.

    Attributes:
        polarity: which side of a category's boundary is brighter.
        margin: how far inside its outlines the edges of a category lie, in working pixels.
    """

    polarity: Polarity | None = None
    margin: AnnotationMargin | None = None

    def seen(self, oriented: Tensor, channel: int) -> Tensor:
        """Oriented edges (1, 1, T, T) as what they count for a category, in [0, 1]."""
        if self.polarity is None:
            return oriented.square()
        categories = len(self.polarity.brighter)
        return self.polarity.weigh(oriented.expand(1, categories, -1, -1))[:, channel : channel + 1]

    def shift(self, channel: int) -> float:
        """How far inside its outline a category's edge is looked for, in working pixels."""
        return 0.0 if self.margin is None else float(self.margin.shift()[channel])


def fine_grid(frame: Size, height: int, width: int) -> Size | None:
    """h' and w', None where the image has no more pixels than the grid, or too many.

    >>> fine_grid((51, 128), 204, 512), fine_grid((100, 128), 2400, 3000), fine_grid((128, 128), 128, 90)
    ((204, 512), (800, 1024), None)
    >>> fine_grid((128, 128), 10_000, 10_000) is None
    True
    """
    own = min(height / frame[0], width / frame[1])
    if own <= 1 or height * width > LARGEST:
        return None
    zoom = min(FINEST, (MOST_PIXELS / (frame[0] * frame[1])) ** 0.5)
    if own <= zoom:
        return height, width
    return round(frame[0] * zoom), round(frame[1] * zoom)


@torch.no_grad()
def full_resolution(
    probability: FloatArray, pixels: NDArray[np.floating[Any]], conventions: Conventions | None = None
) -> FloatArray | None:
    """What is predicted on the fine grid: upsampled, and along the boundary moved to the edges of the image.

    Args:
        probability: (C, h, w).
        pixels: (H, W) in [0, 1].
        conventions: what the method has counted; default nothing.

    Returns:
        (C, h', w'), bilinear but where something moved; None where nothing did: where the image is no larger or no sharper
        than the grid, or no edge is in sight.
    """
    frame = (probability.shape[1], probability.shape[2])
    grid = fine_grid(frame, pixels.shape[0], pixels.shape[1])
    if grid is None:
        return None
    zoom = float(np.sqrt(grid[0] * grid[1] / (frame[0] * frame[1])))
    sigma = max(LEAST_EDGES, EDGES * zoom)
    slopes = image_slopes(resampled(pixels, grid), sigma)
    coarse = image_slopes(resampled(resampled(pixels, frame), grid), sigma)
    gain = np.square(slopes).sum(axis=0), np.square(coarse).sum(axis=0)
    del coarse
    gradient = in_full_edges(slopes)
    fine = np.stack([resampled(one, grid) for one in probability])
    moved = False
    for channel, plane in enumerate(fine):
        before = plane.copy()
        band = before * (1 - before)
        shown, known = (float((band * energy).sum(dtype=np.float64)) for energy in gain)
        if shown < SHARPER * known or shown <= 0:
            continue
        for core, around, middle in tiles(before, zoom):
            found = _moved(before[around], gradient[:, *around], zoom, channel, conventions or Conventions())
            plane[core] = found[middle]
        moved |= bool((plane != before).any())
    return fine if moved else None


def resampled(pixels: NDArray[np.floating[Any]], grid: Size) -> FloatArray:
    """(H, W) pixels on another grid: area average where it is coarser, bilinear where it is finer."""
    finer = grid[0] >= pixels.shape[0] and grid[1] >= pixels.shape[1]
    how = cv2.INTER_LINEAR if finer else cv2.INTER_AREA
    values = np.ascontiguousarray(pixels, dtype=np.float32)
    return np.asarray(cv2.resize(values, (grid[1], grid[0]), interpolation=how), dtype=np.float32)


def image_slopes(image: FloatArray, sigma: float) -> FloatArray:
    """Sobel derivatives (2, H, W), x then y, a pixel, of a blurred image; as `lvcnet.cues.edges.sobel`.

    By OpenCV, which keeps no matrix for every size of an image.
    """
    smooth = cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return np.stack(
        [
            cv2.Sobel(smooth, cv2.CV_32F, dx, 1 - dx, ksize=3, scale=1 / 8, borderType=cv2.BORDER_REPLICATE)
            for dx in (1, 0)
        ]
    )


def in_full_edges(slopes: FloatArray) -> FloatArray:
    """Derivatives (2, H, W) in units of a full edge, as `lvcnet.cues.edges.edge_gradient` gives them."""
    size = np.hypot(slopes[0], slopes[1])
    rank = int(EDGE_QUANTILE * (size.size - 1))
    full = np.partition(size, rank, axis=None)[rank]
    scaled: FloatArray = slopes / np.maximum(np.maximum(size, full), 1e-4)
    return scaled


def tiles(probability: FloatArray, zoom: float) -> Iterator[tuple[Place, Place, Place]]:
    """Tiles of a (h', w') map that hold a boundary: the core, the core with a margin, and the core among that.

    Those with a margin are all of one size, unless the map is smaller.
    """
    height, width = probability.shape
    margin = math.ceil(MARGIN * zoom)
    for rows, tall, upper in _cores(height, margin):
        for columns, wide, left in _cores(width, margin):
            part = probability[tall, wide]
            if ((part > UNCERTAIN) & (part < 1 - UNCERTAIN)).any():
                yield (rows, columns), (tall, wide), (upper, left)


def _cores(length: int, margin: int) -> Iterator[tuple[slice, slice, slice]]:
    """Along one axis: the core of a tile, the tile, and the core in the tile."""
    step = TILE - 2 * margin
    if length <= TILE:
        yield slice(0, length), slice(0, length), slice(0, length)
        return
    for start in range(0, length, step):
        stop = min(start + step, length)
        first = min(max(0, start - margin), length - TILE)
        yield slice(start, stop), slice(first, first + TILE), slice(start - first, stop - first)


def _moved(
    before: FloatArray, gradient: FloatArray, zoom: float, channel: int, conventions: Conventions
) -> FloatArray:
    """A category's probabilities in a tile (T, T), moved to the edges; the same to the bit where nothing moves."""
    current = torch.from_numpy(before)[None, None]
    edges = torch.from_numpy(np.ascontiguousarray(gradient))[None]
    if shift := conventions.shift(channel):
        edges = warp(edges.unsqueeze(1), shift * zoom * inward_normals(current, NORMALS * zoom))[:, 0]
    damping = agreement_damping(current, DAMPING, AGREEMENT, zoom)
    way = torch.zeros_like(current)
    for _ in range(WARPS):
        normals = inward_normals(current, NORMALS * zoom)
        cue = conventions.seen(oriented_edges(edges, normals), channel)
        v_g, _gate = aligned_guidance(cue, normals, SIGMA * zoom, damping)
        v_s = cap_length(v_g, STEP * zoom)
        current = warp(current, v_s)
        way += length(v_s, dim=2).squeeze(2)
    moved = torch.where(way > LEAST_MOVE * zoom, current, torch.from_numpy(before))
    result: FloatArray = moved[0, 0].numpy()
    return result
