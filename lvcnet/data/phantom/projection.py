"""From outlines to path lengths: how much bone, soft tissue, fat and gas each ray of the phantom crosses.

Symbols: G side of the supersampled grid in pixels. Path lengths are in cm along the ray.
"""

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lvcnet.data.phantom.anatomy import Points, Side, Skeleton
from lvcnet.data.phantom.templates import WING_HALF

Map = NDArray[np.floating[Any]]
"""(G, G) float32."""
SHIFT = 4


@dataclass(frozen=True)
class View:
    """Where the body lies on the detector.

    Attributes:
        grid: G.
        field: side of the detector in cm.
        centre: body point (x, y) in cm that is shown in the middle.
        angle: rotation of the body in the image plane, radians.
    """

    grid: int
    field: float
    centre: tuple[float, float]
    angle: float

    @property
    def scale(self) -> float:
        """Supersampled pixels a cm."""
        return self.grid / self.field

    def to_pixels(self, points: Points) -> Points:
        """Body cm (P, 2) to grid pixels (P, 2), pixel centres at integers."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        turned = (points - np.array(self.centre)) @ np.array([[cos, sin], [-sin, cos]])
        pixels: Points = turned * self.scale + (self.grid / 2 - 0.5)
        return pixels

    def body_axes(self, box: tuple[slice, slice] | None = None) -> tuple[Map, Map]:
        """Body x and y in cm of every grid pixel, each (G, G), or of the rows and columns in `box`."""
        line = ((np.arange(self.grid, dtype=np.float32) + 0.5) / self.grid - 0.5) * np.float32(self.field)
        down, across = (line, line) if box is None else (line[box[0]], line[box[1]])
        cos, sin = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
        x = cos * across[None, :] + sin * down[:, None] + np.float32(self.centre[0])
        y = -sin * across[None, :] + cos * down[:, None] + np.float32(self.centre[1])
        return x.astype(np.float32), y.astype(np.float32)


@dataclass(frozen=True)
class Bones:
    """Path lengths of the skeleton and the coverage of the target.

    Attributes:
        cortex: (G, G) cm of dense bone.
        spongy: (G, G) cm of trabecular bone.
        innominate: (G, G) bool, inside the innominate bones.
    """

    cortex: Map
    spongy: Map
    innominate: NDArray[np.bool_]


def project_bones(skeleton: Skeleton, view: View, rng: np.random.Generator) -> Bones:
    """Path lengths of all bones; `rng` draws thickness, density and cortex of this person."""
    x, y = view.body_axes()
    inside, cortex, spongy = _innominates(skeleton, view, x, y, rng)
    for part in (_femora(skeleton, view, y, rng), _spine(skeleton, view, x, y)):
        cortex += part[0]
        spongy += part[1]
    # Trabeculae: fine grain over coarser patches.
    spongy *= 1 + 0.09 * texture(rng, view.grid, 300) + 0.07 * texture(rng, view.grid, 110)
    return Bones(cortex, np.maximum(spongy, 0), inside)


def fill(view: View, outlines: list[Points], holes: list[Points] | None = None) -> NDArray[np.uint8]:
    """(G, G) of 0 and 1: the union of the outlines without the holes."""
    inside = _cover(view, outlines)
    return inside & (1 - _cover(view, holes)) if holes else inside


def _cover(view: View, rings: list[Points]) -> NDArray[np.uint8]:
    """(G, G) of 0 and 1: pixels at least half inside one of the rings.

    OpenCV also paints every pixel that an outline touches, half a pixel too far. So draw at twice the resolution and
    take the mean of what it paints and of the same without its rim.
    """
    fine = replace(view, grid=2 * view.grid)
    canvas = np.zeros((fine.grid, fine.grid), dtype=np.uint8)
    for ring in rings:
        corners = np.round(fine.to_pixels(ring) * (1 << SHIFT)).astype(np.int32)
        cv2.fillPoly(canvas, [corners], 100, cv2.LINE_8, SHIFT)
    rimless = cv2.erode(canvas, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)))
    half = cv2.resize(canvas // 2 + rimless // 2, (view.grid, view.grid), interpolation=cv2.INTER_AREA)
    return np.asarray(half >= 50, dtype=np.uint8)


def depth_below_edge(inside: NDArray[np.uint8], view: View) -> Map:
    """Distance in cm from each pixel inside to the outline; 0 outside."""
    pixels = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(np.maximum(pixels - 0.5, 0) / view.scale, dtype=np.float32)


def rounded(depth: Map, half: Map | float) -> Map:
    """Path length through a body whose edge is round and whose half thickness is `half` cm."""
    rest = np.maximum(half - depth, 0)
    return np.asarray(2 * np.sqrt(np.maximum(half * half - rest * rest, 0)), dtype=np.float32)


def shell(depth: Map, half: Map | float, wall: Map | float) -> tuple[Map, Map]:
    """Path lengths (cortex, marrow) of a rounded body with a wall `wall` cm thick."""
    whole = rounded(depth, half)
    marrow = rounded(np.maximum(depth - wall, 0), np.maximum(half - wall, 0.01)) * (depth > wall)
    return whole - marrow, marrow


def enlarge(image: Map, grid: int) -> Map:
    """Linear interpolation to (G, G)."""
    return np.asarray(cv2.resize(image, (grid, grid), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def logistic(value: Map) -> Map:
    """1 / (1 + exp(-value)) without overflow."""
    return np.asarray(1 / (1 + np.exp(-np.clip(value, -40, 40))), dtype=np.float32)


def soften(image: Map, sigma: float) -> Map:
    """Gaussian blur; `sigma` in pixels, computed on a smaller grid where it is wide."""
    shrink = int(sigma // 6)
    if shrink < 2:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), max(sigma, 0.05)), dtype=np.float32)
    side = max(16, image.shape[0] // shrink)
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma * side / image.shape[0], borderType=cv2.BORDER_REFLECT)
    return np.asarray(cv2.resize(small, image.shape[::-1], interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def texture(rng: np.random.Generator, grid: int, cells: int) -> Map:
    """(G, G) smooth noise of unit variance with `cells` cells a side; the same pattern at every G."""
    noise = rng.standard_normal((cells, cells)).astype(np.float32)
    method = cv2.INTER_CUBIC if grid >= cells else cv2.INTER_AREA
    return np.asarray(cv2.resize(noise, (grid, grid), interpolation=method), dtype=np.float32)


def _innominates(
    skeleton: Skeleton, view: View, x: Map, y: Map, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], Map, Map]:
    inside = fill(
        view, [side.innominate for side in skeleton.sides], [side.foramen for side in skeleton.sides]
    )
    depth = depth_below_edge(inside, view)
    half = WING_HALF * rng.uniform(0.7, 1.25) * (1 + 0.25 * texture(rng, view.grid, 9)).clip(0.4, 1.8)
    half = np.maximum(half + _masses(skeleton, view), 0.06)
    # The wall thins out in places, the whole bone in others: the outline fades there.
    wall = np.float32(rng.uniform(0.07, 0.13)) * (1 + 0.45 * texture(rng, view.grid, 16)).clip(0.15, 2.2)
    cortex, spongy = shell(depth, half, wall)
    for side in skeleton.sides:
        _thin_socket(side, x, y, cortex, spongy)
        for points, width, dense in side.lines:
            _add_stroke(cortex, view, points, width, dense)
    fade = (1 - rng.uniform(0.15, 0.45) * (0.6 + texture(rng, view.grid, 11))).clip(0.22, 1.15) * inside
    return inside.astype(bool), cortex * fade, spongy * fade


def _masses(skeleton: Skeleton, view: View) -> Map:
    """(G, G) half thickness in cm that the massive parts of the bone add to the wing; smooth, so drawn small."""
    coarse = replace(view, grid=max(48, view.grid // 6))
    x, y = coarse.body_axes()
    total = np.zeros_like(x)
    for side in skeleton.sides:
        for mx, my, spread, thick in side.masses.astype(np.float32):
            total += thick * np.exp(((x - mx) ** 2 + (y - my) ** 2) / (-2 * spread * spread))
    return enlarge(total, view.grid)


def _thin_socket(side: Side, x: Map, y: Map, cortex: Map, spongy: Map) -> None:
    """Hollow the acetabulum in place: within the socket only the thin front and back walls are in the ray's way."""
    radius = side.head_radius + 0.36
    distance = np.hypot(x - np.float32(side.head_centre[0]), y - np.float32(side.head_centre[1]))
    hollow = logistic((radius - distance) / 0.06)
    spongy *= 1 - 0.75 * hollow
    cortex *= 1 - 0.3 * hollow


def _femora(skeleton: Skeleton, view: View, y: Map, rng: np.random.Generator) -> tuple[Map, Map]:
    depth = depth_below_edge(fill(view, [side.femur for side in skeleton.sides]), view)
    # The wall is thin over the head and trochanters and thick along the shaft.
    shaft = logistic((y - 8.0) / 1.3)
    wall = 0.08 + rng.uniform(0.18, 0.36) * shaft
    cortex, spongy = shell(depth, 1.6 - 0.1 * shaft, wall)
    for side in skeleton.sides:
        for points, width, dense in side.femur_lines:
            _add_stroke(cortex, view, points, width, dense)
    return cortex * (depth > 0), spongy * (1 - 0.75 * shaft)


def _spine(skeleton: Skeleton, view: View, x: Map, y: Map) -> tuple[Map, Map]:
    depth = depth_below_edge(fill(view, [skeleton.sacrum]), view)
    cortex, spongy = shell(depth, 1.0, 0.08)
    # The wings of the sacrum slope backwards and its apex bends out of the beam: both are thinner than its body.
    keep = 0.15 + 0.85 * logistic(-(y + 2.5) / 1.2) * (1 - 0.6 * logistic((np.abs(x) - 3.6) / 0.6))
    for hole in skeleton.sacral_foramina:
        _open_foramen(keep, cortex, hole, view)
    for points, width, dense in skeleton.sacral_lines:
        _add_stroke(cortex, view, points, width, dense)
    bodies = depth_below_edge(fill(view, skeleton.vertebrae), view)
    body_cortex, body_spongy = shell(bodies, 1.5, 0.09)
    for outline in skeleton.vertebrae:
        _add_posterior_arch(body_cortex, outline.mean(axis=0), view)
    return cortex * keep * (depth > 0) + body_cortex, spongy * keep + 0.7 * body_spongy


def _open_foramen(keep: Map, cortex: Map, hole: NDArray[np.float64], view: View) -> None:
    """Thin the sacrum at a neural foramen and mark its dense upper margin, in place."""
    pixels = view.to_pixels(hole[None, :2])[0]
    box = _box(pixels - 2 * view.scale, pixels + 2 * view.scale, view.grid)
    if box is None:
        return
    x, y = view.body_axes(box)
    dx, dy = (x - np.float32(hole[0])) / np.float32(hole[2]), (y - np.float32(hole[1])) / np.float32(hole[3])
    square = dx * dx + dy * dy
    keep[box] *= 1 - 0.5 * np.exp(-square * square)
    cortex[box] += 0.09 * np.exp(-(((np.sqrt(square) - 1.35) / 0.3) ** 2)) * logistic(-4 * dy)


def _add_stroke(cortex: Map, view: View, points: Points, width: float, dense: float) -> None:
    """Add `dense` cm of cortex along a soft line of `width` cm, in place."""
    reach = 1.5 * width * view.scale + 2
    pixels = view.to_pixels(points)
    box = _box(pixels.min(axis=0) - reach, pixels.max(axis=0) + reach, view.grid)
    if box is None:
        return
    rows, columns = box
    canvas = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=np.uint8)
    corners = np.round((pixels - [columns.start, rows.start]) * (1 << SHIFT)).astype(np.int32)
    cv2.polylines(canvas, [corners], False, 255, max(1, round(0.7 * width * view.scale)), cv2.LINE_AA, SHIFT)
    cortex[box] += soften(canvas.astype(np.float32) / 255, 0.35 * width * view.scale) * np.float32(dense)


def _add_posterior_arch(cortex: Map, centre: Points, view: View) -> None:
    """Add pedicles as rings, the spinous process as a drop and transverse processes as bars, in place."""
    pixels = view.to_pixels(centre[None])[0]
    box = _box(pixels - 6 * view.scale, pixels + 6 * view.scale, view.grid)
    if box is None:
        return
    x, y = view.body_axes(box)
    dx, dy = np.abs(x - np.float32(centre[0])), y - np.float32(centre[1])
    pedicle = np.hypot((dx - 1.65) / 0.5, (dy + 0.3) / 0.7)
    spinous = np.hypot(dx / 0.38, (dy - 1.0) / 0.9)
    bar = (
        logistic((0.36 - np.abs(dy + 0.3 + 0.14 * (dx - 2.4))) / 0.06)
        * logistic((4.3 - dx) / 0.12)
        * (dx > 2.3)
    )
    rings = 0.12 * np.exp(-(((pedicle - 1) / 0.3) ** 2)) + 0.22 * np.exp(-(((spinous - 1) / 0.3) ** 2))
    cortex[box] += rings + 0.14 * bar + 0.15 * (spinous < 1)


def _box(low: Points, high: Points, grid: int) -> tuple[slice, slice] | None:
    """Rows and columns of the grid between two pixel positions (x, y); None if that is outside."""
    left, top = np.clip(np.floor(low), 0, grid).astype(int).tolist()
    right, bottom = np.clip(np.ceil(high), 0, grid).astype(int).tolist()
    return (slice(top, bottom), slice(left, right)) if right > left and bottom > top else None
