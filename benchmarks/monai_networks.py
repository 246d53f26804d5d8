"""MONAI's networks as methods of the lab, to be measured against its own U-Net (benchmarks/recipe.py).

benchmarks/plug_in makes this module a plug-in (docs/plugins.md) of every process that has both folders in its PYTHONPATH; so
the trainer, its feed, its checkpoints and the evaluation are those of every other method.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from monai.networks.nets import BasicUNet, DynUNet
from pydantic import BaseModel, Field
from torch import Tensor, nn

from lvcnet.methods import Batch, MethodSpec, NoOptions, Optimisation, Supervised, Trunk
from lvcnet.models import TrunkOutput

LEAST_PIXELS = 4
"""Of a side in nnU-Net's coarsest stage."""
RATE, MOMENTUM, DECAY, POWER, LARGEST_GRADIENT = 1e-2, 0.99, 3e-5, 0.9, 12.0
"""How nnU-Net learns (Isensee et al. 2021): SGD, and a rate that falls by a power of what is left."""


def halvings(side: int) -> int:
    """How often nnU-Net halves a side of the working grid.

    >>> [halvings(side) for side in (128, 64, 96, 160, 256)]
    [5, 4, 4, 5, 6]
    """
    times = 0
    while side % 2 == 0 and side // 2 >= LEAST_PIXELS:
        side, times = side // 2, times + 1
    return times


class Network(nn.Module):
    """A network of MONAI as the lab knows them: with logits, and without maps that LVC-Net could use."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> TrunkOutput:
        """(B, 1, H, W) -> logits (B, C, H, W); in training (B, D, C, H, W) of a network with D heads."""
        return TrunkOutput(self.network(x), [], x)


class Grid(BaseModel, extra="forbid", frozen=True):
    """What DynUNet has to know of the working grid."""

    halvings: tuple[int, int] = Field((5, 5), description="How often height and width are halved.")


def dyn_unet(categories: int, times: Sequence[int]) -> DynUNet:
    """DynUNet as nnU-Net plans it in two dimensions: widths 32 to 512, kernels of 3, deep supervision.

    Args:
        categories: output channels.
        times: how often height and width are halved.
    """
    stages = range(max(times) + 1)
    strides = [tuple(2 if 0 < stage <= side else 1 for side in times) for stage in stages]
    network = DynUNet(
        *(2, 1, categories, [3 for _ in stages], strides, strides[1:]),
        deep_supervision=True,
        deep_supr_num=max(1, len(strides) - 3),  # the two coarsest stages have no head in nnU-Net
    )
    # Its skip layers hold these, too: each weight is to be averaged and saved once.
    del network.input_block, network.downsamples, network.bottleneck, network.upsamples
    del network.deep_supervision_heads
    return network


class DeeplySupervised(Supervised):
    """Every head learns the labels, coarser ones with half the weight of the one before (nnU-Net)."""

    def label_term(self, logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
        """As everywhere, over the heads (B, D, C, H, W)."""
        shares = [0.5**number for number in range(logits.shape[1])]
        terms = [super(DeeplySupervised, self).label_term(head, labels, weights) for head in logits.unbind(1)]
        return sum(share * term for share, term in zip(shares, terms, strict=True)) / sum(shares)


class AsNnUNet(DeeplySupervised):
    """The same, by nnU-Net's optimiser."""

    def __init__(self, network: nn.Module, optimisation: Optimisation, device: torch.device) -> None:
        super().__init__(network, replace(optimisation, schedule="constant"), device)
        weights = list(self.learner.network.parameters())
        self.learner.optimizer = torch.optim.SGD(
            weights, lr=RATE, momentum=MOMENTUM, nesterov=True, weight_decay=DECAY
        )
        self.learner.optimizer.register_step_pre_hook(
            lambda *_: nn.utils.clip_grad_norm_(weights, LARGEST_GRADIENT) and None
        )

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """One update at the rate of this step."""
        rate = RATE * (1 - batch.progress) ** POWER
        self.learner.config = replace(self.learner.config, learning_rate=rate)
        return super().step(batch)


def build_basic(_: Any, trunk: Trunk, optimisation: Optimisation, device: torch.device) -> Supervised:
    """BasicUNet with its default widths."""
    network = BasicUNet(spatial_dims=2, in_channels=1, out_channels=trunk.categories)
    return Supervised(Network(network), optimisation, device)


def build_dyn(options: Grid, trunk: Trunk, optimisation: Optimisation, device: torch.device) -> Supervised:
    """DynUNet, learning as every other method does."""
    return DeeplySupervised(Network(dyn_unet(trunk.categories, options.halvings)), optimisation, device)


def build_nnunet(options: Grid, trunk: Trunk, optimisation: Optimisation, device: torch.device) -> Supervised:
    """DynUNet, learning as in nnU-Net."""
    return AsNnUNet(Network(dyn_unet(trunk.categories, options.halvings)), optimisation, device)


BASIC_UNET = MethodSpec(
    *("monai-basicunet", "MONAI BasicUNet", "MONAI's U-Net at its default widths", build_basic),
    options=NoOptions,
    own_network=True,
)
DYN_UNET = MethodSpec(
    *("monai-dynunet", "MONAI DynUNet", "nnU-Net's 2-D network", build_dyn), options=Grid, own_network=True
)
DYN_UNET_NNUNET = MethodSpec(
    *("monai-dynunet-nnunet", "MONAI DynUNet, SGD", "nnU-Net's 2-D network and optimiser", build_nnunet),
    options=Grid,
    own_network=True,
)
