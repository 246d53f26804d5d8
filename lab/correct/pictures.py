"""What lies over the radiograph in the review: label, proposal, suspicious pixels, and what a decision makes of them.

Symbols: C categories, H x W pixels of the image.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lab.draw.panels import NOISY_DASH
from lab.ui.viewer import Layer, area, outline
from lvcnet.drawing.overlays import Mask
from lvcnet.drawing.palette import CATEGORY_COLOURS, LABEL_COLOURS

LEGEND: dict[str, tuple[str, str]] = {
    "label": ("Label (dashed)", LABEL_COLOURS["noisy"]),
    "proposal": ("Proposal", LABEL_COLOURS["prediction"]),
    "missed": ("Suspicious: label lacks it", LABEL_COLOURS["missed"]),
    "extra": ("Suspicious: label has it", LABEL_COLOURS["extra"]),
    "result": ("Edited or taken in part", CATEGORY_COLOURS[2]),
    "draft": ("My draft, not accepted yet", LABEL_COLOURS["clean"]),
}
"""Title and colour of everything that is drawn over the radiograph."""
DISPUTED = 0.5
"""Probability of the opposite class from which on label and proposal disagree."""
SURE = 0.75
"""Probability of the opposite class from which on a suspicious pixel is tinted twice."""
OPACITY = 0.35


def review_layers(
    label: Mask,
    proposal: Mask,
    suspicion: NDArray[np.floating],
    result: Mask | None,
    drafts: Sequence[Mask] = (),
) -> list[Layer]:
    """Everything that helps to decide, from below to above.

    Args:
        label: (C, H, W) bool, what was drawn.
        proposal: (C, H, W) bool.
        suspicion: (C, H, W), 0 to 1.
        result: (C, H, W) bool, what a decision makes of it, if that is neither label nor proposal.
        drafts: (H, W) bool each, what was drawn and not accepted yet.
    """
    layers = []
    for name, where in (("missed", ~label), ("extra", label)):
        for least in (DISPUTED, SURE):
            tinted = (where & (suspicion >= least)).max(axis=0)
            layers.append(area(tinted, LEGEND[name][1]))
    layers += [outline(mask, LEGEND["proposal"][1]) for mask in proposal]
    layers += [outline(mask, LEGEND["label"][1], NOISY_DASH) for mask in label]
    layers += [outline(mask, LEGEND["result"][1]) for mask in ([] if result is None else result)]
    layers += [outline(mask, LEGEND["draft"][1]) for mask in drafts]
    return layers


def place(box: tuple[int, int, int, int], size: tuple[int, ...]) -> str:
    """Where a box (left, top, right, bottom in pixels) lies in an image of a size (H, W), in words.

    >>> image = (128, 128)
    >>> place((2, 10, 30, 40), image), place((50, 50, 70, 70), image), place((100, 50, 120, 60), image)
    ('upper left', 'middle', 'right')
    """
    left, top, right, bottom = box
    sides = zip((top, left), (bottom, right), size, strict=True)
    thirds = [int(min(2, 3 * (low + high) / 2 // length)) for low, high, length in sides]
    words = [("upper", "", "lower")[thirds[0]], ("left", "", "right")[thirds[1]]]
    return " ".join(word for word in words if word) or "middle"
