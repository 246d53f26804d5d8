"""Masks to pixel-edge polygons and back, and what can be wrong with a hand-drawn outline.

Symbols: H, W image size in pixels; n vertices of a ring. Coordinates are (x, y) with pixel edges at integers: the
pixel in column 0, row 0 is the square from (0, 0) to (1, 1). That is what pycocotools rasterises; contours through
pixel centres (cv2.findContours) shrink every object by half a pixel on each side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from shapely import STRtree

from lvcnet.data.importing.annotated import SELF_CROSSING, Problem
from lvcnet.data.radiograph import row_blocks
from lvcnet.errors import LvcnetError

Points = NDArray[np.float64]
Step = tuple[int, int]

LARGEST_COORDINATE = 1e9
FEW = 64
"""Edges of a ring that are compared one with all."""
MOST_PAIRS = 20_000_000
"""Pairs of edges whose boxes meet, of one ring; hand-drawn outlines have a few an edge."""
LONGEST_OUTLINE = 3_000_000
"""Pixels along a ring inside its image: pycocotools holds five points for each."""


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


def trace(mask: NDArray[np.bool_]) -> list[Ring]:
    """Outline a mask along its pixel edges.

    Outer rings surround 4-connected foreground and run clockwise on the screen, holes 8-connected background and run
    the other way. Rings come by falling area, so that painting them in order (holes erase) gives the mask back.

    Args:
        mask: (H, W) bool.

    >>> ring, = trace(np.pad(np.ones((4, 5), bool), 2))
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
    if len(points) >= 3 and _overhang(points, *mask.shape) > 0:
        points = clip(points, *mask.shape)
    if len(points) < 3:
        return
    left, top = np.maximum(np.floor(points.min(axis=0)).astype(int) - 1, 0)
    right, bottom = np.ceil(points.max(axis=0)).astype(int) + 1
    box = mask[top:bottom, left:right]
    encoded = coco_mask.frPyObjects([(points - [left, top]).ravel().tolist()], *box.shape)
    box[coco_mask.decode(encoded)[:, :, 0].astype(bool)] = not ring.hole


def signed_area(points: Points) -> float:
    """Area in pixels by the shoelace formula: positive for rings that run clockwise on the screen (y down).

    >>> signed_area(np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 3.0]]))
    6.0
    """
    x, y = points[:, 0], points[:, 1]
    return float(0.5 * np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))


def crosses_itself(points: Points) -> bool:
    """True if two edges of the ring properly cross; rings that only touch themselves do not count.

    Only edges whose bounding boxes meet can cross; a tree of boxes finds them in O(n log n).

    Raises:
        LvcnetError: if far more boxes meet than in anything that a hand draws.

    >>> crosses_itself(np.array([[0.0, 0.0], [4.0, 4.0], [4.0, 0.0], [0.0, 4.0]]))
    True
    """
    ends = np.roll(points, -1, axis=0)
    if len(points) <= FEW:
        one, two = np.triu_indices(len(points), 1)
        return _any_cross(points, ends, one, two)
    lows, highs = np.minimum(points, ends), np.maximum(points, ends)
    boxes = shapely.box(lows[:, 0], lows[:, 1], highs[:, 0], highs[:, 1])
    tree, left = STRtree(boxes), MOST_PAIRS
    for first in range(0, len(points), FEW):
        one, two = tree.query(boxes[first : first + FEW])
        left -= len(one)
        if left < 0:
            raise LvcnetError("is too tangled to be checked: simplify it")
        if _any_cross(points, ends, one + first, two):
            return True
    return False


def _any_cross(start: Points, end: Points, one: NDArray[np.intp], two: NDArray[np.intp]) -> bool:
    """Whether any of the pairs of edges, given by their numbers, properly cross."""
    a, b, c, d = start[one], end[one], start[two], end[two]
    separates_cd = _side(a, b, c) * _side(a, b, d) < 0
    separates_ab = _side(c, d, a) * _side(c, d, b) < 0
    return bool((separates_cd & separates_ab).any())


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


def check_ring(
    values: Any, height: int, width: int, where: str, name: str = "polygon"
) -> tuple[Points | None, list[Problem]]:
    """Judge one outline from a user's file.

    Args:
        values: flat [x, y, x, y, ...] or [[x, y], ...] as it was read.
        height: H of the image.
        width: W of the image.
        where: for messages.
        name: what to call it in messages.

    Returns:
        (n, 2) points clipped to the image, or None if it cannot be used, and the problems.
    """
    points = _as_points(values)
    if points is None:
        fix = "give x, y pairs of finite numbers"
        return None, [
            Problem(where, f"the {name} has coordinates that are not numbers or come unpaired", fix)
        ]
    if len(points) == 0:
        return None, [Problem(where, f"the {name} is empty", "delete the annotation or draw it again")]
    if len(points) < 3:
        fix = "an outline needs at least 3; delete it or draw it again"
        return None, [Problem(where, f"the {name} has {len(points)} points", fix)]
    overhang = _overhang(points, height, width)
    inside = clip(points, height, width) if overhang > 0 else points
    if len(inside) > 2 and _length(inside) > LONGEST_OUTLINE:
        fix = "no outline is so long; simplify it"
        return None, [Problem(where, f"the {name} is {_length(inside):.3g} px long", fix)]
    try:
        crosses = crosses_itself(points)
    except LvcnetError as error:
        return None, [Problem(where, f"the {name} {error}")]
    if abs(signed_area(points)) < 1e-6 and not crosses:
        return None, [Problem(where, f"the {name} is empty: its area is 0", "delete it or draw it again")]
    if len(inside) < 3 or not np.ptp(inside, axis=0).all():
        fix = f"the image is {width} x {height}; was the outline drawn on another size?"
        return None, [Problem(where, f"the {name} lies entirely outside the image", fix)]
    problems = []
    if crosses:
        fix = "untangle the outline, or accept the even-odd filling with --accept-self-crossing"
        problems.append(Problem(where, f"the {name} crosses itself", fix, kind=SELF_CROSSING))
    if overhang > 0:
        what = f"the {name} reaches {overhang:.3g} px out of the {width} x {height} image"
        problems.append(Problem(where, what, "it was clipped at the border", blocking=False))
    return inside, problems


def _as_points(values: Any) -> Points | None:
    try:
        numbers = np.array(values, dtype=object)
        if any(isinstance(number, bool | str | None) for number in numbers.ravel()):
            return None
        points = numbers.astype(np.float64)
        points = points.reshape(-1, 2) if points.ndim == 1 else points
    except (TypeError, ValueError, OverflowError):
        return None
    if points.ndim != 2 or points.shape[1] != 2 or not (np.abs(points) < LARGEST_COORDINATE).all():
        return None
    closed = len(points) > 1 and bool((points[0] == points[-1]).all())
    return points[:-1] if closed else points


def _overhang(points: Points, height: int, width: int) -> float:
    """How far the ring reaches out of the image, in pixels; at most 0 if it does not."""
    return float(max((-points).max(), (points - [width, height]).max()))


def _side(a: Points, b: Points, c: Points) -> Points:
    """Sign of the side of the line a -> b on which c lies, over (..., 2) coordinates."""
    ab, ac = b - a, c - a
    side: Points = np.sign(ab[..., 0] * ac[..., 1] - ab[..., 1] * ac[..., 0])
    return side


def _length(points: Points) -> float:
    """How many pixels a ring passes, which is what drawing it costs."""
    return float(np.abs(points - np.roll(points, -1, axis=0)).max(axis=1).sum())


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
