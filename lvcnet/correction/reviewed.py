"""From label, proposal and verdict to the repaired mask. Symbols: see `lvcnet.correction`.

Everything here is exact at its ends: nothing taken is the label, all taken is the proposal.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.correction.decisions import Verdict
from lvcnet.correction.judge import objects
from lvcnet.errors import LvcnetError
from lvcnet.masks.geometry import signed_distance
from lvcnet.masks.parts import components
from lvcnet.masks.rle import encode_run_lengths, parse_run_lengths

BoolArray = NDArray[np.bool_]


def reviewed_masks(label: BoolArray, proposal: BoolArray, verdict: Verdict | None) -> BoolArray:
    """The masks that a verdict makes of a label.

    Args:
        label: (C, H, W).
        proposal: (C, H, W).
        verdict: None, like `reject`, leaves the label as it is.

    Returns:
        (C, H, W).

    Raises:
        LvcnetError: if the verdict is about other regions, or its masks have another size.
    """
    decision = "reject" if verdict is None else verdict.decision
    if verdict is None or decision == "reject":
        return label.copy()
    if decision == "accept":
        return proposal.copy()
    if decision == "edited":
        return decode_masks(verdict.details["masks"], label.shape)
    if decision == "part":
        target = proposal
        if "regions" in verdict.details:
            target = take_regions(label, proposal, verdict.details["regions"])
        return blend(label, target, verdict.details.get("blend", 1.0))
    raise LvcnetError(f"decision {decision!r} does not exist")


def region_masks(label: BoolArray, proposal: BoolArray) -> list[tuple[int, BoolArray]]:
    """Category and (H, W) mask of every region, in the order of the rows of `judge.judge_batch`."""
    return [
        (c, region)
        for c, (old, new) in enumerate(zip(label, proposal, strict=True))
        for region in objects(old | new)
    ]


def take_regions(label: BoolArray, proposal: BoolArray, regions: Sequence[int]) -> BoolArray:
    """The label with the proposal in place of it within some regions; specks are no regions and stay as they are.

    Raises:
        LvcnetError: if there is no region of such a number.
    """
    found = region_masks(label, proposal)
    unknown = sorted(set(regions) - set(range(len(found))))
    if unknown:
        raise LvcnetError(
            f"the image has no region {', '.join(map(str, unknown))}: it has {len(found)}, from 0 on"
        )
    masks = label.copy()
    for number in regions:
        c, region = found[number]
        masks[c][region] = proposal[c][region]
    return masks


def blend(old: BoolArray, new: BoolArray, fraction: float) -> BoolArray:
    """The outline on its way from one mask to another: signed distances are interpolated, object by object.

    Pixels that both have stay, pixels that neither has stay out, and the others change once as the fraction grows.
    An object that only one of the two has grows from its innermost pixels, or shrinks to them.

    Args:
        old: (C, H, W).
        new: (C, H, W).
        fraction: 0 is exactly old, 1 exactly new.

    Returns:
        (C, H, W).
    """
    if fraction in (0, 1):
        return (new if fraction else old).copy()
    result = np.zeros_like(old)
    for c in range(len(old)):
        for region in components(old[c] | new[c]):
            result[c] |= _blend_object(old[c] & region, new[c] & region, fraction)
    return result


def _blend_object(old: BoolArray, new: BoolArray, fraction: float) -> BoolArray:
    """(H, W) of one object; an object that is absent is one that shrank evenly until its last pixel went."""
    before = signed_distance(old) if old.any() else None
    after = signed_distance(new) if new.any() else None
    if before is None:
        assert after is not None
        before = after - after.max()
    elif after is None:
        after = before - before.max()
    inside: BoolArray = (1 - fraction) * before + fraction * after > 0
    return inside & (old | new)


def encode_masks(masks: BoolArray) -> list[dict[str, Any]]:
    """(C, H, W) masks as C COCO run lengths, for the details of `edited`."""
    return [encode_run_lengths(mask) for mask in masks]


def decode_masks(encoded: Sequence[dict[str, Any]], shape: tuple[int, ...]) -> BoolArray:
    """The (C, H, W) masks of an `edited` verdict.

    Raises:
        LvcnetError: if number or sizes are others.
    """
    if len(encoded) != shape[0]:
        raise LvcnetError(
            f"there are {len(encoded)} edited masks for {shape[0]} categories: edit the image again"
        )
    return np.stack(
        [parse_run_lengths(mask, shape[1], shape[2]).raster(shape[1], shape[2]) for mask in encoded]
    )
