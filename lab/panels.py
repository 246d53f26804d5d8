"""Pictures for the side-by-side viewer: one image, what a method makes of it, and a window that all panels share.

Symbols: S side of the image in pixels, C categories.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from lab import overlays
from lab.palette import LABEL_COLOURS
from lab.pictures import enlarged, enlarged_mask, factor

Mode = Literal["outlines", "errors"]
SIDE = 512
GAP, HEAD = 12, 44
"""Of an exported strip: pixels between pictures, and above them for their titles."""


@dataclass(frozen=True)
class Window:
    """A square part of the image: its corner (x, y) and side in pixels."""

    x: int
    y: int
    side: int

    def cut(self, array: NDArray[np.generic]) -> NDArray[np.generic]:
        """The part of a (..., S, S) array."""
        return array[..., self.y : self.y + self.side, self.x : self.x + self.side]


def whole(size: int) -> Window:
    """All of an image."""
    return Window(0, 0, size)


def zoomed(size: int, zoom: int, centre: tuple[float, float]) -> Window:
    """The window of 1 / zoom of the image around `centre` (x, y) that lies inside of it.

    >>> zoomed(128, 4, (0, 127))
    Window(x=0, y=96, side=32)
    """
    side = max(8, size // zoom)
    x, y = (int(np.clip(round(value - side / 2), 0, size - side)) for value in centre)
    return Window(x, y, side)


def largest_error(clean: overlays.Mask, predictions: list[overlays.Mask]) -> tuple[float, float]:
    """The point (x, y) deepest inside the largest connected area where a prediction differs from the clean mask.

    Args:
        clean: (C, S, S) bool.
        predictions: one (C, S, S) mask a method.

    Returns:
        The image's centre where all agree.
    """
    size = clean.shape[-1]
    wrong = np.zeros((size, size), dtype=bool)
    for prediction in predictions:
        wrong |= (prediction ^ clean).any(axis=0)
    numbered, count = ndimage.label(wrong)
    if not count:
        return (size - 1) / 2, (size - 1) / 2
    largest = int(np.argmax(np.bincount(numbered.ravel())[1:])) + 1
    depth = ndimage.distance_transform_edt(np.pad(numbered == largest, 1))[1:-1, 1:-1]
    y, x = np.unravel_index(int(np.argmax(depth)), depth.shape)
    return float(x), float(y)


def labels_panel(
    image: NDArray[np.uint8], clean: overlays.Mask | None, noisy: overlays.Mask | None, window: Window
) -> overlays.Rgb:
    """The image with the clean outline and, over it, the noisy one."""
    picture = enlarged(window.cut(image), SIDE)
    for masks, colour in ((clean, LABEL_COLOURS["clean"]), (noisy, LABEL_COLOURS["noisy"])):
        picture = _outlined(picture, masks, colour, window, 3)
    return picture


def method_panel(
    image: NDArray[np.uint8],
    clean: overlays.Mask | None,
    prediction: overlays.Mask,
    window: Window,
    mode: Mode = "outlines",
    opacity: float = 0.4,
) -> overlays.Rgb:
    """The image with a method's outline over the clean one, or with its errors.

    Args:
        image: (S, S).
        clean: (C, S, S) bool; errors need it, without it the outline is shown.
        prediction: (C, S, S) bool.
        window: part of the image.
        mode: outlines or errors.
        opacity: of the predicted area, or of the areas missed and added.
    """
    picture = enlarged(window.cut(image), SIDE)
    if mode == "errors" and clean is not None:
        areas = [(clean & ~prediction, "missed"), (prediction & ~clean, "extra")]
    else:
        areas = [(prediction, "prediction")]
    for masks, name in areas:
        area = enlarged_mask(window.cut(masks.any(axis=0)), SIDE)
        picture = overlays.paint(picture, area, LABEL_COLOURS[name], opacity)
    picture = _outlined(picture, clean, LABEL_COLOURS["clean"], window, 4)
    return _outlined(picture, prediction, LABEL_COLOURS["prediction"], window, 2)


def strip(pictures: Mapping[str, overlays.Rgb]) -> bytes:
    """Pictures of one size side by side with their titles above, as PNG."""
    side = max(len(picture) for picture in pictures.values())
    sheet = Image.new("RGB", (len(pictures) * (side + GAP) - GAP, side + HEAD), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (title, picture) in enumerate(pictures.items()):
        left = number * (side + GAP)
        draw.text((left, 8), title, fill="black", font_size=22)
        sheet.paste(Image.fromarray(picture), (left, HEAD))
    stream = io.BytesIO()
    sheet.save(stream, "PNG")
    return stream.getvalue()


def _outlined(
    picture: overlays.Rgb, masks: overlays.Mask | None, colour: str, window: Window, width: int
) -> overlays.Rgb:
    """Outlines of the whole masks, cut afterwards: the window's border is no outline."""
    times = factor(window.side, SIDE)
    for mask in [] if masks is None else masks:
        around = np.pad(mask, width)[
            window.y : window.y + window.side + 2 * width, window.x : window.x + window.side + 2 * width
        ]
        large = np.repeat(np.repeat(around, times, axis=0), times, axis=1)
        margin = width * times
        rim = overlays.outline(large, width)[margin:-margin, margin:-margin]
        picture = overlays.paint(picture, rim, colour)
    return picture
