"""SegNet (Badrinarayanan, Kendall, Cipolla 2017): VGG-16 without its dense layers, mirrored; pooling indices lead up.

Source: "SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image Segmentation", IEEE TPAMI 39(12), section 3.
Each pooling remembers where its maxima were; the decoder puts its values back there and leaves the rest empty, so that
boundaries keep their place although no features are carried over. Standard size: width 64, depth 5, 29.4 M weights.
"""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from lvcnet.models.blocks import conv_unit
from lvcnet.models.trunk import NetworkSpec, TrunkOutput, check_size

LARGEST_FACTOR = 8
SHALLOW_STAGES = 2
"""Stages of two convolutions; deeper ones have three, as in VGG-16."""


def segnet_widths(width: int, depth: int) -> tuple[int, ...]:
    """Channels a stage, as in VGG-16: one stage a pooling, doubled each time, at most 8-fold.

    >>> segnet_widths(64, 5)
    (64, 128, 256, 512, 512)
    """
    return tuple(width * min(2**stage, LARGEST_FACTOR) for stage in range(depth))


class SegNet(nn.Module):
    """Encoder, and a decoder that unpools by the encoder's indices.

    Args:
        categories: C output channels.
        widths: channels a stage, finest first; each stage ends in a pooling.
        block: plain; the stages are VGG-16's.
    """

    def __init__(self, categories: int, widths: tuple[int, ...], block: str = "plain") -> None:
        super().__init__()
        self.widths = widths
        counts = [2 if stage < SHALLOW_STAGES else 3 for stage in range(len(widths))]
        above = (1, *widths[:-1])
        self.encoder = nn.ModuleList(
            _units([c_in, *[c_out] * count]) for c_in, c_out, count in zip(above, widths, counts, strict=True)
        )
        # the finest stage's last convolution is the classifier, so its decoder has one unit less
        ends = (widths[0], *above[1:])
        self.decoder = nn.ModuleList(
            _units([width] * (count - (stage == 0)) + [end])
            for stage, (width, end, count) in enumerate(zip(widths, ends, counts, strict=True))
        )
        self.head = nn.Conv2d(widths[0], categories, 3, padding=1)

    def forward(self, x: Tensor) -> TrunkOutput:
        """(B, 1, H, W) -> logits and features.

        Raises:
            LvcnetError: if H or W is not a multiple of the stride of the last pooling.
        """
        check_size(x, 2 ** len(self.widths))
        stages: list[Tensor] = []
        places: list[Tensor] = []
        for stage in self.encoder:
            stages.append(stage(x))
            x, indices = F.max_pool2d(stages[-1], 2, return_indices=True)
            places.append(indices)
        for number in reversed(range(len(self.decoder))):
            height, width = stages[number].shape[-2:]
            x = self.decoder[number](unpool(x, places[number], height, width))
        return TrunkOutput(self.head(x), stages, x)


def unpool(x: Tensor, places: Tensor, height: int, width: int) -> Tensor:
    """Values (B, K, h, w) at the places (B, K, h, w) of their maxima in maps of H x W, zero elsewhere; (B, K, H, W).

    As `torch.nn.functional.max_unpool2d`, which knows no bf16 on CPUs and no deterministic form on CUDA.

    >>> import torch
    >>> unpool(torch.tensor([[[[5.0]]]]), torch.tensor([[[[2]]]]), 2, 2).tolist()
    [[[[0.0, 0.0], [5.0, 0.0]]]]
    """
    batch, channels = x.shape[:2]
    flat = x.new_zeros(batch, channels, height * width)
    return flat.scatter(2, places.flatten(2), x.flatten(2)).view(batch, channels, height, width)


def _units(widths: list[int]) -> nn.Sequential:
    """Convolution units one after the other, from the first width to the last."""
    return nn.Sequential(*(conv_unit(c_in, c_out) for c_in, c_out in pairwise(widths)))


SEGNET_SPEC = NetworkSpec(
    "segnet",
    "SegNet",
    "VGG-16 mirrored, pooling indices instead of skip connections (Badrinarayanan et al. 2017)",
    SegNet,
    segnet_widths,
    blocks=False,
)
