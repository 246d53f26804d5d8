"""One annotation of a COCO, Labelme or mask file as something that can be drawn.

Symbols: H, W size of the original image in pixels.
"""

import base64
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lvcnet.data.importing.annotated import Problem, Shape
from lvcnet.data.outlines.rings import check_ring
from lvcnet.errors import LvcnetError, foreign
from lvcnet.masks.outlines import Outline
from lvcnet.masks.rle import parse_run_lengths

Judged = tuple[Shape | None, list[Problem]]


@dataclass(frozen=True, eq=False)
class Patch:
    """A small mask whose upper left pixel lies at (top, left)."""

    pixels: NDArray[np.bool_]
    top: int
    left: int

    def paint(self, mask: NDArray[np.bool_]) -> None:
        """Set its pixels in a (H, W) mask."""
        bottom, right = self.top + self.pixels.shape[0], self.left + self.pixels.shape[1]
        mask[self.top : bottom, self.left : right] |= self.pixels


def painted(shapes: Sequence[Shape], height: int, width: int) -> NDArray[np.bool_]:
    """(H, W) bool: what is inside any of the shapes."""
    mask = np.zeros((height, width), dtype=bool)
    for shape in shapes:
        shape.paint(mask)
    return mask


def coco_shape(entry: dict[str, Any], height: int, width: int, where: str) -> Judged:
    """The shape of a COCO annotation, None if it cannot be used, and what is wrong with it; `where` is for messages."""
    segmentation = entry.get("segmentation")
    if isinstance(segmentation, dict):
        try:
            return parse_run_lengths(segmentation, height, width), []
        except LvcnetError as error:
            return None, [Problem(where, str(error), "encode the mask again at the size of the image")]
    if not isinstance(segmentation, list) or any(not isinstance(ring, list) for ring in segmentation):
        what = "has no segmentation of polygons or run lengths"
        return None, [Problem(where, what, "boxes alone cannot be used")]
    if not segmentation:
        return None, [Problem(where, "the polygon is empty", "delete the annotation or draw it again")]
    judged = [check_ring(values, height, width, where) for values in segmentation]
    rings = [points for points, _ in judged if points is not None]
    return Outline(rings) if rings else None, [problem for _, found in judged for problem in found]


def labelme_shape(entry: dict[str, Any], height: int, width: int, where: str) -> Judged:
    """The shape of a Labelme file's entry, None if it cannot be used, and what is wrong with it."""
    kind, points = entry.get("shape_type") or "polygon", entry.get("points")
    if kind == "mask":
        return _read_patch(entry, height, width, where)
    if kind not in ("polygon", "rectangle", "circle"):
        return None, [Problem(where, f"a {kind} has no area", "use polygon, rectangle, circle or mask")]
    if kind != "polygon":
        try:
            points = _corners(kind, np.asarray(points, dtype=np.float64))
        except (TypeError, ValueError, OverflowError):
            what = f"the {kind} needs two points of finite numbers"
            return None, [Problem(where, what, "draw it again")]
    ring, found = check_ring(points, height, width, where, kind)
    return None if ring is None else Outline([ring]), found


def mask_shape(entry: dict[str, Any], height: int, width: int, where: str) -> Judged:
    """What was kept of a mask file: the run lengths of one category."""
    return parse_run_lengths(entry, height, width), []


READERS: dict[str, Callable[[dict[str, Any], int, int, str], Judged]] = {
    "coco": coco_shape,
    "labelme": labelme_shape,
    "masks": mask_shape,
}
"""By the format of the file that an entry is from."""


def _corners(kind: str, points: NDArray[np.float64]) -> list[list[float]]:
    """The outline of a rectangle (two opposite corners) or circle (centre and a point on it).

    Raises:
        ValueError: unless there are two finite points.
    """
    if points.shape != (2, 2) or not np.isfinite(points).all():
        raise ValueError
    (x0, y0), (x1, y1) = points.tolist()
    if kind == "rectangle":
        return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
    radius = math.hypot(x1 - x0, y1 - y0)
    # a vertex every half pixel, so that the polygon is as good as the circle
    count = int(min(max(32, 4 * math.pi * radius), 10_000))
    angles = np.linspace(0, 2 * math.pi, count, endpoint=False)
    return [[x0 + radius * math.cos(angle), y0 + radius * math.sin(angle)] for angle in angles]


def _read_patch(entry: dict[str, Any], height: int, width: int, where: str) -> Judged:
    """A shape of type mask: a PNG in base64 between two corner pixels, both included."""
    try:
        with foreign("the mask is damaged", "draw it again"):
            (left, top), (right, bottom) = [[int(x), int(y)] for x, y in entry["points"]]
            if left < 0 or top < 0 or right >= width or bottom >= height:
                raise LvcnetError("the mask reaches out of the image: draw it again")
            content = io.BytesIO(base64.b64decode(entry["mask"], validate=True))
            with Image.open(content, formats=["PNG"]) as picture:
                if picture.size != (right - left + 1, bottom - top + 1):
                    raise LvcnetError("the mask is damaged or does not fit its points: draw it again")
                pixels = np.asarray(picture.convert("L")) > 0
    except LvcnetError as error:
        return None, [Problem(where, str(error))]
    if not pixels.any():
        return None, [Problem(where, "the mask is empty", "delete it or draw it again")]
    return Patch(pixels, top, left), []
