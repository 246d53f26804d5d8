"""Where predictions go wrong most: a point to look at.

Symbols: S side of the image in pixels, C categories.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lvcnet.masks.geometry import deepest
from lvcnet.masks.parts import label_parts

Mask = NDArray[np.bool_]


def largest_error(clean: Mask, predictions: Sequence[Mask]) -> tuple[float, float] | None:
    """The point (x, y) deepest inside the largest connected area where a prediction differs from the clean mask.

    Args:
        clean: (C, S, S) bool.
        predictions: one (C, S, S) mask a method.

    Returns:
        None where all agree.
    """
    wrong = np.zeros(clean.shape[1:], dtype=bool)
    for prediction in predictions:
        wrong |= (prediction ^ clean).any(axis=0)
    numbered, count = label_parts(wrong, 4)
    if not count:
        return None
    largest = int(np.argmax(np.bincount(numbered.ravel())[1:])) + 1
    row, column = deepest(numbered == largest)
    return float(column), float(row)
