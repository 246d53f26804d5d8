"""Labelme files in and out: one JSON file an image.

Polygons, rectangles, circles and masks become regions; several shapes of a label are united and `group_id` is
ignored. Points and lines have no area and are reported. Labelme draws with pixel edges at integers, as COCO does.
"""

import base64
import binascii
import posixpath
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lvcnet.data.dataset import Dataset
from lvcnet.data.images import named_like
from lvcnet.data.importing.annotated import (
    AnnotatedImage,
    Annotations,
    Problem,
    Shape,
    declared_size,
    find_image,
    is_text,
    relative_name,
)
from lvcnet.data.outlines.drawn import kept_entry
from lvcnet.data.outlines.layers import Layer, covered_rows, file_name, files_beside, image_layers
from lvcnet.data.outlines.shapes import labelme_shape, painted
from lvcnet.errors import LvcnetError, foreign
from lvcnet.files import read_json, write_json
from lvcnet.masks.outlines import Outline, trace_edges
from lvcnet.masks.parts import parts
from lvcnet.progress import Report, reported

FORMAT = "labelme"
LABELME_VERSION = "5.5.0"


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
    of other labels, and shapes of categories that have not changed.

    Raises:
        LvcnetError: if two images would share a file.
    """
    rows = covered_rows(dataset, labels_name, split)
    places = files_beside(dataset, rows, ".json")
    for row, beside, image in zip(
        rows, places, image_layers(dataset, labels_name, rows, FORMAT), strict=True
    ):
        shapes = image.entries
        for layer in image.layers:
            kept, anew = layer.parts() if layer.format == FORMAT else ([], layer.shapes())
            stays = set(map(id, kept))
            former = [shape for shape in shapes if shape["label"] == layer.name and id(shape) not in stays]
            shapes = [shape for shape in shapes if shape["label"] != layer.name or id(shape) in stays]
            shapes += [_inherit(shape, former) for shape in _as_entries(layer, anew)]
        item, name = dataset.items[row], Path(file_name(dataset, row)).name
        content = {**labelme_content(name, item.height, item.width, shapes), **image.entry}
        write_json(folder / beside, {**content, "imageData": _embedded(dataset, row)})


def _as_entries(layer: Layer, shapes: Sequence[Shape]) -> list[dict[str, Any]]:
    """Labelme shapes: outlines as they are, all else by its pixels."""
    rings = [points for shape in shapes if isinstance(shape, Outline) for points in shape.rings]
    rest = [shape for shape in shapes if not isinstance(shape, Outline)]
    masks = mask_to_shapes(painted(rest, layer.height, layer.width), layer.name) if rest else []
    return [_shape(layer.name, "polygon", points.tolist()) for points in rings] + masks


def _embedded(dataset: Dataset, row: int) -> Any:
    """The image inside the Labelme file that an image was imported from; None if there is none any more."""
    source = dataset.items[row].source
    if dataset.source.get("format") != FORMAT or source is None:
        return None
    try:
        with foreign("the imported file is another now", "the image beside it is used"):
            data = read_json(Path(dataset.source["folder"], named_like(source, ".json"))).get("imageData")
            return data if isinstance(data, str) else None
    except LvcnetError:
        return None


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


def labelme_content(image_name: str, height: int, width: int, shapes: list[dict[str, Any]]) -> dict[str, Any]:
    """What a Labelme file says about one image; `image_name` is of the image file that lies beside it."""
    return {
        "version": LABELME_VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": image_name,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
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
    image.entry, image.kept = kept_entry(content, ["shapes", "imageData"]), []
    for number, entry in enumerate(content["shapes"], start=1):
        label = entry.get("label") if isinstance(entry, dict) else None
        if not isinstance(label, str) or not label.strip() or not is_text(label):
            problems.append(Problem(f"{where}, shape {number}", "has no label", "name it in Labelme"))
            continue
        shape, found = labelme_shape(entry, height, width, f"{where}, shape {number} ({label})")
        problems += found
        image.kept.append((label, kept_entry(entry)))
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


def mask_to_shapes(mask: NDArray[np.bool_], label: str) -> list[dict[str, Any]]:
    """Labelme shapes of one category: polygons, or a mask where a component has holes, which polygons cannot have."""
    shapes = []
    for rows, columns, inside in parts(mask):
        rings = trace_edges(inside)
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
