"""A prediction as files at the image's own size.

Symbols: C categories, H x W the image's own size.

    STEM_overlay.png                     the radiograph with the masks filled lightly and outlined
    STEM_CATEGORY_mask.png               8 bit, 255 inside; a file each, because categories may overlap
    STEM_CATEGORY_probability.png        16 bit, 65535 is probability 1
    predictions.json                     COCO, for all images together
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lvcnet.data.coco import masks_to_annotations
from lvcnet.data.images import read_image
from lvcnet.errors import LvcnetError
from lvcnet.files import write_atomic, write_json
from lvcnet.inference.predictor import THRESHOLD, Prediction, Predictor, Report

COCO_NAME = "predictions.json"
COLOURS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (213, 94, 0), (204, 121, 167))
"""RGB by category, repeated when there are more (Okabe and Ito: told apart without red-green vision)."""


def predict_files(
    predictor: Predictor,
    paths: Sequence[Path],
    folder: Path,
    threshold: float = THRESHOLD,
    report: Report | None = None,
) -> dict[str, Any]:
    """Segment radiograph files and write everything into `folder`, one image in memory at a time.

    Returns:
        `coco`: name of the COCO file, `predictions`: for each image the names of its files.

    Raises:
        LvcnetError: if a file is missing or unreadable, or the folder cannot be written.
    """
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise LvcnetError(f"no such file: {', '.join(missing)}; nothing was predicted")
    coco = CocoPredictions(predictor.categories, f"run {predictor.run.name}, threshold {threshold:g}")
    files: list[dict[str, Any]] = []
    for path, stem, name in zip(paths, unique_stems(paths), _file_names(paths), strict=True):
        pixels = read_image(path).pixels
        prediction = predictor.predict_image(pixels, threshold)
        files.append({"image": str(path), **write_pictures(folder, stem, pixels, prediction)})
        coco.add(name, prediction)
        if report:
            report(len(files), len(paths))
    write_json(folder / COCO_NAME, coco.content)
    return {"coco": COCO_NAME, "predictions": files}


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
    painted: NDArray[np.uint8] = np.rint(picture).astype(np.uint8)
    return painted


def write_pictures(
    folder: Path, stem: str, pixels: NDArray[np.floating], prediction: Prediction
) -> dict[str, Any]:
    """Write overlay, masks and probabilities of one image; returns their file names.

    Raises:
        LvcnetError: if the folder cannot be written.
    """
    files: dict[str, Any] = {"overlay": f"{stem}_overlay.png", "masks": {}, "probabilities": {}}
    _write_png(folder / files["overlay"], overlay(pixels, prediction.mask)[..., ::-1])
    for name, slug, mask, probability in zip(
        prediction.categories,
        _slugs(prediction.categories),
        prediction.mask,
        prediction.probability,
        strict=True,
    ):
        files["masks"][name] = f"{stem}_{slug}_mask.png"
        files["probabilities"][name] = f"{stem}_{slug}_probability.png"
        _write_png(folder / files["masks"][name], mask.astype(np.uint8) * 255)
        scaled = np.rint(np.clip(probability, 0, 1) * 65535).astype(np.uint16)
        _write_png(folder / files["probabilities"][name], scaled)
    return files


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

    def add(self, file_name: str, prediction: Prediction) -> None:
        """Add one image and an annotation for every connected part of its masks."""
        images, annotations = self.content["images"], self.content["annotations"]
        height, width = prediction.mask.shape[1:]
        number = len(images) + 1
        images.append({"id": number, "file_name": file_name, "width": width, "height": height})
        scores = {
            id: float(probability[mask].mean())
            for id, probability, mask in zip(self.ids, prediction.probability, prediction.mask, strict=True)
            if mask.any()
        }
        for annotation in masks_to_annotations(prediction.mask, number, len(annotations) + 1, self.ids):
            annotations.append({**annotation, "score": scores[annotation["category_id"]]})


def unique_stems(paths: Sequence[Path]) -> list[str]:
    """A file stem for each path, with a number behind those that would meet.

    >>> unique_stems([Path("a/hip.png"), Path("b/hip.dcm"), Path("c/knee.png")])
    ['hip', 'hip-2', 'knee']
    """
    return _numbered([path.stem for path in paths])


def _file_names(paths: Sequence[Path]) -> list[str]:
    """COCO file names must be unique: bare names, or the paths as given where bare names meet."""
    names = [path.name for path in paths]
    return names if len(set(names)) == len(names) else [path.as_posix() for path in paths]


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
