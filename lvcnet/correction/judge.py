"""One image's label against the opinion of a method that never saw it. Symbols: see `lvcnet.correction`."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.data.dataset import LabelSet
from lvcnet.masks.metrics import surface_metrics
from lvcnet.masks.overlap import iou
from lvcnet.masks.parts import components
from lvcnet.thresholds import THRESHOLD

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.floating[Any]]

SMALLEST_OBJECT = 9
"""Pixels, 3 x 3, from which on a region counts as an object and not as a speck."""


@dataclass(frozen=True)
class Region:
    """One 4-connected region of label and proposal together.

    Attributes:
        category: its category.
        kind: `both` drew it, or it is `missing` from the label, or `extra` in the label.
        box: left, top, right, bottom in pixels; right and bottom are outside.
        pixels: its area.
        quality: label quality over its pixels, 0 to 1.
    """

    category: str
    kind: str
    box: tuple[int, int, int, int]
    pixels: int
    quality: float


def masked_by_valid(
    probability: NDArray[np.float32], labels: LabelSet, rows: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Probability (N, C, H, W) of the images `rows`, and where a label ignores pixels the label: these are not judged."""
    return np.where(labels.valid(rows), probability, labels.masks[rows]).astype(np.float32)


def judge_batch(
    probability: FloatArray,
    labels: BoolArray,
    categories: list[str],
    sizes: NDArray[np.float64] | None = None,
) -> list[dict[str, Any]]:
    """What is worth knowing about each label of a batch, JSON-able.

    Args:
        probability: (N, C, H, W) of the foreground, by a method that did not learn from these labels.
        labels: (N, C, H, W) bool.
        categories: C names.
        sizes: (N, 2) height and width of a pixel in pixels of the original image; default 1.

    Returns:
        One dictionary an image: `quality` (of the worst category), `disagreement_px` (mean distance of the two
        outlines in pixels of the original image), `iou` of label and proposal (both mean over categories), `missing` and
        `extra` (objects), `regions`.
    """
    proposals = propose(probability)
    distances = surface_metrics(proposals, labels, sizes, ["assd"])["assd"].mean(axis=1)
    ious = iou(proposals, labels).mean(axis=1)
    rows = []
    for n in range(len(labels)):
        regions = [
            region
            for c, category in enumerate(categories)
            for region in find_regions(probability[n, c], labels[n, c], category)
        ]
        rows.append(
            {
                "quality": min(
                    label_quality(p, mask) for p, mask in zip(probability[n], labels[n], strict=True)
                ),
                "disagreement_px": float(distances[n]),
                "iou": float(ious[n]),
                "missing": sum(region.kind == "missing" for region in regions),
                "extra": sum(region.kind == "extra" for region in regions),
                "regions": [asdict(region) for region in regions],
            }
        )
    return rows


def propose(probability: FloatArray) -> BoolArray:
    """The proposed mask: where the foreground is at least as probable as the background."""
    return probability >= THRESHOLD


def label_quality(probability: FloatArray, label: BoolArray) -> float:
    """cleanlab's label quality score of some pixels: softmin of the probabilities that their labels have.

    Args:
        probability: of the foreground, (H, W) or any other shape.
        label: bool, of the same shape.

    Returns:
        0 (certainly wrong somewhere) to 1 (every pixel certainly right).

    Source: Lad and Mueller, "Estimating label quality and errors in semantic segmentation data via any model", 2023.
    """
    # imported here, and not above, because it brings pandas and scikit-learn, which take seconds, to every command
    from cleanlab.segmentation.rank import get_label_quality_scores

    foreground = probability.reshape(1, 1, -1)
    both_classes = np.stack([1 - foreground, foreground], axis=1)
    numbers = label.reshape(1, 1, -1).astype(np.int64)
    scores, _ = get_label_quality_scores(numbers, both_classes, n_jobs=1, batch_size=1, verbose=False)
    return min(float(scores[0]), 1.0)  # its weights sum to 1 up to rounding


def suspicion(probability: FloatArray, label: BoolArray) -> FloatArray:
    """How probable it is that a pixel's label is wrong; from 1/2 on, label and proposal disagree.

    It is 1 - cleanlab's score of a pixel. A blurred map, or one that is 0 where label and proposal agree, ranks errors
    worse (benchmarks/results/label-repair.md).

    >>> suspicion(np.array([0.9, 0.9, 0.25]), np.array([True, False, True])).round(2).tolist()
    [0.1, 0.9, 0.75]
    """
    return np.where(label, 1 - probability, probability)


def find_regions(probability: FloatArray, label: BoolArray, category: str) -> list[Region]:
    """The objects that label (H, W) and proposal make together, without specks."""
    proposal = propose(probability)
    regions = []
    for region in objects(label | proposal):
        pixels = int(region.sum())
        drawn, seen = bool(label[region].any()), bool(proposal[region].any())
        kind = "both" if drawn and seen else "extra" if drawn else "missing"
        rows, columns = np.nonzero(region)
        box = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
        quality = label_quality(probability[region], label[region])
        regions.append(Region(category, kind, box, pixels, quality))
    return regions


def objects(mask: BoolArray) -> list[BoolArray]:
    """The 4-connected parts of a (H, W) mask that are no specks, each as a (H, W) mask, in scan order."""
    return [part for part in components(mask) if part.sum() >= SMALLEST_OBJECT]
