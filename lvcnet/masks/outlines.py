"""Masks to outlines and back, in two conventions.

Along pixel edges (`trace_edges`, `rasterise`): coordinates are (x, y) with pixel edges at integers, the pixel in column 0,
row 0 is the square from (0, 0) to (1, 1). That is what annotation files hold and pycocotools rasterises.

Around pixel centres (`trace_centres`, `fill_centres`): coordinates are (row, column) with pixel centres at integers; the
contour runs half-way between centres inside and outside (marching squares), and a pixel belongs to a polygon when its
centre lies inside. That is what can be bent smoothly, without corners at every pixel. Contours *through* the outermost
centres (cv2.findContours) and back (cv2.fillPoly) are neither: they lose or add half a pixel on each side.

Symbols: H, W image size in pixels; n vertices of a ring.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from skimage.draw import polygon as pixels_inside
from skimage.measure import find_contours

from lvcnet.masks.blocks import row_blocks
from lvcnet.masks.geometry import beyond_border

Points = NDArray[np.float64]
Step = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Ring:
    """A closed outline: (n, 2) vertices (x, y) without repeating the first; `hole` if it bounds background."""

    points: Points
    hole: bool = False


@dataclass(frozen=True, eq=False)
class Outline:
    """One annotation made of outer rings; overlapping rings are united."""

    rings: Sequence[Points]

    def paint(self, mask: NDArray[np.bool_]) -> None:
        """Set what is inside in a (H, W) mask."""
        for points in self.rings:
            paint_ring(mask, Ring(points))


def trace_edges(mask: NDArray[np.bool_]) -> list[Ring]:
    """Outline a mask along its pixel edges.

    Outer rings surround 4-connected foreground and run clockwise on the screen, holes 8-connected background and run
    the other way. Rings come by falling area, so that painting them in order (holes erase) gives the mask back.

    Args:
        mask: (H, W) bool.

    >>> ring, = trace_edges(np.pad(np.ones((4, 5), bool), 2))
    >>> ring.points.tolist()
    [[2.0, 2.0], [7.0, 2.0], [7.0, 6.0], [2.0, 6.0]]
    """
    steps = _edge_steps(mask)
    rings = []
    while steps:
        start, directions = next(iter(steps.items()))
        points = np.array(_walk(steps, start, directions[0]), dtype=np.float64)
        rings.append(Ring(points, hole=signed_area(points) < 0))
    return sorted(rings, key=lambda ring: -abs(signed_area(ring.points)))


def rasterise(rings: Sequence[Ring], height: int, width: int) -> NDArray[np.bool_]:
    """Paint rings in order, outer rings set and holes erase, as pycocotools rasterises them.

    Returns:
        (H, W) bool.
    """
    mask = np.zeros((height, width), dtype=bool)
    for ring in rings:
        paint_ring(mask, ring)
    return mask


def paint_ring(mask: NDArray[np.bool_], ring: Ring) -> None:
    """Set, or erase for a hole, what is inside a ring; only its own box in the (H, W) mask is touched."""
    points = ring.points
    if len(points) >= 3 and overhang(points, *mask.shape) > 0:
        points = clip(points, *mask.shape)
    if len(points) < 3:
        return
    left, top = np.maximum(np.floor(points.min(axis=0)).astype(int) - 1, 0)
    right, bottom = np.ceil(points.max(axis=0)).astype(int) + 1
    box = mask[top:bottom, left:right]
    encoded = coco_mask.frPyObjects([(points - [left, top]).ravel().tolist()], *box.shape)
    box[coco_mask.decode(encoded)[:, :, 0].astype(bool)] = not ring.hole


def signed_area(points: Points) -> float:
    """Area in pixels by the shoelace formula, positive where the first axis turns toward the second.

    Rings of (x, y) are positive if they run clockwise on the screen (y down), rings of (row, column) if the other way.

    >>> signed_area(np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 3.0]]))
    6.0
    """
    x, y = points[:, 0], points[:, 1]
    return float(0.5 * np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))


def clip(points: Points, height: int, width: int) -> Points:
    """The part of a ring inside the image (Sutherland and Hodgman, 1974); fewer than 3 points if there is none."""
    for axis, limit, sign in (
        (0, 0.0, 1.0),
        (0, float(width), -1.0),
        (1, 0.0, 1.0),
        (1, float(height), -1.0),
    ):
        if len(points) == 0:
            break
        points = _clip_half_plane(points, sign * (points[:, axis] - limit))
    return points


def overhang(points: Points, height: int, width: int) -> float:
    """How far the ring reaches out of the image, in pixels; at most 0 if it does not."""
    return float(max((-points).max(), (points - [width, height]).max()))


def trace_centres(component: NDArray[np.bool_]) -> tuple[Points, list[Points]]:
    """Outer contour and holes of one 4-connected object (H, W), each (n, 2) as (row, column), not closed.

    An object that touches the border is continued beyond it, so that its outline does not run along the border.

    >>> outer, holes = trace_centres(np.pad(np.ones((1, 1), bool), 1))
    >>> outer.tolist(), holes
    ([[1.5, 1.0], [1.0, 0.5], [0.5, 1.0], [1.0, 1.5]], [])
    """
    beyond = beyond_border(component.shape)
    padded = np.pad(np.pad(component, beyond, mode="edge"), 1).astype(np.float32)
    rings = [ring[:-1] - (beyond + 1) for ring in find_contours(padded, 0.5, fully_connected="low")]
    rings.sort(key=lambda ring: abs(signed_area(ring)), reverse=True)
    return rings[0], rings[1:]


def fill_centres(points: Points, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The (H, W) mask of the pixels whose centres lie inside an (n, 2) ring of (row, column)."""
    inside = np.zeros(shape, dtype=bool)
    inside[pixels_inside(points[:, 0], points[:, 1], shape)] = True
    return inside


def _clip_half_plane(points: Points, distance: Points) -> Points:
    """Keep the part of a ring where the signed `distance` (n,) of its points is not negative."""
    before, previous = np.roll(distance, 1), np.roll(points, 1, axis=0)
    crossing = (before < 0) != (distance < 0)
    share = np.zeros(len(points))
    np.divide(before, before - distance, out=share, where=crossing)
    border = previous + (points - previous) * share[:, None]
    # where a point and the one before lie on different sides, the border comes between them
    return np.stack([border, points], axis=1)[np.stack([crossing, distance >= 0], axis=1)]


def _edge_steps(mask: NDArray[np.bool_]) -> dict[Step, list[Step]]:
    """Directed pixel edges with foreground on the right hand, by start corner: at most two directions a corner."""
    # (sign of the change, offset of the edge's start from its row and column, direction): top, bottom, left, right
    kinds: list[tuple[int, Step, Step]] = [
        (1, (0, 0), (1, 0)),
        (-1, (1, 0), (-1, 0)),
        (1, (0, 1), (0, -1)),
        (-1, (0, 0), (0, 1)),
    ]
    edges: list[list[NDArray[np.intp]]] = [[np.zeros((0, 2), dtype=np.intp)] for _ in kinds]
    above = np.zeros(mask.shape[1], dtype=np.int8)
    for rows in row_blocks(*mask.shape):
        block = mask[rows].astype(np.int8)
        below = [np.zeros_like(above)] if rows.stop >= len(mask) else []
        down = np.diff(np.vstack([above, block, *below]), axis=0)
        right = np.diff(np.pad(block, ((0, 0), (1, 1))), axis=1)
        for found, change, (sign, _, _) in zip(edges, (down, down, right, right), kinds, strict=True):
            found.append(np.argwhere(change == sign) + np.array([rows.start, 0]))
        above = block[-1]
    steps: dict[Step, list[Step]] = {}
    for places, (_, (dx, dy), direction) in zip(edges, kinds, strict=True):
        for row, column in np.concatenate(places).tolist():
            steps.setdefault((column + dx, row + dy), []).append(direction)
    return steps


def _walk(steps: dict[Step, list[Step]], start: Step, first: Step) -> list[Step]:
    """Follow edges from the corner `start` until the ring closes, using them up; returns its corners."""
    corners, here, direction = [start], start, first
    while True:
        steps[here].remove(direction)
        if not steps[here]:
            del steps[here]
        here = (here[0] + direction[0], here[1] + direction[1])
        # turning right where two pixels only meet at a corner keeps them apart: foreground is 4-connected
        turn, options = (-direction[1], direction[0]), steps.get(here, [])
        if here == start and (not options or turn == first):
            return corners
        following = turn if turn in options else options[0]
        if following != direction:
            corners.append(here)
        direction = following
