"""How much a method loses when its labels get worse.

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
    if BASE_LEVEL not in scores or level not in scores or not scores[BASE_LEVEL]:
        return None
    return scores[level] / scores[BASE_LEVEL]


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
