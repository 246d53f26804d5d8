"""Pictures of radiographs, masks and maps: numpy in, RGB uint8 out.

Symbols: H, W image size in pixels; C categories. Images are (H, W), float in [0, 1] or uint8; masks are bool.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lvcnet.drawing.palette import DIRECTION_COLOURS, LABEL_COLOURS, rgb

Rgb = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def to_rgb(image: NDArray[Any]) -> Rgb:
    """A grey image as (H, W, 3) uint8; floats are taken as [0, 1] and clipped."""
    grey = image if image.dtype == np.uint8 else np.rint(np.clip(image, 0.0, 1.0) * 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def outline(mask: Mask, thickness: int = 1) -> Mask:
    """(H, W) bool: the pixels of the mask that are less than `thickness` steps from its edge or the image's."""
    inner = cv2.erode(
        mask.astype(np.uint8),
        cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)),
        iterations=thickness,
        borderType=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    return mask & (inner == 0)


def paint(picture: Rgb, mask: Mask, colour: str, opacity: float = 1.0) -> Rgb:
    """`picture` with `colour` laid over the pixels of the mask; opacity 0 leaves it as it is."""
    result = picture.copy()
    mixed = (1.0 - opacity) * picture[mask].astype(np.float64) + opacity * np.array(rgb(colour))
    result[mask] = np.rint(mixed).astype(np.uint8)
    return result


def masks_over(
    image: NDArray[Any], masks: Mask, colours: Sequence[str], opacity: float = 0.35, line: int | None = None
) -> Rgb:
    """Every category as a tinted area with a solid outline.

    Args:
        image: (H, W).
        masks: (C, H, W) bool; they may overlap.
        colours: C hex colours.
        opacity: of the areas, from 0 to 1.
        line: thickness of the outlines in pixels; None fits it to the image, 0 draws none.
    """
    picture = to_rgb(image)
    thickness = line_width(image.shape) if line is None else line
    for mask, colour in zip(masks, colours, strict=True):
        picture = paint(picture, mask, colour, opacity)
    if thickness > 0:
        for mask, colour in zip(masks, colours, strict=True):
            picture = paint(picture, outline(mask, thickness), colour)
    return picture


def errors_over(image: NDArray[Any], prediction: Mask, truth: Mask, opacity: float = 0.6) -> Rgb:
    """Where a prediction differs from the truth: missed and extra areas in their colours, the truth's outline.

    Args:
        image: (H, W).
        prediction: (H, W) bool.
        truth: (H, W) bool.
        opacity: of the two areas.
    """
    picture = paint(to_rgb(image), truth & ~prediction, LABEL_COLOURS["missed"], opacity)
    picture = paint(picture, prediction & ~truth, LABEL_COLOURS["extra"], opacity)
    return paint(picture, outline(truth, line_width(image.shape)), LABEL_COLOURS["clean"])


def heat(values: NDArray[Any], highest: float | None = None) -> Rgb:
    """(H, W) values from 0 to `highest` (default: their maximum) on the inferno scale; black is 0."""
    top = float(np.max(values, initial=0.0)) if highest is None else highest
    scaled = np.clip(np.nan_to_num(values) / top, 0.0, 1.0) if top > 0 else np.zeros(values.shape)
    steps = np.rint(scaled * 255).astype(np.uint8)
    return np.ascontiguousarray(cv2.applyColorMap(steps, cv2.COLORMAP_INFERNO)[:, :, ::-1])


def directions(field: NDArray[Any], longest: float | None = None) -> Rgb:
    """A vector field (2, H, W), (x, y) in pixels: colour is its direction, brightness its length; black is no motion.

    Colours run around the circle through `DIRECTION_COLOURS`.
    """
    x, y = np.nan_to_num(field[0]).astype(np.float64), np.nan_to_num(field[1]).astype(np.float64)
    length = np.hypot(x, y)
    top = float(length.max(initial=0.0)) if longest is None else longest
    quarter = (np.arctan2(y, x) / (np.pi / 2)) % 4
    first = quarter.astype(int) % 4
    share = (quarter - np.floor(quarter))[..., None]
    colours = np.array([rgb(colour) for colour in DIRECTION_COLOURS], dtype=np.float64)
    mixed = (1 - share) * colours[first] + share * colours[(first + 1) % 4]
    bright = np.clip(length / top, 0.0, 1.0) if top > 0 else np.zeros_like(length)
    return np.rint(mixed * bright[..., None]).astype(np.uint8)


def direction_wheel(side: int = 96) -> NDArray[np.uint8]:
    """The legend of `directions`, (side, side, 4): a disc of vectors from its centre, see-through around it."""
    field = np.mgrid[0:side, 0:side][::-1] - (side - 1) / 2
    inside = np.hypot(*field) <= side / 2
    return np.dstack([directions(field, side / 2), np.where(inside, 255, 0).astype(np.uint8)])


def fit(picture: Rgb, smallest: int = 512, largest: int = 1400) -> Rgb:
    """Resize for a screen: small pictures by a whole factor with visible pixels, large ones by averaging."""
    side = max(picture.shape[:2])
    if side > largest:
        height, width = (max(1, round(length * largest / side)) for length in picture.shape[:2])
        return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    factor = max(1, -(-smallest // side))
    return np.repeat(np.repeat(picture, factor, axis=0), factor, axis=1)


def reduced(image: NDArray[Any], largest: int = 1400) -> NDArray[Any]:
    """A large image at the size of a screen, so that drawing on it is quick; others as they are.

    Args:
        image: (H, W), not bool.
        largest: side in pixels that is not exceeded.
    """
    side = max(image.shape)
    if side <= largest:
        return image
    height, width = (max(1, round(length * largest / side)) for length in image.shape)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))


def reduced_masks(masks: Mask, largest: int = 1400) -> Mask:
    """Masks (C, H, W) at the size that `reduced` gives an image: inside is what is covered by half or more.

    Counted in two hundredths of a pixel's area, since numbers with a fraction would take four times the memory.
    """
    if max(masks.shape[1:]) <= largest:
        return masks
    return np.stack([reduced(mask.view(np.uint8) * np.uint8(200), largest) >= 100 for mask in masks])


def line_width(shape: Sequence[int]) -> int:
    """Thickness in pixels of an outline that is seen on an image of this (H, W).

    >>> line_width((128, 128)), line_width((2000, 1600))
    (1, 6)
    """
    return max(1, round(max(shape[:2]) / 320))
