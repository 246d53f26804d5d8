"""Equal outlines: at how many clicks does the baseline do as well as another method does with fewer?

Symbols: R resamples, K label sets of one method, from few clicks to many.

Between two measured label sets a method's IoU runs straight over the logarithm of the clicks. The measured scores stay
as they are, also where one falls with more clicks: a number of clicks is named only if the baseline scored less with
all fewer clicks and no less with all more. Outside the measured clicks nothing is claimed but on which side the answer lies.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lvcnet.comparison.cells import BASELINE
from lvcnet.evaluation.statistics import FloatArray, percentile_bounds

Unclear = Literal["few", "mixed", "overlap"]


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
            with `most` (inf), NaN where the measured scores name no number.
        low, high: 95 % interval of `needed`, likewise.
        fewest, most: clicks between which the baseline was measured.
        unclear: why nothing can be said: `few` (the baseline was measured at one number of clicks), `mixed` (it is above
            and below the score with more clicks), `overlap` (chance explains the difference); None where something can.
    """

    point: Point
    needed: float
    low: float
    high: float
    fewest: float
    most: float
    unclear: Unclear | None = None

    def saving(self, needed: float) -> float:
        """Share of the baseline's clicks that the other method saves; negative if it needs more.

        Where `needed` is infinite this is a bound, from the clicks that were measured.
        """
        return 1 - self.point.clicks / float(np.clip(needed, self.fewest, self.most))


def equivalences(points: Sequence[Point], baseline: str = BASELINE) -> list[Equivalence]:
    """The baseline's clicks for every other point's score; none where the baseline has no point."""
    base = sorted((point for point in points if point.method == baseline), key=lambda point: point.clicks)
    return [_equivalence(base, point) for point in points if base and point.method != baseline]


def _equivalence(base: Sequence[Point], point: Point) -> Equivalence:
    clicks = np.array([one.clicks for one in base])
    fewest, most = float(clicks[0]), float(clicks[-1])
    first, last = (
        float(reached[0])
        for reached in clicks_needed(clicks, np.array([[one.score for one in base]]), np.array([point.score]))
    )
    touched = first == -np.inf and point.score >= min(one.score for one in base)
    if fewest == most or first != last or touched:
        return Equivalence(point, np.nan, np.nan, np.nan, fewest, most, "few" if fewest == most else "mixed")
    # of a resample whose scores go up and down the interval takes in both ends
    firsts, lasts = clicks_needed(clicks, np.stack([one.draws for one in base], axis=1), point.draws)
    low = min(first, percentile_bounds(firsts)[0])
    high = max(first, percentile_bounds(lasts)[1])
    certain = low == high if np.isinf(first) else not low <= point.clicks <= high
    return Equivalence(point, first, low, high, fewest, most, None if certain else "overlap")


def clicks_needed(
    clicks: FloatArray, scores: FloatArray, targets: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Two (R,) arrays: the clicks at which each of R curves first reaches its target, and from which on it stays there.

    Args:
        clicks: (K,) rising.
        scores: (R, K), straight over log(clicks) in between.
        targets: (R,).

    Returns:
        -inf where it is above the target from the first score on, inf where no score reaches it, or the last does not.

    >>> first, last = clicks_needed(np.array([10.0, 40.0]), np.array([[0.5, 1.0]] * 3), np.array([0.25, 0.75, 1.25]))
    >>> first.round(1)
    array([-inf,  20.,  inf])
    >>> clicks_needed(np.array([10.0, 40.0]), np.array([[0.5, 0.25]]), np.array([0.375]))
    (array([-inf]), array([inf]))
    """
    reached = scores >= targets[:, None]
    count = len(clicks)
    first = np.where(reached.any(axis=1), reached.argmax(axis=1), count)
    last = count - np.where((~reached).any(axis=1), (~reached)[:, ::-1].argmax(axis=1), count)
    return _crossing(clicks, scores, targets, first), _crossing(clicks, scores, targets, last)


def _crossing(
    clicks: FloatArray, scores: FloatArray, targets: FloatArray, right: NDArray[np.intp]
) -> FloatArray:
    """Where R curves cross their targets on the way to the label set `right`, (R,) of 0 (at once) to K (never)."""
    rows = np.arange(len(targets))
    inner = np.clip(right, min(1, len(clicks) - 1), len(clicks) - 1)
    before = np.maximum(inner - 1, 0)
    rise = scores[rows, inner] - scores[rows, before]
    share = np.clip((targets - scores[rows, before]) / np.where(rise > 0, rise, 1.0), 0.0, 1.0)
    needed: FloatArray = np.exp(np.log(clicks[before]) + share * np.log(clicks[inner] / clicks[before]))
    needed[right == 0] = np.where(scores[:, 0] > targets, -np.inf, clicks[0])[right == 0]
    needed[right == len(clicks)] = np.inf
    return needed
