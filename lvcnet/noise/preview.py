"""What a level of noise would look like on one image, before a label set is made.

Symbols: C categories, H x W the working grid.
"""

from dataclasses import dataclass

import numpy as np

from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.data.naming import NOISE
from lvcnet.errors import LvcnetError
from lvcnet.noise.calibrate import Setting, calibrate, check_setting
from lvcnet.noise.levels import Mask

SAMPLE = 32
"""Training images that a preview is calibrated on: the strength is then within a few percent of that of all."""


@dataclass(frozen=True)
class Preview:
    """One image's masks at the level's strength.

    Attributes:
        masks: (C, H, W) bool.
        strength: in the family's unit.
        unit: px or fraction.
        exact: whether the strength is that of a label set made with the same settings, not an estimate from a sample.
    """

    masks: Mask
    strength: float
    unit: str
    exact: bool


def preview(
    dataset: Dataset, key: str, level: int, family: str = "polygon", seed: int = 0, bias: float = 0.0
) -> Preview:
    """The image `key` as `make_noisy_labels` with these settings draws it.

    The strength is that of the data set's label set with the same settings, if it has one; else it is calibrated on a
    sample of the training images.

    Args:
        dataset: with a `clean` label set.
        key: any image that the clean labels cover, of the training or the test images.
        level: 1 to 5.
        family: a key of `lvcnet.noise.FAMILIES`.
        seed: of all draws.
        bias: -1 (always shrinks) to 1 (always grows).

    Raises:
        LvcnetError: for values out of range, an image without clean label, or a level that is out of reach.
    """
    setting = check_setting(level, None, family, seed, bias, fraction=1.0)
    clean, row = dataset.labels(CLEAN), dataset.index(key)
    if not clean.covered[row]:
        raise LvcnetError(f"image {key!r} has no clean label to make worse: choose another image")
    known = _known_strength(dataset, setting)
    strength = _estimate(dataset, setting) if known is None else known
    masks = setting.corrupt(clean.masks[row], key, strength, dataset.frames[row])
    masks &= clean.valid(np.array([row]))[0]
    return Preview(masks, strength, setting.family.unit, known is not None)


def _known_strength(dataset: Dataset, setting: Setting) -> float | None:
    """The strength of a label set that was made with these settings on this very data."""
    for name in dataset.label_names():
        manifest = dataset.manifest(name)
        made = {key: manifest.get(key) for key in ("kind", "family", "level", "bias", "seed", "fraction")}
        if made == {
            "kind": NOISE,
            "family": setting.family.name,
            "level": setting.level,
            "bias": setting.bias,
            "seed": setting.seed,
            "fraction": 1.0,
        }:
            # the clean labels may be others since: a label set that is made now gets another strength
            return (
                float(manifest["strength"]) if manifest.get("fingerprint") == dataset.fingerprint() else None
            )
    return None


def _estimate(dataset: Dataset, setting: Setting) -> float:
    """Calibrated on training images spread evenly over the data set."""
    clean, rows = dataset.labels(CLEAN), dataset.indices("train")
    rows = rows[clean.covered[rows] & clean.masks[rows].any(axis=(1, 2, 3))]
    if not len(rows):
        raise LvcnetError(
            f"data set {dataset.name!r} has no training image with clean foreground to calibrate on"
        )
    sample = rows[np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows))).round().astype(int)]
    keys = [dataset.items[row].key for row in sample]
    silent = None if clean.ignored is None else clean.ignored[sample]
    return calibrate(setting, clean.masks[sample], keys, None, silent, dataset.frames[sample])[0]
