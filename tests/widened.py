"""Labels whose outlines all lie outside, for tests of what is measured, said and moved back."""

from dataclasses import replace
from typing import Any

import numpy as np

from lvcnet.data.dataset import CLEAN, Dataset, LabelSet
from lvcnet.masks.geometry import signed_distance


def widened(dataset: Dataset, px: float, name: str = "wide", **changes: Any) -> LabelSet:
    """A label set: the clean outlines, moved outwards by so many pixels of the working grid."""
    clean = dataset.labels(CLEAN)
    masks = np.array([[signed_distance(mask) > -px for mask in image] for image in clean.masks])
    return replace(clean, name=name, masks=masks, **changes)
