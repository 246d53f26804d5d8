"""R2U-Net (Alom et al. 2018): a U-Net whose blocks are recurrent convolutions inside a shortcut.

Source: "Recurrent Residual Convolutional Neural Network based on U-Net (R2U-Net) for Medical Image Segmentation",
arXiv:1802.06955, section III: t = 2 is one convolution followed by two recurrent ones. Standard size: width 64, depth 4,
39.1 M weights. (`blocks.RecurrentBlock`, the setting `block=recurrent`, is a lighter relative: it recurs once.)
"""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from lvcnet.models.blocks import conv_unit
from lvcnet.models.trunk import NetworkSpec
from lvcnet.models.unet import UNet

RECURRENCES = 2
"""t: how often a convolution sees its own last output."""


class RecurrentConvolution(nn.Module):
    """One convolution unit, applied t + 1 times with the same weights: y_0 = f(x), y_k = f(x + y_{k-1})."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.unit = conv_unit(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, K, H, W) -> same."""
        y: Tensor = self.unit(x)
        for _ in range(RECURRENCES):
            y = self.unit(x + y)
        return y


class RecurrentResidualUnit(nn.Module):
    """A 1x1 convolution to the stage's width, then two recurrent convolutions inside a shortcut."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.widen = nn.Conv2d(c_in, c_out, 1)
        self.body = nn.Sequential(RecurrentConvolution(c_out), RecurrentConvolution(c_out))

    def forward(self, x: Tensor) -> Tensor:
        """(B, c_in, H, W) -> (B, c_out, H, W)."""
        x = self.widen(x)
        result: Tensor = x + self.body(x)
        return result


class R2UNet(UNet):
    """A U-Net but for its blocks and its way up.

    Args:
        categories: C output channels.
        widths: channels a stage, finest first; `depth` poolings need depth + 1 widths.
        block: plain; the blocks are recurrent residual units.
    """

    def __init__(self, categories: int, widths: tuple[int, ...], block: str = "plain") -> None:
        nn.Module.__init__(self)  # all parts are others than a U-Net's
        self.widths = widths
        self.encoder = nn.ModuleList(
            RecurrentResidualUnit(c_in, c_out) for c_in, c_out in pairwise((1, *widths))
        )
        self.up = nn.ModuleList(conv_unit(deep, fine) for fine, deep in pairwise(widths))
        self.decoder = nn.ModuleList(RecurrentResidualUnit(2 * fine, fine) for fine in widths[:-1])
        self.head = nn.Conv2d(widths[0], categories, 1)

    def enlarge(self, number: int, x: Tensor) -> Tensor:
        """Doubled by nearest neighbours, then a convolution to the width of stage `number`."""
        up: Tensor = self.up[number](F.interpolate(x, scale_factor=2, mode="nearest"))
        return up


R2UNET_SPEC = NetworkSpec(
    "r2unet",
    "R2U-Net",
    "a U-Net of recurrent residual convolutions, t = 2 (Alom et al. 2018)",
    R2UNet,
    blocks=False,
)
