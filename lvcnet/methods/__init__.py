"""How a network learns: `METHODS` by name; other packages add theirs as `lvcnet.methods`.

Every method trains a trunk of the same width, depth and block, with the same optimisation; what differs is the
network around the trunk and the losses.
"""

from typing import Any

import torch

from lvcnet.methods.base import Batch, Method, cross_entropy, predict_inside, standardise
from lvcnet.methods.learner import Optimisation
from lvcnet.methods.lvcnet import LVCNET
from lvcnet.methods.lvcnet_plus import LVCNET_PLUS
from lvcnet.methods.paper import LVCNET_PAPER
from lvcnet.methods.spec import MethodSpec, NoOptions, Trunk
from lvcnet.methods.supervised import FCN, UNET, Supervised
from lvcnet.models import NETWORKS
from lvcnet.plugins import Registry

__all__ = [
    "COMPARED",
    "METHODS",
    "Batch",
    "Method",
    "MethodSpec",
    "NoOptions",
    "Optimisation",
    "Supervised",
    "Trunk",
    "create_method",
    "cross_entropy",
    "method_title",
    "predict_inside",
    "shows_cues",
    "standardise",
]

METHODS: Registry[MethodSpec] = Registry(
    "method", "lvcnet.methods", MethodSpec, (FCN, UNET, LVCNET, LVCNET_PLUS, LVCNET_PAPER)
)
"""Every method by its name, in the order of the paper."""
COMPARED = tuple(spec.name for spec in (FCN, UNET, LVCNET, LVCNET_PLUS))
"""What a sweep trains that is told nothing else."""


def create_method(
    name: str, trunk: Trunk, options: dict[str, Any], optimisation: Optimisation, device: torch.device
) -> Method:
    """A method by name, with fresh weights from torch's current seed.

    Raises:
        LvcnetError: for an unknown name, block, network or option, and for a network that the method cannot train.
    """
    return METHODS.find(name).create(trunk, options, optimisation, device)


def method_title(name: str) -> str:
    """What a method is called on screen, with its network and options where these are part of its name.

    >>> [method_title(name) for name in ("unet", "unet network=segnet", "lvcnet network=segnet warps=2")]
    ['U-Net', 'SegNet', 'LVC-Net on SegNet warps=2']
    >>> method_title("co-teaching")
    'Co teaching'
    """
    method, *settings = name.split(" ")
    spec = METHODS.get(method)
    title = spec.title if spec else method.replace("-", " ").replace("_", " ").capitalize()
    if settings and settings[0].startswith("network="):
        network = settings.pop(0).partition("=")[2]
        found = NETWORKS.get(network)
        trained = found.title if found else network
        title = trained if method in NETWORKS else f"{title} on {trained}"
    return " ".join([title, *settings])


def shows_cues(name: str) -> bool:
    """Whether a method shows local visual cues and how they move an outline; one that is gone does not.

    >>> shows_cues("lvcnet-plus"), shows_cues("unet"), shows_cues("gone")
    (True, False, False)
    """
    spec = METHODS.get(name)
    return spec is not None and spec.cues
