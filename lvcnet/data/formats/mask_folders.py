"""Folders of mask images in and out.

Layouts, each mask named like its image (`sub/001.png` for `sub/001.jpg`):
    MASKS/001.png             one category: 0 is background, one other value foreground
    MASKS/001.png             several categories: value 1 the first, 2 the second, ... (palette files: their indices)
    MASKS/CATEGORY/001.png    a folder a category, each 0 and one other value; categories may overlap

Symbols: H, W original size, C categories.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lvcnet.data.dataset import Dataset
from lvcnet.data.images import SUFFIXES, is_image_file, named_like
from lvcnet.data.importing.annotated import AnnotatedImage, Annotations, Problem
from lvcnet.data.outlines.layers import covered_rows, files_beside, image_layers, layer_names
from lvcnet.data.outlines.shapes import painted
from lvcnet.data.radiograph import check_pixel_count, histogram
from lvcnet.errors import LvcnetError, foreign
from lvcnet.files import write_atomic
from lvcnet.progress import Report, reported

MASK_FORMATS = ("PNG", "TIFF", "BMP")
LARGEST = 2**31 - 1
MASK_SUFFIXES = (".png", ".tif", ".tiff", ".bmp")
MOST_CATEGORIES = 64
MOST_UNNAMED = 8
"""Values that are taken for categories although they leave gaps, such as 63, 126, 189; more look like smoothed edges."""
VOID = 255
FOREGROUND = "foreground"


@dataclass(frozen=True)
class MaskFile:
    """The pixels of a mask file that hold a value; any value but 0 if `value` is None."""

    path: Path
    value: int | None = None

    def paint(self, mask: NDArray[np.bool_]) -> None:
        """Set its pixels in a (H, W) mask.

        Raises:
            LvcnetError: if the file has another size.
        """
        height, width = mask.shape
        values = read_values(self.path)
        if values.shape != (height, width):
            raise LvcnetError(
                f"mask {self.path} is {values.shape[1]} x {values.shape[0]}, its image {width} x {height}"
            )
        mask |= values != 0 if self.value is None else values == self.value


def read_values(path: Path) -> NDArray[np.integer]:
    """The values of a mask file, (H, W); palette files give their indices.

    Raises:
        LvcnetError: if it is damaged, too large, in colour, or holds fractions.
    """
    with (
        foreign(f"mask {path} cannot be read as an image", "use PNG or TIFF"),
        Image.open(path, formats=MASK_FORMATS) as picture,
    ):
        check_pixel_count(picture.height, picture.width, str(path))
        values = np.asarray(picture)
    if values.ndim == 3:
        values = _grey_values(values, picture.mode in ("LA", "RGBA"), path)
    if values.dtype.kind != "f":
        return values.astype(np.uint8) if values.dtype == np.bool_ else values
    wrong = values[(values != np.rint(values)) | (np.abs(values) > LARGEST)]
    if wrong.size:
        raise LvcnetError(f"mask {path} holds fractions such as {wrong[0]:.3g}: save whole category numbers")
    return values.astype(np.int32)


def _grey_values(values: NDArray[np.integer], has_alpha: bool, path: Path) -> NDArray[np.integer]:
    """(H, W) of (H, W, channels); the mask itself may be what is opaque."""
    colours = values[..., :-1] if has_alpha else values
    if (colours != colours[..., :1]).any():
        raise LvcnetError(
            f"mask {path} is in colour: save category numbers as grey values or in a palette, or one file a category"
        )
    opaque: NDArray[np.integer] = values[..., -1]
    only_alpha_tells = has_alpha and np.ptp(colours) == 0 and np.ptp(opaque) > 0
    return opaque if only_alpha_tells else colours[..., 0]


def read_masks(
    images: Path, masks: Path, categories: Sequence[str] | None = None, report: Report | None = None
) -> Annotations:
    """Pair each image with its masks and judge them.

    Args:
        images: folder of image files.
        masks: folder of masks in one of the layouts above.
        categories: names for the values 1, 2, ...; default `foreground` or the values themselves.
        report: called with (done, total) images.
    """
    result = Annotations(str(masks))
    for folder, what in ((images, "image"), (masks, "mask")):
        if not folder.is_dir():
            result.problems.append(
                Problem(str(folder), f"the {what} folder does not exist", "check the path")
            )
    if result.problems:
        return result
    files = sorted(filter(is_image_file, images.rglob("*")))
    for path in files:
        name = path.relative_to(images).as_posix()
        result.images.append(AnnotatedImage(name, name, path))
    if not files:
        result.problems.append(Problem(str(images), "holds no image", f"use {', '.join(SUFFIXES)}"))
    subfolders = _category_folders(images, masks)
    if subfolders:
        result.categories = [folder.name for folder in subfolders]
        _pair_folders(result, subfolders, report)
    else:
        _pair_values(result, masks, list(categories) if categories else None, report)
    return result


def write_masks(dataset: Dataset, labels_name: str, folder: Path, split: str | None = None) -> None:
    """Write a label set as a folder a category of 0/255 PNG files at the original sizes.

    What was imported and has not changed is the same to the pixel.

    Raises:
        LvcnetError: if two images would share a file.
    """
    rows = covered_rows(dataset, labels_name, split)
    folders = folder_names(layer_names(dataset, labels_name))
    names = files_beside(dataset, rows, ".png")
    for name, image in zip(names, image_layers(dataset, labels_name, rows), strict=True):
        for category, layer in zip(folders, image.layers, strict=True):
            full = painted(layer.shapes(), layer.height, layer.width)
            content = cv2.imencode(".png", full.astype(np.uint8) * 255)[1].tobytes()
            write_atomic(folder / category / name, content)


def folder_names(categories: Sequence[str]) -> list[str]:
    """A folder's name for each category, of which no two are equal, also where capitals do not count.

    >>> folder_names(["heart", "Heart", "a/b", ".."])
    ['heart', 'Heart-2', 'a_b', '_..']
    """
    names: list[str] = []
    for number, category in enumerate(categories, start=1):
        plain = re.sub(r"[/\\\0]", "_", category)
        plain = f"_{plain}" if plain.startswith(".") else plain
        taken = {name.lower() for name in names}
        names.append(f"{plain}-{number}" if plain.lower() in taken else plain)
    return names


def _category_folders(images: Path, masks: Path) -> list[Path]:
    """Subfolders of `masks` that are categories, that is, not subfolders of the image folder too."""
    folders = sorted(path for path in masks.iterdir() if path.is_dir() and not path.name.startswith("."))
    return [path for path in folders if not (images / path.name).is_dir()]


def _pair_folders(result: Annotations, subfolders: list[Path], report: Report | None) -> None:
    """A missing file in one category's folder means that the image has none of it; missing in all is a problem."""
    for image in reported(result.images, report):
        found = {folder.name: _mask_of(folder, image.file_name) for folder in subfolders}
        if not any(found.values()):
            _missing(result, image, subfolders[0].parent)
        for category, path in found.items():
            if path is not None and _values(result, image, path, binary=True) is not None:
                image.shapes[category] = [MaskFile(path)]


def _pair_values(
    result: Annotations, masks: Path, categories: list[str] | None, report: Report | None
) -> None:
    """Binary or numbered masks side by side; the values of all files decide which."""
    binary = categories is not None and len(categories) == 1
    paths: dict[str, tuple[Path, set[int]]] = {}
    for image in reported(result.images, report):
        path = _mask_of(masks, image.file_name)
        if path is None:
            _missing(result, image, masks)
            continue
        values = _values(result, image, path, binary)
        if values is not None:
            paths[image.file_name] = (path, values)
    every = set().union(*(values for _, values in paths.values()))
    if categories is None and _look_smoothed(every):
        fix = "save without smoothing or lossy compression, or name the categories of the values 1, 2, ..."
        what = f"the masks hold {len(every)} values up to {max(every)}: these are no categories"
        result.problems.append(Problem(str(masks), what, fix))
    if binary or (categories is None and len(every) <= 1):
        result.categories = categories or [FOREGROUND]
        numbers: dict[str, int | None] = {result.categories[0]: None}
    else:
        result.categories = categories or [str(value) for value in sorted(every)]
        numbers = {name: n if categories else int(name) for n, name in enumerate(result.categories, start=1)}
    for image in result.images:
        if image.file_name in paths:
            _assign(result, image, *paths[image.file_name], numbers)


def _look_smoothed(values: set[int]) -> bool:
    """Whether values come from smoothed edges: more than a few, and most numbers in between are not used.

    >>> _look_smoothed({63, 126, 189, 252}), _look_smoothed({*range(1, 21), 255}), _look_smoothed(set(range(1, 250, 9)))
    (False, False, True)
    """
    numbers = values - {VOID}
    return len(numbers) > MOST_UNNAMED and max(numbers) > 2 * len(numbers)


def _assign(
    result: Annotations, image: AnnotatedImage, path: Path, values: set[int], numbers: dict[str, int | None]
) -> None:
    """Give an image its shapes, by the categories' values (None: any)."""
    unknown = values - {number for number in numbers.values() if number is not None}
    if unknown and None not in numbers.values():
        what = f"unknown category value {', '.join(map(str, sorted(unknown)))}"
        result.problems.append(
            Problem(f"mask {path}", what, f"known are 0 to {len(numbers)}", image=image.file_name)
        )
    for name, number in numbers.items():
        if (number is None and values) or number in values:
            image.shapes[name] = [MaskFile(path, number)]


def _values(result: Annotations, image: AnnotatedImage, path: Path, binary: bool) -> set[int] | None:
    """Values of a mask but 0, and its size noted at the image; None if the mask cannot be used."""
    try:
        pixels = read_values(path)
    except LvcnetError as error:
        result.problems.append(Problem(image.where, str(error), image=image.file_name))
        return None
    values = set(_used(pixels)) - {0}
    image.height, image.width = pixels.shape
    if binary and len(values) > 1:
        fix = "save 0 and 255 without smoothing or lossy compression"
        what = f"has {len(values)} values besides 0: one is expected"
        result.problems.append(Problem(f"mask {path}", what, fix, image=image.file_name))
        return None
    if len(values) > MOST_CATEGORIES:
        fix = "save category numbers without smoothing or lossy compression"
        result.problems.append(
            Problem(
                f"mask {path}",
                f"has {len(values)} values: these are no categories",
                fix,
                image=image.file_name,
            )
        )
        return None
    return values


def _used(pixels: NDArray[np.integer]) -> list[int]:
    """The values that occur in a mask."""
    if pixels.dtype.itemsize > 2:
        return np.unique(pixels).tolist()
    least, counts = histogram(pixels)
    return (np.flatnonzero(counts) + least).tolist()


def _mask_of(folder: Path, file_name: str) -> Path | None:
    candidates = (folder / named_like(file_name, suffix) for suffix in MASK_SUFFIXES)
    return next((path for path in candidates if path.is_file()), None)


def _missing(result: Annotations, image: AnnotatedImage, masks: Path) -> None:
    expected = masks / named_like(image.file_name, ".png")
    fix = "add it, all black if the image shows nothing of interest"
    lossy = [path for ending in (".jpg", ".jpeg") if (path := expected.with_suffix(ending)).is_file()]
    if lossy:
        fix = f"{lossy[0].name} is there, but JPEG changes the values at edges: save it as PNG"
    result.problems.append(
        Problem(image.where, f"mask {expected} does not exist", fix, image=image.file_name)
    )
