"""Choose a family's strength so that the noisy labels have a given mean IoU with the clean ones.

Symbols: N images, C categories, H x W the working grid.

All draws are keyed by seed, family, level, image and category, never sequential: adding an image or changing the
order leaves every other image's draws alone. (The calibrated strength is a property of the whole training set.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.data.dataset import CLEAN, Dataset, LabelSet
from lvcnet.data.naming import NOISE, PAPER_FAMILY, level_name
from lvcnet.errors import LvcnetError, foreign
from lvcnet.files import keyed_rng
from lvcnet.frames import Frames
from lvcnet.masks.overlap import area_change, iou
from lvcnet.noise import create_family
from lvcnet.noise.levels import Family, Mask, target_of
from lvcnet.progress import Report

TOLERANCE = 0.005
"""Largest distance of the achieved mean IoU from the target."""
MAX_STEPS = 40


@dataclass(frozen=True)
class Setting:
    """Everything that fixes the noise of one image but its strength."""

    family: Family
    seed: int
    level: int | None
    target: float
    bias: float = 0.0
    fraction: float = 1.0

    def affects(self, key: str) -> bool:
        """Whether the image `key` gets noise at all: the same images at every level and in every family."""
        return self.fraction >= 1 or float(keyed_rng(self.seed, "fraction", key).random()) < self.fraction

    def corrupt(self, masks: Mask, key: str, strength: float, frame: Sequence[int] | None = None) -> Mask:
        """Noisy version of one image's (C, H, W) masks, drawn in the rows and columns that `frame` says; default all."""
        if strength == 0 or not self.affects(key):
            return masks.copy()
        noisy = np.zeros_like(masks)
        height, width = frame if frame is not None else masks.shape[1:]
        for channel in np.flatnonzero(masks.any(axis=(1, 2))):
            rng = keyed_rng(self.seed, self.family.name, self._level_part(), key, int(channel))
            with foreign(f"noise family {self.family.name} fails at image {key!r}", "choose another family"):
                drawn = np.ascontiguousarray(masks[channel, :height, :width])
                noisy[channel, :height, :width] = self.family.apply(drawn, strength, rng, self.bias)
        return noisy

    def _level_part(self) -> int | str:
        return self.level if self.level is not None else f"target {self.target:g}"


@dataclass(frozen=True)
class Quality:
    """How noisy masks compare with clean ones, over images and categories with foreground."""

    mean_iou: float
    sd_iou: float
    area_change: float
    """Mean of (noisy area - clean area) / clean area."""
    count: int


def make_noisy_labels(
    dataset: Dataset,
    level: int | None = None,
    target_iou: float | None = None,
    family: str = PAPER_FAMILY,
    seed: int = 0,
    bias: float = 0.0,
    fraction: float = 1.0,
    include_test: bool = False,
    name: str | None = None,
    report: Report | None = None,
) -> LabelSet:
    """A label set with noise of a known amount; add it with `dataset.add_labels`.

    The training images are calibrated and covered. Test labels stay untouched, that is not covered, unless
    `include_test` asks for the same strength there too (to measure against level 1, as the paper did).

    Args:
        dataset: with a `clean` label set.
        level: 1-5; or give `target_iou`.
        target_iou: mean IoU with the clean masks, between 0 and 1.
        family: a key of `lvcnet.noise.FAMILIES`.
        seed: of all draws.
        bias: -1 (always shrinks) to 1 (always grows).
        fraction: share of the images that get noise, 0 < fraction <= 1.
        include_test: cover test images too.
        name: of the label set; default `level3`, `level3-morphology` and so on.
        report: called with (rounds done, most rounds) while it calibrates.

    Raises:
        LvcnetError: for values out of range, if the family cannot reach the target, or if labels that are not noise have
            the name.
    """
    setting = check_setting(level, target_iou, family, seed, bias, fraction)
    name = name or default_name(setting)
    if name in dataset.label_names() and dataset.manifest(name).get("kind") != NOISE:
        raise LvcnetError(
            f"label set {name!r} of data set {dataset.name!r} is not noise, and noise of that name would replace it:"
            f" keep it (`lvcnet data export {dataset.name} --labels {name}`) and import it under another name, or delete it"
        )
    clean = dataset.labels(CLEAN)
    keys = [item.key for item in dataset.items]
    covered = clean.covered.copy()
    training = np.isin(np.arange(len(dataset)), dataset.indices("train"))
    train_rows = np.flatnonzero(covered & training & clean.masks.any(axis=(1, 2, 3)))
    if not len(train_rows):
        raise LvcnetError(
            f"data set {dataset.name!r} has no training image with clean foreground to calibrate on"
        )
    silent = None if clean.ignored is None else clean.ignored[train_rows]
    strength, steps = calibrate(
        setting,
        clean.masks[train_rows],
        [keys[row] for row in train_rows],
        report,
        silent,
        dataset.frames[train_rows],
    )
    if not include_test:
        covered &= training
    masks = np.zeros_like(clean.masks)
    for row in np.flatnonzero(covered):
        masks[row] = setting.corrupt(clean.masks[row], keys[row], strength, dataset.frames[row])
    if clean.ignored is not None:
        masks &= ~clean.ignored
    manifest = _manifest(setting, strength, steps, quality_of(clean.masks[train_rows], masks[train_rows]))
    manifest |= {"include_test": include_test, "dataset": dataset.name, "fingerprint": dataset.fingerprint()}
    return LabelSet(name, masks, covered, manifest, clean.ignored)


def check_setting(
    level: int | None, target_iou: float | None, family: str, seed: int, bias: float, fraction: float
) -> Setting:
    """The setting of these arguments of `make_noisy_labels`.

    Raises:
        LvcnetError: for values out of range.
    """
    if (level is None) == (target_iou is None):
        raise LvcnetError("give either a noise level or a target IoU, not both or neither")
    chosen = create_family(family)
    target = target_of(level) if level is not None else float(target_iou or 0)
    if not 0 < target < 1:
        raise LvcnetError(f"target IoU {target:g} is out of range: give a number between 0 and 1")
    if not -1 <= bias <= 1:
        raise LvcnetError(f"bias {bias:g} is out of range: give -1 (always shrink) to 1 (always grow)")
    if bias and not chosen.biasable:
        raise LvcnetError(f"noise family {family} has its own direction: leave bias at 0")
    if not 0 < fraction <= 1:
        raise LvcnetError(
            f"fraction {fraction:g} is out of range: give a share of the images, above 0 and up to 1"
        )
    if seed < 0:
        raise LvcnetError(f"seed {seed} is negative: give 0 or a positive number")
    return Setting(chosen, seed, level, target, float(bias), float(fraction))


def calibrate(
    setting: Setting,
    clean: Mask,
    keys: list[str],
    report: Report | None = None,
    ignored: Mask | None = None,
    frames: Frames | None = None,
) -> tuple[float, int]:
    """Strength at which the mean IoU over (N, C, H, W) clean masks is within 0.005 of the target.

    Doubles the strength until it is too much, then narrows the bracket by interpolation that never cuts less than
    a fifth.

    Args:
        setting: the noise.
        clean: (N, C, H, W) bool.
        keys: of the N images.
        report: called with (strengths tried, most strengths).
        ignored: (N, C, H, W) bool, pixels that count for nothing.
        frames: (N, 2) rows and columns that hold each image; default all.

    Returns:
        The strength and the number of strengths tried.

    Raises:
        LvcnetError: if the family cannot reach the target; the message says what it reaches.
    """
    limit = setting.family.max_strength(max(clean.shape[-2:]))
    low, low_iou = 0.0, 1.0
    high, high_iou = 0.0, 1.0
    tried = limit / 64
    for step in range(1, MAX_STEPS + 1):
        reached = _mean_iou_at(setting, clean, keys, tried, ignored, frames)
        if report:
            report(step, MAX_STEPS)
        if abs(reached - setting.target) <= TOLERANCE:
            return tried, step
        if reached > setting.target:
            low, low_iou = tried, reached
        else:
            high, high_iou = tried, reached
        if tried >= limit and reached > setting.target:
            raise _out_of_reach(setting, reached, 1.0)
        if high == 0:
            tried = min(2 * tried, limit)
        elif high - low < 1e-6 * limit:
            break
        else:
            share = (low_iou - setting.target) / max(low_iou - high_iou, 1e-9)
            tried = low + (high - low) * min(max(share, 0.2), 0.8)
    raise LvcnetError(
        f"noise family {setting.family.name} jumps from mean IoU {low_iou:.3f} to {high_iou:.3f} and misses the target"
        f" {setting.target:g} by more than {TOLERANCE}: use more images, another target or another family"
    )


def quality_of(clean: Mask, noisy: Mask) -> Quality:
    """Quality of (N, C, H, W) noisy masks, over the (image, category) pairs with clean foreground."""
    ious, changes = _pairs(clean, noisy)
    return Quality(float(ious.mean()), float(ious.std()), float(changes.mean()), len(ious))


def default_name(setting: Setting) -> str:
    """`level3`, `level3-morphology`, `target0.85-polygon-grow0.5` ...: what sets one label set apart from others."""
    parts = [level_name(setting.level) if setting.level is not None else f"target{setting.target:g}"]
    if setting.family.name != PAPER_FAMILY:
        parts.append(setting.family.name)
    if setting.bias:
        parts.append(f"{'grow' if setting.bias > 0 else 'shrink'}{abs(setting.bias):g}")
    if setting.fraction < 1:
        parts.append(f"fraction{setting.fraction:g}")
    return "-".join(parts)


def _pairs(clean: Mask, noisy: Mask) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    there = clean.any(axis=(-2, -1))
    return iou(clean, noisy)[there], area_change(noisy, clean)[there]


def _mean_iou_at(
    setting: Setting,
    clean: Mask,
    keys: list[str],
    strength: float,
    ignored: Mask | None,
    frames: Frames | None,
) -> float:
    silent = np.zeros((len(clean), 1, 1, 1), dtype=bool) if ignored is None else ignored
    places = np.tile(clean.shape[2:], (len(clean), 1)) if frames is None else frames
    ious = [
        _pairs(masks, setting.corrupt(masks, key, strength, frame) & ~quiet)[0]
        for masks, key, quiet, frame in zip(clean, keys, silent, places, strict=True)
    ]
    return float(np.concatenate(ious).mean())


def _manifest(setting: Setting, strength: float, steps: int, quality: Quality) -> dict[str, Any]:
    return {
        "kind": NOISE,
        "family": setting.family.name,
        "level": setting.level,
        "target_iou": setting.target,
        "mean_iou": quality.mean_iou,
        "sd_iou": quality.sd_iou,
        "strength": strength,
        "unit": setting.family.unit,
        "area_change": quality.area_change,
        "calibrated_on": quality.count,
        "seed": setting.seed,
        "bias": setting.bias,
        "fraction": setting.fraction,
        "iterations": steps,
    }


def _out_of_reach(setting: Setting, lowest: float, highest: float) -> LvcnetError:
    return LvcnetError(
        f"noise family {setting.family.name} cannot reach a mean IoU of {setting.target:g} here: it reaches"
        f" {lowest:.3f} to {highest:.3f}; choose a target in between or another family"
    )
