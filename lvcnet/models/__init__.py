"""Networks only: `NETWORKS` by name, sized by width and depth; other packages add theirs as `lvcnet.networks`."""

from torch import nn

from lvcnet.errors import LvcnetError
from lvcnet.models.r2unet import R2UNET_SPEC
from lvcnet.models.segnet import SEGNET_SPEC
from lvcnet.models.trunk import NetworkSpec, TrunkOutput, check_size, stage_widths
from lvcnet.models.unet import UNET_SPEC
from lvcnet.plugins import Registry

__all__ = ["NETWORKS", "NetworkSpec", "TrunkOutput", "check_size", "create_network", "stage_widths"]

NETWORKS: Registry[NetworkSpec] = Registry(
    "network", "lvcnet.networks", NetworkSpec, (UNET_SPEC, SEGNET_SPEC, R2UNET_SPEC)
)
"""Every network by its name, the default first. FCN is none: it offers no decoded features and is a method of its own."""


def create_network(name: str, categories: int, width: int, depth: int, block: str = "plain") -> nn.Module:
    """A network by name, with fresh weights from torch's current seed.

    Raises:
        LvcnetError: for an unknown name or block, and for a block where the network has one of its own.
    """
    spec = NETWORKS.find(name)
    if block != "plain" and not spec.blocks:
        raise LvcnetError(f"network {name!r} has a building block of its own: leave out block={block}")
    return spec.build(categories, spec.widths(width, depth), block)
