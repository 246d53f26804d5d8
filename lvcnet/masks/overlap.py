"""How far two masks cover each other: the one IoU of the house, and what else is counted from the same pixels.

Symbols: N images, C categories, H x W pixels.
"""

import numpy as np
from numpy.typing import NDArray

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]


def iou(first: NDArray[np.generic], second: NDArray[np.generic]) -> FloatArray:
    """Intersection over union of (..., H, W) masks as (...); 1 where both are empty.

    Soft masks with values from 0 to 1 are compared by their minimum and maximum at each pixel, which for masks of 0 and 1
    is the same.

    >>> float(iou(np.array([[True, True, False]]), np.array([[True, False, False]])))
    0.5
    >>> float(iou(np.array([[0.5, 0.5]]), np.array([[0.5, 0.0]])))
    0.5
    """
    both = np.minimum(first, second).sum(axis=(-2, -1))
    union = np.maximum(first, second).sum(axis=(-2, -1))
    return ratio(both, union, union == 0)


def area_change(masks: BoolArray, reference: BoolArray) -> FloatArray:
    """(area - reference's area) / reference's area of (..., H, W) masks as (...); NaN where the reference is empty.

    >>> float(area_change(np.array([[True, True, True]]), np.array([[True, True, False]])))
    0.5
    """
    before, after = (part.sum(axis=(-2, -1)) for part in (reference, masks))
    change = np.full(before.shape, np.nan)
    np.divide(after - before, before, out=change, where=before > 0)
    return change


def overlap_metrics(predicted: BoolArray, reference: BoolArray) -> dict[str, FloatArray]:
    """Precision, recall, IoU, mIoU and Dice of (N, C, H, W) masks as (N, C).

    `miou` is the mean of the foreground's and the background's IoU, as in the paper's Table 1.
    """
    both = (predicted & reference).sum((2, 3), dtype=np.int64)
    in_predicted = predicted.sum((2, 3), dtype=np.int64)
    in_reference = reference.sum((2, 3), dtype=np.int64)
    pixels = predicted.shape[2] * predicted.shape[3]
    union = in_predicted + in_reference - both
    empty = union == 0
    foreground = ratio(both, union, empty)
    background = ratio(pixels - union, pixels - both, both == pixels)
    return {
        "precision": ratio(both, in_predicted, empty),
        "recall": ratio(both, in_reference, empty),
        "iou": foreground,
        "miou": (foreground + background) / 2,
        "dice": ratio(2 * both, in_predicted + in_reference, empty),
    }


def ratio(numerator: NDArray[np.number], denominator: NDArray[np.number], ones: BoolArray) -> FloatArray:
    """Quotient; 1 where `ones` says that there was nothing to find, else 0 where the denominator is 0."""
    result = np.zeros(numerator.shape)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    result[ones] = 1.0
    return result
