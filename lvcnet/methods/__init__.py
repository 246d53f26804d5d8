"""How a network learns: `create_method` by name.

Every method trains a trunk of the same width, depth and block, with the same optimisation; what differs is the
network around the trunk and the losses.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from lvcnet.errors import LvcnetError
from lvcnet.methods.base import Batch, Method, standardise
from lvcnet.methods.learner import Optimisation
from lvcnet.methods.lvc import LVC, lvc_options
from lvcnet.methods.supervised import Supervised
from lvcnet.models import create_model, stage_widths
from lvcnet.models.lvcnet import LVCNet

__all__ = [
    "METHODS",
    "METHOD_TITLES",
    "Batch",
    "Method",
    "Optimisation",
    "Trunk",
    "create_method",
    "standardise",
]

METHOD_TITLES: dict[str, str] = {
    "fcn": "FCN",
    "unet": "U-Net",
    "lvcnet": "LVC-Net",
    "lvcnet-plus": "LVC-Net plus",
}
"""Methods as the lab and reports call them, in the order of the paper."""


@dataclass(frozen=True)
class Trunk:
    """The network every method trains: C categories, channels of the first stage, poolings, building block."""

    categories: int
    width: int = 16
    depth: int = 4
    block: str = "plain"


def _supervised(
    name: str, trunk: Trunk, options: dict[str, Any], how: Optimisation, device: torch.device
) -> Method:
    if options:
        raise LvcnetError(f"method {name!r} has no options, but {', '.join(options)} was given: remove it")
    network = create_model(name, trunk.categories, trunk.width, trunk.depth, trunk.block)
    return Supervised(network, how, device)


def _lvc(name: str, trunk: Trunk, options: dict[str, Any], how: Optimisation, device: torch.device) -> Method:
    chosen = lvc_options(options, name)
    widths = stage_widths(trunk.width, trunk.depth)
    network = LVCNet(trunk.categories, widths, trunk.block, chosen, second_head=chosen.relearn)
    return LVC(network, chosen, how, device)


METHODS: dict[str, Callable[[str, Trunk, dict[str, Any], Optimisation, torch.device], Method]] = {
    "fcn": _supervised,
    "unet": _supervised,
    "lvcnet": _lvc,
    "lvcnet-plus": _lvc,
}


def create_method(
    name: str, trunk: Trunk, options: dict[str, Any], optimisation: Optimisation, device: torch.device
) -> Method:
    """A method by name, with fresh weights from torch's current seed.

    Raises:
        LvcnetError: for an unknown name, block or option.
    """
    if name not in METHODS:
        raise LvcnetError(f"method {name!r} does not exist: choose one of {', '.join(METHODS)}")
    return METHODS[name](name, trunk, options, optimisation, device)
