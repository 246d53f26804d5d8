"""What labels are worth, estimated without any clean label: an interval from two methods' predictions and the images' edges.

Symbols: N images, C categories, R resamples; L label, A and B the predictions of two methods that never saw it, T what the
label should be; d(X, Y) = 1 - IoU(X, Y), the Jaccard distance, which is a metric. Wanted is 1 - d(L, T).

1. Errors add up: if the three err independently, d(L, A) = d(L, T) + d(A, T) and so on, so that d(L, T) is
   (d(L, A) + d(L, B) - d(A, B)) / 2, the *excess*: two predictions that agree with each other and not with the label leave
   the label as the odd one. It is at most d(L, A) and d(L, B), which hold all of the label's errors and the method's, too.
2. Methods share errors, so not all of that is the label's. Where label and methods disagree, the images' edges side with one
   of them. If edges are right more often than wrong, they pull a true share towards one half: of the disagreement that is the
   label's fault, w, the share s that edges give to the methods tells s <= w <= 1 where s > 1/2, and 0 <= w <= s otherwise.
3. So the label's IoU lies between 1 - w_high min(d(L, A), d(L, B)) and 1 - w_low excess. Images are drawn again (bootstrap),
   all of it is computed anew, and the interval reaches from the 2.5 % quantile of the lower bounds to the 97.5 % of the upper.

Outlines that all err to one side are learned, and seen by their displacement: `lvcnet.correction.audit` takes it back from the
predictions, and where M is the label moved back, the lower bound is 1 - d(L, M) - w_high min(d(M, A), d(M, B)): by the triangle
inequality displacement and what is left add up at most.

What it cannot see: errors that the methods learned from the labels and repeat, where no edge contradicts them (objects that
are missing everywhere, an outline without an edge).
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.evaluation.statistics import percentile_bounds
from lvcnet.files import keyed_rng

FloatArray = NDArray[np.float64]
RESAMPLES = 2000
HALF = 0.5


@dataclass(frozen=True)
class Evidence:
    """What is known of every image and category, (N, C) each.

    Attributes:
        first: d(L, A).
        second: d(L, B).
        mutual: d(A, B).
        for_labels: area of disagreement in px that the edges give to the label.
        for_methods: that they give to the methods.
        shown: whether the label, or both predictions, show the category; others do not count.
        moved: d(L, M), where M is the label with a displaced outline moved back; 0 where it is not displaced.
        first_moved: d(M, A).
        second_moved: d(M, B).
    """

    first: FloatArray
    second: FloatArray
    mutual: FloatArray
    for_labels: FloatArray
    for_methods: FloatArray
    shown: NDArray[np.bool_]
    moved: FloatArray
    first_moved: FloatArray
    second_moved: FloatArray

    def of(self, categories: list[int]) -> "Evidence":
        """That of some categories."""
        return Evidence(*(value[:, categories] for value in vars(self).values()))


@dataclass(frozen=True)
class Quality:
    """The labels' IoU with what they should be.

    Attributes:
        estimate: the middle of the bounds on the images as they are.
        low: lower end of the interval.
        high: its upper end.
        images: that it rests on.
        share: of the decided disagreement, what the edges give to the methods; None where they decide nothing.
        share_low, share_high: its 95 % interval over images.
        against_labels: share of the resamples in which edges side with the methods rather than with the labels.
    """

    estimate: float
    low: float
    high: float
    images: int
    share: float | None
    share_low: float | None
    share_high: float | None
    against_labels: float

    def as_json(self) -> dict[str, Any]:
        """All fields, JSON-able."""
        return asdict(self)


def draws(images: int, seed: int = 0, resamples: int = RESAMPLES) -> FloatArray:
    """(R, N): how often each image is drawn when N are drawn with replacement."""
    rng = keyed_rng(seed, "label quality")
    return rng.multinomial(images, np.full(images, 1 / images), resamples).astype(np.float64)


def bounds(evidence: Evidence, weights: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Lower and upper bound of the labels' IoU and the share s of the methods, (R, C) each; NaN without any image.

    >>> distances = [np.full((1, 1), value) for value in (0.25, 0.25, 0.05, 1.0, 3.0)]
    >>> one = Evidence(*distances, np.ones((1, 1), bool), np.zeros((1, 1)), *distances[:2])
    >>> [float(value.item()) for value in bounds(one, np.ones((1, 1)))]  # the excess is .225; edges: .75 for the methods
    [0.75, 0.83125, 0.75]
    """
    count = weights @ evidence.shown

    def mean(values: FloatArray) -> FloatArray:
        total: FloatArray = weights @ np.where(evidence.shown, values, 0.0)
        return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)

    first, second = mean(evidence.first), mean(evidence.second)
    excess = np.clip((first + second - mean(evidence.mutual)) / 2, 0, None)
    methods = weights @ np.where(evidence.shown, evidence.for_methods, 0.0)
    decided = methods + weights @ np.where(evidence.shown, evidence.for_labels, 0.0)
    share = np.divide(methods, decided, out=np.full(methods.shape, np.nan), where=decided > 0)
    nearer = np.minimum(mean(evidence.first_moved), mean(evidence.second_moved))
    least = np.where(share > HALF, share, 0.0)
    most = np.where(share <= HALF, share, 1.0)
    low = np.clip(1 - mean(evidence.moved) - most * nearer, 0, None)
    return low, np.maximum(1 - least * excess, low), share


def estimate_quality(evidence: Evidence, seed: int = 0) -> Quality | None:
    """The interval of the labels' IoU, mean over the categories; None where no image shows one.

    Args:
        evidence: of all categories that the methods learned.
        seed: keys the draws; equal seeds give equal intervals.
    """
    images = int(evidence.shown.any(axis=1).sum())
    if not images:
        return None
    now = np.ones((1, len(evidence.shown)))
    low, high, share = (_mean(part) for part in bounds(evidence, now))
    lows, highs, shares = (_mean(part) for part in bounds(evidence, draws(len(evidence.shown), seed)))
    decided = shares[~np.isnan(shares)]
    share_low, share_high = percentile_bounds(decided) if len(decided) else (None, None)
    return Quality(
        float((low + high).item() / 2),
        percentile_bounds(lows[~np.isnan(lows)])[0],
        percentile_bounds(highs[~np.isnan(highs)])[1],
        images,
        None if np.isnan(share).all() else float(share.item()),
        share_low,
        share_high,
        float((decided > HALF).mean()) if len(decided) else HALF,
    )


def _mean(values: FloatArray) -> FloatArray:
    """(R,) means of (R, C) over the categories that are known."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)
