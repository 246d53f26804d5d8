"""Soft tissue and gas around the phantom's bones, as path lengths in cm on the (G, G) grid of a view.

Everything here is a distractor for a network that looks for bone edges: fat lines, skin folds, bowel gas, the
bladder, the gap between the thighs.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lvcnet.data.phantom_anatomy import draw_normal, smooth_outline
from lvcnet.data.phantom_projection import Map, View, depth_below_edge, fill, rounded, soften, texture


@dataclass(frozen=True)
class Tissue:
    """Path lengths in cm: muscle and organs, fat, and gas (which takes the place of muscle)."""

    muscle: Map
    fat: Map
    gas: Map


def project_tissue(view: View, rng: np.random.Generator) -> Tissue:
    """Draw one person's body, folds and bowel."""
    x, y = view.body_axes()
    width = np.float32(draw_normal(rng, 19.0, 1.4, 16.8, 23))
    thick = np.float32(draw_normal(rng, 21, 3.5, 14, 31))
    rind = np.float32(0.6 + 0.16 * max(thick - 14, 0) * rng.uniform(0.4, 1.3))
    body = _body(x, y, width, thick, np.float32(rng.uniform(-0.4, 0.9)))
    inner = np.minimum(_body(x, y, width - rind, thick - rind, np.float32(-0.7 * rind)), body)
    fat = body - inner + _folds(x, y, float(thick), rng) * (body > 0)
    muscle = inner * (1 + 0.035 * texture(rng, view.grid, 7)) + _planes(x, y, rng) * (inner > 0)
    gas = _gas(view, rng)
    return Tissue(np.maximum(muscle, 0), np.maximum(fat, 0), np.minimum(gas, 0.8 * body))


def _body(x: Map, y: Map, width: np.float32, thick: np.float32, gap: np.float32) -> Map:
    """Trunk above, two thighs below, front to back; `gap` is the space between the thighs in cm."""
    outline = width - 0.012 * np.abs(y - 3) ** 1.9
    trunk = thick * np.sqrt(np.maximum(1 - np.abs(x / outline) ** 2.3, 0))
    radius = (width - gap) / 2
    across = (np.abs(x) - gap / 2 - radius) / radius
    thigh = 0.85 * thick * np.sqrt(np.maximum(1 - np.abs(across) ** 2.2, 0))
    low = 1 / (1 + np.exp(-(y - 9.5 + 0.16 * np.abs(x)) / np.float32(1.1)))
    return np.asarray(trunk * (1 - low) + thigh * low, dtype=np.float32)


def _folds(x: Map, y: Map, thick: float, rng: np.random.Generator) -> Map:
    """Creases of the skin: the lower edge of the abdomen and the two groins, each with a sharp lower side."""
    total = np.zeros_like(x)
    if rng.random() < 0.25 + 0.03 * max(thick - 18, 0):
        level, sag, tilt = rng.normal(0.5, 3.0), rng.uniform(0.004, 0.02), rng.normal(0, 0.03)
        edge = np.float32(level) - np.float32(sag) * x**2 + np.float32(tilt) * x - y
        total += np.float32(rng.uniform(0.4, 1.8)) * _apron(edge, rng.uniform(0.06, 0.3), rng.uniform(3, 7))
    for sign in (-1, 1):
        if rng.random() < 0.75:
            slope, start = rng.uniform(0.6, 1.1), rng.normal(9.5, 1.2)
            edge = np.float32(start) - np.float32(slope) * (sign * x) * np.float32(0.75) - y
            reach = (sign * x > 1.0) * np.exp(-(((sign * x - 7) / 5) ** 2))
            total += np.float32(rng.uniform(0.2, 0.9)) * _apron(edge, rng.uniform(0.06, 0.25), 2.5) * reach
    return total


def _apron(edge: Map, sharp: float, length: float) -> Map:
    """A step at edge = 0 that fades out `length` cm behind it."""
    step = 1 / (1 + np.exp(np.clip(-edge / np.float32(sharp), -40, 40)))
    return np.asarray(step * np.exp(-np.maximum(edge, 0) / np.float32(length)), dtype=np.float32)


def _planes(x: Map, y: Map, rng: np.random.Generator) -> Map:
    """Bladder, psoas and gluteal muscle: soft bodies with edges that fat makes visible."""
    bladder = (
        1
        - ((x - rng.normal(0, 0.5)) / rng.uniform(2.5, 4.5)) ** 2
        - ((y + rng.normal(0.3, 0.8)) / rng.uniform(1.8, 3.2)) ** 2
    )
    total = rng.uniform(0.6, 2.2) * np.sqrt(np.maximum(bladder, 0))
    for sign in (-1, 1):
        edge = 3.0 + rng.normal(0, 0.4) + 0.33 * (y + 16) - sign * x
        total += rng.uniform(0.3, 1.0) * _apron(edge.astype(np.float32), 0.2, 3.0) * (y < -3) * (sign * x > 0)
        rim = np.hypot((sign * x - 11.0) / 5.6, (y + 1.0) / 9.5) - 1
        total += rng.uniform(0.2, 0.8) * _apron((-rim * 5).astype(np.float32), 0.15, 2.5) * (sign * x > 12)
    return np.asarray(total, dtype=np.float32)


def _gas(view: View, rng: np.random.Generator) -> Map:
    """Bowel gas: a few single pockets, haustrated colon over the wings, the rectum over the sacrum."""
    outlines = [
        _blob(rng, rng.uniform((-10, -17), (10, -5)), rng.uniform(0.5, 1.6))
        for _ in range(rng.integers(2, 8))
    ]
    for sign in (-1, 1):
        if rng.random() < 0.55:
            centre = np.array([sign * rng.uniform(7, 12.5), rng.uniform(-18, -14)])
            for _ in range(int(rng.integers(2, 7))):
                outlines.append(_blob(rng, centre, rng.uniform(1.0, 2.0)))
                centre = centre + [sign * rng.normal(-0.4, 0.5), rng.uniform(1.4, 2.3)]
    if rng.random() < 0.6:
        outlines += [
            _blob(rng, np.array([rng.normal(0, 1.2), y]), rng.uniform(0.7, 1.6)) for y in (-5.0, -3.3, -1.8)
        ]
    gas = np.zeros((view.grid, view.grid), dtype=np.float32)
    # Neighbouring pockets share walls: drawing in two groups lets their borders cross, as folds of bowel do.
    for group in (outlines[::2], outlines[1::2]):
        depth = depth_below_edge(fill(view, group), view)
        gas += np.float32(rng.uniform(0.35, 1.0)) * rounded(depth, np.float32(1.5))
    gas *= np.clip(0.75 + 0.45 * texture(rng, view.grid, 20), 0, 1.4)
    return soften(gas, 0.06 * view.scale)


def _blob(rng: np.random.Generator, centre: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    angle = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    shape = radius * (1 + 0.16 * rng.standard_normal(14)).clip(0.5, 1.5)
    ring = np.stack([shape * np.cos(angle) * rng.uniform(0.9, 1.5), shape * np.sin(angle)], axis=1)
    turn = rng.uniform(0, np.pi)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return smooth_outline(ring @ matrix + centre)


def letter(view: View, text: str, corner: tuple[float, float]) -> Map:
    """(G, G) in 0..1: a lead letter whose lower left corner is at `corner`, fractions of the side."""
    canvas = np.zeros((view.grid, view.grid), dtype=np.uint8)
    spot = (round(corner[0] * view.grid), round(corner[1] * view.grid))
    size = view.grid * 0.055 / 22
    cv2.putText(
        canvas, text, spot, cv2.FONT_HERSHEY_SIMPLEX, size, 1, max(1, round(view.grid * 0.008)), cv2.LINE_8
    )
    return canvas.astype(np.float32)
