"""Which labels a method is sure to be wrong, without a threshold to choose. Symbols: see `lvcnet.correction`.

Where label and proposal disagree, one of them is wrong, and on careful labels it is mostly the proposal. Confident
learning (Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset labels", JAIR 70, 2021)
tells how sure is sure: a pixel's other class must be at least as probable as that class is, on average, where the labels
say it. A label counts as wrong when most of its disputed pixels are of this kind, and in a set of mostly wrong labels
even when not quite as many are: who draws coarsely, draws coarsely again.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.correction.judge import propose

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.floating[Any]]

MOST = 0.5
"""A label is wrong when more than this share of its disputed pixels is disputed confidently, see `surely_wrong`."""


class MeanConfidence:
    """Mean probability of either class over the pixels that are labelled so, by category; batches add up.

    Args:
        categories: C.
    """

    def __init__(self, categories: int) -> None:
        self.total = np.zeros((2, categories))
        self.pixels = np.zeros((2, categories))

    def add(self, probability: FloatArray, labels: BoolArray, valid: BoolArray) -> None:
        """Count a batch: probability of the foreground, labels, and where these say something; all (N, C, H, W)."""
        for k, (probable, labelled) in enumerate(
            ((1 - probability, valid & ~labels), (probability, valid & labels))
        ):
            self.total[k] += np.where(labelled, probable, 0).sum(axis=(0, 2, 3), dtype=np.float64)
            self.pixels[k] += labelled.sum(axis=(0, 2, 3))

    def thresholds(self) -> NDArray[np.float64]:
        """(2, C): background and foreground; 1 for a class that no pixel is labelled as."""
        return np.divide(self.total, self.pixels, out=np.ones_like(self.total), where=self.pixels > 0)


def confident_share(
    probability: FloatArray, labels: BoolArray, thresholds: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Share of an image's disputed pixels whose other class is as probable as its threshold, (N,); 0 without any.

    Args:
        probability: (N, C, H, W) of the foreground.
        labels: (N, C, H, W).
        thresholds: (2, C), of `MeanConfidence`.

    >>> labels = np.array([[[[True, True, True, False]]]])
    >>> probability = np.array([[[[0.05, 0.4, 0.9, 0.3]]]])
    >>> confident_share(probability, labels, np.array([[0.7], [0.8]])).tolist()  # .95 is as sure as .7, .6 is not
    [0.5]
    """
    disputed = propose(probability) != labels
    background, foreground = thresholds[:, :, None, None]
    sure = disputed & np.where(labels, 1 - probability >= background, probability >= foreground)
    count = disputed.sum(axis=(1, 2, 3))
    return np.divide(sure.sum(axis=(1, 2, 3)), count, out=np.zeros(len(count)), where=count > 0)


def surely_wrong(shares: FloatArray) -> BoolArray:
    """Which labels of a set are surely wrong, (N,), by the share of their disputed pixels that is disputed confidently.

    More than half of them, or, where that holds for most of the set, on average with the set's median. A few wrong labels
    among careful ones are found by the first, and nothing is assumed about the others.

    Args:
        shares: (N,), of `confident_share`.

    >>> surely_wrong(np.array([0.7, 0.7, 0.4, 0.2])).tolist()  # the median is .55: .4 is too little
    [True, True, False, False]
    >>> surely_wrong(np.array([0.9, 0.8, 0.7, 0.4, 0.2])).tolist()  # the median is .7: .4 and .7 make more than one
    [True, True, True, True, False]
    """
    if not len(shares):
        return np.zeros(0, dtype=np.bool_)
    return np.asarray(shares > min(MOST, 1 - float(np.median(shares))))
