"""What a reviewer sees of one image: label, proposal, suspicious pixels, and the outline a decision would store.

Symbols: C categories, S working size in pixels.
"""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lab import overlays
from lab.palette import CATEGORY_COLOURS, LABEL_COLOURS
from lab.panels import SIDE, Window
from lab.pictures import enlarged, enlarged_mask, factor

LAYERS: dict[str, tuple[str, str]] = {
    "label": ("Label", LABEL_COLOURS["noisy"]),
    "proposal": ("Proposal", LABEL_COLOURS["prediction"]),
    "missed": ("Suspicious: label lacks it", LABEL_COLOURS["missed"]),
    "extra": ("Suspicious: label has it", LABEL_COLOURS["extra"]),
    "result": ("What “Take this” stores", CATEGORY_COLOURS[2]),
}
"""Title and colour of everything that is drawn over the radiograph, from below to above."""
STRONGEST = 0.75
"""Opacity of a pixel that is certainly wrong."""


def review_picture(
    image: NDArray[np.uint8],
    label: overlays.Mask,
    proposal: overlays.Mask,
    suspicion: NDArray[np.floating],
    result: overlays.Mask | None,
    window: Window,
    shown: Collection[str] = tuple(LAYERS),
) -> overlays.Rgb:
    """One radiograph with everything that helps to decide.

    Args:
        image: (S, S).
        label: (C, S, S) bool, what was drawn.
        proposal: (C, S, S) bool.
        suspicion: (C, S, S), 0 to 1.
        result: (C, S, S) bool, drawn where it is given.
        window: part of the image.
        shown: which of `LAYERS`.
    """
    picture = enlarged(window.cut(image), SIDE)
    for name, where in (("missed", ~label), ("extra", label)):
        if name in shown:
            strength = np.where(where, suspicion, 0).max(axis=0)
            picture = tint(picture, window.cut(strength), LAYERS[name][1])
    outlines = (("label", label, 4), ("proposal", proposal, 2), ("result", result, 2))
    for name, masks, thickness in outlines:
        for mask in masks if masks is not None and name in shown else []:
            edge = overlays.outline(enlarged_mask(window.cut(mask), SIDE), thickness)
            picture = overlays.paint(picture, edge, LAYERS[name][1])
    return picture


def tint(picture: overlays.Rgb, strength: NDArray[np.floating], colour: str) -> overlays.Rgb:
    """A colour laid over an enlarged picture, as opaque as (S, S) `strength` from 0 to 1 says."""
    times = factor(len(strength), SIDE)
    opacity = STRONGEST * np.repeat(np.repeat(strength, times, axis=0), times, axis=1)[:, :, None]
    mixed = (1 - opacity) * picture + opacity * np.array(overlays.rgb(colour))
    return np.rint(mixed).astype(np.uint8)


def numbered(
    picture: overlays.Rgb, boxes: Sequence[tuple[int, int, int, int]], window: Window
) -> overlays.Rgb:
    """Numbers from 1 beside boxes (left, top, right, bottom in pixels of the image), as the list of regions has them."""
    canvas = Image.fromarray(picture)
    draw = ImageDraw.Draw(canvas)
    scale = len(picture) / window.side
    for number, (left, top, right, bottom) in enumerate(boxes, start=1):
        if (
            right <= window.x
            or bottom <= window.y
            or left >= window.x + window.side
            or top >= window.y + window.side
        ):
            continue
        x = float(np.clip(((left + right) / 2 - window.x) * scale, 18, len(picture) - 18))
        y = float(np.clip((top - window.y) * scale - 18, 16, len(picture) - 16))
        draw.ellipse((x - 15, y - 15, x + 15, y + 15), fill="#111111", outline="#FFFFFF", width=2)
        draw.text((x, y), str(number), fill="#FFFFFF", anchor="mm", font_size=20)
    return np.asarray(canvas)
