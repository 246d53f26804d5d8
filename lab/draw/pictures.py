"""Pictures of a data set for the screen: a radiograph with the outlines of its label sets.

Symbols: C categories, h x w an image on the working grid, without padding.
"""

from collections.abc import Sequence
from html import escape

import cv2
import numpy as np

from lvcnet.data.dataset import CLEAN, Dataset, LabelSet
from lvcnet.drawing import overlays
from lvcnet.drawing.palette import LABEL_COLOURS, category_colours

SIDE = 384
"""Least side of a picture in pixels."""


def with_outlines(dataset: Dataset, labels: LabelSet, row: int, side: int = SIDE) -> overlays.Rgb:
    """One image with a tinted area and an outline for every category; an image that is not covered stays bare."""
    picture = enlarged(dataset.image(row), side)
    if not labels.covered[row]:
        return picture
    colours = category_colours(len(dataset.categories))
    for mask, colour in zip(labels.masks[(row, slice(None), *dataset.place(row))], colours, strict=True):
        large = enlarged_mask(mask, side)
        picture = overlays.paint(picture, large, colour, 0.2)
        picture = overlays.paint(picture, overlays.outline(large, 2), colour)
    return picture


def clean_and_noisy(
    dataset: Dataset, noisy: overlays.Mask | None, row: int, side: int = SIDE
) -> overlays.Rgb:
    """One image with the clean outlines and, over them, those of the (C, h, w) noisy masks; None: not labelled."""
    picture = enlarged(dataset.image(row), side)
    for masks, colour in ((clean_masks(dataset, row), "clean"), (noisy, "noisy")):
        for mask in [] if masks is None else masks:
            outline = overlays.outline(enlarged_mask(mask, side), 2)
            picture = overlays.paint(picture, outline, LABEL_COLOURS[colour])
    return picture


def disagreement(dataset: Dataset, noisy: overlays.Mask | None, row: int, side: int = SIDE) -> overlays.Rgb:
    """One image with what the (C, h, w) noisy masks miss and what they add, and the clean outlines."""
    picture = enlarged(dataset.image(row), side)
    clean = clean_masks(dataset, row)
    if clean is None:
        return picture
    if noisy is not None:
        for wrong, name in ((clean & ~noisy, "missed"), (noisy & ~clean, "extra")):
            area = enlarged_mask(wrong.max(axis=0), side)
            picture = overlays.paint(picture, area, LABEL_COLOURS[name], 0.65)
    for mask in clean:
        outline = overlays.outline(enlarged_mask(mask, side), 2)
        picture = overlays.paint(picture, outline, LABEL_COLOURS["clean"])
    return picture


def clean_masks(dataset: Dataset, row: int) -> overlays.Mask | None:
    """(C, h, w) clean masks of an image; None where no clean label covers it."""
    clean = dataset.labels(CLEAN)
    return dataset.masks(CLEAN, row) if clean.covered[row] else None


def enlarged(image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], side: int) -> overlays.Rgb:
    """A grey image (h, w) as RGB whose longer side has at least `side` pixels, smoothly enlarged by a whole factor."""
    times = factor(max(image.shape), side)
    size = (times * image.shape[1], times * image.shape[0])
    return overlays.to_rgb(np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), np.uint8))


def enlarged_mask(mask: overlays.Mask, side: int) -> overlays.Mask:
    """A mask (h, w) enlarged by the same factor, pixel by pixel: outlines stay where the labels have them."""
    times = factor(max(mask.shape), side)
    return np.repeat(np.repeat(mask, times, axis=0), times, axis=1)


def factor(size: int, side: int) -> int:
    """Least whole number by which `size` pixels reach `side`.

    >>> factor(128, 384), factor(100, 384), factor(512, 384)
    (3, 4, 1)
    """
    return max(1, -(-side // size))


def legend(entries: Sequence[tuple[str, str]]) -> str:
    """(title, colour) pairs as one line of HTML with coloured strokes.

    >>> legend([("Clean label", "#009E73")])
    '<span style="white-space:nowrap"><span style="color:#009E73" aria-hidden="true">▬</span> Clean label</span>'
    """
    return "&emsp; ".join(
        f'<span style="white-space:nowrap"><span style="color:{colour}" aria-hidden="true">▬</span> {escape(title)}</span>'
        for title, colour in entries
    )
