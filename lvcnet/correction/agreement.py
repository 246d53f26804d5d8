"""How well two annotators, or any two label sets, agree. Symbols: see `lvcnet.correction`."""

from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from lvcnet.data.dataset import Dataset, comparable_masks
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.statistics import mean_sd
from lvcnet.files import Row
from lvcnet.masks.metrics import surface_metrics
from lvcnet.masks.overlap import area_change, overlap_metrics
from lvcnet.progress import Report

BATCH = 32
MEASURES = ("dice", "iou", "distance_px")
BoolArray = NDArray[np.bool_]


def agreement(
    dataset: Dataset, first: str, second: str, split: str | None = None, report: Report | None = None
) -> Row:
    """Compare two label sets on the images that both cover.

    Args:
        dataset: the data set.
        first: a label set.
        second: another one.
        split: only this split; default all images.
        report: called with (images done, images).

    Returns:
        JSON-able: for each of `dice`, `iou` and `distance_px` (mean distance of the two outlines in pixels of the image)
        `mean` and `sd` over images; `area_bias`, the mean of (area of second - area of first) / area of first; the same
        `per_category`; `per_image`, worst Dice first.

    Raises:
        LvcnetError: if there is no such label set, both are the same, or no image is covered by both.
    """
    rows = common_rows(dataset, first, second, split)
    tables = []
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        masks = compared_masks(dataset, first, second, batch)
        tables.append(_measure(*masks, dataset.pixel_sizes(batch)))
        if report:
            report(start + len(batch), len(rows))
    values = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    images = [
        {"key": dataset.items[row].key, **{name: _mean(table[n]) for name, table in values.items()}}
        for n, row in enumerate(rows)
    ]
    return {
        "dataset": dataset.name,
        "first": first,
        "second": second,
        "split": split,
        "images": len(rows),
        **_summary({name: [image[name] for image in images] for name in values}),
        "per_category": {
            category: _summary({name: table[:, c].tolist() for name, table in values.items()})
            for c, category in enumerate(dataset.categories)
        },
        "per_image": sorted(images, key=lambda image: (image["dice"], image["key"])),
    }


def mean_disagreement(
    dataset: Dataset, first: str, second: str, split: str | None = None
) -> NDArray[np.float64]:
    """(C, H, W): share of the images in which just one of two label sets calls a pixel foreground.

    Raises:
        LvcnetError: as `agreement`.
    """
    rows = common_rows(dataset, first, second, split)
    one, two = compared_masks(dataset, first, second, rows)
    share: NDArray[np.float64] = (one != two).mean(axis=0)
    return share


def compared_masks(
    dataset: Dataset, first: str, second: str, rows: NDArray[np.intp]
) -> tuple[BoolArray, BoolArray]:
    """`comparable_masks` of two label sets by name."""
    return comparable_masks(dataset.labels(first), dataset.labels(second), rows)


def common_rows(dataset: Dataset, first: str, second: str, split: str | None = None) -> NDArray[np.intp]:
    """The images (of a split) that both label sets cover.

    Raises:
        LvcnetError: if both are the same, or there is no such image.
    """
    if first == second:
        raise LvcnetError(f"label set {first!r} agrees with itself: name two label sets")
    rows = np.arange(len(dataset)) if split is None else dataset.indices(split)
    rows = rows[dataset.labels(first).covered[rows] & dataset.labels(second).covered[rows]]
    if not len(rows):
        raise LvcnetError(
            f"no image{f' of {split}' if split else ''} of data set {dataset.name!r} is covered by both"
            f" {first!r} and {second!r}"
        )
    return rows


def _measure(
    first: BoolArray, second: BoolArray, sizes: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Measures of (N, C, H, W) masks as (N, C); the area bias is NaN where the first mask is empty."""
    overlap = overlap_metrics(first, second)
    return {
        "dice": overlap["dice"],
        "iou": overlap["iou"],
        "distance_px": surface_metrics(first, second, sizes, ["assd"])["assd"],
        "area_bias": area_change(second, first),
    }


def _summary(values: dict[str, list[float | None]]) -> Row:
    result: Row = {}
    for name in MEASURES:
        mean, sd = mean_sd([value for value in values[name] if value is not None])
        result[name] = {"mean": mean, "sd": sd}
    return {**result, "area_bias": _mean(np.array(values["area_bias"], dtype=float))}


def _mean(values: NDArray[np.float64]) -> float | None:
    """Mean of the numbers among `values`; None if there is none."""
    known = values[~np.isnan(values)]
    return fmean(known.tolist()) if len(known) else None
