"""Sizes of segmented areas, in pixels and, where the spacing is known, in mm.

Symbols: H, W size of the image in pixels; C categories. A spacing is (row, column) in mm, as DICOM gives it, and may
differ along the two axes: lengths in mm are measured on the stretched grid, not scaled from pixels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from lvcnet.masks.blocks import row_blocks
from lvcnet.masks.overlap import iou
from lvcnet.masks.parts import count_parts

Mask = NDArray[np.bool_]
Spacing = tuple[float, float]


@dataclass(frozen=True)
class Sizes:
    """What is measured of one mask; all 0 if it is empty.

    Attributes:
        area: in the square of the spacing's unit.
        perimeter: length of all outlines, those of holes included.
        width: of the bounding box, along the rows.
        height: of the bounding box, along the columns.
        longest: longest distance between two points of the mask (the largest Feret diameter).
    """

    area: float
    perimeter: float
    width: float
    height: float
    longest: float


def sizes(mask: Mask, spacing: Spacing = (1.0, 1.0)) -> Sizes:
    """Measure one mask; pixels are rectangles of the size of the spacing, so a single one has a width and height.

    Args:
        mask: (H, W) bool.
        spacing: row and column spacing; (1, 1) measures in pixels.

    >>> sizes(np.ones((3, 4), bool)).longest, sizes(np.ones((3, 4), bool), (2.0, 1.0)).height
    (5.0, 6.0)
    """
    inside = _cropped(mask)
    if inside.size == 0:
        return Sizes(0.0, 0.0, 0.0, 0.0, 0.0)
    height, width = inside.shape
    return Sizes(
        area=int(inside.sum()) * spacing[0] * spacing[1],
        perimeter=perimeter(inside, spacing),
        width=width * spacing[1],
        height=height * spacing[0],
        longest=longest_diameter(inside, spacing),
    )


def perimeter(mask: Mask, spacing: Spacing = (1.0, 1.0)) -> float:
    """Length of a mask's outlines by Crofton's formula: from how often straight lines in four directions cross them.

    Right on average over all directions, unlike the length of the pixels' edges, which is 27 % too long for a circle.
    A side that runs along the pixel grid comes out 5 % short, and sharp corners are cut.

    Args:
        mask: (H, W) bool.
        spacing: row and column spacing.

    Source: Legland, Kieu, Devaux, "Computation of Minkowski measures on 2D and 3D binary images", 2007; with one
    spacing for both axes the same as `skimage.measure.perimeter_crofton`.
    """
    if not mask.any():
        return 0.0
    row, column = spacing
    diagonal = math.hypot(row, column)
    slope = math.atan2(row, column)  # of the lines through diagonal neighbours
    directions = (
        # distance between parallel lines, share of the half circle that the direction stands for
        (row, slope),
        (column, math.pi / 2 - slope),
        (row * column / diagonal, math.pi / 4),
        (row * column / diagonal, math.pi / 4),
    )
    crossings = zip(_crossings(mask), directions, strict=True)
    return sum(count * distance * share for count, (distance, share) in crossings) / 2


def _crossings(mask: Mask) -> list[int]:
    """How often a mask begins or ends along the rows, the columns, and the two diagonals of its pixels."""
    counts = np.zeros(4, dtype=np.int64)
    padded = np.pad(mask, 1)
    for rows in row_blocks(*padded.shape):
        here, below = padded[rows], padded[rows.start + 1 : rows.stop + 1]
        above = here[: len(below)]
        counts += [
            np.count_nonzero(here[:, 1:] != here[:, :-1]),
            np.count_nonzero(below != above),
            np.count_nonzero(below[:, 1:] != above[:, :-1]),
            np.count_nonzero(below[:, :-1] != above[:, 1:]),
        ]
    return counts.tolist()


def longest_diameter(mask: Mask, spacing: Spacing = (1.0, 1.0)) -> float:
    """Longest distance between two corners of a mask's pixels, its parts taken together; 0 if it is empty.

    Args:
        mask: (H, W) bool.
        spacing: row and column spacing.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return 0.0
    # only the outer corners of a row's first and last pixel can be the ends
    left, right = np.zeros((2, len(mask)), dtype=np.intp)
    for block in row_blocks(*mask.shape):
        left[block] = mask[block].argmax(axis=1)
        right[block] = mask.shape[1] - mask[block, ::-1].argmax(axis=1)
    left, right = left[rows], right[rows]
    corners = np.concatenate(
        [np.stack([y, x], axis=1) for y in (rows, rows + 1) for x in (left, right)]
    ) * np.array(spacing)
    return float(pdist(corners[ConvexHull(corners).vertices]).max())


def measure(mask: Mask, spacing_mm: Spacing | None) -> dict[str, Any]:
    """One category's measurements, ready for JSON and CSV; what is in mm is None where the spacing is not known.

    Args:
        mask: (H, W) bool.
        spacing_mm: row and column spacing.
    """
    px = sizes(mask)
    mm = None if spacing_mm is None else sizes(mask, spacing_mm)
    return {
        "area_px": int(px.area),
        "area_mm2": _rounded(mm, "area"),
        "fraction": round(float(mask.mean()), 6),
        "parts": count_parts(_cropped(mask)),
        "perimeter_px": _rounded(px, "perimeter"),
        "perimeter_mm": _rounded(mm, "perimeter"),
        "width_px": int(px.width),
        "width_mm": _rounded(mm, "width"),
        "height_px": int(px.height),
        "height_mm": _rounded(mm, "height"),
        "longest_px": _rounded(px, "longest"),
        "longest_mm": _rounded(mm, "longest"),
    }


def category_ious(
    first: Mask, second: Mask, first_names: Sequence[str], second_names: Sequence[str]
) -> dict[str, float]:
    """IoU of two segmentations of one image in the categories that both have; two empty masks agree fully.

    Args:
        first: (C, H, W) bool.
        second: (D, H, W) bool.
        first_names: C categories.
        second_names: D categories.
    """
    shared = [name for name in first_names if name in second_names]
    rows = [[names.index(name) for name in shared] for names in (list(first_names), list(second_names))]
    found = iou(first[rows[0]], second[rows[1]])
    return {name: round(float(value), 4) for name, value in zip(shared, found, strict=True)}


def _cropped(mask: Mask) -> Mask:
    """The part of a mask inside its bounding box; (0, 0) if it is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return np.zeros((0, 0), dtype=bool)
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _rounded(found: Sizes | None, name: str) -> float | None:
    return None if found is None else round(float(getattr(found, name)), 2)
