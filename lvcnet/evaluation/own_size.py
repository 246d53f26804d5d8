"""Measuring at the images' own size: their files are predicted, and the truth are the outlines as they were drawn.

Symbols: N images, C categories, h x w an image's frame on the working grid, H x W its own size.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lvcnet.data.dataset import Dataset
from lvcnet.data.images import mask_to_working_grid, read_image
from lvcnet.data.outlines.layers import file_name, image_layers
from lvcnet.data.outlines.shapes import painted
from lvcnet.errors import LvcnetError
from lvcnet.frames import placed
from lvcnet.inference.predictor import Predictor
from lvcnet.masks.metrics import METRICS, image_metrics
from lvcnet.progress import Report

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]


def image_files(dataset: Dataset, rows: Sequence[int], folder: Path | None = None) -> list[Path]:
    """The files that images came from.

    Args:
        dataset: where they are from.
        rows: of the images.
        folder: that holds the files by the names of the import; by default the one they were imported from.

    Raises:
        LvcnetError: if one of them is not there.
    """
    known = dataset.source.get("images")
    if folder is None and not known:
        raise LvcnetError(
            f"data set {dataset.name!r} does not say where its image files are: name their folder with --images, or measure on"
            " the working grid (without --outlines)"
        )
    paths = [(folder or Path(str(known))) / file_name(dataset, row) for row in rows]
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise LvcnetError(
            f"image file {missing[0]} is not there ({len(missing)} of {len(paths)} are missing): name the folder of the image"
            " files with --images, or measure on the working grid (without --outlines)"
        )
    return paths


def measured_at_own_size(
    dataset: Dataset,
    labels: str,
    rows: NDArray[np.intp],
    predictor: Predictor,
    paths: Sequence[Path],
    unit: str,
    report: Report | None = None,
) -> tuple[dict[str, FloatArray], BoolArray, BoolArray, FloatArray]:
    """All metrics of some images, each at its own size; one image is held at a time.

    Args:
        dataset: where they are from.
        labels: label set that counts as truth; what was drawn of it, or its masks drawn smoothly where nothing was kept.
        rows: of the images.
        predictor: of the run; its `outlines` say where predictions end.
        paths: their files.
        unit: of distances: px, or mm.
        report: called with (done, total) images.

    Returns:
        name -> (N, C); predicted and reference masks (N, C, rows, columns) on the working grid, which tell a collapse; sizes
        (N, 2) of the images' pixels in that unit.

    Raises:
        LvcnetError: if a file cannot be read or is not of the size that it was imported with.
    """
    sizes = np.ones((len(rows), 2))
    if unit == "mm":
        sizes = np.array([dataset.items[row].spacing_mm for row in rows], dtype=float).reshape(-1, 2)
    valid = dataset.labels(labels).valid(rows)
    shape = (len(rows), len(dataset.categories))
    values = {name: np.zeros(shape) for name in METRICS}
    coarse = np.zeros((2, *shape, *dataset.grid), dtype=bool)
    drawn = image_layers(dataset, labels, rows.tolist())
    for number, (row, path, image) in enumerate(zip(rows.tolist(), paths, drawn, strict=True)):
        item, frame = dataset.items[row], (int(dataset.frames[row][0]), int(dataset.frames[row][1]))
        pixels = read_image(path).pixels
        if pixels.shape != (item.height, item.width):
            raise LvcnetError(
                f"{path} is {pixels.shape[1]}x{pixels.shape[0]}, and was {item.width}x{item.height} when it was imported: put"
                " back the file, or import again"
            )
        layers = image.layers[: len(dataset.categories)]
        truth = np.stack([painted(layer.shapes(), item.height, item.width) for layer in layers])
        counts = np.stack([_enlarged(one[: frame[0], : frame[1]], truth.shape[1:]) for one in valid[number]])
        pair = predictor.predict_image(pixels).mask & counts, truth & counts
        found = image_metrics(pair[0][None], pair[1][None], sizes=sizes[number : number + 1])
        for name, value in found.items():
            values[name][number] = value[0]
        for masks, kept in zip(pair, coarse, strict=True):
            small = np.stack([mask_to_working_grid(mask, frame) for mask in masks])
            kept[number] = placed(small, dataset.grid)
        if report:
            report(number + 1, len(rows))
    return values, coarse[0], coarse[1], sizes


def _enlarged(mask: BoolArray, size: Sequence[int]) -> BoolArray:
    """Each pixel takes the value of the working pixel under its centre."""
    return cv2.resize(mask.astype(np.uint8), (size[1], size[0]), interpolation=cv2.INTER_NEAREST) > 0
