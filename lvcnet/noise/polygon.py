"""Polygon noise: the outline of a hurried annotator, with fewer and misplaced vertices.

Symbols: H, W image size, M contour points, V vertices. Coordinates are (row, column), the contour runs around pixel centres
(`masks.outlines.trace_centres`): untouched it gives back the mask exactly.

Every contour point has its own jitter, drawn once: a vertex that survives at two strengths moves the same way.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from lvcnet.masks.outlines import Points, fill_centres, signed_area, trace_centres
from lvcnet.masks.parts import components
from lvcnet.noise.levels import Mask
from lvcnet.noise.objects import keep_alive

JITTER = 0.5
"""Standard deviation of a vertex's error per pixel of strength; with tolerance 5 px the IoU is about .8."""
BIAS_OFFSET = 0.5
"""How far a fully biased outline moves out or in per pixel of strength: one standard deviation of the jitter."""
MIN_VERTICES = 4
"""Even in a hurry people draw an object with four corners."""


def polygon(mask: Mask, strength: float, rng: np.random.Generator, bias: float = 0.0) -> Mask:
    """Redraw every object with a Douglas-Peucker tolerance of `strength` px and jittered vertices.

    The simplified outline is moved so that it encloses as much as the true one (chords alone would shrink every
    convex object), then by `bias * strength / 2` px outward. Holes are redrawn likewise; small ones vanish.

    Args:
        mask: (H, W) bool.
        strength: tolerance in px; the jitter's standard deviation is half of it.
        rng: keyed generator.
        bias: -1 (shrink) to 1 (grow).

    Returns:
        (H, W) bool.
    """
    noisy = np.zeros_like(mask)
    for component in components(mask):
        noisy |= _redraw(component, strength, rng, bias)
    return noisy


def count_vertices(mask: Mask, strength: float) -> int:
    """How many vertices `polygon` draws for all objects and holes of a mask: the clicks such outlines cost.

    Args:
        mask: (H, W) bool.
        strength: tolerance in px.

    >>> square = np.zeros((12, 12), dtype=bool)
    >>> square[3:9, 3:9] = True
    >>> count_vertices(square, 0.5)
    4
    """
    found = 0
    for component in components(mask):
        outer, holes = trace_centres(component)
        rings = [_corners(outer, strength, MIN_VERTICES), *(_corners(hole, strength, None) for hole in holes)]
        found += sum(len(corners) for corners in rings if corners is not None)
    return found


def simplify(ring: Points, tolerance: float) -> NDArray[np.intp]:
    """Douglas-Peucker on a closed ring: the indices of the points that stay, in order."""
    doubled = np.rint(2 * ring).astype(np.int32)  # contour points are multiples of half a pixel
    kept = cv2.approxPolyDP(doubled.reshape(-1, 1, 2), 2 * tolerance, True).reshape(-1, 2)
    place = {point: number for number, point in enumerate(map(tuple, doubled.tolist()))}
    return np.array([place[point] for point in map(tuple, kept.tolist())], dtype=np.intp)


def offset(ring: Points, distance: float) -> Points:
    """Move every edge of a (V, 2) ring outward by `distance` px (mitred corners, sharp ones limited)."""
    edges = np.roll(ring, -1, axis=0) - ring
    turn = np.sign(signed_area(ring)) or 1.0
    lengths = np.maximum(np.linalg.norm(edges, axis=1, keepdims=True), 1e-9)
    normals = turn * np.stack([edges[:, 1], -edges[:, 0]], axis=1) / lengths
    before = np.roll(normals, 1, axis=0)
    mitre = 1 + (normals * before).sum(axis=1, keepdims=True)
    moved: Points = ring + distance * (normals + before) / np.maximum(mitre, 0.5)
    return moved


def _redraw(component: Mask, strength: float, rng: np.random.Generator, bias: float) -> Mask:
    outer, holes = trace_centres(component)
    outward = bias * BIAS_OFFSET * strength
    outline = _hurried(outer, strength, rng, outward, MIN_VERTICES)
    assert outline is not None
    drawn = fill_centres(outline, component.shape)
    gaps = np.zeros_like(drawn)
    for hole in holes:
        gap = _hurried(hole, strength, rng, -outward, None)
        if gap is not None:
            gaps |= fill_centres(gap, component.shape)
    left = drawn & ~gaps
    return keep_alive(left if left.any() else drawn, component)


def _hurried(
    ring: Points, strength: float, rng: np.random.Generator, outward: float, at_least: int | None
) -> Points | None:
    """The ring as drawn in a hurry; None when it vanishes, which only `at_least=None` allows."""
    errors = rng.normal(size=ring.shape)  # drawn first and for every point: independent of strength
    corners = _corners(ring, strength, at_least)
    if corners is None:
        return None
    drawn = ring[corners]
    area = abs(signed_area(ring))
    perimeter = np.linalg.norm(drawn - np.roll(drawn, 1, axis=0), axis=1).sum()
    lost = (area - abs(signed_area(drawn))) / max(float(perimeter), 1.0)
    # People zoom in on small objects: an error larger than the object is not a hurried outline any more.
    sigma = min(JITTER * strength, 0.25 * float(np.sqrt(area)))
    return offset(drawn, lost + outward) + sigma * errors[corners]


def _corners(ring: Points, tolerance: float, at_least: int | None) -> NDArray[np.intp] | None:
    """The points of a ring that a person would set; None when it vanishes, which only `at_least=None` allows."""
    corners = simplify(ring, tolerance)
    while at_least is not None and len(corners) < at_least:
        tolerance /= 2
        corners = simplify(ring, tolerance)
    return corners if len(corners) >= 3 else None
