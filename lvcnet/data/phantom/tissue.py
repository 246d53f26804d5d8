"""Soft tissue and gas around the phantom's bones, as path lengths in cm on the (G, G) grid of a view.

Everything here is a distractor for a network that looks for bone edges: fat lines, skin folds, bowel gas, the
bladder, the gap between the thighs.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lvcnet.data.phantom.anatomy import Points, draw_normal, smooth_outline
from lvcnet.data.phantom.projection import (
    Map,
    View,
    depth_below_edge,
    enlarge,
    fill,
    logistic,
    rounded,
    soften,
    texture,
)


@dataclass(frozen=True)
class Tissue:
    """Path lengths in cm: muscle and organs, fat, and gas (which takes the place of muscle)."""

    muscle: Map
    fat: Map
    gas: Map


def project_tissue(view: View, rng: np.random.Generator) -> Tissue:
    """Draw one person's body, folds and bowel; on half the grid, as soft edges need no more."""
    half = replace(view, grid=view.grid // 2)
    x, y = half.body_axes()
    width, thick = draw_normal(rng, 21.5, 2.0, 17.6, 27), draw_normal(rng, 20.5, 3.2, 14, 29)
    rind = 0.6 + 0.16 * (thick - 14) * rng.uniform(0.4, 1.3)
    gap = rng.uniform(-2.2, 0.4)
    body = _body(x, y, width, thick, gap)
    inner = np.minimum(_body(x, y, width - rind, thick - rind, gap + 0.5 * rind), body)
    fat = body - inner + _folds(x, y, thick, rng) * (body > 0)
    muscle = inner * (1 + 0.02 * texture(rng, half.grid, 7)) + _planes(x, y, rng) * (inner > 0)
    gas = np.minimum(_gas(half, rng), 0.8 * body)
    return Tissue(*(enlarge(np.maximum(part, 0), view.grid) for part in (muscle, fat, gas)))


def _body(x: Map, y: Map, width: float, thick: float, gap: float) -> Map:
    """Trunk above, two thighs below, front to back; `gap` is the space between the thighs in cm."""
    outline = width - 0.010 * np.abs(y - 3) ** 1.9
    trunk = thick * np.sqrt(np.maximum(1 - _fourth(x / outline), 0))
    inner = gap / 2 + 0.05 * (y - 10)
    radius = (width - 0.4 - inner) / 2
    across = (np.abs(x) - inner - radius) / radius
    # The inner sides of the thighs press against each other and are flatter than the outer ones.
    fall = _fourth(across)
    fall = np.where(across < 0, fall * fall * fall, fall)
    thigh = 0.95 * thick * np.sqrt(np.maximum(1 - fall, 0))
    low = logistic((y - 10.6 + 0.25 * np.abs(x)) / 0.7)
    return np.asarray(trunk * (1 - low) + thigh * low, dtype=np.float32)


def _fourth(value: Map) -> Map:
    square = value * value
    return square * square


def _folds(x: Map, y: Map, thick: float, rng: np.random.Generator) -> Map:
    """Creases of the skin: the lower edge of the abdomen and the two groins, each with a sharp lower side."""
    total = np.zeros_like(x)
    if rng.random() < 0.15 + 0.05 * max(thick - 18, 0):
        level, sag, tilt = rng.normal(0.5, 3.0), rng.uniform(0.008, 0.03), rng.normal(0, 0.03)
        edge = np.float32(level) - np.float32(sag) * x**2 + np.float32(tilt) * x - y
        total += np.float32(rng.uniform(0.3, 1.4)) * _apron(edge, rng.uniform(0.08, 0.5), rng.uniform(3, 7))
    for sign in (-1, 1):
        if rng.random() < 0.75:
            slope, start = rng.uniform(0.6, 1.1), rng.normal(9.5, 1.2)
            edge = np.float32(start) - np.float32(slope) * (sign * x) * np.float32(0.75) - y
            reach = (sign * x > 1.0) * np.exp(-(((sign * x - 7) / 5) ** 2))
            total += np.float32(rng.uniform(0.2, 0.9)) * _apron(edge, rng.uniform(0.06, 0.25), 2.5) * reach
    return total


def _apron(edge: Map, sharp: float, length: float) -> Map:
    """A step at edge = 0 that fades out `length` cm behind it."""
    step = logistic(edge / np.float32(sharp))
    return np.asarray(step * np.exp(-np.maximum(edge, 0) / np.float32(length)), dtype=np.float32)


def _planes(x: Map, y: Map, rng: np.random.Generator) -> Map:
    """Bladder, psoas and gluteal muscle: soft bodies with edges that fat makes visible."""
    middle, reach = (
        (rng.normal(0, 0.5), -rng.normal(0.3, 0.8)),
        (rng.uniform(2.5, 4.5), rng.uniform(1.8, 3.2)),
    )
    bladder = np.hypot((x - np.float32(middle[0])) / reach[0], (y - np.float32(middle[1])) / reach[1])
    total = rng.uniform(0.2, 1.1) * logistic((1 - bladder) / 0.07) * (1.2 - np.minimum(bladder, 1))
    for sign in (-1, 1):
        edge = 3.0 + rng.normal(0, 0.4) + 0.33 * (y + 16) - sign * x
        total += (
            rng.uniform(0.3, 1.0)
            * _apron(edge.astype(np.float32), 0.2, 3.0)
            * logistic((-5 - y) / 1.5)
            * logistic(sign * x - 1)
        )
        rim = np.hypot((sign * x - 11.0) / 5.6, (y + 1.0) / 9.5) - 1
        total += (
            rng.uniform(0.1, 0.45)
            * _apron((-rim * 5).astype(np.float32), 0.15, 2.5)
            * logistic((sign * x - 12) / 0.8)
        )
    return np.asarray(total, dtype=np.float32)


def _gas(view: View, rng: np.random.Generator) -> Map:
    """Bowel gas: a few single pockets, haustrated colon over the wings, the rectum over the sacrum, and stool."""
    outlines = []
    for _ in range(int(rng.integers(1, 7))):
        outlines.append(_blob(rng, rng.uniform((-10, -18), (10, -5)), rng.uniform(0.5, 1.7)))
    for sign in (-1, 1):
        if rng.random() < 0.55:
            outlines += _colon(rng, sign)
    if rng.random() < 0.6:
        middle = rng.normal(0, 1.0)
        outlines += [_blob(rng, np.array([middle, y]), rng.uniform(0.7, 1.7)) for y in (-5.5, -3.8, -2.2)]
    gas = np.zeros((view.grid, view.grid), dtype=np.float32)
    # Neighbouring pockets share walls: drawing in two groups lets their borders cross, as folds of bowel do.
    for group in (outlines[::2], outlines[1::2]):
        depth = depth_below_edge(fill(view, group), view)
        gas += np.float32(rng.uniform(0.15, 0.6)) * rounded(depth, 1.6)
    bubbles = np.clip(texture(rng, view.grid, 48) + 0.5, 0, 1.4)
    stool = np.clip(texture(rng, view.grid, 9), 0, 1)
    return soften(gas * (1 - stool * (1 - bubbles)), 0.13 * view.scale)


def _colon(rng: np.random.Generator, sign: int) -> list[Points]:
    """A chain of haustra down one side."""
    x, y, haustra = sign * rng.uniform(7, 12.5), rng.uniform(-19, -14), []
    for _ in range(int(rng.integers(2, 7))):
        haustra.append(_blob(rng, np.array([x, y]), rng.uniform(1.0, 2.2)))
        x, y = x - sign * rng.normal(0.4, 0.5), y + rng.uniform(1.3, 2.2)
    return haustra


def _blob(rng: np.random.Generator, centre: NDArray[np.float64], radius: float) -> Points:
    angle = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    shape = radius * (1 + 0.13 * rng.standard_normal(8)).clip(0.6, 1.4)
    ring = np.stack([shape * np.cos(angle) * rng.uniform(0.9, 1.6), shape * np.sin(angle)], axis=1)
    turn = rng.uniform(0, np.pi)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return smooth_outline(ring @ matrix + centre)
