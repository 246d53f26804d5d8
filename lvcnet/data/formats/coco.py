"""COCO annotation files in and out.

Symbols: C categories, H, W original size.

Reading: polygons of several rings are united, as COCO means it; holes come as run lengths (compressed or not).
`iscrowd` regions count as foreground of their category. Writing: outlines that have not changed as they were imported;
else one annotation a connected component and category, as polygons, or run lengths where the component has holes.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from lvcnet.data.dataset import Dataset
from lvcnet.data.importing.annotated import (
    MOST_LISTED,
    AnnotatedImage,
    Annotations,
    Problem,
    Shape,
    declared_size,
    find_image,
    is_text,
    listed,
    relative_name,
)
from lvcnet.data.outlines.drawn import kept_entry
from lvcnet.data.outlines.layers import covered_rows, file_name, image_layers, layer_names, outlines_of
from lvcnet.data.outlines.shapes import coco_shape, painted
from lvcnet.errors import LvcnetError, foreign
from lvcnet.files import read_json, write_json
from lvcnet.masks.outlines import Outline, trace_edges
from lvcnet.masks.parts import parts
from lvcnet.masks.rle import encode_part
from lvcnet.progress import Report, reported


def read_coco(path: Path, images: Path, report: Report | None = None) -> Annotations:
    """Read an annotation file and judge everything in it.

    Args:
        path: COCO JSON file.
        images: folder that its file names are relative to.
        report: called with (done, total) entries, list by list.
    """
    reader = _Reader(path, images, report)
    reader.read()
    return reader.result


def masks_to_annotations(
    masks: NDArray[np.bool_], image_id: int, first_id: int, categories: Sequence[int]
) -> list[dict[str, Any]]:
    """COCO annotations of one image.

    Args:
        masks: (C, H, W) bool.
        image_id: the image's id.
        first_id: id of the first annotation; the others count up.
        categories: C category ids.
    """
    annotations: list[dict[str, Any]] = []
    for category, mask in zip(categories, masks, strict=True):
        for rows, columns, inside in parts(mask):
            annotations.append(
                {
                    "id": first_id + len(annotations),
                    "image_id": image_id,
                    "category_id": category,
                    "iscrowd": 0,
                    "area": int(inside.sum()),
                    "bbox": [columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start],
                    "segmentation": _segmentation(inside, rows.start, columns.start, *mask.shape),
                }
            )
    return annotations


def shapes_to_annotations(shapes: Sequence[Shape], height: int, width: int) -> list[dict[str, Any]]:
    """COCO annotations of one category of an image, without ids: outlines as they are, all else by its pixels."""
    annotations: list[dict[str, Any]] = []
    for shape in shapes:
        if isinstance(shape, Outline):
            rings = [points.ravel().tolist() for points in shape.rings]
            inside = coco_mask.merge(coco_mask.frPyObjects(rings, height, width))
            area, box = int(coco_mask.area(inside)), coco_mask.toBbox(inside).tolist()
            annotations.append({"iscrowd": 0, "area": area, "bbox": box, "segmentation": rings})
    rest = [shape for shape in shapes if not isinstance(shape, Outline)]
    found = masks_to_annotations(painted(rest, height, width)[None], 0, 0, [0]) if rest else []
    return annotations + [{key: value for key, value in one.items() if key != "id"} for one in found]


def write_coco(dataset: Dataset, labels_name: str, path: Path, split: str | None = None) -> None:
    """Write a label set as a COCO file at the sizes of the original images; images that it does not cover are left out.

    What was imported from COCO files and has not changed comes out as it came, with its keys, and with its ids where these
    are unique.

    Args:
        dataset: where the label set is.
        labels_name: which.
        path: file to write.
        split: only this split; default all images.
    """
    rows, drawn = covered_rows(dataset, labels_name, split), outlines_of(dataset, labels_name)
    head = drawn.file if drawn is not None and drawn.format == FORMAT else {}
    categories = _categories(layer_names(dataset, labels_name), head.get("categories", []))
    ids = {entry["name"]: entry["id"] for entry in categories}
    found = list(image_layers(dataset, labels_name, rows, FORMAT))
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for row, image, number in zip(rows, found, unique_ids([one.entry for one in found]), strict=True):
        item = dataset.items[row]
        ours = {"file_name": file_name(dataset, row), "width": item.width, "height": item.height}
        images.append({"id": number, **ours, **image.entry} | {"id": number})
        for layer in image.layers:
            kept, anew = layer.parts() if layer.format == FORMAT else ([], layer.shapes())
            new = shapes_to_annotations(anew, item.height, item.width)
            place = {"image_id": number, "category_id": ids[layer.name]}
            annotations += [{**one, **place} for one in [*kept, *new]]
    numbers = unique_ids(annotations)
    info = {
        "description": f"data set {dataset.name}, label set {labels_name}",
        **_dictionary(head.get("info")),
        "labels": labels_name,
        "working_size": dataset.size,
        "working_grid": dataset.grid,
        "manifest": dataset.labels(labels_name).manifest,
    }
    content = {
        "images": images,
        "annotations": [{"id": id, **one} | {"id": id} for one, id in zip(annotations, numbers, strict=True)],
        "categories": categories,
    }
    write_json(path, {"info": info, "licenses": [], **head, **content} | {"info": info})


def unique_ids(entries: Sequence[dict[str, Any]]) -> list[int]:
    """The ids of entries: those that they have where no two are equal, and new ones behind them; else 1, 2, 3, ...

    >>> unique_ids([{"id": 7}, {}, {"id": 3}]), unique_ids([{"id": 7}, {"id": 7}])
    ([7, 8, 3], [1, 2])
    """
    known = [id for entry in entries if type(id := entry.get("id")) is int]
    if len(set(known)) < len(known):
        return list(range(1, len(entries) + 1))
    free = count(max([0, *known]) + 1)
    return [id if type(id := entry.get("id")) is int else next(free) for entry in entries]


def _dictionary(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _categories(names: Sequence[str], known: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries of the categories that are written, those of the imported file where they are known there."""
    by_name = {entry["name"]: entry for entry in reversed(known)}
    entries = [by_name.get(name, {"name": name, "supercategory": ""}) for name in names]
    return [{"id": id, **entry} | {"id": id} for entry, id in zip(entries, unique_ids(entries), strict=True)]


def _segmentation(inside: NDArray[np.bool_], top: int, left: int, height: int, width: int) -> Any:
    """One component, cut out at (top, left): polygons, or compressed run lengths where it has holes."""
    rings = trace_edges(inside)
    if not any(ring.hole for ring in rings):
        return [(ring.points + np.array([left, top])).ravel().tolist() for ring in rings]
    return encode_part(inside, top, left, height, width)


class _Reader:
    """Walks through one file and collects images, shapes and problems."""

    def __init__(self, path: Path, images: Path, report: Report | None) -> None:
        self.path = path
        self.report = report
        self.folder = images
        self.result = Annotations(str(path))
        self.names: dict[int, str] = {}
        self.images: dict[int, AnnotatedImage] = {}
        self.image_ids: set[int] = set()
        self.file_names: set[str] = set()
        self.category_names: set[str] = set()

    def problem(self, entry: str, what: str, fix: str = "", image: str = "") -> None:
        where = f"{self.path.name}, {entry}" if entry else str(self.path)
        self.result.problems.append(Problem(where, what, fix, image=image))

    def read(self) -> None:
        try:
            content = read_json(self.path)
        except LvcnetError as error:
            self.problem("", str(error).removeprefix(f"{self.path} "), "give a COCO JSON file")
            return
        parts = [content.get(part) if isinstance(content, dict) else None for part in PARTS]
        missing = [part for part, value in zip(PARTS, parts, strict=True) if not isinstance(value, list)]
        if missing:
            self.problem("", f"has no list of {', '.join(missing)}", "give a COCO annotation file")
            return
        try:
            self.result.file = json.loads(kept_entry(content, PARTS)) | {"categories": []}
        except LvcnetError as error:
            self.problem("", str(error))
            return
        for part, entries, read_entry in zip(
            PARTS, parts, (self._category, self._image, self._annotation), strict=True
        ):
            self._each(part, entries or [], read_entry)
        if not self.result.categories:
            self.problem("", "declares no category", "add at least one")

    def _each(self, part: str, entries: list[Any], read_entry: Any) -> None:
        """Read entries that are objects with a unique integer id."""
        seen: set[int] = set()
        singular = SINGULAR[part]
        for position, entry in enumerate(reported(entries, self.report)):
            id = entry.get("id") if isinstance(entry, dict) else None
            if type(id) is not int:
                self.problem(f"{singular} at position {position}", "has no integer id", "number the entries")
            elif id in seen:
                self.problem(
                    f"{singular} {id}", f"{singular} id {id} occurs more than once", "make ids unique"
                )
            else:
                seen.add(id)
                try:
                    with foreign("cannot be read", "mend the entry"):
                        read_entry(entry, id)
                except LvcnetError as error:
                    self.problem(f"{singular} {id}", str(error))

    def _category(self, entry: dict[str, Any], id: int) -> None:
        name = entry.get("name")
        if not isinstance(name, str) or not name.strip() or not is_text(name):
            self.problem(f"category {id}", "has no name", "name it")
        elif name in self.category_names:
            self.problem(f"category {id}", f"the name {name!r} occurs more than once", "make names unique")
        else:
            self.names[id] = name
            self.category_names.add(name)
            self.result.categories.append(name)
            self.result.file["categories"].append(json.loads(kept_entry(entry)))

    def _image(self, entry: dict[str, Any], id: int) -> None:
        self.image_ids.add(id)
        where = f"image {id}"
        try:
            name = relative_name(entry.get("file_name"))
            height, width = declared_size(entry.get("height"), entry.get("width"))
        except LvcnetError as error:
            self.problem(where, str(error), "mend the entry")
            return
        if name in self.file_names:
            self.problem(where, f"file_name {name!r} occurs more than once", "list each image once", name)
            return
        self.file_names.add(name)
        image = AnnotatedImage(name, f"{self.path.name}, {where}", None, height, width)
        image.entry, image.kept = kept_entry(entry), []
        try:
            image.image = find_image(self.folder, name)
        except LvcnetError as error:
            self.problem(where, str(error), "check --images, or remove the entry", name)
        self.images[id] = image
        self.result.images.append(image)

    def _annotation(self, entry: dict[str, Any], id: int) -> None:
        image_id, category_id = entry.get("image_id"), entry.get("category_id")
        where = f"annotation {id}"
        known_image = isinstance(image_id, int) and image_id in self.image_ids
        image = self.images.get(image_id) if isinstance(image_id, int) else None
        name = image.file_name if image is not None else ""
        known_category = isinstance(category_id, int) and category_id in self.names
        if not known_image:
            self.problem(
                where, f"image_id {image_id!r:.60} is not among the images", "add the image or remove it"
            )
        if not known_category:
            first = [f"{number} {name}" for number, name in islice(self.names.items(), MOST_LISTED)]
            known = f"the file declares {listed(first)}"
            self.problem(where, f"unknown category {category_id!r:.60}", known, name)
        if image is None:
            return
        assert image.height is not None
        assert image.width is not None
        label = f"{self.path.name}, {where} ({image.file_name})"
        shape, found = coco_shape(entry, image.height, image.width, label)
        self.result.problems += [replace(one, image=name) for one in found]
        if shape is not None and isinstance(category_id, int) and known_category:
            image.shapes.setdefault(self.names[category_id], []).append(shape)
            assert image.kept is not None
            image.kept.append((self.names[category_id], kept_entry(entry)))


FORMAT = "coco"
PARTS = ("categories", "images", "annotations")
SINGULAR = {"categories": "category", "images": "image", "annotations": "annotation"}
