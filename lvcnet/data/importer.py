"""Annotated images from other tools to a data set: everything is checked first, nothing is half imported.

Symbols: N images, C categories, S working size.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from lvcnet.data.annotated import SELF_CROSSING, AnnotatedImage, Annotations, ImportProblems, Problem
from lvcnet.data.coco import read_coco
from lvcnet.data.dataset import CLEAN, SPLITS, Dataset, Item, LabelSet
from lvcnet.data.images import TURNED, mask_to_working_grid, named_like, read_image, to_working_grid
from lvcnet.data.labelme import read_labelme
from lvcnet.data.masks import read_masks
from lvcnet.data.radiograph import Radiograph
from lvcnet.data.splits import splits_by_folder, splits_by_hash
from lvcnet.errors import LvcnetError
from lvcnet.files import check_name, stable_hash
from lvcnet.progress import Report, reported

__all__ = ["ImportProblems", "Problem", "import_coco", "import_labelme", "import_masks"]

Extras = Mapping[str, Sequence[Path | str]]
SIZES = (16, 2048)
LEAST_LEFT = 0.5
"""Share of a mask's area that must be left on the working grid; with less its objects are too small for it."""


class Settings(TypedDict, total=False):
    """Keyword arguments of every `import_...` function; `Options` explains them and holds the defaults."""

    size: int
    categories: Sequence[str] | None
    test_fraction: float
    seed: int
    accept_self_crossing: bool
    ignore: str | None


@dataclass(frozen=True)
class Options:
    """What all formats have in common.

    Attributes:
        size: S.
        categories: which to import, in this order; None for all.
        test_fraction: share of the images that go to the test split where the files do not say.
        seed: of that choice, which depends on each image's name alone.
        accept_self_crossing: import outlines that cross themselves, as pycocotools fills them.
        ignore: the category that marks pixels about which the annotation says nothing: no training and no metric sees
            them.
    """

    size: int = 128
    categories: Sequence[str] | None = None
    test_fraction: float = 0.25
    seed: int = 0
    accept_self_crossing: bool = False
    ignore: str | None = None

    def check(self) -> None:
        """Refuse what cannot work.

        Raises:
            LvcnetError: for a size, fraction or list of categories out of range.
        """
        if not SIZES[0] <= self.size <= SIZES[1]:
            raise LvcnetError(f"size {self.size}: choose {SIZES[0]} to {SIZES[1]} pixels")
        if not 0 <= self.test_fraction < 1:
            raise LvcnetError(f"test fraction {self.test_fraction}: choose at least 0 and less than 1")
        if self.categories is not None and (
            not self.categories or len(set(self.categories)) != len(self.categories)
        ):
            raise LvcnetError(f"categories {', '.join(self.categories) or '(none)'}: name each category once")


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


class _Import:
    """One import: merge what the readers found, stream the images, and build the data set if nothing is wrong."""

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
        self.problems: list[Problem] = []
        self.notes: defaultdict[str, list[str]] = defaultdict(list)
        self.faded: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for annotations in [*parts, *(one for group in extras.values() for one in group)]:
            self.problems += annotations.problems

    def run(self, report: Report | None) -> Dataset:
        rows = self._rows()
        categories = self._categories()
        opinions = {CLEAN: {image.file_name: image for image, _ in rows}}
        opinions |= {label: self._opinion(label, group, rows) for label, group in self.extras.items()}
        drawn = categories if self.options.ignore is None else [*categories, self.options.ignore]
        images, masks, covered, items = self._stream(rows, opinions, drawn, report)
        self._report_reading()
        if self._blocked():
            raise ImportProblems(self._judged())
        dataset = Dataset(self.name, categories, items, images, self._origin())
        for label in opinions:
            dataset.add_labels(self._label_set(label, masks[label], covered[label], len(categories)))
        return dataset

    def _label_set(
        self, label: str, drawn: NDArray[np.bool_], covered: NDArray[np.bool_], categories: int
    ) -> LabelSet:
        """(N, C, S, S) masks, of which a last channel that is no category marks ignored pixels, for all categories."""
        masks, silent = drawn[:, :categories], drawn[:, categories:]
        if not silent.any():
            return LabelSet(label, masks, covered, self._manifest(label))
        ignored = np.repeat(silent, categories, axis=1)
        return LabelSet(label, masks & ~ignored, covered, self._manifest(label), ignored)

    def problem(self, where: str, what: str, fix: str = "", blocking: bool = True, image: str = "") -> None:
        self.problems.append(Problem(where, what, fix, blocking, image=image))

    def _judged(self) -> list[Problem]:
        """All problems, with self-crossing outlines as warnings where they are accepted."""
        accepted = self.options.accept_self_crossing
        return [
            replace(one, blocking=False, fix="filled as pycocotools does")
            if accepted and one.kind == SELF_CROSSING
            else one
            for one in self.problems
        ]

    def _blocked(self) -> bool:
        return any(problem.blocking for problem in self._judged())

    def _rows(self) -> list[tuple[AnnotatedImage, str]]:
        """Images with their split, those of the training file first."""
        rows: list[tuple[AnnotatedImage, str]] = []
        splits: dict[str, str] = {}
        for part, split in zip(self.parts, SPLITS, strict=False):
            if not part.images and not part.problems:
                self.problem(part.origin, "holds no image", "nothing to import")
            for image in part.images:
                if image.file_name in splits:
                    what = f"{image.file_name} is in the training file too"
                    self.problem(image.where, what, "keep it in one", image=image.file_name)
                else:
                    splits[image.file_name] = split
                    rows.append((image, split))
        if len(self.parts) == 1 and rows:
            chosen = self._choose_split([image.file_name for image, _ in rows])
            rows = [(image, chosen[image.file_name]) for image, _ in rows]
        return rows

    def _choose_split(self, names: list[str]) -> dict[str, str]:
        """By folder where all images lie in train/ and test/, else by a hash of each name."""
        found = splits_by_folder(names)
        if found is not None:
            splits, validation = found
            if validation is not None:
                what = f"the images of the validation folder are in the {validation} split"
                fix = (
                    "training holds images out itself" if validation == "train" else "there is no test folder"
                )
                self.problem(self.parts[0].origin, what, fix, blocking=False)
            return splits
        if self.options.test_fraction > 0 and len(names) < 2 and not self._blocked():
            fix = "2 are needed, one to train and one to test; or set none aside with --test-fraction 0"
            self.problem(self.parts[0].origin, "holds 1 image", fix)
        return splits_by_hash(names, self.options.test_fraction, self.options.seed)

    def _categories(self) -> list[str]:
        declared = self.parts[0].categories
        ignore = self.options.ignore
        wanted = [name for name in self.options.categories or declared if name != ignore]
        asked = [("--categories", name) for name in wanted] + ([("--ignore", ignore)] if ignore else [])
        for option, name in asked:
            if name not in declared:
                known = ", ".join(declared) or "none"
                self.problem(option, f"unknown category {name!r}", f"{self.parts[0].origin} declares {known}")
        used = Counter(category for image in self.parts[0].images for category in image.shapes)
        for name in wanted:
            if name in declared and not used[name] and not self._blocked():
                fix = "leave it out with --categories unless that is meant"
                self.problem(
                    self.parts[0].origin, f"category {name!r} has no annotation", fix, blocking=False
                )
        if self.options.categories is None:
            self._check_other_categories(wanted)
        return wanted

    def _check_other_categories(self, wanted: list[str]) -> None:
        others = [*self.parts[1:], *(one for group in self.extras.values() for one in group)]
        for annotations in others:
            used = {name for image in annotations.images for name in image.shapes}
            for name in sorted(used - {*wanted, self.options.ignore}):
                fix = f"the training annotations have {', '.join(wanted) or 'none'}; choose with --categories"
                self.problem(annotations.origin, f"unknown category {name!r}", fix)

    def _opinion(
        self, label: str, group: list[Annotations], rows: list[tuple[AnnotatedImage, str]]
    ) -> dict[str, AnnotatedImage]:
        """The images of a further label set by file name."""
        opinion: dict[str, AnnotatedImage] = {}
        known = {image.file_name: split for image, split in rows}
        for image in (image for annotations in group for image in annotations.images):
            if image.file_name in opinion:
                what = f"label set {label!r} has {image.file_name} twice"
                self.problem(image.where, what, "keep it in one file", image=image.file_name)
            opinion[image.file_name] = image
        strangers = [name for name in opinion if name not in known]
        if strangers and len(strangers) == len(opinion):
            self.problem(
                f"label set {label}",
                "covers none of the images",
                "its file names must match those of --train",
            )
        elif strangers:
            what = f"{len(strangers)} of its images are not in the data set, first {strangers[0]}"
            self.problem(f"label set {label}", what, "they were left out", blocking=False)
        bare = [name for name, split in known.items() if split == "train" and name not in opinion]
        if bare and len(strangers) < len(opinion):
            what = f"{len(bare)} training images are not covered, first {bare[0]}"
            self.problem(
                f"label set {label}", what, "training on this label set leaves them out", blocking=False
            )
        return opinion

    def _stream(
        self,
        rows: list[tuple[AnnotatedImage, str]],
        opinions: dict[str, dict[str, AnnotatedImage]],
        categories: list[str],
        report: Report | None,
    ) -> tuple[NDArray[np.uint8], dict[str, NDArray[np.bool_]], dict[str, NDArray[np.bool_]], list[Item]]:
        """Read and draw one image after the other; only the working grid stays in memory."""
        size, keys = self.options.size, _keys([image.file_name for image, _ in rows])
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
                images[row] = to_working_grid(radiograph.pixels, size)
                for label, annotated in described.items():
                    if annotated is not None and not self._blocked():
                        masks[label][row] = self._draw(label, annotated, categories, height, width)
                        covered[label][row] = True
        return images, masks, covered, items

    def _read(self, image: AnnotatedImage) -> Radiograph | None:
        if image.image is None:
            return None
        try:
            return read_image(image.image, image.file_name)
        except LvcnetError as error:
            self.problem(image.where, str(error), image=image.file_name)
            return None

    def _check_sizes(self, described: Any, height: int, width: int, turned: bool) -> None:
        fix = "annotate the image at its own size"
        if turned:
            fix = "its EXIF entry turns it: annotate it as viewers show it, or save it without that entry"
        for image in described:
            if image is not None and (image.height, image.width) not in ((height, width), (None, None)):
                what = f"{image.file_name} is {width} x {height}, the annotation says {image.width} x {image.height}"
                self.problem(image.where, what, fix, image=image.file_name)

    def _draw(
        self, label: str, image: AnnotatedImage, categories: list[str], height: int, width: int
    ) -> NDArray[np.bool_]:
        """(C, S, S) bool: drawn at the original size, then reduced."""
        drawn = np.zeros((len(categories), self.options.size, self.options.size), dtype=bool)
        for channel, category in enumerate(categories):
            full = np.zeros((height, width), dtype=bool)
            for shape in image.shapes.get(category, []):
                try:
                    full |= shape.raster(height, width)
                except LvcnetError as error:
                    self.problem(image.where, str(error), image=image.file_name)
            drawn[channel] = mask_to_working_grid(full, self.options.size)
            if drawn[channel].mean() < LEAST_LEFT * full.mean():
                self.faded[label, category].append(image.file_name)
        return drawn

    def _report_reading(self) -> None:
        """What the images' files asked for, and what is lost on the working grid: one warning for all images alike."""
        for note, places in self.notes.items():
            more = f" and {len(places) - 1} more" if len(places) > 1 else ""
            self.problem(f"{places[0]}{more}", note, blocking=False)
        size = self.options.size
        for (label, category), names in self.faded.items():
            what = (
                f"in {len(names)} of its images category {category!r} loses more than half of its area, or all of it, on the"
                f" {size} x {size} working grid, first {names[0]}"
            )
            fix = "its objects are too small for the grid: import with a larger --size"
            self.problem(f"label set {label}", what, fix, blocking=False)

    def _origin(self) -> dict[str, Any]:
        warnings = [problem.row() for problem in self._judged()]
        ignore = {} if self.options.ignore is None else {"ignore": self.options.ignore}
        return {**self.source, "seed": self.options.seed, **ignore, "warnings": warnings}

    def _manifest(self, label: str) -> dict[str, Any]:
        groups = {CLEAN: self.parts, **self.extras}
        family = "original" if label == CLEAN else "annotator"
        return {"family": family, "files": [annotations.origin for annotations in groups[label]]}


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
