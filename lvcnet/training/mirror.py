"""Whether an image may be mirrored left to right, and what its labels are then called.

A mirrored chest shows the right lung where the left one was. With one category for both, nothing is wrong; where left and
right are categories of their own, a label that is mirrored and keeps its name teaches that left is right.

Symbols: M images, C categories, S x S pixels.
"""

import re
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lvcnet.masks.overlap import iou

SIDES = {"left": "right", "lt": "rt", "l": "r", "lhs": "rhs", "links": "rechts"}
OTHER_SIDE = SIDES | {right: left for left, right in SIDES.items()}
CERTAIN = ("left", "right")
"""Words that mean a side even where no category has the other one: L may be anything."""
MARGIN = 0.1
"""By how much IoU another category must fit better than the mirrored one itself; less is chance."""


def mirrored_names(categories: Sequence[str], masks: NDArray[np.bool_]) -> list[int] | None:
    """Which category each one becomes when its image is mirrored; None where images must not be mirrored.

    `left lung` becomes `right lung`, where the masks of the two really change places. Names that tell a side without the
    other side being there, or without changing places (the left ventricle stays one in the mirror), forbid mirroring,
    and so do categories that change places without telling by their names, such as lungs that are called 1 and 2.

    Args:
        categories: C names.
        masks: (M, C, S, S) bool, the training labels.

    >>> lungs = np.array([[[[1, 0, 0]], [[0, 1, 0]], [[0, 0, 1]]]], bool)
    >>> mirrored_names(["left lung", "heart", "right lung"], lungs)
    [2, 1, 0]
    >>> [mirrored_names(names, lungs) for names in (["left lung", "heart", "liver"], ["1", "2", "3"])]
    [None, None]
    """
    words = [_words(name) for name in categories]
    becomes = list(range(len(words)))
    for number, name in enumerate(words):
        other = tuple(_other_side(word) for word in name)
        if other in words:
            becomes[number] = words.index(other)
        elif any(word.startswith(CERTAIN) for word in name):
            return None
    pairs = [[number, other] for number, other in enumerate(becomes) if number < other]
    unpaired = [number for number, other in enumerate(becomes) if number == other]
    true = all(_change_places(masks[:, pair]) for pair in pairs) and not _change_places(masks[:, unpaired])
    return becomes if true else None


def _words(name: str) -> tuple[str, ...]:
    """Lower-case words of a name; `L1` stays one word.

    >>> _words("LeftLung_upper"), _words("L1")
    (('left', 'lung', 'upper'), ('l1',))
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return tuple(word.lower() for word in re.findall(r"[^\W_]+", spaced))


def _other_side(word: str) -> str:
    """The word of the other side, also at its beginning: `leftlung`; any other word as it is."""
    if word in OTHER_SIDE:
        return OTHER_SIDE[word]
    side = next((side for side in CERTAIN if word.startswith(side)), None)
    return word if side is None else OTHER_SIDE[side] + word.removeprefix(side)


def _change_places(masks: NDArray[np.bool_]) -> bool:
    """Whether two categories of (M, C, S, S) masks fit, mirrored, where the other one is and not where they are."""
    where = [channel[channel.any(axis=(1, 2))] for channel in masks.transpose(1, 0, 2, 3)]
    usual = [found.mean(axis=0) for found in where if len(found)]
    return any(
        iou(one[:, ::-1], other) > MARGIN + max(iou(one[:, ::-1], one), iou(other[:, ::-1], other))
        for one, other in combinations(usual, 2)
    )
