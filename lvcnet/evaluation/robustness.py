"""How much a method loses when its labels get worse, and what that costs.

Symbols: q label quality, the mean IoU of the training labels with the clean ones; s score on clean test labels.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

BASE_LEVEL = 1


def retention(scores: Mapping[int, float], level: int) -> float | None:
    """Score at a level over the score at level 1; None where either is missing or level 1 scored 0.

    >>> retention({1: 0.8, 4: 0.4}, 4)
    0.5
    """
    return share(scores.get(level), scores.get(BASE_LEVEL))


def share(score: float | None, reference: float | None) -> float | None:
    """A score over another; None where either is missing or the reference is 0.

    >>> share(0.5, 0.8), share(0.5, None)
    (0.625, None)
    """
    return None if score is None or not reference else score / reference


def area_under_curve(quality: Sequence[float], scores: Sequence[float]) -> float | None:
    """Area under s over q (trapezoids), divided by the range of q: the mean score over that range of label quality.

    Comparable only between methods measured at the same label sets. None for fewer than two different q.

    >>> area_under_curve([0.5, 1.0], [0.5, 0.75])
    0.625
    """
    if len(set(quality)) < 2:
        return None
    order = np.argsort(quality)
    q, s = np.asarray(quality, dtype=float)[order], np.asarray(scores, dtype=float)[order]
    return float(np.trapezoid(s, q) / (q[-1] - q[0]))


def best_last_gap(rows: Sequence[Mapping[str, Any]], column: str = "test_iou") -> float | None:
    """Best epoch's score minus the last epoch's: how much was unlearned by memorising noise.

    Args:
        rows: the lines of metrics.jsonl.
        column: score to look at; None if no row has it.

    >>> best_last_gap([{"test_iou": 0.5}, {"test_iou": 0.75}, {"test_iou": 0.5}])
    0.25
    """
    scores = [float(row[column]) for row in rows if row.get(column) is not None]
    return max(scores) - scores[-1] if scores else None


def step_seconds(rows: Sequence[Mapping[str, Any]], batch: int) -> float | None:
    """Seconds a training step took, median over the epochs; None if no row says how fast it went.

    Args:
        rows: the lines of metrics.jsonl.
        batch: images a step; with fewer training images than that the result is too long.

    >>> step_seconds([{"images_per_second": 8.0}, {"images_per_second": 32.0}, {"images_per_second": 16.0}], 16)
    1.0
    """
    speeds = [float(row["images_per_second"]) for row in rows if row.get("images_per_second")]
    return batch / float(np.median(speeds)) if speeds else None
