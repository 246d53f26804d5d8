"""Names of label sets, and the noise in them: its level and family come from the manifest, never from the name.

`lvcnet noise` calls its label sets `level3` or `level3-shift`. So may anybody: an annotator whose file was imported as
`level2` drew no noise level 2, is on no curve over the levels, and stands beside no figure of the paper.
"""

import re
from collections.abc import Mapping
from typing import Any

from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.errors import LvcnetError

Manifest = Mapping[str, Any]
"""What a label set says about its origin; a run records that of the labels it learns from."""
NOISE = "noise"
"""`kind` in the manifest of label sets with noise of a known amount."""
PAPER_FAMILY = "polygon"
"""The noise of the paper, and the default: coarser outlines."""
NO_LEVEL = " (no noise level)"
"""Behind a name that promises a level which the manifest does not know."""


def level_name(level: int) -> str:
    """What the label set of a level of the default noise is called.

    >>> level_name(3)
    'level3'
    """
    return f"level{level}"


def parse(text: str) -> str:
    """The name of the label set that a word on the command line means.

    >>> [parse(text) for text in ("3", "level3", "clean", "dentist2")]
    ['level3', 'level3', 'clean', 'dentist2']
    """
    return level_name(int(text)) if text.isdecimal() else text


def chosen(dataset: Dataset, text: str) -> str:
    """The label set of a data set that a word on the command line means: a number is a noise level, all else a name.

    Whether there is one of that name is left to who opens it.

    Raises:
        LvcnetError: if a number was given, and what has the level's name has another origin.
    """
    name = parse(text)
    if name == text or name not in dataset.label_names():
        return name
    if level_of(name, dataset.manifest(name)) is None:
        raise LvcnetError(
            f"label set {name!r} of data set {dataset.name!r} is not noise level {text}: give its name, {name}, if it is"
            " what you mean"
        )
    return name


def level_of(name: str, manifest: Manifest) -> int | None:
    """The noise level of a label set: 0 for the clean labels, None for what is not of a level, whatever its name.

    >>> level_of("clean", {}), level_of("rough", {"kind": "noise", "level": 3}), level_of("level2", {"kind": "import"})
    (0, 3, None)
    """
    if name == CLEAN:
        return 0
    level = manifest.get("level") if manifest.get("kind") == NOISE else None
    return level if isinstance(level, int) else None


def is_paper_noise(name: str, manifest: Manifest) -> bool:
    """Whether a label set lies on the paper's scale: clean, or a level of the default family in all images, unbiased.

    >>> noise = {"kind": "noise", "family": "polygon", "level": 3}
    >>> is_paper_noise("level3", noise), is_paper_noise("level3-shift", {**noise, "family": "shift"})
    (True, False)
    """
    if level_of(name, manifest) is None:
        return False
    plain = not manifest.get("bias") and manifest.get("fraction", 1.0) == 1.0
    return name == CLEAN or (manifest.get("family") == PAPER_FAMILY and plain)


def shown(name: str, manifest: Manifest) -> str:
    """A label set's name where it stands beside others, with a word where it promises a level.

    >>> shown("level2", {"kind": "import"}), shown("dentist2", {"kind": "import"})
    ('level2 (no noise level)', 'dentist2')
    """
    promised = re.fullmatch(r"level(\d+)", name)
    return name + (NO_LEVEL if promised and level_of(name, manifest) is None else "")


def title(name: str, manifest: Manifest, label_iou: float | None = None) -> str:
    """A label set in words, with its IoU where it is known.

    >>> title("level3", {"kind": "noise", "family": "polygon", "level": 3}, 0.82), title("clean", {}, 1.0)
    ('Level 3 (label IoU 0.82)', 'Clean')
    """
    if name == CLEAN:
        return "Clean"
    level = level_of(name, manifest)
    of_level = level is not None and name == level_name(level) and is_paper_noise(name, manifest)
    end = "" if label_iou is None else f" (label IoU {label_iou:.2f})"
    return (f"Level {level}" if of_level else shown(name, manifest)) + end
