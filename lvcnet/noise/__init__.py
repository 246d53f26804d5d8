"""Annotations made worse, by a known amount: families of noise, each calibrated to a target IoU.

A second annotator needs no family: import that annotator's file as a label set of its own.
"""

from lvcnet.noise.boundary import markov, morphology
from lvcnet.noise.instance import box, drop, shift
from lvcnet.noise.levels import Family
from lvcnet.noise.polygon import polygon
from lvcnet.plugins import Registry

__all__ = ["FAMILIES", "Family", "create_family"]

FAMILIES: Registry[Family] = Registry(
    "noise family",
    "lvcnet.noise",
    Family,
    (
        Family("polygon", polygon, "px", 0.25, True, "hurried outline: fewer, jittered vertices (default)"),
        Family(
            "morphology", morphology, "px", 0.25, True, "dilation or erosion, one or the other for an image"
        ),
        Family("markov", markov, "px", 0.25, True, "the outline wanders in and out as a random walk"),
        Family("shift", shift, "px", 0.5, True, "objects moved, turned and scaled"),
        Family("box", box, "fraction", 1.0, False, "objects on the way to their bounding boxes"),
        Family("drop", drop, "fraction", 1.0, False, "objects missing altogether"),
    ),
)
"""Every family by its name; other packages add theirs as `lvcnet.noise`."""


def create_family(name: str) -> Family:
    """The family of noise called `name`.

    Raises:
        LvcnetError: if there is none.
    """
    return FAMILIES.find(name)
