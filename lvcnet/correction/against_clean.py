"""What a judgement is worth, where clean labels tell. Information only: nothing is chosen by it.

Symbols: see `lvcnet.correction`. Pixels are counted in histograms of 256 scores, so memory does not grow with N.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.correction.judge import propose, suspicion
from lvcnet.masks.overlap import iou

LEVELS = 256
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.floating[Any]]


class PixelRanking:
    """How well scores find wrong pixels; holds two histograms."""

    def __init__(self) -> None:
        self.wrong = np.zeros(LEVELS, dtype=np.int64)
        self.all = np.zeros(LEVELS, dtype=np.int64)

    def add(self, scores: FloatArray, wrong: BoolArray) -> None:
        """Count pixels: scores in [0, 1] (kept in 1/255), high where a label looks wrong, and whether it is."""
        steps = np.round(scores * (LEVELS - 1)).astype(np.intp)
        self.all += np.bincount(steps.ravel(), minlength=LEVELS)
        self.wrong += np.bincount(steps[wrong], minlength=LEVELS)

    def average_precision(self) -> float | None:
        """Sum over falling thresholds of precision x gain in recall; None if no pixel is wrong."""
        if not self.wrong.any():
            return None
        hits, taken = self.wrong[::-1].cumsum(), self.all[::-1].cumsum()
        precision = hits / np.maximum(taken, 1)
        return float((precision * self.wrong[::-1]).sum() / self.wrong.sum())

    def flagged(self) -> tuple[float | None, float | None]:
        """Precision and recall of the pixels whose score is above 1/2; None where there is none to count."""
        above = slice(LEVELS // 2, None)
        hits, taken, wrong = self.wrong[above].sum(), self.all[above].sum(), self.wrong.sum()
        return (float(hits / taken) if taken else None, float(hits / wrong) if wrong else None)


class CleanCheck:
    """Collects, batch by batch, what clean labels say about labels and proposals."""

    def __init__(self) -> None:
        self.suspicion = PixelRanking()
        self.before: list[float] = []
        self.after: list[float] = []

    def add(
        self, probability: FloatArray, labels: BoolArray, clean: BoolArray
    ) -> list[dict[str, float | None]]:
        """Compare (N, C, H, W) with clean masks.

        Returns:
            One dictionary an image: IoU of label and of proposal with the clean mask, mean over the categories that
            have clean foreground; None where none has.
        """
        self.suspicion.add(suspicion(probability, labels), labels != clean)
        there = clean.sum(axis=(2, 3)) > 0
        before = iou(labels, clean)
        after = iou(propose(probability), clean)
        self.before += before[there].tolist()
        self.after += after[there].tolist()
        return [
            {
                "label_clean_iou": _mean(before[n][there[n]]),
                "proposal_clean_iou": _mean(after[n][there[n]]),
            }
            for n in range(len(clean))
        ]

    def result(self) -> dict[str, float | None] | None:
        """Mean IoU of labels and of proposals with the clean masks, and how well suspicious pixels are the wrong ones.

        None if no image with clean foreground was added. The IoU is defined as `evaluation.protocol.label_iou`.
        """
        if not self.before:
            return None
        precision, recall = self.suspicion.flagged()
        return {
            "label_iou": float(np.mean(self.before)),
            "proposal_iou": float(np.mean(self.after)),
            "suspicion_average_precision": self.suspicion.average_precision(),
            "suspicion_precision": precision,
            "suspicion_recall": recall,
        }


def _mean(values: FloatArray) -> float | None:
    return float(values.mean()) if len(values) else None
