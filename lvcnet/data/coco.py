"""COCO annotation files in and out.

Symbols: N images, C categories, H, W original size, S working size.

Reading: polygons of several rings are united, as COCO means it; holes come as run lengths (compressed or not).
`iscrowd` regions count as foreground of their category. Writing: one annotation a connected component and category, as
pixel-edge polygons, or run lengths where the component has holes.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.data.annotated import (
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
from lvcnet.data.dataset import Dataset
from lvcnet.data.images import mask_to_full_resolution, named_like
from lvcnet.data.parts import parts
from lvcnet.data.polygons import Outline, check_ring, trace
from lvcnet.data.rle import encode_part, parse_run_lengths
from lvcnet.errors import LvcnetError, foreign
from lvcnet.files import read_json, write_json
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


def write_coco(
    dataset: Dataset, labels_name: str, path: Path, split: str | None = None, full_resolution: bool = True
) -> None:
    """Write a label set as a COCO file; images that it does not cover are left out.

    Args:
        dataset: where the label set is.
        labels_name: which.
        path: file to write.
        split: only this split; default all images.
        full_resolution: at the size of the original images, else on the working grid.
    """
    labels = dataset.labels(labels_name)
    rows = range(len(dataset)) if split is None else dataset.indices(split).tolist()
    names = layer_names(dataset, labels_name)
    ids = list(range(1, len(names) + 1))
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for row in (row for row in rows if labels.covered[row]):
        item, masks = dataset.items[row], layers(dataset, labels_name, row)
        height, width = (item.height, item.width) if full_resolution else (dataset.size, dataset.size)
        if full_resolution:
            masks = np.stack([mask_to_full_resolution(mask, height, width) for mask in masks])
        images.append(
            {"id": len(images) + 1, "file_name": file_name(dataset, row), "width": width, "height": height}
        )
        annotations += masks_to_annotations(masks, len(images), len(annotations) + 1, ids)
    head = {
        "info": {
            "description": f"data set {dataset.name}, label set {labels_name}",
            "working_size": dataset.size,
            "manifest": labels.manifest,
        },
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": [
            {"id": id, "name": name, "supercategory": ""} for id, name in zip(ids, names, strict=True)
        ],
    }
    write_json(path, head)


def file_name(dataset: Dataset, row: int) -> str:
    """Name of the original image file, relative to the image folder; a PNG for images that never had a file."""
    item = dataset.items[row]
    return item.source or f"{item.key}.png"


def layer_names(dataset: Dataset, labels_name: str) -> list[str]:
    """What is written about each image: the categories, and behind them what is ignored, where there is such a thing.

    Files of other tools know categories only. Pixels that the label set ignores in all of them are written as one of
    their own, by the name that they were imported with; import them with `--ignore` again.
    """
    ignored = dataset.labels(labels_name).ignored
    if ignored is None or not ignored.all(axis=1).any():
        return dataset.categories
    name = str(dataset.source.get("ignore") or "ignore")
    return [*dataset.categories, name if name not in dataset.categories else f"{name} (no category)"]


def layers(dataset: Dataset, labels_name: str, row: int) -> NDArray[np.bool_]:
    """Masks (L, S, S) of one image, as many as `layer_names` has names."""
    labels = dataset.labels(labels_name)
    if labels.ignored is None or len(layer_names(dataset, labels_name)) == len(dataset.categories):
        return labels.masks[row]
    return np.concatenate([labels.masks[row], labels.ignored[row].all(axis=0, keepdims=True)])


def files_beside(dataset: Dataset, rows: Sequence[int], suffix: str) -> list[Path]:
    """The files that belong to some images one by one: named like them but for their ending.

    Raises:
        LvcnetError: if two of them would be one file.
    """
    owners: dict[str, str] = {}
    for row in rows:
        name = file_name(dataset, row)
        other = owners.setdefault(named_like(name, suffix), name)
        if other != name:
            raise LvcnetError(
                f"images {other} and {name} would share the file {named_like(name, suffix)}:"
                " export as coco, or rename one and import again"
            )
    return [Path(name) for name in owners]


def _segmentation(inside: NDArray[np.bool_], top: int, left: int, height: int, width: int) -> Any:
    """One component, cut out at (top, left): polygons, or compressed run lengths where it has holes."""
    rings = trace(inside)
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
        shape = self._shape(entry.get("segmentation"), image, f"{where} ({image.file_name})")
        if shape is not None and isinstance(category_id, int) and known_category:
            image.shapes.setdefault(self.names[category_id], []).append(shape)

    def _shape(self, segmentation: Any, image: AnnotatedImage, where: str) -> Shape | None:
        assert image.height is not None
        assert image.width is not None
        name = image.file_name
        if isinstance(segmentation, dict):
            try:
                return parse_run_lengths(segmentation, image.height, image.width)
            except LvcnetError as error:
                self.problem(where, str(error), "encode the mask again at the size of the image", name)
                return None
        if not isinstance(segmentation, list) or any(not isinstance(ring, list) for ring in segmentation):
            what, fix = "has no segmentation of polygons or run lengths", "boxes alone cannot be used"
            self.problem(where, what, fix, name)
            return None
        if not segmentation:
            self.problem(where, "the polygon is empty", "delete the annotation or draw it again", name)
            return None
        rings = []
        for values in segmentation:
            points, problems = check_ring(values, image.height, image.width, f"{self.path.name}, {where}")
            self.result.problems += [replace(one, image=name) for one in problems]
            if points is not None:
                rings.append(points)
        return Outline(rings) if rings else None


PARTS = ("categories", "images", "annotations")
SINGULAR = {"categories": "category", "images": "image", "annotations": "annotation"}
