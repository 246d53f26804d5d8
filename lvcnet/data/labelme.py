"""Labelme files in and out: one JSON file an image.

Polygons, rectangles, circles and masks become regions; several shapes of a label are united and `group_id` is
ignored. Points and lines have no area and are reported. Labelme draws with pixel edges at integers, as COCO does.
"""

import base64
import binascii
import io
import math
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lvcnet.data.annotated import (
    AnnotatedImage,
    Annotations,
    Problem,
    Shape,
    declared_size,
    find_image,
    is_text,
    relative_name,
)
from lvcnet.data.coco import file_name, files_beside, layer_names, layers
from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.data.images import mask_to_full_resolution, named_like
from lvcnet.data.parts import parts
from lvcnet.data.polygons import Outline, check_ring, trace
from lvcnet.errors import LvcnetError, foreign
from lvcnet.files import read_json, write_json
from lvcnet.progress import Report, reported

LABELME_VERSION = "5.5.0"


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


def read_labelme(folder: Path, report: Report | None = None) -> Annotations:
    """Read all `*.json` below a folder and judge everything in them; `report` is called with (done, total) files."""
    result = Annotations(str(folder))
    if not folder.is_dir():
        result.problems.append(Problem(str(folder), "the folder does not exist", "check the path"))
        return result
    files = sorted(folder.rglob("*.json"))
    if not files:
        result.problems.append(Problem(str(folder), "holds no Labelme file", "expected one *.json an image"))
    names: set[str] = set()
    categories: set[str] = set()
    for path in reported(files, report):
        where = path.relative_to(folder).as_posix()
        found: list[Problem] = []
        try:
            with foreign("cannot be read as a Labelme file", "save it again in Labelme"):
                image = _read_file(path, where, folder, found)
        except LvcnetError as error:
            result.problems += [*found, Problem(where, str(error).removeprefix(f"{path} "))]
            continue
        if image.file_name in names:
            found.append(Problem(where, f"image {image.file_name} has two files", "keep one"))
        result.problems += [replace(one, image=image.file_name) for one in found]
        names.add(image.file_name)
        result.images.append(image)
        categories.update(image.shapes)
    result.categories = sorted(categories)
    return result


def write_labelme(dataset: Dataset, labels_name: str, folder: Path, split: str | None = None) -> None:
    """Write a label set as one Labelme file an image at the original sizes, to lie beside the images.

    Of data that was imported from Labelme, everything else in the imported files is kept: keys that are not ours, shapes
    of other labels, and shapes of categories whose masks are still those of the import.

    Raises:
        LvcnetError: if two images would share a file.
    """
    labels = dataset.labels(labels_name)
    rows = range(len(dataset)) if split is None else dataset.indices(split).tolist()
    rows = [row for row in rows if labels.covered[row]]
    names = layer_names(dataset, labels_name)
    for row, beside in zip(rows, files_beside(dataset, rows, ".json"), strict=True):
        item, name = dataset.items[row], Path(file_name(dataset, row))
        grids, imported = layers(dataset, labels_name, row), layers(dataset, CLEAN, row)
        masks = [mask_to_full_resolution(mask, item.height, item.width) for mask in grids]
        content = labelme_content(name.name, np.stack(masks), names)
        original = _original(dataset, row)
        shapes: list[dict[str, Any]] = original.get("shapes", [])
        for c, category in enumerate(names):
            if original and c < len(imported) and (grids[c] == imported[c]).all():
                continue
            drawn = [shape for shape in content["shapes"] if shape["label"] == category]
            before = [shape for shape in shapes if shape["label"] == category]
            shapes = [shape for shape in shapes if shape["label"] != category]
            shapes += [_inherit(shape, before) for shape in drawn]
        write_json(folder / beside, {**content, **original, "shapes": shapes})


def _original(dataset: Dataset, row: int) -> dict[str, Any]:
    """The Labelme file that an image was imported from; empty if there is none any more."""
    source = dataset.items[row].source
    if dataset.source.get("format") != "labelme" or source is None:
        return {}
    try:
        with foreign("the imported file is another now", "its other shapes are not kept"):
            content = read_json(Path(dataset.source["folder"], named_like(source, ".json")))
            known = (shape["label"] for shape in content["shapes"])
            return content if all(isinstance(label, str) for label in known) else {}
    except LvcnetError:
        return {}


def _inherit(shape: dict[str, Any], before: list[dict[str, Any]]) -> dict[str, Any]:
    """A drawn shape with the other keys (group, flags, description, ...) of the former shape that it overlaps most."""
    overlaps = [_box_overlap(shape["points"], former.get("points")) for former in before]
    if not overlaps or max(overlaps) <= 0:
        return shape
    drawn = {key: shape[key] for key in ("label", "points", "shape_type", "mask")}
    return {**before[overlaps.index(max(overlaps))], **drawn}


def _box_overlap(first: Any, second: Any) -> float:
    """Area in px² that the bounding boxes of two lists of points share."""
    try:
        one, two = (np.asarray(points, dtype=np.float64).reshape(-1, 2) for points in (first, second))
        sides = np.minimum(one.max(axis=0), two.max(axis=0)) - np.maximum(one.min(axis=0), two.min(axis=0))
    except (TypeError, ValueError):
        return 0.0
    return float(np.prod(np.maximum(sides, 0.0)))


def labelme_content(image_name: str, masks: NDArray[np.bool_], categories: Sequence[str]) -> dict[str, Any]:
    """What a Labelme file says about one image.

    Args:
        image_name: of the image file that lies beside it.
        masks: (C, H, W) bool.
        categories: C names.
    """
    shapes: list[dict[str, Any]] = []
    for category, mask in zip(categories, masks, strict=True):
        shapes += _mask_to_shapes(mask, category)
    return {
        "version": LABELME_VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": image_name,
        "imageData": None,
        "imageHeight": masks.shape[1],
        "imageWidth": masks.shape[2],
    }


def _read_file(path: Path, where: str, folder: Path, problems: list[Problem]) -> AnnotatedImage:
    """One file.

    Raises:
        LvcnetError: if it is no Labelme file.
    """
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        raise LvcnetError("is not a Labelme file: it has no list of shapes")
    name, source = _image_of(content, path, folder, where, problems)
    height, width = declared_size(content.get("imageHeight"), content.get("imageWidth"))
    image = AnnotatedImage(name, where, source, height, width)
    for number, entry in enumerate(content["shapes"], start=1):
        label = entry.get("label") if isinstance(entry, dict) else None
        if not isinstance(label, str) or not label.strip() or not is_text(label):
            problems.append(Problem(f"{where}, shape {number}", "has no label", "name it in Labelme"))
            continue
        shape = _read_shape(entry, height, width, f"{where}, shape {number} ({label})", problems)
        if shape is not None:
            image.shapes.setdefault(label, []).append(shape)
    return image


def _image_of(
    content: dict[str, Any], path: Path, folder: Path, where: str, problems: list[Problem]
) -> tuple[str, Path | bytes | None]:
    """Name relative to `folder` and the image itself: the file, else the embedded one."""
    beside = path.parent.relative_to(folder)
    name, source = (beside / path.stem).as_posix(), None
    try:
        name = _inside(content.get("imagePath"), beside)
        return name, find_image(folder, name)
    except LvcnetError as error:
        fix = "put the image beside its file and use its plain name, or import the folder that holds both"
        problem = Problem(where, str(error), fix)
    if content.get("imageData"):
        try:
            source = base64.b64decode(content["imageData"], validate=True)
        except (binascii.Error, TypeError, ValueError):
            problem = Problem(where, "imageData is damaged", "save it again in Labelme")
    if source is None:
        problems.append(problem)
    return name, source


def _inside(image_path: object, beside: PurePath) -> str:
    """The path of an image relative to the imported folder; Labelme writes `../images/a.png` where files lie apart.

    Raises:
        LvcnetError: if it leads out of that folder.
    """
    if not isinstance(image_path, str) or not image_path.strip():
        return relative_name(image_path)
    path = image_path.replace("\\", "/")
    if path.startswith("/") or path[1:2] == ":":
        return relative_name(path)
    return relative_name(posixpath.normpath(f"{beside.as_posix()}/{path}"))


def _read_shape(
    entry: dict[str, Any], height: int, width: int, where: str, problems: list[Problem]
) -> Shape | None:
    kind, points = entry.get("shape_type") or "polygon", entry.get("points")
    if kind == "mask":
        return _read_patch(entry, height, width, where, problems)
    if kind not in ("polygon", "rectangle", "circle"):
        fix = "use polygon, rectangle, circle or mask"
        problems.append(Problem(where, f"a {kind} has no area", fix))
        return None
    if kind != "polygon":
        try:
            points = _corners(kind, np.asarray(points, dtype=np.float64))
        except (TypeError, ValueError, OverflowError):
            problems.append(Problem(where, f"the {kind} needs two points of finite numbers", "draw it again"))
            return None
    ring, found = check_ring(points, height, width, where, kind)
    problems += found
    return None if ring is None else Outline([ring])


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


def _read_patch(
    entry: dict[str, Any], height: int, width: int, where: str, problems: list[Problem]
) -> Shape | None:
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
        problems.append(Problem(where, str(error)))
        return None
    if not pixels.any():
        problems.append(Problem(where, "the mask is empty", "delete it or draw it again"))
        return None
    return Patch(pixels, top, left)


def _mask_to_shapes(mask: NDArray[np.bool_], label: str) -> list[dict[str, Any]]:
    """Labelme shapes of one category: polygons, or a mask where a component has holes, which polygons cannot have."""
    shapes = []
    for rows, columns, inside in parts(mask):
        rings = trace(inside)
        if any(ring.hole for ring in rings):
            corners = [[columns.start, rows.start], [columns.stop - 1, rows.stop - 1]]
            png = cv2.imencode(".png", inside.astype(np.uint8) * 255)[1].tobytes()
            shapes.append(_shape(label, "mask", corners, base64.b64encode(png).decode("ascii")))
            continue
        for ring in rings:
            shapes.append(
                _shape(label, "polygon", (ring.points + np.array([columns.start, rows.start])).tolist())
            )
    return shapes


def _shape(label: str, kind: str, points: list[Any], mask: str | None = None) -> dict[str, Any]:
    return {
        "label": label,
        "points": points,
        "group_id": None,
        "description": "",
        "shape_type": kind,
        "flags": {},
        "mask": mask,
    }
