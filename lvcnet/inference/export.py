"""A prediction as files at the image's own size.

Symbols: C categories, H x W the image's own size.

    STEM_overlay.png                     the radiograph with the masks filled lightly and outlined
    STEM_CATEGORY_mask.png               8 bit, 255 inside; a file each, because categories may overlap
    STEM_CATEGORY_probability.png        16 bit, 65535 is probability 1
    predictions.json                     COCO, for all images together
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lvcnet.data.coco import masks_to_annotations
from lvcnet.errors import LvcnetError
from lvcnet.files import write_atomic, write_json
from lvcnet.inference.predictor import Prediction

COLOURS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (213, 94, 0), (204, 121, 167))
"""RGB by category, repeated when there are more (Okabe and Ito: told apart without red-green vision)."""


@dataclass(frozen=True)
class NamedPrediction:
    """A prediction with the file it belongs to."""

    file_name: str
    stem: str
    pixels: NDArray[np.floating]
    prediction: Prediction


def overlay(
    pixels: NDArray[np.floating], masks: NDArray[np.bool_], opacity: float = 0.3
) -> NDArray[np.uint8]:
    """The radiograph with every category filled lightly and outlined.

    Args:
        pixels: (H, W) in [0, 1].
        masks: (C, H, W) bool.
        opacity: of the filling.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    grey = np.clip(pixels, 0, 1).astype(np.float32) * 255
    picture = np.repeat(grey[..., None], 3, axis=2)
    width = max(1, round(max(pixels.shape) / 400))
    kernel = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    for number, mask in enumerate(masks):
        colour = np.array(COLOURS[number % len(COLOURS)], dtype=np.float32)
        picture[mask] += opacity * (colour - picture[mask])
        padded = np.pad(mask.astype(np.uint8), width)
        inner = cv2.erode(padded, kernel)[width:-width, width:-width]
        picture[mask & (inner == 0)] = colour
    return np.rint(picture).astype(np.uint8)


def write_pictures(folder: Path, named: NamedPrediction) -> dict[str, Any]:
    """Write overlay, masks and probabilities of one image; returns their file names.

    Raises:
        LvcnetError: if the folder cannot be written.
    """
    prediction = named.prediction
    files: dict[str, Any] = {"overlay": f"{named.stem}_overlay.png", "masks": {}, "probabilities": {}}
    _write_png(folder / files["overlay"], overlay(named.pixels, prediction.mask)[..., ::-1])
    for name, slug, mask, probability in zip(
        prediction.categories,
        _slugs(prediction.categories),
        prediction.mask,
        prediction.probability,
        strict=True,
    ):
        files["masks"][name] = f"{named.stem}_{slug}_mask.png"
        files["probabilities"][name] = f"{named.stem}_{slug}_probability.png"
        _write_png(folder / files["masks"][name], mask.astype(np.uint8) * 255)
        scaled = np.rint(np.clip(probability, 0, 1) * 65535).astype(np.uint16)
        _write_png(folder / files["probabilities"][name], scaled)
    return files


def to_coco(predictions: Sequence[NamedPrediction], description: str) -> dict[str, Any]:
    """Predictions as one COCO dictionary; an annotation's score is the mean probability of its category's mask."""
    categories = predictions[0].prediction.categories if predictions else []
    ids = list(range(1, len(categories) + 1))
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, named in enumerate(predictions, start=1):
        height, width = named.pixels.shape
        images.append({"id": number, "file_name": named.file_name, "width": width, "height": height})
        mask, probability = named.prediction.mask, named.prediction.probability
        scores = {
            id: float(part[inside].mean())
            for id, part, inside in zip(ids, probability, mask, strict=True)
            if inside.any()
        }
        found = masks_to_annotations(mask, number, len(annotations) + 1, ids)
        annotations += [{**annotation, "score": scores[annotation["category_id"]]} for annotation in found]
    return {
        "info": {"description": description},
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": [
            {"id": id, "name": name, "supercategory": ""} for id, name in zip(ids, categories, strict=True)
        ],
    }


def write_coco(folder: Path, predictions: Sequence[NamedPrediction], description: str) -> str:
    """Write predictions.json; returns its name."""
    write_json(folder / "predictions.json", to_coco(predictions, description))
    return "predictions.json"


def unique_stems(paths: Sequence[Path]) -> list[str]:
    """A file stem for each path, with a number behind those that would meet.

    >>> unique_stems([Path("a/hip.png"), Path("b/hip.dcm"), Path("c/knee.png")])
    ['hip', 'hip-2', 'knee']
    """
    return _numbered([path.stem for path in paths])


def _slugs(categories: Sequence[str]) -> list[str]:
    """Category names as parts of file names; they come from users' files and may hold anything."""
    return _numbered([re.sub(r"[^A-Za-z0-9-]+", "-", name).strip("-") or "category" for name in categories])


def _numbered(names: Sequence[str]) -> list[str]:
    result: list[str] = []
    for name in names:
        candidates = (name, *(f"{name}-{number}" for number in range(2, len(names) + 2)))
        result.append(next(candidate for candidate in candidates if candidate not in result))
    return result


def _write_png(path: Path, picture: NDArray[Any]) -> None:
    encoded, content = cv2.imencode(".png", np.ascontiguousarray(picture))
    if not encoded:
        raise LvcnetError(f"{path} cannot be written as PNG")
    try:
        write_atomic(path, content.tobytes())
    except OSError as error:
        raise LvcnetError(f"{path} cannot be written: {error.strerror or error}") from None
