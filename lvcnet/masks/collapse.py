"""Collapsed predictions: nothing, everything, or one mask for all images. From them nothing may be concluded.

Symbols: N images, C categories, H x W pixels.

A network that was trained too briefly, or that diverged, still has an IoU: predicting everything scores the share of
the image that is object. Such figures say nothing about its method. A category counts as collapsed if at least
`COLLAPSED` of the images show one of these:

- nothing: the image shows the category, and the prediction holds less than `TRACE` of what is there;
- everything: `ALL` of the image or more is predicted, and less than that is there;
- same: the prediction has IoU `SAME` or more with the mask that most images share, while the truth differs.

`evaluate_masks` counts them from the masks (`mask_facts`). Evaluations that were made before this was recorded are
judged by the means of their categories, which are exact only where every image is alike.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.masks.overlap import iou

COLLAPSED = 0.9
TRACE = 0.01
ALL = 0.95
SAME = 0.98
FEWEST = 3
"""Images from which on one mask for all of them is no coincidence."""

MARK = " †"
"""Behind a figure from which nothing is concluded."""
COLLAPSE_ADVICE = "train it for longer or with another learning rate"

BoolArray = NDArray[np.bool_]
WORDS = {"nothing": "nothing of", "everything": "everything as", "same": "the same mask of"}


def mask_facts(
    predicted: BoolArray, reference: BoolArray, counts: BoolArray, categories: Sequence[str]
) -> dict[str, dict[str, list[int]]]:
    """Category -> kind of collapse -> [images that show it, images that could].

    Args:
        predicted: (N, C, H, W) bool.
        reference: (N, C, H, W) bool.
        counts: (N, C, H, W) bool, the pixels that are measured.
        categories: C names.
    """
    facts = {}
    for number, name in enumerate(categories):
        valid = counts[:, number]
        facts[name] = _facts(predicted[:, number] & valid, reference[:, number] & valid, valid)
    return facts


def _facts(predicted: BoolArray, reference: BoolArray, valid: BoolArray) -> dict[str, list[int]]:
    """Of one category, (N, H, W)."""
    said, there = (masks.sum((1, 2)) for masks in (predicted, reference))
    pixels = np.maximum(valid.sum((1, 2)), 1)
    shown, coverable = there > 0, there < ALL * pixels
    alike, truth = _like_most(predicted), _like_most(reference)
    varies = len(predicted) >= FEWEST and float(truth.mean()) < COLLAPSED
    kinds = {
        "nothing": (shown & (said < TRACE * there), shown),
        "everything": (coverable & (said >= ALL * pixels), coverable),
        "same": (alike & varies & (said > 0), np.full(len(predicted), varies)),
    }
    return {kind: [int(found.sum()), int(could.sum())] for kind, (found, could) in kinds.items()}


def _like_most(masks: BoolArray) -> NDArray[np.bool_]:
    """(N,) whether each of (N, H, W) masks is, by `SAME`, the mask of what at least half of them hold."""
    common = masks.mean(axis=0) >= 0.5
    alike: NDArray[np.bool_] = (iou(masks, common[None]) >= SAME) & common.any()
    return alike


def collapse(evaluation: Mapping[str, Any]) -> str | None:
    """How the predictions of an evaluation collapsed, in words; None if they did not.

    >>> collapse({"masks": {"femur": {"nothing": [50, 50], "everything": [0, 50], "same": [0, 50]}}})
    "predicts nothing of 'femur' on 50 of 50 images"
    """
    found = [
        f"{WORDS[kind]} {name!r} on {seen} of {of} images"
        for name, (kind, (seen, of)) in _collapses(evaluation).items()
    ]
    return f"predicts {', '.join(found)}" if found else None


def collapsed_categories(evaluation: Mapping[str, Any] | None) -> set[str]:
    """Categories that `collapse` names; none without an evaluation."""
    return set(_collapses(evaluation)) if evaluation else set()


def _collapses(evaluation: Mapping[str, Any]) -> dict[str, tuple[str, Sequence[int]]]:
    """Category -> the first kind that holds (a mask that is empty everywhere is also the same everywhere), and its counts."""
    facts = evaluation.get("masks") or _facts_of_means(evaluation)
    return {name: kinds[0] for name, found in facts.items() if (kinds := _holding(found))}


def _holding(kinds: Mapping[str, Sequence[int]]) -> list[tuple[str, Sequence[int]]]:
    """Kinds of collapse that a category shows."""
    return [
        (kind, counts)
        for kind, counts in kinds.items()
        if kind in WORDS and counts[1] and counts[0] >= COLLAPSED * counts[1]
    ]


def _facts_of_means(evaluation: Mapping[str, Any]) -> dict[str, dict[str, list[int]]]:
    """Older evaluations hold metrics only: no true pixel was found, or all were and no background was left."""
    images = images_of(evaluation)
    facts = {}
    for name, means in (evaluation.get("per_category") or {}).items():
        iou, recall, miou = (float(means.get(metric, np.nan)) for metric in ("iou", "recall", "miou"))
        # foreground and background are averaged in mIoU: half the IoU means that the background has none
        everything = recall >= 0.999 and iou < ALL and miou - iou / 2 < (1 - ALL) / 2
        facts[name] = {
            "nothing": [images if recall <= TRACE else 0, images],
            "everything": [images if everything else 0, images],
        }
    return facts


def images_of(evaluation: Mapping[str, Any]) -> int:
    """On how many images an evaluation was made; older ones do not count them."""
    return int(evaluation.get("images", 0)) or len(evaluation.get("per_image", []))
