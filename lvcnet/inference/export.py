"""A segmentation as files at the image's own size.

Symbols: C categories, H x W the image's own size.

    STEM_overlay.png                     the radiograph with the masks filled lightly and outlined
    STEM_CATEGORY_mask.png               8 bit, 255 inside; a file each, because categories may overlap
    STEM_CATEGORY_probability.png        16 bit, 65535 is probability 1
    STEM.json                            Labelme, to lie beside the image
    STEM_seg.dcm                         DICOM SEG that refers to the image, for DICOM images
    predictions.json                     COCO, for all images together
    measurements.csv                     sizes, for all images together
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.data.formats.coco import masks_to_annotations
from lvcnet.data.formats.dicom_seg import dicom_seg
from lvcnet.data.formats.labelme import labelme_content, mask_to_shapes
from lvcnet.data.images import named_like
from lvcnet.drawing import overlays
from lvcnet.drawing.palette import category_colours
from lvcnet.errors import LvcnetError
from lvcnet.files import write_atomic, write_json
from lvcnet.inference.own_files import LABELME_KEY, MARK
from lvcnet.inference.png import write_png
from lvcnet.inference.predictor import Prediction
from lvcnet.inference.segmentation import Segmentation
from lvcnet.masks.blocks import blocks_with_margin, row_blocks


@dataclass(frozen=True)
class FileFormat:
    """A kind of file that a prediction is written as.

    Attributes:
        title: what pages call it.
        text: what is in it.
        offered: whether pages offer it for a single radiograph, too.
    """

    title: str
    text: str
    offered: bool = True


FORMATS = {
    "masks": FileFormat("Mask PNG", "PNG, 8 bit, 255 inside, one a category"),
    "probabilities": FileFormat(
        "Probability PNG, 16 bit", "PNG, 16 bit, 65535 is probability 1, one a category", offered=False
    ),
    "overlay": FileFormat("Overlay PNG", "PNG, the radiograph with the masks drawn over it"),
    "coco": FileFormat("COCO JSON", "COCO JSON, one for all images"),
    "labelme": FileFormat("Labelme JSON", "Labelme JSON, one an image"),
    "dicom-seg": FileFormat("DICOM SEG", "DICOM SEG that refers to its image, for DICOM images"),
    "csv": FileFormat("Measurements CSV", "areas, perimeters and diameters, one table for all images"),
}
"""Every kind of file by its name."""
DEFAULT_FORMATS = ("masks", "probabilities", "overlay", "coco", "csv")
OPACITY = 0.35
"""Of the filling of an overlay."""


def check_formats(formats: Sequence[str]) -> list[str]:
    """The formats, if all of them exist.

    Raises:
        LvcnetError: if one does not, or none is given.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        given = f"format {unknown[0]!r} does not exist" if unknown else "no format was chosen"
        raise LvcnetError(f"{given}: choose from {', '.join(FORMATS)}")
    return list(formats)


def overlay(
    pixels: NDArray[np.floating],
    masks: NDArray[np.bool_],
    opacity: float = OPACITY,
    colours: Sequence[str] | None = None,
) -> Iterator[NDArray[np.uint8]]:
    """The radiograph with every category filled lightly and outlined, in blocks of rows from the top.

    Args:
        pixels: (H, W) in [0, 1].
        masks: (C, H, W) bool.
        opacity: of the filling.
        colours: C hex colours; default those of categories.

    Returns:
        (h, W, 3) uint8 RGB each.
    """
    named = category_colours(len(masks)) if colours is None else colours
    height, width = pixels.shape
    line = overlays.line_width(pixels.shape)
    for _, around, middle in blocks_with_margin(height, width, line):
        yield overlays.masks_over(pixels[around], masks[:, around], named, opacity, line)[middle]


def write_overlay(
    result: Segmentation, path: Path, opacity: float = OPACITY, colour: str | None = None
) -> None:
    """Write the overlay at the image's own size as PNG; a single category has `colour`, if one is given.

    Raises:
        LvcnetError: if it cannot be written.
    """
    named = [colour] if colour is not None and len(result.categories) == 1 else None
    pixels = result.radiograph.pixels
    height, width = pixels.shape
    write_picture(path, overlay(pixels, result.masks, opacity, named), height, width)


def write_image_files(
    result: Segmentation, folder: Path, stem: str, formats: Sequence[str], anonymise: bool = False
) -> dict[str, Any]:
    """Write what there is one of for each image.

    Args:
        result: what to write.
        folder: where to.
        stem: beginning of the files' names.
        formats: keys of `FORMATS`; those for all images together are left out.
        anonymise: leave patient data out of DICOM SEG; no other format holds any.

    Returns:
        by format the file's name, or for masks and probabilities the names by category.

    Raises:
        LvcnetError: if a file cannot be written, or the image does not allow a DICOM SEG; files before it are there.
    """
    files: dict[str, Any] = {}
    height, width = result.radiograph.pixels.shape
    if "overlay" in formats:
        files["overlay"] = f"{stem}_overlay.png"
        write_overlay(result, folder / files["overlay"])
    if "masks" in formats:
        files["masks"] = _category_names(result.categories, stem, "mask")
        for name, mask in zip(files["masks"].values(), result.masks, strict=True):
            blocks = (mask[rows].astype(np.uint8) * 255 for rows in row_blocks(height, width))
            write_picture(folder / name, blocks, height, width)
    if "probabilities" in formats:
        files["probabilities"] = _category_names(result.categories, stem, "probability")
        for channel, name in enumerate(files["probabilities"].values()):
            write_picture(folder / name, _sixteen_bits(result.prediction, channel), height, width)
    if "labelme" in formats:
        files["labelme"] = f"{stem}.json"
        shapes = [
            shape
            for category, mask in zip(result.categories, result.masks, strict=True)
            for shape in mask_to_shapes(mask, category)
        ]
        content = labelme_content(Path(result.name).name, height, width, shapes)
        content[LABELME_KEY] = MARK
        write_file(folder / files["labelme"], write_json, content)
    if "dicom-seg" in formats:
        files["dicom-seg"] = f"{stem}_seg.dcm"
        seg = dicom_seg(result.path, result.masks, result.categories, result.origin, anonymise)
        write_file(folder / files["dicom-seg"], write_atomic, seg)
    return files


def planned_names(categories: Sequence[str], stem: str, formats: Sequence[str]) -> list[str]:
    """Names of all files that `write_image_files` will write.

    >>> planned_names(["left femur"], "hip", ["masks", "dicom-seg"])
    ['hip_left-femur_mask.png', 'hip_seg.dcm']
    """
    names = {
        "overlay": [f"{stem}_overlay.png"],
        "labelme": [f"{stem}.json"],
        "dicom-seg": [f"{stem}_seg.dcm"],
    }
    names["masks"] = list(_category_names(categories, stem, "mask").values())
    names["probabilities"] = list(_category_names(categories, stem, "probability").values())
    return [name for format in formats for name in names.get(format, [])]


def names_in(files: dict[str, Any]) -> list[str]:
    """All file names of what `write_image_files` returned."""
    return [
        name for found in files.values() for name in (found.values() if isinstance(found, dict) else [found])
    ]


class CocoPredictions:
    """Collects predictions as a COCO dictionary; a score is the mean probability inside its category's mask.

    Args:
        categories: C names.
        description: where the predictions come from.
    """

    def __init__(self, categories: Sequence[str], description: str) -> None:
        self.ids = list(range(1, len(categories) + 1))
        self.content: dict[str, Any] = {
            "info": {"description": description},
            "licenses": [],
            "images": [],
            "annotations": [],
            "categories": [
                {"id": id, "name": name, "supercategory": ""}
                for id, name in zip(self.ids, categories, strict=True)
            ],
        }

    def add(self, file_name: str, result: Segmentation) -> None:
        """Add one image and an annotation for every connected part of its masks."""
        images, annotations = self.content["images"], self.content["annotations"]
        height, width = result.masks.shape[1:]
        number = len(images) + 1
        scores = {id: _score(result.prediction, channel) for channel, id in enumerate(self.ids)}
        found = masks_to_annotations(result.masks, number, len(annotations) + 1, self.ids)
        images.append({"id": number, "file_name": file_name, "width": width, "height": height})
        annotations += [{**annotation, "score": scores[annotation["category_id"]]} for annotation in found]


def unique_stems(paths: Sequence[Path]) -> list[str]:
    """A file stem for each path, with a number behind those that would meet.

    >>> unique_stems([Path("a/hip.png"), Path("b/hip.dcm"), Path("c/knee.png")])
    ['hip', 'hip-2', 'knee']
    """
    return _numbered([named_like(path.name, "") for path in paths])


def write_picture(path: Path, blocks: Iterable[NDArray[Any]], height: int, width: int) -> None:
    """Write a picture that comes in blocks of rows, as `write_png` does.

    Raises:
        LvcnetError: if it cannot be written.
    """
    write_file(path, lambda place, rows: write_png(place, height, width, rows), blocks)


def _sixteen_bits(prediction: Prediction, channel: int) -> Iterator[NDArray[np.uint16]]:
    """A category's probabilities, 65535 for 1, in blocks of rows; resampled for each half to hold a half only."""
    middle = prediction.height // 2
    for half in (slice(0, middle), slice(middle, prediction.height)):
        scaled = np.empty((half.stop - half.start, prediction.width), dtype=np.uint16)
        for columns, probability in prediction.blocks(channel):
            scaled[:, columns] = np.rint(np.clip(probability[half], 0, 1) * 65535)
        for rows in row_blocks(*scaled.shape):
            yield scaled[rows].copy()
        del scaled  # before there is another one


def _score(prediction: Prediction, channel: int) -> float:
    """The mean probability inside a category's mask; 0 of an empty one."""
    total, count = 0.0, 0
    for columns, probability in prediction.blocks(channel):
        inside = probability[prediction.mask[channel][:, columns]]
        total, count = total + float(inside.sum(dtype=np.float64)), count + len(inside)
    return total / count if count else 0.0


def _category_names(categories: Sequence[str], stem: str, ending: str) -> dict[str, str]:
    """File names by category; category names come from users' files and may hold anything."""
    slugs = _numbered([re.sub(r"[^A-Za-z0-9-]+", "-", name).strip("-") or "category" for name in categories])
    return {name: f"{stem}_{slug}_{ending}.png" for name, slug in zip(categories, slugs, strict=True)}


def _numbered(names: Sequence[str]) -> list[str]:
    result: list[str] = []
    for name in names:
        candidates = (name, *(f"{name}-{number}" for number in range(2, len(names) + 2)))
        result.append(next(candidate for candidate in candidates if candidate not in result))
    return result


def write_file(path: Path, writer: Callable[[Path, Any], None], content: Any) -> None:
    """Write by one of `lvcnet.files`' writers.

    Raises:
        LvcnetError: if the file cannot be written.
    """
    try:
        writer(path, content)
    except OSError as error:
        raise LvcnetError(f"{path} cannot be written: {error.strerror or error}") from None
