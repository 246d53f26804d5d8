"""From outlines to path lengths: how much bone, soft tissue, fat and gas each ray of the phantom crosses.

Symbols: G side of the supersampled grid in pixels. Path lengths are in cm along the ray.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lvcnet.data.phantom_anatomy import WING_HALF, Points, Side, Skeleton

Map = NDArray[np.float32]
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
        return turned * self.scale + (self.grid / 2 - 0.5)

    def body_axes(self) -> tuple[Map, Map]:
        """Body x and y in cm of every grid pixel, each (G, G)."""
        line = ((np.arange(self.grid, dtype=np.float32) + 0.5) / self.grid - 0.5) * np.float32(self.field)
        cos, sin = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
        x = cos * line[None, :] + sin * line[:, None] + np.float32(self.centre[0])
        y = -sin * line[None, :] + cos * line[:, None] + np.float32(self.centre[1])
        return x, y


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
    for part in (_femora(skeleton, view, rng), _spine(skeleton, view, x, y, rng)):
        cortex += part[0]
        spongy += part[1]
    return Bones(cortex, spongy, inside)


def fill(view: View, outlines: list[Points], holes: list[Points] | None = None) -> NDArray[np.uint8]:
    """(G, G) of 0 and 1: the union of the outlines without the holes."""
    canvas = np.zeros((view.grid, view.grid), dtype=np.uint8)
    for value, rings in ((1, outlines), (0, holes or [])):
        for ring in rings:
            corners = np.round(view.to_pixels(ring) * (1 << SHIFT)).astype(np.int32)
            cv2.fillPoly(canvas, [corners], value, cv2.LINE_8, SHIFT)
    return canvas


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


def stroke(view: View, points: Points, width: float) -> Map:
    """(G, G) in 0..1: a soft line of `width` cm along `points`."""
    canvas = np.zeros((view.grid, view.grid), dtype=np.uint8)
    corners = np.round(view.to_pixels(points) * (1 << SHIFT)).astype(np.int32)
    cv2.polylines(canvas, [corners], False, 255, max(1, round(width * view.scale)), cv2.LINE_AA, SHIFT)
    return soften(canvas.astype(np.float32) / 255, 0.35 * width * view.scale)


def soften(image: Map, sigma: float) -> Map:
    """Gaussian blur; `sigma` in pixels, computed on a smaller grid where it is wide."""
    shrink = int(sigma // 4)
    if shrink < 2:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), max(sigma, 0.05)), dtype=np.float32)
    side = max(16, image.shape[0] // shrink)
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma * side / image.shape[0], borderType=cv2.BORDER_REFLECT)
    return np.asarray(cv2.resize(small, image.shape[::-1], interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def texture(rng: np.random.Generator, grid: int, cells: int) -> Map:
    """(G, G) smooth noise of unit variance with `cells` cells a side; the same pattern at every G."""
    noise = rng.standard_normal((cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(noise, (grid, grid), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def _innominates(
    skeleton: Skeleton, view: View, x: Map, y: Map, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], Map, Map]:
    inside = fill(
        view, [side.innominate for side in skeleton.sides], [side.foramen for side in skeleton.sides]
    )
    depth = depth_below_edge(inside, view)
    half = np.full_like(depth, WING_HALF * rng.uniform(0.8, 1.25))
    for side in skeleton.sides:
        for mx, my, spread, thick in side.masses:
            square = (x - np.float32(mx)) ** 2 + (y - np.float32(my)) ** 2
            half += np.float32(thick) * np.exp(-square / np.float32(2 * spread**2))
    wall = np.float32(rng.uniform(0.10, 0.17)) * (1 + 0.25 * texture(rng, view.grid, 14)).clip(0.3, 2)
    cortex, spongy = shell(depth, half, wall)
    for side in skeleton.sides:
        _thin_socket(side, x, y, cortex, spongy)
        for points, width, dense in side.lines:
            cortex += np.float32(dense) * stroke(view, points, width) * (inside > 0)
    spongy *= 1 + 0.16 * texture(rng, view.grid, 90) + 0.12 * texture(rng, view.grid, 24)
    return inside.astype(bool), cortex, spongy


def _thin_socket(side: Side, x: Map, y: Map, cortex: Map, spongy: Map) -> None:
    """Hollow the acetabulum in place: within the socket only the thin front and back walls are in the ray's way."""
    radius = side.head_radius + 0.38
    distance = np.hypot(x - np.float32(side.head_centre[0]), y - np.float32(side.head_centre[1]))
    hollow = 1 / (1 + np.exp(np.clip((distance - np.float32(radius)) / np.float32(0.07), -30, 30)))
    spongy *= 1 - 0.8 * hollow
    cortex *= 1 - 0.35 * hollow


def _femora(skeleton: Skeleton, view: View, rng: np.random.Generator) -> tuple[Map, Map]:
    inside = fill(view, [side.femur for side in skeleton.sides])
    depth = depth_below_edge(inside, view)
    _, y = view.body_axes()
    # The wall is thin over the head and trochanters and thick along the shaft.
    shaft = 1 / (1 + np.exp(-(y - np.float32(8.0)) / np.float32(1.3)))
    wall = np.float32(0.09) + np.float32(rng.uniform(0.35, 0.55)) * shaft
    cortex, spongy = shell(depth, np.float32(1.7) - np.float32(0.2) * shaft, wall)
    spongy *= (1 - 0.75 * shaft) * (1 + 0.15 * texture(rng, view.grid, 90))
    return cortex, spongy


def _spine(skeleton: Skeleton, view: View, x: Map, y: Map, rng: np.random.Generator) -> tuple[Map, Map]:
    sacrum = depth_below_edge(fill(view, [skeleton.sacrum]), view)
    cortex, spongy = shell(sacrum, np.float32(1.3), np.float32(0.09))
    keep = np.ones_like(x)
    for hx, hy, ax, ay in skeleton.sacral_foramina:
        square = ((x - np.float32(hx)) / np.float32(ax)) ** 2 + ((y - np.float32(hy)) / np.float32(ay)) ** 2
        keep -= 0.55 * np.exp(-square)
        cortex += 0.16 * np.exp(-(((np.sqrt(square) - 1.35) / 0.3) ** 2)) * (sacrum > 0)
    # The apex bends backwards, out of the beam: it is thinner than the base.
    keep *= 1 / (1 + np.exp((y + np.float32(2.5)) / np.float32(1.2))) + np.float32(0.15)
    cortex, spongy = cortex * keep, spongy * keep
    bodies = depth_below_edge(fill(view, skeleton.vertebrae), view)
    body_cortex, body_spongy = shell(bodies, np.float32(1.8), np.float32(0.1))
    for outline in skeleton.vertebrae:
        body_cortex += _posterior_arch(outline.mean(axis=0), view, x, y)
    return cortex + body_cortex, (spongy + body_spongy) * (1 + 0.12 * texture(rng, view.grid, 90))


def _posterior_arch(centre: Points, view: View, x: Map, y: Map) -> Map:
    """Pedicles as rings, the spinous process as a drop, transverse processes as bars: cm of cortex."""
    dx, dy = x - np.float32(centre[0]), y - np.float32(centre[1])
    pedicle = np.hypot((np.abs(dx) - 1.65) / 0.5, (dy + 0.3) / 0.7)
    spinous = np.hypot(dx / 0.4, (dy - 1.0) / 0.95)
    bar = (
        np.exp(-(((dy + 0.25 + 0.12 * (np.abs(dx) - 2.4)) / 0.38) ** 4))
        * (np.abs(dx) < 4.4)
        * (np.abs(dx) > 1.5)
    )
    rings = 0.3 * np.exp(-(((pedicle - 1) / 0.35) ** 2)) + 0.35 * np.exp(-(((spinous - 1) / 0.35) ** 2))
    return np.asarray(rings + 0.22 * bar + 0.25 * (spinous < 1), dtype=np.float32)
