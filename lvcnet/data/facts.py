"""Facts about every image of a data set under a label set, choosing images by them, and their statistics.

Pixels that a label set leaves to be ignored are neither foreground nor background: no share and no IoU counts them.

Symbols: N images, C categories, H x W the working grid.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.data.dataset import CLEAN, SPLITS, Dataset, comparable_masks
from lvcnet.errors import LvcnetError
from lvcnet.masks.overlap import area_change, iou
from lvcnet.masks.parts import count_parts

ORDERS = {"stored": "As stored", "worst": "Worst IoU to clean first", "foreground": "Most foreground first"}
"""Orders of a selection and their titles."""


@dataclass(frozen=True)
class ImageFacts:
    """One image under a label set.

    Attributes:
        row: number in the data set.
        key: of the image.
        split: train or test.
        width: of the original image in pixels.
        height: of the original image in pixels.
        labelled: whether the label set covers the image; if not, nothing below is known.
        foreground: share that any category covers, of the pixels that count for any; None where none does.
        shares: C shares of the pixels that count, category by category (None: none counts); where categories overlap they
            sum to more than `foreground`.
        components: C numbers of 8-connected components of the foreground that counts.
        iou: with the clean masks, mean over the categories that the clean masks have; None where they have none.
        area_change: (area - clean area) / clean area, mean over the same categories.
        ignored: share of the pixels that are ignored, mean over the categories.
    """

    row: int
    key: str
    split: str
    width: int
    height: int
    labelled: bool
    foreground: float | None = None
    shares: tuple[float | None, ...] = ()
    components: tuple[int, ...] = ()
    iou: float | None = None
    area_change: float | None = None
    ignored: float = 0.0


@dataclass(frozen=True)
class Filters:
    """Which images to show; what has its default lets all pass.

    Attributes:
        split: train or test; None for both.
        labelled: only images that the label set covers (True) or does not (False).
        text: part of the key, whatever the case.
        foreground: least and most share of the image that is foreground.
        components: least and most number of components, all categories together.
        order: a key of `ORDERS`.
    """

    split: str | None = None
    labelled: bool | None = None
    text: str = ""
    foreground: tuple[float, float] = (0.0, 1.0)
    components: tuple[int, int | None] = (0, None)
    order: str = "stored"

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            LvcnetError: for an unknown split or order, or a range from large to small.
        """
        if self.split not in (None, *SPLITS):
            raise LvcnetError(f"split {self.split!r} does not exist: choose one of {', '.join(SPLITS)}")
        if self.order not in ORDERS:
            raise LvcnetError(f"order {self.order!r} does not exist: choose one of {', '.join(ORDERS)}")
        low, high = self.foreground
        if not 0 <= low <= high <= 1:
            raise LvcnetError(f"foreground {low:g} to {high:g}: give shares from 0 to 1, the smaller first")
        least, most = self.components
        if least < 0 or (most is not None and most < least):
            raise LvcnetError(f"components {least} to {most}: give numbers from 0 up, the smaller first")

    def accepts(self, one: ImageFacts) -> bool:
        """Whether an image passes; one without labels passes no limit on what is labelled."""
        low, high = self.foreground
        least, most = self.components
        within = (low <= 0 and high >= 1) or (one.foreground is not None and low <= one.foreground <= high)
        parts = sum(one.components)
        counted = (least <= 0 and most is None) or (
            one.labelled and least <= parts and (most is None or parts <= most)
        )
        return (
            self.split in (None, one.split)
            and self.labelled in (None, one.labelled)
            and self.text.strip().lower() in one.key.lower()
            and within
            and counted
        )


def image_facts(dataset: Dataset, labels_name: str = CLEAN) -> list[ImageFacts]:
    """Facts about all N images under a label set, in the order of the data set.

    Raises:
        LvcnetError: if there is no such label set.
    """
    labels, clean = dataset.labels(labels_name), dataset.labels(CLEAN)
    facts = []
    for row, item in enumerate(dataset.items):
        head = (row, item.key, item.split, item.width, item.height)
        if not labels.covered[row]:
            facts.append(ImageFacts(*head, labelled=False))
            continue
        valid = labels.valid(np.array([row]))[0]
        masks = labels.masks[row] & valid
        overlap: tuple[float | None, float | None] = (None, None)
        if clean.covered[row]:
            ours, theirs = comparable_masks(labels, clean, np.array([row]))
            overlap = iou_and_area_change(ours[0], theirs[0])
        facts.append(
            ImageFacts(
                *head,
                True,
                _share(masks.any(axis=0), valid.any(axis=0)),
                tuple(_share(*channel) for channel in zip(masks, valid, strict=True)),
                tuple(map(count_parts, masks)),
                *overlap,
                ignored=float(1 - valid[(slice(None), *dataset.place(row))].mean()),
            )
        )
    return facts


def _share(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> float | None:
    """How much of the pixels `whole` the pixels `part`, all among them, are; None of nothing."""
    return float(part.sum() / whole.sum()) if whole.any() else None


def select(facts: Sequence[ImageFacts], filters: Filters) -> list[ImageFacts]:
    """The images that pass, in the order that the filters ask for; images without a value come last.

    Raises:
        LvcnetError: for filters that cannot be meant.
    """
    filters.check()
    chosen = [one for one in facts if filters.accepts(one)]
    if filters.order == "worst":
        chosen.sort(key=lambda one: 2.0 if one.iou is None else one.iou)
    elif filters.order == "foreground":
        chosen.sort(key=lambda one: 1.0 if one.foreground is None else -one.foreground)
    return chosen


def iou_and_area_change(
    masks: NDArray[np.bool_], clean: NDArray[np.bool_]
) -> tuple[float | None, float | None]:
    """IoU and area change of one image's (C, H, W) masks, means over the categories that the clean masks have.

    >>> clean = np.zeros((1, 4, 4), dtype=bool); clean[0, :2] = True
    >>> masks = np.zeros((1, 4, 4), dtype=bool); masks[0, :3] = True
    >>> iou_and_area_change(masks, clean)
    (0.6666666666666666, 0.5)
    """
    there = clean.any(axis=(1, 2))
    if not there.any():
        return None, None
    return float(iou(masks, clean)[there].mean()), float(area_change(masks, clean)[there].mean())


def statistics(facts: Sequence[ImageFacts], categories: Sequence[str]) -> dict[str, Any]:
    """Original sizes, foreground and components of a data set's images, JSON-able.

    `sizes` counts images by original size, the most frequent first. `foreground` has the spread of each category's share
    over the labelled images, `components` how many labelled images have how many components of it. `ignored` is the mean
    share of ignored pixels.
    """
    labelled = [one for one in facts if one.labelled]
    sizes = Counter((one.width, one.height) for one in facts)
    return {
        "labelled": len(labelled),
        "ignored": float(np.mean([one.ignored for one in labelled])) if labelled else 0.0,
        "sizes": [
            {"width": width, "height": height, "images": count}
            for (width, height), count in sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0]))
        ],
        "foreground": {
            name: _spread([share for one in labelled if (share := one.shares[channel]) is not None])
            for channel, name in enumerate(categories)
        },
        "components": {
            name: {
                str(count): images
                for count, images in sorted(Counter(one.components[channel] for one in labelled).items())
            }
            for channel, name in enumerate(categories)
        },
    }


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    low, median, high = np.quantile(values, (0.25, 0.5, 0.75)).tolist()
    return {
        "mean": float(np.mean(values)),
        "sd": float(np.std(values)),
        "min": min(values),
        "quartile1": low,
        "median": median,
        "quartile3": high,
        "max": max(values),
    }
