"""Outlines at the size of the image for masks that exist on the working grid only: smooth, not as stairs of the grid.

The pixel edges of a mask are smoothed along the outline. Whatever comes out, reduced to the working grid again, is the
mask that went in: where it would not be, the outline is held closer to the pixel edges.

Symbols: H, W size of the image, h, w its frame on the working grid. Lengths are in pixels of the working
grid, unless they say otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from lvcnet.data.images import mask_to_full_resolution, mask_to_working_grid
from lvcnet.data.importing.annotated import Shape
from lvcnet.data.outlines.shapes import Patch, painted
from lvcnet.masks.outlines import Outline, Points, Ring, clip, paint_ring, signed_area, trace_edges
from lvcnet.masks.parts import parts

STEP = 0.5
"""Between the points of an outline that are smoothed."""
SIGMA = 2.0
"""Standard deviation of the smoothing along the outline."""
LEAST_SIGMAS = 16
"""So many standard deviations fit at least into the length of an outline: small ones are smoothed less."""
FARTHEST = 0.6
"""That a point may move: half a pixel is what the grid leaves open."""
BEYOND = 8
"""Objects that touch the border are taken to go on behind it for so long; smoothing sees no further."""
SIMPLER = 0.03
"""That the outline may move when points are left out of it."""
DECIMALS = 2
"""Of coordinates, in pixels of the image."""
PATIENCE = 6
"""Times that an outline is held closer to the pixel edges."""
AROUND = 2
"""Pixels around a wrong one where it is."""


@dataclass(frozen=True, eq=False)
class Region:
    """Something with holes: rings in the order in which they are painted, holes erase."""

    rings: Sequence[Ring]

    def paint(self, mask: NDArray[np.bool_]) -> None:
        """Set what is inside in a (H, W) mask; what lies in its holes stays as it is."""
        points = np.concatenate([ring.points for ring in self.rings])
        left, top = np.floor(points.min(axis=0)).astype(int)
        right, bottom = np.ceil(points.max(axis=0)).astype(int)
        inside = np.zeros((bottom - top, right - left), dtype=bool)
        for ring in self.rings:
            paint_ring(inside, Ring(ring.points - [left, top], ring.hole))
        mask[top:bottom, left:right] |= inside


class SmoothRing:
    """An outline along pixel edges, and the smooth one that takes its place."""

    def __init__(self, ring: Ring) -> None:
        self.hole = ring.hole
        self.edges = evenly_spaced(ring.points)
        smooth = smoothed(self.edges, signed_area(ring.points))
        self.shift = smooth - self.edges
        length = np.linalg.norm(self.shift, axis=1, keepdims=True)
        self.shift *= np.minimum(1.0, FARTHEST / np.maximum(length, FARTHEST))
        self.share = np.ones((len(self.edges), 1))

    def hold(self, near: NDArray[np.bool_]) -> None:
        """Halve the way from the pixel edges where `near` (h, w) is true."""
        columns, rows = np.clip(self.edges.astype(int), 0, np.array(near.shape[::-1]) - 1).T
        self.share[near[rows, columns]] *= 0.5

    def ring(self, scale: NDArray[np.float64], height: int, width: int) -> Ring:
        """The outline as it is now, (n, 2) in pixels of the image and inside it; `scale` is (W / w, H / h)."""
        simple = simplified(self.edges + self.share * self.shift)
        points = clip((simple - BEYOND) * scale, height, width)
        return Ring(np.round(points, DECIMALS), self.hole)


def smooth_shapes(mask: NDArray[np.bool_], height: int, width: int) -> list[Shape]:
    """A mask of the working grid as shapes at the size of its image; `mask_to_working_grid` takes them back to it.

    An image that is no larger than the working grid gets pixel edges, which say all that there is. As far as the grid
    is finer than the image, detail is lost.

    Args:
        mask: (h, w) bool.
        height: H.
        width: W.

    Returns:
        A shape for each part, nothing for an empty mask.
    """
    if not mask.any():
        return []
    if height <= mask.shape[0] and width <= mask.shape[1]:
        return [Patch(mask_to_full_resolution(mask, height, width), 0, 0)]
    wider = np.pad(mask, BEYOND, mode="edge")
    found = [
        [
            SmoothRing(Ring(ring.points + np.array([columns.start, rows.start]), ring.hole))
            for ring in trace_edges(inside)
        ]
        for rows, columns, inside in parts(wider)
    ]
    scale = np.array([width / mask.shape[1], height / mask.shape[0]])
    best: list[Shape] = []
    fewest = mask.size + 1
    for _ in range(PATIENCE):
        shapes = _shapes([[ring.ring(scale, height, width) for ring in part] for part in found])
        wrong = mask_to_working_grid(painted(shapes, height, width), mask.shape) != mask
        if wrong.sum() < fewest:
            best, fewest = shapes, int(wrong.sum())
        if not fewest:
            return best
        near = np.pad(ndimage.binary_dilation(wrong, iterations=AROUND), BEYOND, mode="edge")
        for ring in (ring for part in found for ring in part):
            ring.hold(near)
    exact = mask_to_full_resolution(mask, height, width)
    return [Patch(exact, 0, 0)] if (mask_to_working_grid(exact, mask.shape) != mask).sum() < fewest else best


def evenly_spaced(corners: Points) -> Points:
    """Points every `STEP` along a closed outline of whole pixel edges.

    >>> evenly_spaced(np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]))[:3].tolist()
    [[0.0, 0.0], [0.5, 0.0], [1.0, 0.0]]
    """
    closed = np.vstack([corners, corners[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(closed, axis=0)).sum(axis=1))])
    places = np.arange(round(along[-1] / STEP)) * STEP
    return np.stack([np.interp(places, along, closed[:, axis]) for axis in (0, 1)], axis=1)


def smoothed(points: Points, area: float) -> Points:
    """A closed outline of evenly spaced points without its stairs, of the same signed area.

    A Gaussian alone pulls every bend inwards. What it takes away is smoothed once more and given back ("twicing": Tukey,
    "Exploratory Data Analysis", 1977), and what area is missing then is put on all around.
    """
    sigma = min(SIGMA / STEP, len(points) / LEAST_SIGMAS)
    once = ndimage.gaussian_filter1d(points, sigma, axis=0, mode="wrap")
    smooth: Points = 2 * once - ndimage.gaussian_filter1d(once, sigma, axis=0, mode="wrap")
    along = np.roll(smooth, -1, axis=0) - np.roll(smooth, 1, axis=0)
    length = np.linalg.norm(along, axis=1, keepdims=True)
    outwards = np.stack([along[:, 1], -along[:, 0]], axis=1) / np.maximum(length, 1e-9)
    around = float(length.sum()) / 2
    return smooth + outwards * (area - signed_area(smooth)) / max(around, 1e-9)


def simplified(points: Points) -> Points:
    """A closed outline without points that it hardly needs (Douglas and Peucker, 1973)."""
    shape = shapely.simplify(shapely.Polygon(points), SIMPLER, preserve_topology=True)
    kept = np.array(shape.exterior.coords[:-1]) if isinstance(shape, shapely.Polygon) else points
    return kept if len(kept) >= 3 else points


def _shapes(found: Sequence[Sequence[Ring]]) -> list[Shape]:
    """A shape for each part; rings that lie outside the image are none."""
    shapes: list[Shape] = []
    for rings in found:
        inside = [ring for ring in rings if len(ring.points) >= 3]
        if any(ring.hole for ring in inside):
            shapes.append(Region(inside))
        elif inside:
            shapes.append(Outline([ring.points for ring in inside]))
    return shapes
