"""The generator of local visual cues: what the trunk's features say about where outlines of a class run."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lvcnet.models.trunk import TrunkOutput


class LVCGenerator(nn.Module):
    """Side 1x1 convolutions on trunk stages (RCF), upsampled, joined with Y, fused to C logits.

    Args:
        widths: channels of the trunk's stages, finest first; its decoded features have those of the first.
        categories: C.
        stages: how many encoder stages it sees; it also sees the decoder's last features.
        side: channels of a side convolution.
    """

    def __init__(self, widths: tuple[int, ...], categories: int, stages: int = 3, side: int = 4) -> None:
        super().__init__()
        self.sides = nn.ModuleList(nn.Conv2d(width, side, 1) for width in (*widths[:stages], widths[0]))
        self.fuse = nn.Sequential(
            nn.Conv2d(side * len(self.sides) + categories, 2 * side, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(2 * side, categories, 1),
        )

    def forward(self, trunk: TrunkOutput) -> Tensor:
        """Logits (B, C, H, W) in float32. They never send gradients into the trunk."""
        stages = [stage.detach() for stage in (*trunk.encoder[: len(self.sides) - 1], trunk.decoded)]
        prediction = trunk.logits.detach().sigmoid()
        size = prediction.shape[-2:]
        parts = [_enlarged(side(stage), size) for side, stage in zip(self.sides, stages, strict=True)]
        # One channel fits every memory layout; said which, joining keeps that of the features instead of turning them.
        drawn = prediction.to(parts[0].dtype).clone(memory_format=torch.channels_last)
        logits: Tensor = self.fuse(torch.cat([*parts, drawn], dim=1))
        return logits.float()


def _enlarged(maps: Tensor, size: torch.Size) -> Tensor:
    if maps.shape[-2:] == size:
        return maps
    return F.interpolate(maps, size=size, mode="bilinear", align_corners=False)
