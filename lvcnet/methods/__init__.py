"""How a network learns: `create_method` by name.

Every method trains a trunk of the same width, depth and block, with the same optimisation; what differs is the
network around the trunk and the losses.
"""

from collections.abc import Callable
from typing import Any

import torch

from lvcnet.errors import LvcnetError
from lvcnet.methods.base import Batch, Method, standardise
from lvcnet.methods.learner import Optimisation
from lvcnet.methods.lvc import LVC, lvc_options
from lvcnet.methods.supervised import Supervised
from lvcnet.models import create_model, stage_widths
from lvcnet.models.lvcnet import LVCNet

__all__ = ["METHODS", "METHOD_TITLES", "Batch", "Method", "Optimisation", "create_method", "standardise"]

METHOD_TITLES: dict[str, str] = {"fcn": "FCN", "unet": "U-Net", "lvcnet": "LVC-Net"}
"""Methods as the lab and reports call them, in the order of the paper."""


def _supervised(
    name: str,
    categories: int,
    width: int,
    depth: int,
    block: str,
    options: dict[str, Any],
    how: Optimisation,
    device: torch.device,
) -> Method:
    if options:
        raise LvcnetError(f"method {name!r} has no options, but {', '.join(options)} was given: remove it")
    return Supervised(create_model(name, categories, width, depth, block), how, device)


def _lvc(
    name: str,
    categories: int,
    width: int,
    depth: int,
    block: str,
    options: dict[str, Any],
    how: Optimisation,
    device: torch.device,
) -> Method:
    chosen = lvc_options(options)
    network = LVCNet(categories, stage_widths(width, depth), block, chosen.transform())
    return LVC(network, chosen, how, device)


METHODS: dict[str, Callable[..., Method]] = {"fcn": _supervised, "unet": _supervised, "lvcnet": _lvc}


def create_method(
    name: str,
    categories: int,
    width: int,
    depth: int,
    block: str,
    options: dict[str, Any],
    optimisation: Optimisation,
    device: torch.device,
) -> Method:
    """A method by name, with fresh weights from torch's current seed.

    Raises:
        LvcnetError: for an unknown name, block or option.
    """
    if name not in METHODS:
        raise LvcnetError(f"method {name!r} does not exist: choose one of {', '.join(METHODS)}")
    return METHODS[name](name, categories, width, depth, block, options, optimisation, device)
