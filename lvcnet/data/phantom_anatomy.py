"""The bones of the phantom: template outlines of an AP hip radiograph and how they vary from person to person.

Symbols: P points an outline. Unit cm at the detector. The body frame has x = 0 on the midline, growing towards
image right, and y = 0 at the level of the hip centres, growing downwards. Templates are drawn for x > 0; the other
side is the mirror image of its own variation, so left and right differ.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""(P, 2) x, y in cm."""
Stroke = tuple[Points, float, float]
"""A dense line: points, width in cm, extra cortex in cm."""

HEAD_CENTRE = (9.3, 0.0)
HEAD_RADIUS = 2.45

# From the pubic symphysis along the pelvic brim to the sacroiliac joint, round the iliac crest, down past the
# spines and the posterior acetabular rim (which crosses the femoral head) to the ischium, and back to the pubis.
INNOMINATE = (
    (0.40, 2.4), (0.9, 1.75), (2.2, 1.5), (3.6, 1.15), (5.0, 0.2), (6.0, -1.0), (6.45, -2.3), (6.4, -3.6),
    (6.0, -4.8), (5.4, -5.6), (4.7, -6.3), (4.15, -7.5), (3.85, -8.9), (4.2, -10.3), (5.2, -11.9), (6.5, -13.2),
    (8.6, -14.4), (10.8, -14.4), (12.8, -13.2), (14.2, -11.4), (14.6, -9.9), (14.1, -8.4), (13.2, -7.0),
    (12.55, -5.6), (12.4, -4.5), (12.1, -3.5), (12.1, -2.5), (11.75, -1.6), (11.3, -0.6), (10.9, 0.6),
    (10.4, 1.8), (9.9, 2.8), (9.7, 3.6), (9.95, 4.7), (10.0, 5.7), (9.6, 7.0), (8.7, 8.0), (7.6, 8.3),
    (6.6, 7.8), (5.4, 7.0), (4.1, 6.35), (2.9, 5.95), (1.7, 5.95), (0.9, 5.9), (0.45, 5.2), (0.36, 3.8),
)  # fmt: skip
FORAMEN = (
    (2.55, 3.9), (3.2, 2.85), (4.7, 2.1), (6.1, 1.75), (7.3, 2.2), (7.85, 3.5), (7.75, 4.9), (7.05, 6.05),
    (5.9, 6.35), (4.5, 5.6), (3.3, 4.9),
)  # fmt: skip
# Shaft, lesser trochanter and calcar on the medial side; the head's arc is inserted; then neck and greater trochanter.
FEMUR_MEDIAL = (
    (11.0, 22.0), (11.5, 13.0), (11.75, 9.2), (11.3, 7.7), (10.95, 6.8), (11.25, 5.9), (11.6, 4.8), (11.3, 3.7),
    (10.75, 2.85),
)  # fmt: skip
FEMUR_LATERAL = (
    (12.1, -0.35), (12.9, 0.25), (13.5, 0.0), (14.3, -0.9), (15.3, -0.9), (15.95, 0.3), (16.1, 2.0), (15.7, 4.0),
    (15.15, 6.2), (14.8, 9.2), (14.6, 13.0), (14.1, 22.0),
)  # fmt: skip
SACRUM = (
    (0.0, -10.7), (2.6, -11.1), (4.2, -11.3), (5.2, -10.3), (5.2, -8.3), (4.7, -6.4), (3.6, -4.8), (2.6, -3.5),
    (1.6, -2.4), (0.9, -1.6), (0.65, -0.3), (0.0, 0.5),
)  # fmt: skip

Line = tuple[tuple[tuple[float, float], ...], float, float]
# Dense lines an AP view shows, as (points, width in cm, extra cortex in cm). In the innominate bone: iliopectineal and
# ilioischial line, acetabular roof, anterior rim, teardrop, sacroiliac subchondral bone, iliac crest, and the ridge
# above the acetabulum.
LINES: tuple[Line, ...] = (
    (((5.7, -6.0), (6.25, -4.6), (6.7, -3.2), (6.7, -2.0), (6.1, -0.5), (4.9, 0.65), (3.4, 1.5)), 0.38, 0.55),
    (((6.9, -3.6), (6.85, -1.6), (6.75, 0.2), (7.1, 1.4), (7.95, 2.4), (8.1, 4.4)), 0.24, 0.42),
    (((7.3, -2.0), (8.2, -2.85), (9.4, -3.15), (10.6, -2.9), (11.6, -2.1)), 0.45, 0.75),
    (((11.6, -1.9), (10.6, -0.6), (9.4, 0.5), (8.2, 1.3), (7.0, 1.65)), 0.2, 0.3),
    (((6.75, 0.6), (6.65, 1.3), (6.95, 1.65), (7.25, 1.2), (7.15, 0.2)), 0.16, 0.35),
    (((4.9, -6.6), (4.9, -8.2), (5.1, -9.6), (5.9, -11.4)), 0.35, 0.25),
    (((5.4, -11.8), (6.6, -12.95), (8.6, -14.1), (10.8, -14.1), (12.6, -12.95), (13.9, -11.3), (14.25, -9.9)), 0.5, 0.22),
    (((13.6, -8.2), (12.9, -7.0), (12.2, -5.6), (11.9, -4.2)), 0.4, 0.2),
)  # fmt: skip
# In the femur: compressive trabeculae from the calcar into the head, the tensile arcade, the trochanteric crest.
FEMUR_LINES: tuple[Line, ...] = (
    (((11.5, 4.2), (10.6, 2.0), (9.7, 0.2), (9.1, -1.9)), 1.1, 0.22),
    (((15.2, 4.0), (13.6, 1.2), (11.6, -0.2), (9.4, 0.8)), 0.6, 0.10),
    (((14.6, 0.0), (13.6, 2.6), (12.2, 5.2), (11.6, 6.6)), 0.5, 0.16),
)  # fmt: skip
# Half thickness of the bone along the ray: (x, y, spread in cm, cm). The wing alone is WING_HALF thick.
WING_HALF = 0.30
MASSES = (
    (10.0, -3.4, 1.8, 1.0), (9.8, 4.6, 1.9, 1.0), (8.6, 7.2, 1.5, 0.7), (1.6, 3.8, 1.4, 0.6), (7.2, -3.4, 1.3, 0.7),
    (6.0, -6.6, 1.5, 0.35), (4.2, -8.8, 1.1, -0.22), (10.2, -9.4, 1.9, -0.10), (4.5, 1.3, 1.6, 0.55),
    (13.4, -10.6, 1.2, 0.35), (8.0, 1.0, 1.8, 0.5), (12.6, -5.4, 1.2, 0.35), (6.6, -11.6, 1.6, 0.2),
)  # fmt: skip


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
    left = _draw_side(rng, _draw_shape(rng, shared, common, axial, -1.0))
    right = _draw_side(rng, _draw_shape(rng, shared, common, axial, 1.0))
    sacrum, holes, lines = _draw_sacrum(rng, axial, shared["tilt"])
    return Skeleton((left, right), sacrum, _draw_vertebrae(rng, axial), holes, lines)


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
    rng: np.random.Generator, axial: float, tilt: float
) -> tuple[Points, NDArray[np.float64], list[Stroke]]:
    """Outline, neural foramina, and the dense lines of the median crest and of the fused discs."""
    half = np.array(SACRUM)
    shape = np.array([rng.normal(1, 0.04), rng.normal(1, 0.05) - 0.05 * tilt])
    bend = rng.normal(0, 0.25)
    outline = np.vstack([half, (half * [-1, 1])[-2:0:-1]]) * shape
    outline[:, 0] += 0.5 * axial + bend * _step(outline[:, 1], -3.0, 1.0)
    holes = [
        (sign * x * shape[0] + 0.5 * axial + rng.normal(0, 0.1), y * shape[1] + rng.normal(0, 0.1), *size)
        for x, y in ((2.2, -9.3), (1.95, -7.5), (1.7, -5.9), (1.4, -4.5))
        for sign in (-1, 1)
        for size in [rng.uniform((0.4, 0.25), (0.7, 0.45))]
    ]
    ridges = [np.array([(-1.3, y), (0.0, y + 0.12), (1.3, y)]) for y in (-8.5, -6.8, -5.2)]
    crest = np.array([(0.0, -10.0), (rng.normal(0, 0.1), -7.5), (0.0, -4.2)])
    lines = [
        (smooth_line(line * shape + [0.5 * axial, 0]), 0.3, rng.uniform(0.02, 0.14))
        for line in [crest, *ridges]
    ]
    return smooth_outline(outline), np.array(holes), lines


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
