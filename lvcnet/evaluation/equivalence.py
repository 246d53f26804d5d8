"""Equal outlines: at how many clicks does the baseline do as well as another method does with fewer?

Symbols: R resamples, K label sets of one method, from few clicks to many.

Between two measured label sets a method's IoU runs straight over the logarithm of the clicks, and never falls with more
clicks (isotonic means). Outside the measured clicks nothing is claimed but on which side the answer lies.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lvcnet.evaluation.comparison import BASELINE
from lvcnet.evaluation.statistics import FloatArray, percentile_bounds


@dataclass(frozen=True)
class Point:
    """What one method made of one label set.

    Attributes:
        clicks: per image.
        score: foreground IoU on the clean test labels, mean over images and seeds.
        low, high: its 95 % interval.
        seeds: how many trainings.
        draws: (R,) the score when test images and trainings are drawn again; of all points the same images.
    """

    method: str
    labels: str
    clicks: float
    score: float
    low: float
    high: float
    seeds: int
    draws: FloatArray = field(repr=False, compare=False)


@dataclass(frozen=True)
class Equivalence:
    """The clicks at which the baseline does as well as another method does with its own.

    Attributes:
        point: the other method's.
        needed: the baseline's clicks per image; infinite where it is better with `fewest` (-inf) or does not get there
            with `most` (inf).
        low, high: 95 % interval of `needed`, infinite likewise.
        fewest, most: clicks between which the baseline was measured.
    """

    point: Point
    needed: float
    low: float
    high: float
    fewest: float
    most: float

    def saving(self, needed: float) -> float:
        """Share of the baseline's clicks that the other method saves; negative if it needs more.

        Where `needed` is infinite this is a bound, from the clicks that were measured.
        """
        return 1 - self.point.clicks / float(np.clip(needed, self.fewest, self.most))


def equivalences(points: Sequence[Point], baseline: str = BASELINE) -> list[Equivalence]:
    """The baseline's clicks for every other point's score; none where the baseline has no point."""
    base = sorted((point for point in points if point.method == baseline), key=lambda point: point.clicks)
    if not base:
        return []
    clicks = np.array([point.clicks for point in base])
    scores = isotonic(np.array([[point.score for point in base]]))
    draws = isotonic(np.stack([point.draws for point in base], axis=1))
    found = []
    for point in points:
        if point.method != baseline:
            needed = float(clicks_needed(clicks, scores, np.array([point.score]))[0])
            low, high = percentile_bounds(clicks_needed(clicks, draws, point.draws))
            found.append(Equivalence(point, needed, low, high, float(clicks[0]), float(clicks[-1])))
    return found


def isotonic(scores: FloatArray) -> FloatArray:
    """(R, K) scores that never fall along K, each row nearest to the given one in the least squares sense.

    >>> isotonic(np.array([[0.5, 0.75, 0.25, 1.0]]))
    array([[0.5, 0.5, 0.5, 1. ]])
    """
    count = scores.shape[1]
    result = np.full_like(scores, -np.inf)
    for first in range(count):
        means = np.cumsum(scores[:, first:], axis=1) / np.arange(1, count - first + 1)
        smallest = np.minimum.accumulate(means[:, ::-1], axis=1)[:, ::-1]
        result[:, first:] = np.maximum(result[:, first:], smallest)
    return result


def clicks_needed(clicks: FloatArray, scores: FloatArray, targets: FloatArray) -> FloatArray:
    """(R,) the fewest clicks at which each of R curves reaches its target.

    Args:
        clicks: (K,) rising.
        scores: (R, K), never falling along K; straight over log(clicks) in between.
        targets: (R,).

    Returns:
        -inf where even the first score is above the target, inf where no score reaches it.

    >>> clicks_needed(np.array([10.0, 40.0]), np.array([[0.5, 1.0]] * 3), np.array([0.25, 0.75, 1.25])).round(1)
    array([-inf,  20.,  inf])
    """
    reached = scores >= targets[:, None]
    right = (
        np.maximum(reached.argmax(axis=1), 1) if len(clicks) > 1 else np.zeros(len(targets), dtype=np.intp)
    )
    left = np.maximum(right - 1, 0)
    rows = np.arange(len(targets))
    rise = scores[rows, right] - scores[rows, left]
    share = np.clip((targets - scores[rows, left]) / np.where(rise > 0, rise, 1.0), 0.0, 1.0)
    needed: FloatArray = np.exp(np.log(clicks[left]) + share * np.log(clicks[right] / clicks[left]))
    needed[~reached[:, -1]] = np.inf
    needed[scores[:, 0] > targets] = -np.inf
    return needed
