"""Of a layer that has changed, the objects that have not: each annotation that lies in these only can stay as it is.

Symbols: H, W image size, h, w its frame on the working grid, A annotations.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lvcnet.data.images import mask_to_working_grid
from lvcnet.data.importing.annotated import Shape
from lvcnet.data.outlines.shapes import painted
from lvcnet.masks.blocks import row_blocks
from lvcnet.masks.parts import EIGHT_CONNECTED, label_parts

MOST_PIXELS = 2_000_000_000
"""Drawn in all, of an image; with more of them everything is drawn anew."""


def untouched(
    shapes: Sequence[Shape], mask: NDArray[np.bool_], height: int, width: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which annotations can stay, and what is to be drawn beside them.

    An object is a connected part of what the annotations drew and of what the mask is now; it has changed if the two differ
    in a pixel of it. An annotation that reaches one, or comes near it, cannot stay, and neither can then the other
    objects in it.

    Args:
        shapes: A annotations, that made the mask what it was.
        mask: (h, w) bool, what it is.
        height: H.
        width: W.

    Returns:
        (A,) bool, and an (h, w) mask of the objects that are left.
    """
    nothing = np.zeros(len(shapes), dtype=np.bool_)
    if not shapes or len(shapes) * height * width > MOST_PIXELS:
        return nothing, mask
    before = mask_to_working_grid(painted(shapes, height, width), mask.shape)
    objects, count = label_parts(before | mask)
    reached = np.array([_reached(shape, objects, count, height, width) for shape in shapes])
    changed = np.zeros(count + 1, dtype=np.bool_)
    changed[np.unique(objects[before != mask])] = True
    while True:
        gone: NDArray[np.bool_] = np.any(reached[:, changed], axis=1)
        more: NDArray[np.bool_] = changed | np.any(reached[gone], axis=0)
        if (more == changed).all():
            return ~gone, mask & changed[objects]
        changed = more


def _reached(
    shape: Shape, objects: NDArray[np.integer], count: int, height: int, width: int
) -> NDArray[np.bool_]:
    """(count + 1,): the objects that a shape lies in or beside; the background, 0, is none."""
    inside, (down, across) = painted([shape], height, width), objects.shape
    places = np.zeros((down, across), dtype=np.bool_)
    for block in row_blocks(
        height, width
    ):  # the places of all pixels would take sixteen times the mask's memory
        rows, columns = np.nonzero(inside[block])
        places[(rows + block.start) * down // height, columns * across // width] = True
    found = np.zeros(count + 1, dtype=np.bool_)
    found[objects[ndimage.binary_dilation(places, structure=EIGHT_CONNECTED)]] = True
    found[0] = False
    return found
