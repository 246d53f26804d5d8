"""U-Net (Ronneberger et al. 2015) with switchable blocks: the trunk of LVC-Net and its main rival."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lvcnet.models.blocks import create_block, create_encoder
from lvcnet.models.trunk import NetworkSpec, TrunkOutput, check_size


class UNet(nn.Module):
    """Encoder, decoder, skip connections.

    Args:
        categories: C output channels.
        widths: channels a stage, finest first; `depth` poolings need depth + 1 widths.
        block: plain, residual or recurrent.
    """

    def __init__(self, categories: int, widths: tuple[int, ...], block: str = "plain") -> None:
        super().__init__()
        self.widths = widths
        self.encoder = create_encoder(block, widths)
        self.reduce = nn.ModuleList(nn.Conv2d(deep, fine, 1) for fine, deep in pairwise(widths))
        self.decoder = nn.ModuleList(create_block(block, 2 * fine, fine) for fine in widths[:-1])
        self.head = nn.Conv2d(widths[0], categories, 1)

    def forward(self, x: Tensor) -> TrunkOutput:
        """(B, 1, H, W) -> logits and features.

        Raises:
            LvcnetError: if H or W is not a multiple of the coarsest stride.
        """
        check_size(x, 2 ** (len(self.widths) - 1))
        encoder: list[Tensor] = []
        for number, stage in enumerate(self.encoder):
            x = stage(x if number == 0 else F.max_pool2d(x, 2))
            encoder.append(x)
        for number in reversed(range(len(self.decoder))):
            x = self.decoder[number](torch.cat([encoder[number], self.enlarge(number, x)], dim=1))
        return TrunkOutput(self.head(x), encoder, x)

    def enlarge(self, number: int, x: Tensor) -> Tensor:
        """What stage `number` gets from below, at its own width and size: (B, K', H, W) -> (B, K, 2 H, 2 W)."""
        return F.interpolate(self.reduce[number](x), scale_factor=2, mode="bilinear", align_corners=False)


UNET_SPEC = NetworkSpec(
    "unet", "U-Net", "encoder, decoder and skip connections (Ronneberger et al. 2015)", UNet
)
