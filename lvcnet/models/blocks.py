"""Building blocks of the trunks: plain, residual, recurrent (R2U-Net). All keep the resolution.

Shape of every block: (B, c_in, H, W) -> (B, c_out, H, W).
"""

from collections.abc import Callable

from torch import Tensor, nn

from lvcnet.errors import LvcnetError


def conv_unit(c_in: int, c_out: int, activate: bool = True) -> nn.Sequential:
    """3x3 convolution, batch normalisation and, by default, ReLU."""
    layers: list[nn.Module] = [nn.Conv2d(c_in, c_out, 3, padding=1, bias=False), nn.BatchNorm2d(c_out)]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if activate else nn.Sequential(*layers)


class PlainBlock(nn.Sequential):
    """Two convolution units, as in U-Net (Ronneberger et al. 2015)."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__(conv_unit(c_in, c_out), conv_unit(c_out, c_out))


class ResidualBlock(nn.Module):
    """Two convolution units and a shortcut (He et al. 2016)."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(conv_unit(c_in, c_out), conv_unit(c_out, c_out, activate=False))
        self.shortcut = nn.Conv2d(c_in, c_out, 1) if c_in != c_out else nn.Identity()
        self.activate = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Body plus shortcut."""
        result: Tensor = self.activate(self.body(x) + self.shortcut(x))
        return result


class RecurrentBlock(nn.Module):
    """Two recurrent convolutions (t = 2) inside a shortcut, as in R2U-Net (Alom et al. 2018)."""

    def __init__(self, c_in: int, c_out: int, steps: int = 2) -> None:
        super().__init__()
        self.steps = steps
        self.shortcut = nn.Conv2d(c_in, c_out, 1)
        self.first = conv_unit(c_out, c_out)
        self.second = conv_unit(c_out, c_out)

    def forward(self, x: Tensor) -> Tensor:
        """Each unit sees its input plus its own last output, `steps` times."""
        start: Tensor = self.shortcut(x)
        return start + self._recur(self.second, self._recur(self.first, start))

    def _recur(self, unit: nn.Module, x: Tensor) -> Tensor:
        y: Tensor = unit(x)
        for _ in range(self.steps - 1):
            y = unit(x + y)
        return y


BLOCKS: dict[str, Callable[[int, int], nn.Module]] = {
    "plain": PlainBlock,
    "residual": ResidualBlock,
    "recurrent": RecurrentBlock,
}


def create_block(kind: str, c_in: int, c_out: int) -> nn.Module:
    """A block by name.

    Raises:
        LvcnetError: for an unknown name.
    """
    if kind not in BLOCKS:
        raise LvcnetError(f"block {kind!r} does not exist: choose one of {', '.join(BLOCKS)}")
    return BLOCKS[kind](c_in, c_out)


def create_encoder(kind: str, widths: tuple[int, ...]) -> nn.ModuleList:
    """A block for each stage, from one channel on; `widths` are the channels, finest stage first."""
    return nn.ModuleList(
        create_block(kind, c_in, c_out) for c_in, c_out in zip((1, *widths[:-1]), widths, strict=True)
    )
