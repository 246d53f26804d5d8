"""Folds: label sets that each leave some images out, so that no method judges a label it has learned from.

An image's key alone decides its fold, so adding an image changes no other image's fold. Folds therefore differ a
little in size, and in a very small data set one may be empty and is left out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lvcnet.data.dataset import FOLD, Dataset, LabelSet, labels_digest
from lvcnet.errors import LvcnetError
from lvcnet.files import stable_hash


@dataclass(frozen=True)
class Fold:
    """One fold.

    Attributes:
        labels: name of the label set that leaves its images out.
        rows: (n,) rows of the data set that are left out, to be judged.
    """

    labels: str
    rows: NDArray[np.intp]


def split_folds(dataset: Dataset, labels: str, folds: int) -> list[Fold]:
    """The covered training images in `folds` parts, without the empty ones.

    Raises:
        LvcnetError: for fewer than two folds, or if all images fall into one.
    """
    if folds < 2:
        raise LvcnetError(f"{folds} folds are too few: with 2 or more every image is judged by a method")
    rows = dataset.indices("train")
    rows = rows[dataset.labels(labels).covered[rows]]
    number = np.array([fold_of(dataset.items[row].key, folds) for row in rows], dtype=np.intp)
    parts = [
        Fold(f"{labels}-fold{fold + 1}of{folds}", rows[number == fold])
        for fold in range(folds)
        if (number == fold).any()
    ]
    if len(parts) < 2:
        raise LvcnetError(
            f"label set {labels!r} of data set {dataset.name!r} covers {len(rows)} training images, which fall into"
            f" {len(parts)} of {folds} folds: label more images or choose another number of folds"
        )
    return parts


def fold_of(key: str, folds: int) -> int:
    """The fold of an image, 0 to `folds` - 1, by its key."""
    return stable_hash(f"fold {key}") % folds


def add_fold_labels(dataset: Dataset, labels: str, folds: int) -> list[Fold]:
    """Store one label set a fold that covers the other folds' images; those that are up to date stay untouched.

    Raises:
        LvcnetError: as `split_folds`; if `labels` is a fold itself; if the data set ships with the project.
    """
    source = dataset.labels(labels)
    if source.manifest.get("kind") == FOLD:
        raise LvcnetError(
            f"label set {labels!r} is a fold of {source.manifest['source']!r}: correct that label set instead"
        )
    parts = split_folds(dataset, labels, folds)
    for part in parts:
        manifest = {
            "kind": FOLD,
            "source": labels,
            "source_digest": labels_digest(source),
            "left_out": [dataset.items[row].key for row in part.rows],
        }
        if part.labels in dataset.label_names():
            there = dataset.manifest(part.labels)
            if there == manifest:
                continue
            if there.get("kind") != FOLD:
                raise LvcnetError(
                    f"label set {part.labels!r} exists and is no fold: rename it, or choose another number of folds"
                )
        covered = source.covered.copy()
        covered[part.rows] = False
        masks = source.masks & covered[:, None, None, None]
        dataset.add_labels(LabelSet(part.labels, masks, covered, manifest, source.ignored))
    return parts
