"""Whether a difference is more than chance: paired bootstrap intervals, Wilcoxon tests with Holm's correction.

Symbols: S seeds (trainings) and n images, all compared in pairs: the same seed and image under two methods.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    """Percentile interval of the mean of `first - second` when trainings and images are drawn again.

    Drawn as in `resampled_means`, of the differences.

    Args:
        first: (n,) one value an image, or (S, n).
        second: the same images and seeds under the other method.
        seed: keys the draws; equal seeds give equal intervals.
        resamples: how many times seeds and images are drawn.
        confidence: share of the resampled means inside the interval.

    Raises:
        LvcnetError: if the two differ in shape, or are empty.

    >>> paired_bootstrap(np.array([0.5, 0.75]), np.array([0.25, 0.5]))
    Interval(mean=0.25, low=0.25, high=0.25)
    """
    difference = np.atleast_2d(_paired(first, second))
    means = resampled_means(difference, seed, resamples)
    return Interval(float(difference.mean()), *percentile_bounds(means, confidence))


def resampled_means(values: FloatArray, seed: int = 0, resamples: int = 10_000) -> FloatArray:
    """(resamples,) means of (S, n) values when trainings and images are drawn again.

    Every seed is measured on the same images, so the two are crossed: a resample draws S seeds and, independently, n
    images, both with replacement, and takes the mean of the S x n values drawn. With one seed it is the bootstrap over
    images and says nothing about another training.

    A bootstrap over few units is too narrow: its variance is that of the mean times (S - 1) / S, a third too small for
    three seeds. So the seeds' deviations from their mean are widened by sqrt(S / (S - 1)) (Rao and Wu, JASA 1988), which
    makes the variance right. Images are many and need no such care.

    Args:
        values: (S, n).
        seed: keys the draws: of two arrays with the same n images, the same images are drawn.
        resamples: how many times seeds and images are drawn.
    """
    seeds, images = values.shape
    by_image = values.mean(0)
    # Deviations of the seeds from what they have in common, an image.
    widened = (values - by_image) * np.sqrt(seeds / max(1, seeds - 1))
    rng = keyed_rng(seed, "paired bootstrap")
    drawn_images = rng.integers(0, images, (resamples, images))
    shares = rng.multinomial(seeds, np.full(seeds, 1 / seeds), resamples) / seeds
    means: FloatArray = np.take_along_axis(by_image + shares @ widened, drawn_images, axis=1).mean(1)
    return means


def percentile_bounds(draws: FloatArray, confidence: float = 0.95) -> tuple[float, float]:
    """The bounds between which the middle `confidence` of (R,) resampled values lie; values may be infinite.

    >>> percentile_bounds(np.array([-np.inf, 1.0, 2.0, 3.0, np.inf]), 0.5)
    (1.0, 3.0)
    """
    tail = (1 - confidence) / 2
    if np.isfinite(draws).all():
        low, high = np.quantile(draws, [tail, 1 - tail])
    else:  # between an infinite and a finite value there is no middle
        low, high = np.quantile(draws, [tail, 1 - tail], method="nearest")
    return float(low), float(high)


def signed_rank(first: FloatArray, second: FloatArray) -> float:
    """Two-sided p of Wilcoxon's signed-rank test for pairs of (n,) values, or of (S, n), whose seeds are averaged first.

    It is about other images under these trainings; 1 if no pair differs.

    Raises:
        LvcnetError: if the two differ in shape, or are empty.
    """
    difference = np.atleast_2d(_paired(first, second)).mean(0)
    if not difference.any():
        return 1.0
    # imported here, and not above, because it takes a second, and pages and trainers load this module for its names
    from scipy.stats import wilcoxon

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


def mean_of_known(values: Sequence[float | None]) -> float | None:
    """Mean of the values that are not None; None if there is none.

    >>> mean_of_known([1.0, None, 2.0]), mean_of_known([None])
    (1.5, None)
    """
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _paired(first: FloatArray, second: FloatArray) -> FloatArray:
    if first.shape != second.shape or first.ndim not in (1, 2) or not first.size:
        raise LvcnetError(
            f"paired values need the same images and seeds: got {first.shape} and {second.shape}, not both (n,) or (S, n)"
        )
    return first - second
