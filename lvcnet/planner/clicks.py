"""What outlines cost: the clicks (polygon vertices) that a person sets to draw a label set.

Only the default noise family draws outlines whose vertices can be counted: it keeps of the clean outline what
Douglas-Peucker keeps at its strength. Clicks are those vertices, counted on the clean outlines of the training images,
objects and holes together. The other families move pixels, and a bias is not a matter of clicks: they cost nothing that
could be counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.data.naming import PAPER_FAMILY, title
from lvcnet.errors import LvcnetError
from lvcnet.noise.levels import Mask
from lvcnet.noise.polygon import count_vertices

CLEAN_TOLERANCE = 0.5
"""Tolerance in px at which a clean outline counts as drawn exactly: half a pixel, the outline's own uncertainty. On the
demo data such outlines still have IoU .99 with the mask; twice as many vertices would only follow the pixels' stairs."""


@dataclass(frozen=True)
class Outlines:
    """How a label set is drawn.

    Attributes:
        labels: its name.
        clicks: vertices of all outlines of an image, mean over the training images.
        tolerance: how far, in px of the working grid, an outline may stray from the clean one between two clicks.
        title: the label set in words.
    """

    labels: str
    clicks: float
    tolerance: float
    title: str


def not_counted(labels: str, manifest: Mapping[str, Any]) -> str | None:
    """Why the clicks of a label set cannot be counted; None where they can.

    Args:
        labels: its name.
        manifest: what it was made with.

    >>> not_counted("clean", {}), not_counted("level2-shift", {"family": "shift", "strength": 2.0})
    (None, 'noise family shift does not draw outlines')
    """
    if labels == CLEAN:
        return None
    family = manifest.get("family")
    if family is None or manifest.get("strength") is None:
        return "its manifest does not say how its outlines were drawn"
    if family != PAPER_FAMILY:
        return f"noise family {family} does not draw outlines"
    if manifest.get("bias"):
        return "its outlines are biased, which is not a matter of clicks"
    if manifest.get("fraction", 1.0) < 1:
        return "only some of its outlines are coarse"
    return None


def outlines_of(dataset: Dataset, labels: str, manifest: Mapping[str, Any]) -> Outlines:
    """Count the clicks of a label set.

    Args:
        dataset: with clean labels of its training images.
        labels: name of the label set.
        manifest: what it was made with.

    Raises:
        LvcnetError: if they cannot be counted, or no training image has a clean outline.
    """
    if reason := not_counted(labels, manifest):
        raise LvcnetError(f"the clicks of label set {labels!r} cannot be counted: {reason}")
    rows = outlined_rows(dataset)
    tolerance = CLEAN_TOLERANCE if labels == CLEAN else float(manifest["strength"])
    clicks = float(np.mean([image_clicks(dataset.masks(CLEAN, row), tolerance) for row in rows]))
    return Outlines(labels, clicks, tolerance, title(labels, manifest))


def image_clicks(masks: Mask, tolerance: float) -> int:
    """Clicks of one image's outlines.

    Args:
        masks: (C, h, w) bool, the clean ones.
        tolerance: in px: `CLEAN_TOLERANCE`, or the strength of polygon noise.
    """
    return sum(count_vertices(mask, tolerance) for mask in masks)


def outlined_rows(dataset: Dataset) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Training images that somebody outlined: those that the clean labels cover.

    Raises:
        LvcnetError: if none of them has foreground.
    """
    clean = dataset.labels(CLEAN)
    rows = dataset.indices("train")
    rows = rows[clean.covered[rows]]
    if not clean.masks[rows].any():
        raise LvcnetError(f"data set {dataset.name!r} has no training image with a clean outline to count")
    return rows
