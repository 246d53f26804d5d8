"""One label set from the opinions of several annotators: majority vote or STAPLE. Symbols: see `lvcnet.correction`.

    J       annotators, each a label set
    vote    (J, H, W) bool, what they drew in one image and category
    code    (H, W), the votes on a pixel as one number: annotator j adds 2 ** j

STAPLE (Warfield, Zou and Wells, 2004) estimates with an expectation maximisation how reliable each annotator is and how
probable the foreground is at each pixel, given that. All pixels with the same code have the same probability, so only
the number of pixels a code has matters and the iteration is over at most 2 ** J numbers, not over pixels. An
annotator's sensitivity and specificity are one pair a category, estimated over all images together.

Restricted region: in the far background everybody is right. Counting it would push every specificity to 1 and let the
result depend on how much of it the image shows. Reliability is therefore estimated over the union of all masks and a
ring of background around it of about the same area.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.data.dataset import Dataset, LabelSet
from lvcnet.errors import LvcnetError
from lvcnet.files import Row, check_name
from lvcnet.masks.geometry import distance_to
from lvcnet.progress import Report
from lvcnet.thresholds import THRESHOLD

KIND = "consensus"
VOTES = {"majority": "Majority vote", "staple": "STAPLE"}
MOST_ANNOTATORS = 12
ROUNDS, STILL = 5000, 1e-9
"""Of the iteration: at most so many, and it ends when no estimate moves by more than that."""
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Estimate:
    """What the votes say about truth and annotators, for one category.

    Attributes:
        probability: (2 ** J,) of the foreground at a pixel, by code.
        sensitivity: (J,) share of the foreground that an annotator draws; NaN if there is none.
        specificity: (J,) share of the background, in the restricted region, that an annotator leaves out; NaN likewise.
    """

    probability: FloatArray
    sensitivity: FloatArray
    specificity: FloatArray


def consensus(
    dataset: Dataset,
    names: Sequence[str],
    by: str,
    name: str,
    overwrite: bool = False,
    report: Report | None = None,
) -> tuple[LabelSet, Row]:
    """Unite label sets; the new one covers the images that all of them cover. It is not stored yet.

    It ignores the pixels that one of them ignores; in the vote they count as they are drawn.

    Args:
        dataset: the data set.
        names: two or more label sets.
        by: the vote, `majority` or `staple`.
        name: of the new label set.
        overwrite: replace an earlier consensus of that name.
        report: called with (images done, images).

    Returns:
        The label set, and what was found (its manifest, too): `images`, `left_out` (images that not all cover),
        `per_category` with `disputed_px`, `ties_px` (majority vote) and each annotator's `sensitivity` and `specificity`.

    Raises:
        LvcnetError: for an unknown vote, too few or repeated label sets, no common image, or a name that is taken.
    """
    _check(dataset, names, by, name, overwrite)
    opinions = [dataset.labels(one) for one in names]
    covered = np.logical_and.reduce([one.covered for one in opinions])
    rows = np.flatnonzero(covered)
    if not len(rows):
        raise LvcnetError(f"no image of data set {dataset.name!r} is covered by all of {', '.join(names)}")
    masks = np.zeros_like(opinions[0].masks)
    per_category = {}
    for c, category in enumerate(dataset.categories):
        votes = ((np.stack([one.masks[row, c] for one in opinions]), dataset.place(int(row))) for row in rows)
        united, found = _unite(votes, len(names), by, c * len(rows), len(rows) * masks.shape[1], report)
        masks[rows, c] = united
        per_category[category] = {**found, **_named(names, found)}
    manifest: Row = {
        "kind": KIND,
        "vote": by,
        "sources": list(names),
        "images": len(rows),
        "left_out": int((~covered).sum()),
        "per_category": per_category,
    }
    gaps = [one.ignored for one in opinions if one.ignored is not None]
    ignored = np.any(gaps, axis=0) & covered[:, None, None, None] if gaps else None
    return LabelSet(name, masks, covered, manifest, ignored), manifest


def majority(votes: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Foreground where more than half drew it.

    A tie, which an even number of annotators can have, goes to the nearer side: foreground if the nearest pixel that
    most call foreground is closer than the nearest that most call background. Two outlines are thus met half way,
    whoever drew the larger one; a pixel just between stays background, so that the result lies up to half a pixel
    inside of the middle. An object that only half of them drew is left out.

    Args:
        votes: (J, H, W) bool.

    Returns:
        (H, W) the mask, and (H, W) where there was a tie.

    >>> one, two = np.array([[1, 1, 0, 0, 0, 0, 0]], bool), np.array([[1, 1, 1, 1, 1, 0, 0]], bool)
    >>> mask, tie = majority(np.stack([one, two]))
    >>> mask.astype(int).tolist(), tie.astype(int).tolist()
    ([[1, 1, 1, 0, 0, 0, 0]], [[0, 0, 1, 1, 1, 0, 0]])
    """
    twice = 2 * votes.sum(axis=0)
    inside, tie = twice > len(votes), twice == len(votes)
    outside = ~(inside | tie)
    if not tie.any() or not inside.any():
        return inside, tie
    if not outside.any():
        return inside | tie, tie
    nearer: BoolArray = distance_to(inside) < distance_to(outside)
    return inside | (tie & nearer), tie


def staple(counts: NDArray[np.integer[Any]], annotators: int, rounds: int = ROUNDS) -> Estimate:
    """Estimate truth and reliability from how many pixels have each code.

    Prior of the foreground: the mean of all votes, as in the paper. All start as equally reliable.

    Args:
        counts: (2 ** J,) pixels by code.
        annotators: J.
        rounds: of the iteration, at most.

    Source: Warfield, Zou and Wells, "Simultaneous truth and performance level estimation (STAPLE)", IEEE TMI 23(7),
    2004, Eq. 14, 18 and 19.
    """
    voted = _voted(annotators)
    total = float(counts.sum())
    prior = float(counts @ voted.mean(axis=1)) / total if total else 0.0
    probability = np.full(len(counts), prior)
    if not 0 < prior < 1:  # nobody drew anything, or all drew everything
        return Estimate(probability, *_reliability(counts, probability, voted))
    sensitivity = specificity = np.full(annotators, 0.99)
    for _ in range(rounds):
        inside = prior * np.where(voted, sensitivity, 1 - sensitivity).prod(axis=1)
        outside = (1 - prior) * np.where(voted, 1 - specificity, specificity).prod(axis=1)
        probability = np.divide(
            inside, inside + outside, out=np.zeros_like(inside), where=inside + outside > 0
        )
        found = _reliability(counts, probability, voted)
        moved = np.abs(np.stack(found) - [sensitivity, specificity]).max()
        sensitivity, specificity = found
        if moved < STILL:
            break
    return Estimate(probability, sensitivity, specificity)


def codes(votes: BoolArray) -> IntArray:
    """(J, H, W) votes as (H, W) codes."""
    result: IntArray = np.tensordot(1 << np.arange(len(votes)), votes.astype(np.intp), axes=1)
    return result


def restricted_region(votes: BoolArray) -> BoolArray:
    """(H, W): the union of all masks and the background around it up to the distance at which it has their area."""
    union: BoolArray = np.any(votes, axis=0)
    if not union.any():
        return union
    steps: IntArray = np.ceil(distance_to(union)).astype(np.intp)
    ring_areas = np.bincount(steps.ravel())[1:].cumsum()
    reach = 1 + int(np.searchsorted(ring_areas, int(union.sum())))
    region: BoolArray = steps <= reach
    return region


def _unite(
    votes: Any, annotators: int, by: str, done: int, total: int, report: Report | None
) -> tuple[BoolArray, Row]:
    """Masks (N, H, W) of one category, and what was found; votes come image by image, with where the image is."""
    counts = np.zeros(2**annotators, dtype=np.int64)
    hits, numbered, voted_masks, ties, disputed = np.zeros_like(counts), [], [], 0, 0
    for number, (vote, place) in enumerate(votes, start=1):
        code, region = codes(vote), restricted_region(vote[(slice(None), *place)])
        counts += np.bincount(code[place][region], minlength=len(counts))
        disputed += int((vote.any(axis=0) & ~vote.all(axis=0)).sum())
        if by == "majority":
            mask, tie = majority(vote)
            hits += np.bincount(code[mask], minlength=len(counts))
            voted_masks.append(mask)
            ties += int(tie.sum())
        else:
            numbered.append(code.astype(np.uint16))
        if report:
            report(done + number, total)
    if by == "majority":
        share = np.divide(hits, counts, out=np.zeros(len(counts)), where=counts > 0)
        sensitivity, specificity = _reliability(counts, share, _voted(annotators))
        masks = np.stack(voted_masks)
    else:
        estimate = staple(counts, annotators)
        sensitivity, specificity = estimate.sensitivity, estimate.specificity
        inside = estimate.probability >= THRESHOLD
        inside[0], inside[-1] = False, True  # where all agree there is nothing to estimate
        masks = inside[np.stack(numbered)]
    found: Row = {"disputed_px": disputed, "sensitivity": sensitivity, "specificity": specificity}
    return masks, found | ({"ties_px": ties} if by == "majority" else {})


def _reliability(
    counts: NDArray[np.integer[Any]], probability: FloatArray, voted: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Sensitivity and specificity (J,) given the foreground's probability by code; NaN where there is no such pixel."""
    inside, outside = counts * probability, counts * (1 - probability)
    with np.errstate(invalid="ignore"):
        return (inside @ voted) / inside.sum(), (outside @ ~voted) / outside.sum()


def _voted(annotators: int) -> BoolArray:
    """(2 ** J, J): whether an annotator drew the pixels of a code."""
    voted: BoolArray = (np.arange(2**annotators)[:, None] >> np.arange(annotators) & 1).astype(bool)
    return voted


def _named(names: Sequence[str], found: Row) -> Row:
    """Sensitivity and specificity by label set, JSON-able."""
    return {
        measure: {
            name: None if np.isnan(value) else float(value)
            for name, value in zip(names, found[measure], strict=True)
        }
        for measure in ("sensitivity", "specificity")
    }


def _check(dataset: Dataset, names: Sequence[str], by: str, name: str, overwrite: bool) -> None:
    check_name(name, "label set")
    if by not in VOTES:
        raise LvcnetError(f"vote {by!r} does not exist: choose one of {', '.join(VOTES)}")
    if not 2 <= len(set(names)) == len(names) <= MOST_ANNOTATORS:
        raise LvcnetError(
            f"{', '.join(names) or 'nothing'} cannot be united: name 2 to {MOST_ANNOTATORS} different label sets"
        )
    if name in names:
        raise LvcnetError(f"label set {name!r} is one of those to unite: choose another name for the result")
    if name in dataset.label_names() and not (overwrite and dataset.manifest(name).get("kind") == KIND):
        raise LvcnetError(
            f"label set {name!r} exists: choose another name (only an earlier consensus can be replaced, with --overwrite)"
        )
