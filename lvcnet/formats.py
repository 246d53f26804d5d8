"""Versions of the files that the project writes, and how those of earlier versions become what this code reads.

Every such JSON file says its version under `format`; files of before that was recorded are version 0. What is read is
upgraded step by step, in memory: a file changes only when it is written anew. Files of a newer version are refused.

A change of a format: raise its version, add the upgrade from the version before, and keep a file of that version beside
tests/test_formats.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lvcnet.errors import DamagedError, LvcnetError
from lvcnet.former import method_of_a_request, methods_of_a_sweep, one_method_a_variant

KEY = "format"
MEND = "put back a copy of it"
Content = dict[str, Any]
Upgrade = Callable[[Content], Content]


def unchanged(content: Content) -> Content:
    """The upgrade where only the version was added."""
    return content


@dataclass(frozen=True)
class Format:
    """One kind of file.

    Attributes:
        what: it is, in words.
        version: that this code writes.
        upgrades: by version: what makes a content of it one of the next version.
    """

    what: str
    version: int = 1
    upgrades: Mapping[int, Upgrade] = field(default_factory=lambda: {0: unchanged})

    def stamped(self, content: Mapping[str, Any]) -> Content:
        """The content as it is written: with its version, in front."""
        return {KEY: self.version, **{name: value for name, value in content.items() if name != KEY}}

    def current(self, content: Any, path: Path) -> Content:
        """What was read from `path`, as this version writes it.

        Raises:
            DamagedError: if it is no object or says no usable version.
            LvcnetError: if its version is newer than this code.

        >>> Format("a pair", 2, {0: unchanged, 1: lambda old: {"both": [old["a"], old["b"]]}}).current(
        ...     {"format": 1, "a": 3, "b": 4}, Path("pair.json")
        ... )
        {'format': 2, 'both': [3, 4]}
        """
        if not isinstance(content, dict):
            raise DamagedError(path, f"{self.what} is a JSON object, not {content!r:.40}", MEND)
        version = content.get(KEY, 0)
        if type(version) is not int or version < 0:
            raise DamagedError(path, f"its format is {version!r:.40}, not a version", MEND)
        if version > self.version:
            raise newer(path, version, self.version)
        for older in range(version, self.version):
            content = self.upgrades[older](content)
        return self.stamped(content)


def newer(path: Path, version: int, known: int) -> LvcnetError:
    """What to raise for a file that is newer than the code which reads it."""
    return LvcnetError(f"{path} has format {version}: this version reads up to {known}; upgrade lvcnet")


DATASET = Format(
    "the head of a data set", 3, {0: unchanged, 1: unchanged, 2: lambda old: {"stretched": True, **old}}
)
"""Version 2 has a checksum of the images; what is older has none until it is saved again or `lvcnet doctor --mend` adds it.
Up to version 2 every image was stretched to a square."""
LABELS = Format("the head of a label set", 3, {0: unchanged, 1: unchanged, 2: unchanged})
"""Version 1 had the manifest in a file of its own, version 2 nothing of what people drew; see lvcnet.data.label_sets."""
CONFIG = Format("the configuration of a run", 3, {0: unchanged, 1: one_method_a_variant, 2: unchanged})
"""Version 1 had variants of LVC-Net that are methods now; see lvcnet.former. Version 3 may count in steps, where epochs are
null, and names the loss, which was cross-entropy before."""
STATUS = Format("the status of a run")
EVALUATION = Format("an evaluation", 2, {0: unchanged, 1: lambda old: {"unit": "grid px", **old}})
"""Version 2 has distances in pixels of the original images or in mm; before they were in pixels of the working grid."""
ABOUT = Format("what is said about a run")
CHECKPOINT = Format("what belongs to a checkpoint")
DISPLACEMENT = Format("what was measured of outlines before a training")
CORRECTION = Format("the head of a correction", 2, {0: unchanged, 1: unchanged})
"""Version 2 has checksums of every image's proposal and probability; what is older has none."""
CHANGES = Format("a change report")
REQUEST = Format("a wish for a correction", 2, {0: unchanged, 1: method_of_a_request})
ENTRY = Format("an entry of the queue")
SWEEP = Format("a sweep", 2, {0: unchanged, 1: methods_of_a_sweep})
"""Version 1 of both had variants, as the configuration of a run."""
FORMATS = (
    DATASET,
    LABELS,
    CONFIG,
    STATUS,
    EVALUATION,
    ABOUT,
    CHECKPOINT,
    DISPLACEMENT,
    CORRECTION,
    CHANGES,
    REQUEST,
    ENTRY,
    SWEEP,
)
"""All but decisions, which SQLite gives a version (lvcnet.correction.database), and snapshots (lvcnet.runs.snapshots)."""
