"""The bones of the phantom: how the template outlines vary from person to person.

Symbols: P points an outline. Unit cm at the detector. The body frame has x = 0 on the midline, growing towards
image right, and y = 0 at the level of the hip centres, growing downwards. Templates are drawn for x > 0; the other
side is the mirror image of its own variation, so left and right differ.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lvcnet.data.phantom.templates import (
    FEMUR_LATERAL,
    FEMUR_LINES,
    FEMUR_MEDIAL,
    FORAMEN,
    HEAD_CENTRE,
    HEAD_RADIUS,
    INNOMINATE,
    LINES,
    MASSES,
    SACRAL_FORAMINA,
    SACRUM,
)

Points = NDArray[np.float64]
"""(P, 2) x, y in cm."""
Stroke = tuple[Points, float, float]
"""A dense line: points, width in cm, extra cortex in cm."""


@dataclass(frozen=True)
class Side:
    """One hip, in body coordinates (cm)."""

    innominate: Points
    foramen: Points
    femur: Points
    head_centre: Points
    head_radius: float
    lines: list[Stroke]
    femur_lines: list[Stroke]
    masses: NDArray[np.float64]
    """(M, 4) x, y, spread, half thickness."""


@dataclass(frozen=True)
class Skeleton:
    """Both hips, the sacrum and the lowest lumbar vertebrae, in body coordinates (cm)."""

    sides: tuple[Side, Side]
    sacrum: Points
    vertebrae: list[Points]
    """Bodies from L5 upwards."""
    sacral_foramina: NDArray[np.float64]
    """(F, 4) x, y and the two half axes."""
    sacral_lines: list[Stroke]


@dataclass(frozen=True)
class Shape:
    """How one side departs from the template.

    Attributes:
        modes: strengths of the shape modes, each roughly standard normal; see `_modes` for what they do.
        waves: (W, 5) smooth random displacements: wave vector in 1/cm, phase, amplitude x and y in cm.
        mirror: factor on x; negative on the left of the image, its size shows axial rotation.
    """

    modes: dict[str, float]
    waves: NDArray[np.float64]
    mirror: float

    def place(self, points: Points) -> Points:
        """Template points (P, 2) on this side of this person."""
        moved = points + _modes(points, self.modes) + _waves(points, self.waves)
        moved[:, 0] *= self.mirror
        return moved


MODES = (
    "breadth",
    "height",
    "flare",
    "inlet",
    "arch",
    "tilt",
    "tuberosity",
    "crest",
    "spine",
    "brim",
    "foramen",
)


def draw_skeleton(rng: np.random.Generator) -> Skeleton:
    """Draw one person's bones: shared shape modes, a small difference between the sides, and axial rotation."""
    shared = dict(zip(MODES, rng.normal(0, 0.85, len(MODES)).clip(-1.9, 1.9).tolist(), strict=True))
    axial = float(rng.normal(0, 0.6))
    common = _draw_waves(rng, 0.12)
    shapes = [_draw_shape(rng, shared, common, axial, sign) for sign in (-1.0, 1.0)]
    sides = _draw_side(rng, shapes[0]), _draw_side(rng, shapes[1])
    sacrum, holes, lines = _draw_sacrum(rng, shapes, axial)
    return Skeleton(sides, sacrum, _draw_vertebrae(rng, axial), holes, lines)


def draw_normal(rng: np.random.Generator, mean: float, spread: float, low: float, high: float) -> float:
    """A normal variate, clipped to low..high."""
    return float(np.clip(rng.normal(mean, spread), low, high))


def smooth_outline(points: Points, step: float = 0.12) -> Points:
    """A closed smooth curve through `points`, sampled about every `step` cm."""
    return _through(np.vstack([points[-1:], points, points[:2]]), step)


def smooth_line(points: Points, step: float = 0.2) -> Points:
    """An open smooth curve through `points`, sampled about every `step` cm."""
    return _through(np.vstack([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]]), step)


def _through(points: Points, step: float) -> Points:
    """Cubic Hermite curve from the second to the last but one of `points`, with tangents from the neighbours."""
    chord = np.linalg.norm(np.diff(points, axis=0), axis=1)
    # Centripetal parameters keep the curve from overshooting where points lie close together.
    when = np.concatenate([[0.0], np.cumsum(np.sqrt(chord))])
    tangent = (points[2:] - points[:-2]) / (when[2:] - when[:-2])[:, None]
    knots, at = points[1:-1], when[1:-1]
    sample = np.linspace(at[0], at[-1], max(2, int(chord[1:-1].sum() / step)), endpoint=False)
    k = np.searchsorted(at, sample, side="right") - 1
    width = (at[k + 1] - at[k])[:, None]
    u = (sample - at[k])[:, None] / width
    near = (1 + 2 * u) * (1 - u) ** 2 * knots[k] + u * (1 - u) ** 2 * width * tangent[k]
    far = u**2 * (3 - 2 * u) * knots[k + 1] - u**2 * (1 - u) * width * tangent[k + 1]
    curve: Points = near + far
    return curve


def _draw_shape(
    rng: np.random.Generator, shared: dict[str, float], common: NDArray[np.float64], axial: float, sign: float
) -> Shape:
    own = {name: value + float(rng.normal(0, 0.25)) for name, value in shared.items()}
    # Turning the pelvis about the body's axis broadens one wing and closes the foramen of the same side.
    own["breadth"] += sign * axial
    own["foramen"] -= 0.7 * sign * axial
    return Shape(own, np.concatenate([common, _draw_waves(rng, 0.05)]), sign * (1 - 0.03 * sign * axial))


def _draw_side(rng: np.random.Generator, shape: Shape) -> Side:
    hole = np.array(FORAMEN)
    middle = hole.mean(axis=0)
    hole = middle + (hole - middle) * (1 + 0.07 * shape.modes["foramen"])
    radius = HEAD_RADIUS * float(rng.normal(1, 0.02))
    masses = np.array(MASSES)
    masses[:, :2] = shape.place(masses[:, :2])
    masses[:, 3] *= rng.normal(1, 0.12, len(masses)).clip(0.6, 1.5)
    turn = Abduction(float(np.deg2rad(rng.normal(0, 4))))
    return Side(
        innominate=smooth_outline(shape.place(np.array(INNOMINATE))),
        foramen=smooth_outline(shape.place(hole)),
        femur=smooth_outline(shape.place(turn(_femur_outline(rng, radius)))),
        head_centre=shape.place(np.array([HEAD_CENTRE]))[0],
        head_radius=radius,
        lines=[
            (smooth_line(shape.place(np.array(points))), width, depth * float(rng.uniform(0.25, 1.3)))
            for points, width, depth in LINES
        ],
        femur_lines=[
            (smooth_line(shape.place(turn(np.array(points)))), width, depth * float(rng.uniform(0.2, 1.3)))
            for points, width, depth in FEMUR_LINES
        ],
        masses=masses,
    )


@dataclass(frozen=True)
class Abduction:
    """Turns the femur by `angle` radians about its head; the head itself stays in its socket."""

    angle: float

    def __call__(self, points: Points) -> Points:
        """Turned template points (P, 2)."""
        delta = points - np.array(HEAD_CENTRE)
        angle = self.angle * _step(np.linalg.norm(delta, axis=1), 4.5, 1.2)
        x = np.cos(angle) * delta[:, 0] - np.sin(angle) * delta[:, 1]
        y = np.sin(angle) * delta[:, 0] + np.cos(angle) * delta[:, 1]
        turned: Points = np.stack([x, y], axis=1) + np.array(HEAD_CENTRE)
        return turned


def _femur_outline(rng: np.random.Generator, radius: float) -> Points:
    """The template femur with this person's head, neck length and rotation (which hides the lesser trochanter)."""
    centre = np.array(HEAD_CENTRE)
    angle = np.deg2rad(np.linspace(68, 322, 16))
    head = centre + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    medial = np.array(FEMUR_MEDIAL)
    medial[3:6, 0] += rng.uniform(-0.15, 0.5) * np.array([0.7, 1.0, 0.7])
    points = np.vstack([medial, head, np.array(FEMUR_LATERAL)])
    longer = 1 + (rng.normal(1, 0.03) - 1) * _step(points[:, :1], 11.5, 0.3)
    outline: Points = centre + (points - centre) * longer
    return outline


def _draw_sacrum(
    rng: np.random.Generator, shapes: list[Shape], axial: float
) -> tuple[Points, NDArray[np.float64], list[Stroke]]:
    """Outline, neural foramina, and the dense lines of the median crest and of the fused discs.

    Each half follows the shape of its side, so that the sacroiliac joints stay closed.
    """
    size = np.array([rng.normal(1, 0.025), rng.normal(1, 0.04)])
    halves = [shape.place(np.array(SACRUM) * size) for shape in shapes]
    outline = np.vstack([halves[1], halves[0][-2:0:-1]])
    shift = np.array([0.35 * axial, 0.0])
    outline += shift
    outline[:, 0] += rng.normal(0, 0.25) * _step(outline[:, 1], -3.0, 1.0)
    middles = np.vstack([shape.place(np.array(SACRAL_FORAMINA) * size) for shape in shapes]) + shift
    middles += rng.normal(0, 0.1, middles.shape)
    holes = np.hstack([middles, rng.uniform((0.4, 0.25), (0.7, 0.45), middles.shape)])
    ridges = [np.array([(-1.3, y), (0.0, y + 0.12), (1.3, y)]) for y in (-8.5, -6.8, -5.2)]
    crest = np.array([(0.0, -10.0), (rng.normal(0, 0.1), -7.5), (0.0, -4.2)])
    lines = [(smooth_line(line + shift), 0.3, float(rng.uniform(0.02, 0.14))) for line in [crest, *ridges]]
    return smooth_outline(outline), holes, lines


def _draw_vertebrae(rng: np.random.Generator, axial: float) -> list[Points]:
    """Bodies from L5 upwards, with waists and hollow end plates, on a slightly bent spine."""
    scoliosis = rng.normal(0, 0.3)
    width, centre, bodies = 2.6 * rng.normal(1, 0.05), np.array([0.4 * axial, -12.9]), []
    for level in range(3):
        high = 1.32 * rng.normal(1, 0.05)
        quarter = np.array(
            [(0.92, 0.0), (0.95, 0.55), (1.0, 0.88), (0.96, 0.99), (0.8, 0.97), (0.4, 0.9), (0.0, 0.88)]
        )
        half = np.vstack([(quarter * [1, -1])[::-1], quarter[1:]])
        ring = np.vstack([half, (half * [-1, 1])[-2:0:-1]]) * [width, high]
        bodies.append(smooth_outline(ring + centre))
        centre = centre + np.array([scoliosis * (level + 1) * 0.5 + rng.normal(0, 0.06), -3.6])
    return bodies


def _draw_waves(rng: np.random.Generator, amplitude: float, count: int = 5) -> NDArray[np.float64]:
    length = rng.uniform(4.5, 14, count)
    angle = rng.uniform(0, 2 * np.pi, count)
    vector = (2 * np.pi / length)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    push = rng.normal(0, amplitude, (count, 2))
    return np.concatenate([vector, rng.uniform(0, 2 * np.pi, (count, 1)), push], axis=1)


def _waves(points: Points, waves: NDArray[np.float64]) -> Points:
    phase = np.sin(points @ waves[:, :2].T + waves[:, 2])
    push = phase @ waves[:, 3:]
    # The symphysis is a joint in the midline: nothing may push one side across it. And shafts are straight.
    push[:, 0] *= _step(points[:, 0], 2.2, 0.5) * (1 - 0.8 * _step(points[:, 1], 8.5, 1.0))
    return push


def _modes(points: Points, modes: dict[str, float]) -> Points:
    """Displacement (P, 2) in cm of template points by the shape modes."""
    x, y = points.T
    wing = _step(-y, 3.0, 1.0) * (-y - 3.0)
    low = _step(y, 1.0, 0.6) * (np.minimum(y, 9.0) - 1.0)
    inner = _step(x, 3.0, 1.0)
    dx = 0.07 * modes["breadth"] * _step(-y, 4.0, 1.2) * (x - 5.5) + 0.075 * modes["flare"] * wing
    dx += 0.55 * modes["inlet"] * inner + 0.08 * modes["arch"] * low * np.clip(x / 8, 0, 1)
    dx += 0.35 * modes["tuberosity"] * _bump(points, 10.0, 6.2, 1.6) + 0.30 * modes["spine"] * _bump(
        points, 12.3, -4.0, 0.9
    )
    dx += 0.35 * modes["brim"] * _bump(points, 6.4, -2.8, 1.8)
    dy = -0.075 * modes["height"] * wing + (0.14 * low + 0.04 * wing) * modes["tilt"]
    dy += 0.6 * modes["crest"] * _bump(points, 9.7, -14.4, 3.0) + 0.25 * modes["tuberosity"] * _bump(
        points, 8.6, 8.0, 1.5
    )
    return np.stack([dx, dy], axis=1)


def _bump(points: Points, x: float, y: float, spread: float) -> NDArray[np.float64]:
    square = (points[:, 0] - x) ** 2 + (points[:, 1] - y) ** 2
    bump: NDArray[np.float64] = np.exp(-square / (2 * spread**2))
    return bump


def _step(value: NDArray[np.float64], where: float, softness: float) -> NDArray[np.float64]:
    step: NDArray[np.float64] = 1 / (1 + np.exp(-(value - where) / softness))
    return step
