"""The noise levels (1 to 4 are the paper's, 5 is coarser than any of them), and what a family of noise is.

Symbols: H, W image size in pixels.

A level is a target: the mean IoU of the noisy with the clean masks. A family is a way to make a mask worse; how
much worse is its strength, which `calibrate` chooses so that the target is met.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lvcnet.data.naming import PAPER_FAMILY
from lvcnet.errors import LvcnetError

Mask = NDArray[np.bool_]

LEVEL_TARGETS: dict[int, float] = {1: 0.96, 2: 0.90, 3: 0.82, 4: 0.72, 5: 0.60}
"""Target mean IoU of the noisy with the clean training masks, by level."""


@dataclass(frozen=True)
class Family:
    """One way to make annotations worse.

    Attributes:
        name: key in the registry, part of label set names.
        apply: `(mask (H, W) bool, strength, rng, bias) -> (H, W) bool`. Strength 0 changes nothing, and the same
            generator state gives the same draws at every strength, so that IoU falls smoothly as strength grows.
        unit: of the strength, `px` or `fraction`.
        limit: largest strength; times the image's longer side when the unit is `px`.
        biasable: whether `bias` (-1 always shrinks, +1 always grows, 0 neither on average) applies.
        summary: one line for people.
    """

    name: str
    apply: Callable[[Mask, float, np.random.Generator, float], Mask]
    unit: str
    limit: float
    biasable: bool
    summary: str

    def max_strength(self, size: int) -> float:
        """Largest strength for images whose longer side has `size` pixels."""
        return self.limit * size if self.unit == "px" else self.limit


def levels_in_words() -> str:
    """What the numbers of the levels mean.

    >>> levels_in_words()  # doctest: +ELLIPSIS
    'A noise level is a mean IoU with the clean outlines (level 1: 0.96, ..., level 4: 0.72, level 5: 0.60).'
    """
    targets = ", ".join(f"level {level}: {target:.2f}" for level, target in LEVEL_TARGETS.items())
    return f"A noise level is a mean IoU with the clean outlines ({targets})."


def default_levels(family: str) -> tuple[int, ...]:
    """The levels of a family that are made unless someone says which.

    Only the paper's family is known to reach level 5 on small structures: a box around a round object hardly goes below
    IoU .64, and a few objects dropped are a jump.

    >>> default_levels("polygon"), default_levels("box")
    ((1, 2, 3, 4, 5), (1, 2, 3, 4))
    """
    return tuple(level for level in LEVEL_TARGETS if level < 5 or family == PAPER_FAMILY)


def target_of(level: int) -> float:
    """Target mean IoU of a level.

    Raises:
        LvcnetError: for an unknown level.
    """
    if level not in LEVEL_TARGETS:
        known = ", ".join(map(str, LEVEL_TARGETS))
        raise LvcnetError(f"noise level {level} does not exist: choose one of {known}, or give a target IoU")
    return LEVEL_TARGETS[level]
