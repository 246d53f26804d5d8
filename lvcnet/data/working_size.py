"""How large the working grid has to be: the thinnest common structure gets enough pixels, and no more than that is paid for.

The constants were set on the phantom, mandible, chest and ultrasound at 128 px: their thinnest common structures are 31, 22,
36 and 13 px thick there, and all of them are learned (docs/training-plan.md).
"""

import math

ENOUGH = 8.0
"""Pixels across the thinnest common structure: an outline that errs by one pixel on both sides leaves three quarters of it."""
LEAST, MOST = 128, 256
"""Of the working size. A step costs four times as much at twice the size."""
STEP = 32
"""The networks halve their images up to five times."""


def working_size(thickness: float | None, longest: int) -> int:
    """Longer side of the working grid in pixels: a multiple of 32, and beyond 128 never more than the images have.

    Args:
        thickness: of the thinnest common structure, as a share of the images' longer side; None where nothing is known.
        longest: longer side of the largest original image in pixels.

    >>> [working_size(share, 3000) for share in (0.1, 0.05, 0.01, None)], working_size(0.01, 200), working_size(0.01, 90)
    ([128, 160, 256, 128], 192, 128)
    """
    needed = ENOUGH / thickness if thickness else 0.0
    most = min(MOST, longest // STEP * STEP)
    return max(LEAST, min(most, math.ceil(needed / STEP) * STEP))
