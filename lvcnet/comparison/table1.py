"""The form of the paper's Table 1: precision, recall and mIoU over rounds of random test images.

The paper draws 5 rounds of 50 test images; the sd says how much the choice of the images matters. With several seeds
the rounds of all of them are pooled, so that it also holds what another start of the training changes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lvcnet.evaluation.statistics import mean_sd
from lvcnet.masks.metrics import ROUND_METRICS

Evaluation = Mapping[str, Any]


def pooled_rounds(evaluations: Sequence[Evaluation]) -> dict[str, tuple[float, float | None]]:
    """Metric -> mean and sd over the rounds of all evaluations.

    >>> one = {"rounds": {name: {"values": [0.5, 0.7]} for name in ("precision", "recall", "miou")}}
    >>> mean, sd = pooled_rounds([one])["miou"]
    >>> round(mean, 3), round(sd, 3)
    (0.6, 0.141)
    """
    return {
        name: mean_sd([value for evaluation in evaluations for value in evaluation["rounds"][name]["values"]])
        for name in ROUND_METRICS
    }


def rounds_note(evaluations: Sequence[Evaluation]) -> str:
    """What the rounds were, in a sentence."""
    rounds = evaluations[0]["rounds"]
    images = f"{rounds['images']} of {rounds['of']} test images"
    return f"{rounds['rounds']} rounds of {images}"
