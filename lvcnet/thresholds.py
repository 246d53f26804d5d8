"""From which probability on a pixel belongs to the object: written once, here."""

from lvcnet.errors import LvcnetError

THRESHOLD = 0.5
"""Where the object is at least as probable as the background."""


def check_threshold(threshold: float) -> float:
    """The threshold, if it can be one; 0 would make an object of every pixel.

    Raises:
        LvcnetError: if it is not above 0 and at most 1.

    >>> check_threshold(1)
    1.0
    """
    if not 0 < threshold <= 1:
        raise LvcnetError(f"threshold {threshold:g} is out of range: give a probability above 0 and up to 1")
    return float(threshold)
