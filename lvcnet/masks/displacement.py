"""How far outlines lie beside the edges that they follow, seen from images and labels alone; and masks moved back.

Noise that errs to both sides leaves the mean outline where it belongs. Where outlines all err to one side, the mean image
gradient across them has its peak beside them, and the distance of that peak is the displacement. No clean label is needed,
and no network.

Symbols: H, W size of an image in pixels; D signed distance to an outline in px, positive inside; w the window in px.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lvcnet.masks.geometry import Mask, distance_to, signed_distance
from lvcnet.progress import Report, reported

Numbers = NDArray[np.float64]

# Set on phantom, mandible, chest and ultrasound at 128 px, with polygon, markov and morphology noise (docs/method.md).
IMAGE_BLUR = 0.8
"""Of the image before its gradient is taken, in px."""
WINDOW_OF_DEPTH, WINDOW_OF_SIDE = 0.25, 0.02
"""The window is this share of the object's half thickness, and at most that of the image's longer side."""
SEARCH_OUT, SEARCH_IN, SEARCH_DEPTH = 4.0, 4.8, 0.6
"""An edge is looked for so many windows outside of the outline and inside, there at most this share of the depth."""
REACH = 6.5
"""Profiles go so many windows to either side."""
PEAK = 0.6
"""Width of the peak that is looked for, in windows."""
CONVENTION_OUTSIDE, CONVENTION_INSIDE = 0.012, 0.008
"""Shares of the image's longer side (1.5 and 1 px of 128) up to which people may draw beside an edge on purpose. Clean
outlines of all sets lie on the edge or up to 0.8 px outside of it, none inside."""
AGREEING = 0.9
"""Share of the resampled sets of images and sectors that must find the same peak, up to a window."""
SECOND_INSIDE, SECOND_OUTSIDE = 0.15, 0.75
"""There are two edges where one of the other polarity lies on the other side of the outline, inside or outside of it, and
is so strong, as a share. Inside there is nothing but the object; outside are its neighbours, whose edges are their own."""
SECOND_REACH = 2.4
"""How many windows from the outline it is looked for."""
SECTORS, RESAMPLES, LEAST_IMAGES = 8, 200, 5
KNOWN = 0.9
"""Share of the pixels on either side of an outline, as far as edges are looked for, that have to count: where one side is
ignored, the edge that is seen is the nearest one on the other side, not the outline's."""


class Verdict(StrEnum):
    """What the images say about the outlines of a category."""

    ON = "on"
    """They lie on their edge, or so near that a convention can explain it."""
    BESIDE = "beside"
    """They lie farther beside their edge than a convention explains."""
    NONE = "none"
    """No one edge explains them: the profile is flat, parts or images disagree, or there are two edges."""


@dataclass(frozen=True)
class Displacement:
    """How far the outlines of a category lie beside their edge, in px of the grid that was measured on.

    Attributes:
        px: positive where outlines lie outside their edge.
        low: lower end of the 95 % interval, over images and sectors of the outlines.
        high: its upper end.
        limit: how far beside the edge on that side a convention may lie, px.
        verdict: whether that can be trusted, and whether it is more than a convention.
        images: that show the category.
        window: w that it was measured with, px.
    """

    px: float
    low: float
    high: float
    limit: float
    verdict: Verdict
    images: int
    window: float = 1.0

    def shift(self, belong_on_edges: bool = False) -> float:
        """By how much masks are to shrink, px; negative: to grow; 0: they stay as they are.

        Args:
            belong_on_edges: whether the user said so; else only what no convention explains is taken back.
        """
        sure = self.verdict is Verdict.BESIDE or (
            belong_on_edges and self.verdict is Verdict.ON and self.low * self.high > 0
        )
        return self.px if sure else 0.0

    def as_json(self) -> dict[str, Any]:
        """All fields, JSON-able."""
        return {**asdict(self), "verdict": self.verdict.value}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Displacement":
        """The way back from `as_json`; further keys are left out.

        >>> one = Displacement(5.5, 5.1, 5.9, 1.5, Verdict.BESIDE, 60)
        >>> Displacement.from_json({**one.as_json(), "sentence": "far"}) == one
        True
        """
        known = {field.name: values[field.name] for field in fields(cls)}
        return cls(**{**known, "verdict": Verdict(known["verdict"])})


@dataclass(frozen=True)
class Profile:
    """The image gradient along the normal of one mask's outline: sums and counts (SECTORS, 2 R) a px of D from -R to R."""

    sums: Numbers
    counts: Numbers


def measure_displacement(
    images: Sequence[NDArray[np.uint8]],
    masks: Sequence[Mask],
    valid: Sequence[Mask | None] | None = None,
    report: Report | None = None,
) -> Displacement:
    """How far the masks of a category lie beside an edge of their images.

    Args:
        images: (H, W) each.
        masks: (H, W) each; those that are empty or full say nothing.
        valid: (H, W) each, pixels that count; None: all.
        report: called with (done, total) images.
    """
    silent = valid if valid is not None else [None] * len(masks)
    shown = [
        (image, mask, ok)
        for image, mask, ok in zip(images, masks, silent, strict=True)
        if mask.any() and not mask.all()
    ]
    if not shown:
        return Displacement(0.0, 0.0, 0.0, 0.0, Verdict.NONE, 0)
    side = max(max(image.shape) for image, *_ in shown)
    depth = depth_of([mask for _, mask, _ in shown])
    window = window_of(depth, side)
    found = [profile_of(image, mask, window, ok) for image, mask, ok in reported(shown, report)]
    profiles = [profile for profile in found if profile is not None]
    return estimate(profiles, depth, window, side)


def depth_of(masks: Iterable[Mask]) -> float:
    """Median over masks that are not empty of the largest distance from the outline: half the thickness, px."""
    return float(np.median([signed_distance(mask).max() for mask in masks]))


def window_of(depth: float, side: int) -> float:
    """w for objects of a depth in images whose longer side is given, px.

    >>> window_of(4, 128), window_of(20, 128)
    (1.0, 2.56)
    """
    return max(1.0, min(WINDOW_OF_DEPTH * depth, WINDOW_OF_SIDE * side))


def smoothed_distance(mask: Mask, window: float) -> Numbers | None:
    """D of a mask whose corners a Gaussian of w took away; None where nothing is left of it, or all."""
    smooth = ndimage.gaussian_filter(mask.astype(np.float64), window, mode="nearest") >= 0.5
    return signed_distance(smooth) if smooth.any() and not smooth.all() else None


def profile_of(
    image: NDArray[np.uint8], mask: Mask, window: float, valid: Mask | None = None
) -> Profile | None:
    """Sums over one image. The gradient points inwards, in grey SDs a px.

    None where smoothing leaves nothing of the mask, or no sector of its outline has both its sides known.
    """
    distance = smoothed_distance(mask, window)
    if distance is None:
        return None
    sectors = _sector(mask)
    known = np.ones(SECTORS, bool) if valid is None else _known(distance, sectors, valid, window)
    if not known.any():
        return None
    grey = image.astype(np.float64)
    grey = (grey - grey.mean()) / max(float(grey.std()), 1e-3)
    rows, columns = np.gradient(ndimage.gaussian_filter(distance, 1.0, mode="nearest"))
    along = [
        ndimage.gaussian_filter(grey, IMAGE_BLUR, order=order, mode="nearest") * normal
        for order, normal in (((1, 0), rows), ((0, 1), columns))
    ]
    # on the medial axis the distance has no normal
    inwards = (along[0] + along[1]) / np.maximum(np.hypot(rows, columns), 0.5)
    reach = _reach(window)
    place = np.floor(distance).astype(np.intp) + reach
    counted = (place >= 0) & (place < 2 * reach)
    if valid is not None:
        counted &= valid & known[sectors]
    bins = (sectors * 2 * reach + place)[counted]
    size, shape = SECTORS * 2 * reach, (SECTORS, 2 * reach)
    sums = np.bincount(bins, weights=inwards[counted], minlength=size)
    return Profile(
        sums.astype(np.float64).reshape(shape),
        np.bincount(bins, minlength=size).reshape(shape).astype(np.float64),
    )


def estimate(profiles: Sequence[Profile], depth: float, window: float, side: int) -> Displacement:
    """Where the mean profile peaks, and whether images and sectors agree on it.

    Args:
        profiles: one an image.
        depth: of the objects, px.
        window: w, px.
        side: the longer one of the images, px.
    """
    if not profiles:
        return Displacement(0.0, 0.0, 0.0, 0.0, Verdict.NONE, 0)
    reach = _reach(window)
    # bins deeper than the objects hold no pixels
    means = _resampled_means(profiles)[:, : reach + max(2, int(0.9 * depth))]
    places: Numbers = np.arange(means.shape[1], dtype=np.float64) - reach + 0.5
    searched = (places >= -SEARCH_OUT * window) & (places <= min(SEARCH_IN * window, SEARCH_DEPTH * depth))
    level: Numbers = ndimage.gaussian_filter1d(means, PEAK * window, axis=1, mode="nearest")
    bend: Numbers = -ndimage.gaussian_filter1d(means, PEAK * window, axis=1, order=2, mode="nearest")
    near = level[0, searched]
    polarity = float(np.sign(near[np.abs(near).argmax()]))
    peaks = _peaks(polarity * bend[:, searched], places[searched])
    px = float(peaks[0])
    agreeing = peaks[1:][np.abs(peaks[1:] - px) <= window]
    low, high = np.quantile(agreeing, [0.025, 0.975]) if len(agreeing) else (px, px)
    limit = (CONVENTION_OUTSIDE if px > 0 else CONVENTION_INSIDE) * side
    other_side = (places * px < 0) & (np.abs(places) <= SECOND_REACH * window)
    second = (-polarity * level[0, other_side]).max(initial=0.0) / max(float(np.abs(near).max()), 1e-9)
    two = second >= (SECOND_OUTSIDE if px > 0 else SECOND_INSIDE)
    if len(profiles) < LEAST_IMAGES or len(agreeing) < AGREEING * RESAMPLES or two or not polarity:
        verdict = Verdict.NONE
    else:
        verdict = Verdict.BESIDE if low > limit or high < -limit else Verdict.ON
    return Displacement(px, float(low), float(high), limit, verdict, len(profiles), window)


def moved(mask: Mask, shift: float, window: float, ignored: Mask | None = None) -> Mask:
    """The mask with its outline moved inwards by a shift in px (outwards where it is negative).

    Near ignored pixels it stays: what ends there may be no outline. Corners are smoothed as they were when it was measured,
    but no wider than the outline is moved. A part of which nothing would be left stays as it is: a thin object is rather
    drawn too large than not at all.
    """
    if not shift or not mask.any() or mask.all():
        return mask.copy()
    distance = smoothed_distance(mask, min(window, abs(shift)))
    kept = np.zeros_like(mask) if distance is None else distance > shift
    parts, count = ndimage.label(mask, np.ones((3, 3)))
    left = np.bincount(parts[kept], minlength=count + 1) > 0
    left[0] = True
    result = kept | ~left[parts]
    if ignored is not None and ignored.any():
        result = np.where(distance_to(ignored) <= abs(shift) + 1, mask, result)
    return result


def _reach(window: float) -> int:
    return int(np.ceil(REACH * window))


def _sector(mask: Mask) -> NDArray[np.intp]:
    """Seen from the mask's centre, in which eighth of the circle each pixel lies."""
    row, column = np.argwhere(mask).mean(axis=0)
    rows, columns = np.ogrid[: mask.shape[0], : mask.shape[1]]
    turn = np.arctan2(rows - row, columns - column) / (2 * np.pi) + 0.5
    return (turn * SECTORS).astype(np.intp) % SECTORS


def _known(distance: Numbers, sectors: NDArray[np.intp], valid: Mask, window: float) -> NDArray[np.bool_]:
    """(SECTORS,) whether pixels on both sides of the outline count there, as far as an edge is looked for."""
    known = np.ones(SECTORS, bool)
    for low, high in ((-SEARCH_OUT * window, 0.0), (0.0, SEARCH_IN * window)):
        beside = (distance >= low) & (distance <= high)
        there, seen = (np.bincount(sectors[one], minlength=SECTORS) for one in (beside, beside & valid))
        known &= seen >= KNOWN * there
    return known


def _resampled_means(profiles: Sequence[Profile]) -> Numbers:
    """(1 + RESAMPLES, 2 R): the mean profile of all, then of images and sectors drawn with replacement."""
    rng = np.random.default_rng(0)
    count = len(profiles)
    images = np.vstack([np.ones(count), rng.multinomial(count, np.full(count, 1 / count), RESAMPLES)])
    sectors = np.vstack(
        [np.ones(SECTORS), rng.multinomial(SECTORS, np.full(SECTORS, 1 / SECTORS), RESAMPLES)]
    )
    sums, counts = (
        np.einsum("bi,bs,isk->bk", images, sectors, np.array(values), optimize=True)
        for values in ([one.sums for one in profiles], [one.counts for one in profiles])
    )
    means: Numbers = sums / np.maximum(counts, 1)
    return means


def _peaks(curves: Numbers, places: Numbers) -> Numbers:
    """Where each of (R, K) curves is highest, between its samples by a parabola."""
    if curves.shape[1] < 3:
        return places[curves.argmax(axis=1)]
    top = np.clip(curves.argmax(axis=1), 1, curves.shape[1] - 2)
    before, at, after = (curves[np.arange(len(curves)), top + step] for step in (-1, 0, 1))
    bend = before - 2 * at + after
    offset = np.divide(0.5 * (before - after), bend, out=np.zeros_like(bend), where=bend < 0)
    found: Numbers = places[top] + offset.clip(-0.5, 0.5)
    return found
