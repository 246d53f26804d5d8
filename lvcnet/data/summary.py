"""What a data set holds, in numbers: for `lvcnet data show` and the data page.

Symbols: N images, C categories.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.damage import Damaged, problem_of
from lvcnet.data.dataset import CLEAN, SPLITS, Dataset, LabelSet, comparable_masks, list_datasets
from lvcnet.data.facts import image_facts, statistics
from lvcnet.errors import LvcnetError
from lvcnet.files import digest
from lvcnet.masks.overlap import iou


def overview(dataset: Dataset) -> dict[str, Any]:
    """One row of a list of data sets; reads no masks."""
    counts = {split: len(dataset.indices(split)) for split in SPLITS}
    return {
        "name": dataset.name,
        "images": len(dataset),
        **counts,
        "size": dataset.size,
        "grid": list(dataset.grid),
        "stretched": dataset.stretched,
        "categories": dataset.categories,
        "labels": dataset.opinions(),
    }


def grid_in_words(summary: Mapping[str, Any]) -> str:
    """The working grid of a data set's `overview`, and whether its images are stretched.

    >>> grid_in_words({"grid": [64, 128], "stretched": False})
    '128 x 64'
    >>> grid_in_words({"grid": [128, 128], "stretched": True})
    '128 x 128, images stretched to it (made before proportions were kept: import again for true ones)'
    """
    height, width = summary["grid"]
    more = ", images stretched to it (made before proportions were kept: import again for true ones)"
    return f"{width} x {height}{more if summary['stretched'] else ''}"


def damaged_datasets() -> list[Damaged]:
    """Data sets and label sets that cannot be read."""
    found: list[Damaged] = []
    for name in list_datasets():
        try:
            dataset = Dataset.load(name)
        except LvcnetError as error:
            found.append(Damaged("data set", name, str(error)))
            continue
        found += damaged_labels(dataset)
    return found


def damaged_labels(dataset: Dataset) -> list[Damaged]:
    """Label sets of a data set that cannot be read; all of them are read."""
    found = [
        problem_of("label set", f"{dataset.name}/{name}", lambda name=name: dataset.labels(name))  # type: ignore[misc]
        for name in dataset.label_names()
    ]
    return [one for one in found if one is not None]


def summarise(dataset: Dataset) -> dict[str, Any]:
    """Everything worth knowing about a data set, JSON-able.

    `foreground` is the mean share of the image that each category covers in the clean labels, None where they say nothing;
    `original_sizes` are the smallest and largest [width, height]; `statistics` is about the clean labels (see
    lvcnet.data.facts). Label sets that cannot be read are under `damaged`, and nowhere else.
    """
    clean, damaged = dataset.labels(CLEAN), damaged_labels(dataset)
    broken = {one.name.removeprefix(f"{dataset.name}/") for one in damaged}
    sizes = [(item.width, item.height) for item in dataset.items]
    measured = statistics(image_facts(dataset), dataset.categories)
    return {
        **overview(dataset),
        "folder": str(dataset.folder) if dataset.folder else None,
        "fingerprint": dataset.fingerprint(),
        "original_sizes": [
            [min(side) for side in zip(*sizes, strict=True)],
            [max(side) for side in zip(*sizes, strict=True)],
        ],
        "foreground": {name: spread and spread["mean"] for name, spread in measured["foreground"].items()},
        "statistics": measured,
        "labels": [_label_row(dataset, name, clean) for name in dataset.opinions() if name not in broken],
        "damaged": [asdict(one) for one in damaged],
        "source": dataset.source,
    }


def iou_to_clean(labels: LabelSet, clean: LabelSet, rows: NDArray[np.intp]) -> float | None:
    """Mean IoU with the clean masks over the covered images among `rows` and the categories that an image has.

    As a noise level's target is defined: a category that is not in an image cannot be outlined badly there. Pixels that
    one of both ignores do not count. None if no image is covered, or none of them shows anything.
    """
    chosen = rows[labels.covered[rows] & clean.covered[rows]]
    if not len(chosen):
        return None
    ours, theirs = comparable_masks(labels, clean, chosen)
    there = theirs.any(axis=(2, 3))
    if not there.any():
        return None
    return float(iou(ours, theirs)[there].mean())


def _label_row(dataset: Dataset, name: str, clean: LabelSet) -> dict[str, Any]:
    """Coverage and agreement with the clean labels, by split."""
    labels = dataset.labels(name)
    row: dict[str, Any] = {"name": name, "family": labels.manifest.get("family")}
    for split in SPLITS:
        rows = dataset.indices(split)
        row[f"covered_{split}"] = int(labels.covered[rows].sum())
        row[f"iou_{split}"] = iou_to_clean(labels, clean, rows)
    return {**row, "outlines": _outlines_kept(labels)}


def _outlines_kept(labels: LabelSet) -> str | None:
    """Whether an export has outlines of imported files to write; None where there are none but those of the grid."""
    if labels.drawn is None:
        return None
    changed = sum(map(bool, labels.drawn.changed))
    return f"all but in {changed} images" if changed else "all"


def coverage(dataset: Dataset, name: str) -> dict[str, Any]:
    """Of how many training images a run on a label set learns, and a digest of which; part of `data` in its config.json."""
    rows = dataset.indices("train")
    keys = sorted(dataset.items[row].key for row in rows[dataset.labels(name).covered[rows]])
    return {"images": len(keys), "images_digest": digest([json.dumps(keys).encode()])}
