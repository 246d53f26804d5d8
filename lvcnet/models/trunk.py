"""Trunk: what every network hands on, and how a network is described.

Symbols: B images, C categories, H x W pixels; stage i has the stride 2^i.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from lvcnet.errors import LvcnetError

LARGEST_FACTOR = 16


@dataclass
class TrunkOutput:
    """What a network hands on.

    Attributes:
        logits: (B, C, H, W).
        encoder: one map a stage, finest first: (B, widths[i], H / 2^i, W / 2^i).
        decoded: (B, widths[0], H, W), the features of which the network's `head` makes the logits.
    """

    logits: Tensor
    encoder: list[Tensor]
    decoded: Tensor


def stage_widths(width: int, depth: int) -> tuple[int, ...]:
    """Channels a stage for `depth` poolings: doubled each time, at most 16-fold.

    >>> stage_widths(16, 4)
    (16, 32, 64, 128, 256)
    """
    return tuple(width * min(2**stage, LARGEST_FACTOR) for stage in range(depth + 1))


@dataclass(frozen=True)
class NetworkSpec:
    """A network to choose by name.

    Attributes:
        name: what the command line calls it.
        title: what tables and pages call it.
        summary: one line for people, with its source.
        build: (C, channels a stage, block) -> a module that maps (B, 1, H, W) to `TrunkOutput`.
        widths: (channels of the first stage, poolings) -> channels a stage, finest first.
        blocks: whether the setting `block` applies; else the network has a building block of its own.
        features: whether `encoder` and `decoded` of its output are as `TrunkOutput` says, so that LVC-Net can use it.
    """

    name: str
    title: str
    summary: str
    build: Callable[[int, tuple[int, ...], str], nn.Module]
    widths: Callable[[int, int], tuple[int, ...]] = stage_widths
    blocks: bool = True
    features: bool = True


def check_size(x: Tensor, stride: int) -> None:
    """Refuse sizes that pooling cannot halve evenly.

    Raises:
        LvcnetError: naming the nearest longer side that works.
    """
    height, width = x.shape[-2:]
    if height % stride or width % stride:
        fits = -(-max(height, width) // stride) * stride
        raise LvcnetError(
            f"images of {height}x{width} do not fit a network with stride {stride}: import with --size {fits} or lower the depth"
        )
