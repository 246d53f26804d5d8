"""What can be wrong with an outline in a user's file.

Symbols: H, W image size in pixels; n vertices of a ring. Coordinates are (x, y) with pixel edges at integers.
"""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from lvcnet.data.importing.annotated import SELF_CROSSING, Problem
from lvcnet.errors import LvcnetError
from lvcnet.masks.outlines import Points, clip, overhang, signed_area

LARGEST_COORDINATE = 1e9
FEW = 64
"""Edges of a ring that are compared one with all."""
MOST_PAIRS = 20_000_000
"""Pairs of edges whose boxes meet, of one ring; hand-drawn outlines have a few an edge."""
LONGEST_OUTLINE = 3_000_000
"""Pixels along a ring inside its image: pycocotools holds five points for each."""


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
    beyond = overhang(points, height, width)
    inside = clip(points, height, width) if beyond > 0 else points
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
    if beyond > 0:
        what = f"the {name} reaches {beyond:.3g} px out of the {width} x {height} image"
        problems.append(Problem(where, what, "it was clipped at the border", blocking=False))
    return inside, problems


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


def _length(points: Points) -> float:
    """How many pixels a ring passes, which is what drawing it costs."""
    return float(np.abs(points - np.roll(points, -1, axis=0)).max(axis=1).sum())


def _side(a: Points, b: Points, c: Points) -> Points:
    """Sign of the side of the line a -> b on which c lies, over (..., 2) coordinates."""
    ab, ac = b - a, c - a
    side: Points = np.sign(ab[..., 0] * ac[..., 1] - ab[..., 1] * ac[..., 0])
    return side
