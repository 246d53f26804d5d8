"""Annotated images from other tools to a data set: everything is checked first, nothing is half imported.

Symbols: N images, C categories, S working size, h, w the frame of an image, H, W the working grid of all.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from lvcnet.data.dataset import CLEAN, Dataset, Item, LabelSet
from lvcnet.data.formats.coco import read_coco
from lvcnet.data.formats.labelme import read_labelme
from lvcnet.data.formats.mask_folders import read_masks
from lvcnet.data.formats.specs import FORMATS, read_by_plug_ins
from lvcnet.data.images import TURNED, mask_to_working_grid, named_like, read_image, to_working_grid
from lvcnet.data.importing.annotated import AnnotatedImage, Annotations, ImportProblems, Problem
from lvcnet.data.importing.auto_size import auto_size
from lvcnet.data.importing.gather import Findings, gather
from lvcnet.data.importing.options import Options, Settings
from lvcnet.data.outlines.drawn import Drawn, kept_image, united_files
from lvcnet.data.outlines.shapes import READERS
from lvcnet.data.radiograph import Radiograph
from lvcnet.errors import LvcnetError, foreign
from lvcnet.files import check_name, stable_hash
from lvcnet.frames import frame_of, grid_of, placed
from lvcnet.masks.rle import encode_run_lengths
from lvcnet.progress import Report, part_of, reported

__all__ = ["ImportProblems", "Problem", "import_coco", "import_from", "import_labelme", "import_masks"]

Extras = Mapping[str, Sequence[Path | str]]
LEAST_LEFT = 0.5
"""Share of a mask's area that must be left on the working grid; with less its objects are too small for it."""
SHAPES_BETWEEN = 100
"""Shapes of an image that are drawn before the import may be cancelled again."""


def import_coco(
    name: str,
    images: Path,
    train: Path,
    test: Path | None = None,
    labels: Extras | None = None,
    report: Report | None = None,
    **settings: Unpack[Settings],
) -> Dataset:
    """Import COCO annotations; the result is not saved yet.

    Args:
        name: of the data set.
        images: folder of the image files.
        train: COCO file whose images are to learn from.
        test: COCO file of the test images; without it a share of the images is set aside.
        labels: further label sets: name to COCO files of the same images, for instance a second annotator.
        report: called with (done, total) while it reads the annotations, then the images.
        settings: size, categories, split; see `Options`.

    Raises:
        ImportProblems: lists all problems at once.
    """
    if not Path(images).is_dir():  # one problem, not one for each image
        raise ImportProblems([Problem(str(images), "the image folder does not exist", "check the path")])
    parts = [read_coco(Path(path), Path(images), report) for path in (train, test) if path is not None]
    extras = {
        key: [read_coco(Path(path), Path(images), report) for path in paths]
        for key, paths in (labels or {}).items()
    }
    source = {
        "format": "coco",
        "images": str(images),
        "train": str(train),
        "test": str(test) if test else None,
    }
    return _Import(name, parts, extras, Options(**settings), source).run(report)


def import_labelme(
    name: str,
    folder: Path,
    labels: Extras | None = None,
    report: Report | None = None,
    **settings: Unpack[Settings],
) -> Dataset:
    """Import a folder of Labelme files (subfolders `train` and `test` give the split); the result is not saved yet.

    Raises:
        ImportProblems: lists all problems at once.
    """
    extras = {
        key: [read_labelme(Path(path), report) for path in paths] for key, paths in (labels or {}).items()
    }
    source = {"format": "labelme", "folder": str(folder)}
    return _Import(name, [read_labelme(Path(folder), report)], extras, Options(**settings), source).run(
        report
    )


def import_masks(
    name: str,
    images: Path,
    masks: Path,
    labels: Extras | None = None,
    report: Report | None = None,
    **settings: Unpack[Settings],
) -> Dataset:
    """Import mask images (see masks.py for the layouts); the result is not saved yet.

    Raises:
        ImportProblems: lists all problems at once.
    """
    chosen = settings.get("categories")
    extras = {
        key: [read_masks(Path(images), Path(path), chosen, report) for path in paths]
        for key, paths in (labels or {}).items()
    }
    source = {"format": "masks", "images": str(images), "masks": str(masks)}
    parts = [read_masks(Path(images), Path(masks), chosen, report)]
    return _Import(name, parts, extras, Options(**settings), source).run(report)


def import_from(
    name: str,
    format: str,
    path: Path,
    labels: Extras | None = None,
    report: Report | None = None,
    **settings: Unpack[Settings],
) -> Dataset:
    """Import annotations in a format that a plug-in reads; the result is not saved yet.

    Args:
        name: of the data set.
        format: a key of `FORMATS` whose spec reads.
        path: file or folder of the annotations, which name their images.
        labels: further label sets: name to files of the same format.
        report: called with (done, total) while it reads the images.
        settings: size, categories, split; see `Options`.

    Raises:
        ImportProblems: lists all problems at once.
        LvcnetError: if there is no such format, or it cannot be read this way.

    Example:
        lv.import_from("knees", "boxes", Path("boxes.json")).save()
    """
    read = FORMATS.find(format).read
    if read is None:
        known = ", ".join(read_by_plug_ins()) or "none is installed"
        raise LvcnetError(f"format {format!r} is not read by path alone: use its own option ({known})")
    found: dict[str, list[Annotations]] = defaultdict(list)
    for key, paths in {CLEAN: [path], **(labels or {})}.items():
        for one in map(Path, paths):
            if not one.exists():
                raise LvcnetError(f"{one} does not exist: check the path")
            with foreign(f"{one} cannot be read as {format}", "check the file, or what reads this format"):
                found[key].append(read(one))
    parts = found.pop(CLEAN)
    return _Import(name, parts, found, Options(**settings), {"format": format, "path": str(path)}).run(report)


class _Import:
    """One import: gather what the readers found, stream the images, and build the data set if nothing is wrong."""

    def __init__(
        self,
        name: str,
        parts: list[Annotations],
        extras: dict[str, list[Annotations]],
        options: Options,
        source: dict[str, Any],
    ) -> None:
        options.check()
        self.name = check_name(name, "data set")
        for label in extras:
            if check_name(label, "label set") == CLEAN:
                raise LvcnetError(f"label set {CLEAN!r} is the annotation to import itself: use another name")
        self.parts, self.extras, self.options, self.source = parts, extras, options, source
        self.findings = Findings(options.accept_self_crossing)
        self.notes: defaultdict[str, list[str]] = defaultdict(list)
        self.faded: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self.kept: defaultdict[str, dict[int, bytes]] = defaultdict(dict)
        self.size = options.size or 0

    def run(self, report: Report | None) -> Dataset:
        gathered = gather(self.parts, self.extras, self.options, self.findings)
        categories, opinions = gathered.categories, gathered.opinions
        drawn = categories if self.options.ignore is None else [*categories, self.options.ignore]
        self.size = self.size or auto_size(
            gathered.rows, opinions.get(CLEAN, {}), categories, self._size_of, report
        )
        images, masks, covered, items = self._stream(gathered.rows, opinions, drawn, report)
        self._report_reading()
        if self.findings.blocked:
            raise ImportProblems(self.findings.judged())
        height, width = grid_of([frame_of(item.height, item.width, self.size) for item in items], self.size)
        images = np.ascontiguousarray(images[:, :height, :width])
        dataset = Dataset(self.name, categories, items, images, self._origin())
        for label in opinions:
            layers = np.ascontiguousarray(masks.pop(label)[..., :height, :width])
            dataset.add_labels(self._label_set(label, layers, covered[label], len(categories)))
        return dataset

    def _label_set(
        self, label: str, drawn: NDArray[np.bool_], covered: NDArray[np.bool_], categories: int
    ) -> LabelSet:
        """(N, C, H, W) masks, of which a last channel that is no category marks ignored pixels, for all categories."""
        masks, silent = drawn[:, :categories], drawn[:, categories:]
        ignored = np.repeat(silent, categories, axis=1) if silent.any() else None
        masks = masks if ignored is None else masks & ~ignored
        return LabelSet(
            label, masks, covered, self._manifest(label), ignored, drawn=self._drawn(label, len(masks))
        )

    def _drawn(self, label: str, images: int) -> Drawn:
        """The outlines of a label set as its files say them."""
        file: dict[str, Any] = {}
        for annotations in self._groups()[label]:
            file = united_files(file, annotations.file)
        kept = tuple(self.kept[label].get(row, b"") for row in range(images))
        # what a plug-in reads is kept as pixels, as of masks
        format = self.source["format"] if self.source["format"] in READERS else "masks"
        return Drawn(format, label, file, kept, (frozenset(),) * images)

    def _stream(
        self,
        rows: list[tuple[AnnotatedImage, str]],
        opinions: dict[str, dict[str, AnnotatedImage]],
        categories: list[str],
        report: Report | None,
    ) -> tuple[NDArray[np.uint8], dict[str, NDArray[np.bool_]], dict[str, NDArray[np.bool_]], list[Item]]:
        """Read and draw one image after the other; only the working grid stays in memory.

        What grid all of them fit on is known behind the last one; up to then there is room for any image.
        """
        size, keys = self.size, _keys([image.file_name for image, _ in rows])
        images = np.zeros((len(rows), size, size), dtype=np.uint8)
        masks = {label: np.zeros((len(rows), len(categories), size, size), dtype=bool) for label in opinions}
        covered = {label: np.zeros(len(rows), dtype=bool) for label in opinions}
        items: list[Item] = []
        for row, (image, split) in enumerate(reported(rows, report)):
            radiograph = self._read(image)
            described = {label: by_name.get(image.file_name) for label, by_name in opinions.items()}
            if radiograph is not None:
                height, width = radiograph.pixels.shape
                self._check_sizes(described.values(), height, width, TURNED in radiograph.notes)
                for note in radiograph.notes:
                    self.notes[note].append(image.where)
                items.append(Item(keys[row], split, height, width, image.file_name, radiograph.spacing_mm))
                frame = frame_of(height, width, size)
                images[row] = placed(to_working_grid(radiograph.pixels, frame), (size, size), "edge")
                del radiograph  # up to 400 MB, before masks of that size are drawn
                for label, annotated in described.items():
                    if annotated is not None and not self.findings.blocked:
                        drawn, self.kept[label][row] = self._draw(
                            label, annotated, categories, height, width, part_of(report, row, len(rows))
                        )
                        masks[label][row, :, : frame[0], : frame[1]] = drawn
                        covered[label][row] = True
        return images, masks, covered, items

    def _size_of(self, image: AnnotatedImage) -> tuple[int, int] | None:
        """Height and width as declared, or as the file has them; what cannot be read is reported when it is imported."""
        if image.height and image.width:
            return image.height, image.width
        with suppress(LvcnetError):
            if image.image is not None:
                height, width = read_image(image.image, image.file_name).pixels.shape
                return int(height), int(width)
        return None

    def _read(self, image: AnnotatedImage) -> Radiograph | None:
        if image.image is None:
            return None
        try:
            return read_image(image.image, image.file_name)
        except LvcnetError as error:
            self.findings.add(image.where, str(error), image=image.file_name)
            return None

    def _check_sizes(self, described: Any, height: int, width: int, turned: bool) -> None:
        fix = "annotate the image at its own size"
        if turned:
            fix = "its EXIF entry turns it: annotate it as viewers show it, or save it without that entry"
        for image in described:
            if image is not None and (image.height, image.width) not in ((height, width), (None, None)):
                what = f"{image.file_name} is {width} x {height}, the annotation says {image.width} x {image.height}"
                self.findings.add(image.where, what, fix, image=image.file_name)

    def _draw(
        self,
        label: str,
        image: AnnotatedImage,
        categories: list[str],
        height: int,
        width: int,
        report: Report | None,
    ) -> tuple[NDArray[np.bool_], bytes]:
        """(C, h, w) bool: drawn at the original size, then reduced; and what is kept of it.

        What `report` raises now and then stops it.
        """
        frame = frame_of(height, width, self.size)
        drawn = np.zeros((len(categories), *frame), dtype=bool)
        pixels: list[tuple[str | None, bytes]] = []
        for channel, category in enumerate(categories):
            full = np.zeros((height, width), dtype=bool)
            for number, shape in enumerate(image.shapes.get(category, [])):
                if report is not None and number % SHAPES_BETWEEN == SHAPES_BETWEEN - 1:
                    report(0, 0)
                try:
                    with foreign(f"category {category!r} cannot be drawn", "draw it again"):
                        shape.paint(full)
                except LvcnetError as error:
                    self.findings.add(image.where, str(error), image=image.file_name)
            drawn[channel] = mask_to_working_grid(full, frame)
            if drawn[channel].mean() < LEAST_LEFT * full.mean():
                self.faded[label, category].append(image.file_name)
            if image.kept is None and category in image.shapes:
                pixels.append((category, json.dumps(encode_run_lengths(full)).encode()))
        return drawn, kept_image(
            image.entry, pixels if image.kept is None else self._wanted(image.kept, categories)
        )

    def _wanted(
        self, kept: Sequence[tuple[str | None, bytes]], categories: Sequence[str]
    ) -> list[tuple[str | None, bytes]]:
        """The shapes of an image that are kept. A Labelme file is about one image, so its other shapes stay in it."""
        everything = self.source["format"] == "labelme"
        named = ((name if name in categories else None, entry) for name, entry in kept)
        return [(name, entry) for name, entry in named if everything or name is not None]

    def _report_reading(self) -> None:
        """What the images' files asked for, and what is lost on the working grid: one warning for all images alike."""
        for note, places in self.notes.items():
            more = f" and {len(places) - 1} more" if len(places) > 1 else ""
            self.findings.add(f"{places[0]}{more}", note, blocking=False)
        size = self.size
        for (label, category), names in self.faded.items():
            what = (
                f"in {len(names)} of its images category {category!r} loses more than half of its area, or all of it, on the"
                f" working grid of {size} pixels, first {names[0]}"
            )
            fix = "its objects are too small for the grid: import with a larger --size"
            self.findings.add(f"label set {label}", what, fix, blocking=False)

    def _origin(self) -> dict[str, Any]:
        warnings = [problem.row() for problem in self.findings.judged()]
        ignore = {} if self.options.ignore is None else {"ignore": self.options.ignore}
        return {**self.source, "seed": self.options.seed, **ignore, "warnings": warnings}

    def _manifest(self, label: str) -> dict[str, Any]:
        family = "original" if label == CLEAN else "annotator"
        return {"family": family, "files": [annotations.origin for annotations in self._groups()[label]]}

    def _groups(self) -> dict[str, list[Annotations]]:
        """What was read for each label set."""
        return {CLEAN: self.parts, **self.extras}


def _keys(names: list[str]) -> list[str]:
    """Unique keys without folder separators: the name without its ending, with it where two would be equal."""
    short = [named_like(name, "").replace("/", "__") for name in names]
    count = Counter(short)
    keys = [
        name.replace("/", "__") if count[key] > 1 else key for key, name in zip(short, names, strict=True)
    ]
    count = Counter(keys)
    return [
        f"{key}-{stable_hash(name):016x}" if count[key] > 1 else key
        for key, name in zip(keys, names, strict=True)
    ]
