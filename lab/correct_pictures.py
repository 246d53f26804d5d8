"""What lies over the radiograph in the review: label, proposal, suspicious pixels, and what a decision makes of them.

Symbols: C categories, S working size in pixels.
"""

import numpy as np
from numpy.typing import NDArray

from lab.overlays import Mask
from lab.palette import CATEGORY_COLOURS, LABEL_COLOURS
from lab.panels import NOISY_DASH
from lab.viewer import Layer, area, outline

LEGEND: dict[str, tuple[str, str]] = {
    "label": ("Label (dashed)", LABEL_COLOURS["noisy"]),
    "proposal": ("Proposal", LABEL_COLOURS["prediction"]),
    "missed": ("Suspicious: label lacks it", LABEL_COLOURS["missed"]),
    "extra": ("Suspicious: label has it", LABEL_COLOURS["extra"]),
    "result": ("Edited or taken in part", CATEGORY_COLOURS[2]),
}
"""Title and colour of everything that is drawn over the radiograph."""
LIKELY, SURE = 0.5, 0.75
"""Probability of a wrong label above which a pixel is tinted, and above which it is tinted twice."""
OPACITY = 0.35


def review_layers(
    label: Mask, proposal: Mask, suspicion: NDArray[np.floating], result: Mask | None
) -> list[Layer]:
    """Everything that helps to decide, from below to above.

    Args:
        label: (C, S, S) bool, what was drawn.
        proposal: (C, S, S) bool.
        suspicion: (C, S, S), 0 to 1.
        result: (C, S, S) bool, what a decision makes of it, if that is neither label nor proposal.
    """
    layers = []
    for name, where in (("missed", ~label), ("extra", label)):
        for least in (LIKELY, SURE):
            tinted = (where & (suspicion > least)).any(axis=0)
            layers.append(area(tinted, LEGEND[name][1]))
    layers += [outline(mask, LEGEND["proposal"][1]) for mask in proposal]
    layers += [outline(mask, LEGEND["label"][1], NOISY_DASH) for mask in label]
    layers += [outline(mask, LEGEND["result"][1]) for mask in ([] if result is None else result)]
    return layers


def place(box: tuple[int, int, int, int], size: int) -> str:
    """Where a box (left, top, right, bottom in pixels) lies in an image of a size, in words.

    >>> place((2, 10, 30, 40), 128), place((50, 50, 70, 70), 128), place((100, 50, 120, 60), 128)
    ('upper left', 'middle', 'right')
    """
    left, top, right, bottom = box
    thirds = [int(min(2, 3 * (low + high) / 2 // size)) for low, high in ((top, bottom), (left, right))]
    words = [("upper", "", "lower")[thirds[0]], ("left", "", "right")[thirds[1]]]
    return " ".join(word for word in words if word) or "middle"
