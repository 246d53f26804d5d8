"""What lies over the image in the panels of the side-by-side viewer.

Symbols: S side of the image in pixels, C categories.
"""

from typing import Literal

from lab.ui import viewer
from lab.ui.viewer import Layer
from lvcnet.drawing.overlays import Mask
from lvcnet.drawing.palette import LABEL_COLOURS

Mode = Literal["outlines", "errors"]
MODES: tuple[Mode, ...] = ("outlines", "errors")
NOISY_DASH = "5 3"
"""Of the noisy outline, so that it is told from the others without its colour."""


def labels_layers(clean: Mask | None, noisy: Mask | None) -> list[Layer]:
    """The clean outlines (C, S, S) and, over them, the noisy ones."""
    return [*_outlines(clean, "clean"), *_outlines(noisy, "noisy", NOISY_DASH)]


def method_layers(
    clean: Mask | None, noisy: Mask | None, prediction: Mask, mode: Mode = "outlines"
) -> list[Layer]:
    """A method's area, or its errors, under the outlines of both labels and of its prediction.

    Args:
        clean: (C, S, S) bool; errors need it, without it the predicted area is shown.
        noisy: (C, S, S) bool, the labels in training, if they cover the image.
        prediction: (C, S, S) bool.
        mode: outlines or errors.
    """
    if mode == "errors" and clean is not None:
        areas = [(clean & ~prediction, "missed"), (prediction & ~clean, "extra")]
    else:
        areas = [(prediction, "prediction")]
    tinted = [viewer.area(masks.max(axis=0), LABEL_COLOURS[name]) for masks, name in areas]
    return [*tinted, *labels_layers(clean, noisy), *_outlines(prediction, "prediction")]


def _outlines(masks: Mask | None, name: str, dash: str = "") -> list[Layer]:
    return [viewer.outline(mask, LABEL_COLOURS[name], dash) for mask in ([] if masks is None else masks)]
