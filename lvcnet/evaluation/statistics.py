"""Whether a difference is more than chance: paired bootstrap intervals, Wilcoxon tests with Holm's correction.

Symbols: n images, all compared in pairs (the same image under two methods).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wilcoxon

from lvcnet.errors import LvcnetError
from lvcnet.files import keyed_rng

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A mean with the bounds of its confidence interval."""

    mean: float
    low: float
    high: float


def paired_bootstrap(
    first: FloatArray, second: FloatArray, seed: int = 0, resamples: int = 10_000, confidence: float = 0.95
) -> Interval:
    """Percentile interval of the mean of `first - second` when images are drawn again with replacement.

    Args:
        first: (n,) one value an image.
        second: (n,) the same images under the other method.
        seed: keys the draws; equal seeds give equal intervals.
        resamples: how many times n images are drawn.
        confidence: share of the resampled means inside the interval.

    Raises:
        LvcnetError: if the two are not equally long, or empty.

    >>> paired_bootstrap(np.array([0.5, 0.75]), np.array([0.25, 0.5]))
    Interval(mean=0.25, low=0.25, high=0.25)
    """
    difference = _paired(first, second)
    rng = keyed_rng(seed, "paired bootstrap")
    draws = rng.integers(0, len(difference), (resamples, len(difference)))
    tail = (1 - confidence) / 2
    low, high = np.quantile(difference[draws].mean(1), [tail, 1 - tail])
    return Interval(float(difference.mean()), float(low), float(high))


def signed_rank(first: FloatArray, second: FloatArray) -> float:
    """Two-sided p of Wilcoxon's signed-rank test for pairs of (n,) values; 1 if no pair differs.

    Raises:
        LvcnetError: if the two are not equally long, or empty.
    """
    difference = _paired(first, second)
    if not difference.any():
        return 1.0
    return float(wilcoxon(difference).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values of several tests made together (Holm 1979), in the order given.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * float(p_values[index])))
        adjusted[index] = running
    return adjusted


def mean_sd(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean and sample standard deviation (n - 1); None instead of it for fewer than two values.

    >>> mean_sd([1.0, 3.0]), mean_sd([2.0])
    ((2.0, 1.4142135623730951), (2.0, None))
    """
    sd = float(np.std(values, ddof=1)) if len(values) >= 2 else None
    return float(np.mean(values)), sd


def _paired(first: FloatArray, second: FloatArray) -> FloatArray:
    if first.shape != second.shape or first.ndim != 1 or not len(first):
        raise LvcnetError(f"paired values need the same images: got {first.shape} and {second.shape}")
    return first - second
