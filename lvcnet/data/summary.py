"""What a data set holds, in numbers: for `lvcnet data show` and the data page.

Symbols: N images, C categories, S working size.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.damage import Damaged, problem_of
from lvcnet.data.dataset import CLEAN, SPLITS, Dataset, LabelSet, comparable_masks, list_datasets
from lvcnet.data.facts import image_facts, statistics
from lvcnet.errors import LvcnetError


def overview(dataset: Dataset) -> dict[str, Any]:
    """One row of a list of data sets; reads no masks."""
    counts = {split: len(dataset.indices(split)) for split in SPLITS}
    return {
        "name": dataset.name,
        "images": len(dataset),
        **counts,
        "size": dataset.size,
        "categories": dataset.categories,
        "labels": dataset.opinions(),
    }


def damaged_datasets() -> list[Damaged]:
    """Data sets and label sets that cannot be read."""
    found: list[Damaged] = []
    for name in list_datasets():
        try:
            dataset = Dataset.load(name)
        except LvcnetError as error:
            found.append(Damaged("data set", name, str(error)))
            continue
        for labels in dataset.label_names():
            problem = problem_of(
                "label set",
                f"{name}/{labels}",
                lambda dataset=dataset, labels=labels: dataset.labels(labels),  # type: ignore[misc]
            )
            found += [problem] if problem is not None else []
    return found


def summarise(dataset: Dataset) -> dict[str, Any]:
    """Everything worth knowing about a data set, JSON-able.

    `foreground` is the mean share of the image that each category covers in the clean labels, None where they say nothing;
    `original_sizes` are the smallest and largest [width, height]; `statistics` is about the clean labels (see
    lvcnet.data.facts).
    """
    clean = dataset.labels(CLEAN)
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
        "labels": [_label_row(dataset, name, clean) for name in dataset.opinions()],
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
    shared, united = (ours & theirs)[there].sum(axis=(1, 2)), (ours | theirs)[there].sum(axis=(1, 2))
    return float((shared / united).mean())


def _label_row(dataset: Dataset, name: str, clean: LabelSet) -> dict[str, Any]:
    """Coverage and agreement with the clean labels, by split."""
    labels = dataset.labels(name)
    row: dict[str, Any] = {"name": name, "family": labels.manifest.get("family")}
    for split in SPLITS:
        rows = dataset.indices(split)
        row[f"covered_{split}"] = int(labels.covered[rows].sum())
        row[f"iou_{split}"] = iou_to_clean(labels, clean, rows)
    return row
