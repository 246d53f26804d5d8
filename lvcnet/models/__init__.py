"""Networks only: `create_model` by name, sized by width and depth."""

from collections.abc import Callable

from torch import nn

from lvcnet.errors import LvcnetError
from lvcnet.models.fcn import FCN
from lvcnet.models.unet import UNet

MODELS: dict[str, Callable[..., nn.Module]] = {"fcn": FCN, "unet": UNet}
LARGEST_FACTOR = 16


def stage_widths(width: int, depth: int) -> tuple[int, ...]:
    """Channels a stage for `depth` poolings: doubled each time, at most 16-fold.

    >>> stage_widths(16, 4)
    (16, 32, 64, 128, 256)
    """
    return tuple(width * min(2**stage, LARGEST_FACTOR) for stage in range(depth + 1))


def create_model(name: str, categories: int, width: int, depth: int, block: str = "plain") -> nn.Module:
    """A network by name.

    Raises:
        LvcnetError: for an unknown name.
    """
    if name not in MODELS:
        raise LvcnetError(f"model {name!r} does not exist: choose one of {', '.join(MODELS)}")
    return MODELS[name](categories, stage_widths(width, depth), block)
