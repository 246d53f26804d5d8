"""The network as printed: the generator imitates edges, and convolutions learn how far to move what the trunk predicts.

Symbols: x image (B, 1, H, W), Y trunk prediction (B, C, H, W), L response of the LVC generator (B, C, H, W), a attention
(B, C, H, W), V_g guidance and V_s learned offsets (B, C, 2, H, W) in pixels, S resampled prediction (B, C, H, W), N(p)
window around pixel p, R pixel coordinates (x, y).
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lvcnet.cues.edges import continued, edge_gradient
from lvcnet.cues.guidance import cap_length, coordinates, guidance
from lvcnet.cues.warp import warp
from lvcnet.models.generator import LVCGenerator
from lvcnet.models.lvcnet import LVCOutput
from lvcnet.models.trunk import TrunkOutput

ONCE_COUNTED = ("polarity.brighter", "displacement.pixels")
"""In the weights of runs of before this network was one of its own, and never used by it."""


class PaperNet(nn.Module):
    """Trunk, LVC generator and learned offsets.

    Args:
        trunk: (B, 1, H, W) -> `TrunkOutput`.
        categories: C.
        widths: channels of the trunk's stages, finest first; its decoded features have those of the first.
        normalised: divide the mass centre by the mass; False is Eq. 3 as printed.
        warps: how often Y is resampled; the paper does it once.
        step: longest move of one warp in pixels.
        sigma: Gaussian window N in pixels.
        damping: edge mass at which a move is halved.
    """

    def __init__(
        self,
        trunk: nn.Module,
        categories: int,
        widths: tuple[int, ...],
        *,
        normalised: bool = True,
        warps: int = 1,
        step: float = 2.0,
        sigma: float = 1.75,
        damping: float = 0.01,
    ) -> None:
        super().__init__()
        self.normalised, self.warps, self.step = normalised, warps, step
        self.sigma, self.damping = sigma, damping
        self.trunk = trunk
        self.generator = LVCGenerator(widths, categories)
        self.offset_head = OffsetHead(widths[0], categories)

    def forward(self, x: Tensor, inside: Tensor | None = None) -> LVCOutput:
        """(B, 1, H, W) image -> everything that leads to S; `inside` says where there is no padding, as in `LVCOutput`."""
        return self.move(self.cues(x, self.trunk(x), inside))

    def cues(self, x: Tensor, trunk: TrunkOutput, inside: Tensor | None = None) -> LVCOutput:
        """L, the generator's response; no move yet."""
        with torch.autocast(x.device.type, enabled=False):
            gradient = edge_gradient(x.contiguous(), inside=inside)
        logits = self.generator(trunk)
        response = logits.detach().sigmoid()
        lvc = response if inside is None else response * inside
        return LVCOutput(trunk, x, gradient, logits, response, lvc=lvc, inside=inside)

    def move(self, output: LVCOutput) -> LVCOutput:
        """The warps of Y, added to `output`, in float32. The trunk learns from where they end."""
        with torch.autocast(output.image.device.type, enabled=False):
            current = continued(output.trunk.logits.float().sigmoid(), output.inside)
            for _ in range(self.warps):
                current = self._warp(output, current.contiguous())
        return output

    def _warp(self, output: LVCOutput, current: Tensor) -> Tensor:
        y = current.detach()
        attention = y * output.lvc  # Eq. 3: Y L, zero where a too small prediction misses the edge
        if self.normalised:
            v_g, gate = guidance(attention, self.sigma, self.damping)  # Eq. 3 and 4: divided by mass
        else:
            v_g, gate = literal_guidance(y, output.lvc), torch.ones_like(y)
        # Eq. 5: V_s from convolutions, which follows V_g by the loss
        v_s = cap_length(self.offset_head(output.trunk.decoded.detach().float(), y, output.lvc), self.step)
        moved = warp(current, v_s)  # Eq. 6: S(p) = Y(p + V_s(p))
        output.attentions.append(attention)
        output.guidance.append(v_g)
        output.gates.append(gate)
        output.offsets.append(v_s)
        output.warped.append(moved)
        return moved

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        for name in ONCE_COUNTED:
            state_dict.pop(prefix + name, None)
        super()._load_from_state_dict(state_dict, prefix, *rest)


class OffsetHead(nn.Module):
    """V_s from convolutions on features, prediction and cues (Eq. 5); starts at zero, as deformable ones do."""

    def __init__(self, features: int, categories: int, hidden: int = 16) -> None:
        super().__init__()
        self.categories = categories
        self.body = nn.Sequential(
            nn.Conv2d(features + 2 * categories, hidden, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, hidden, 3, padding=1),
            nn.ReLU(inplace=True),
        )
        self.last = nn.Conv2d(hidden, 2 * categories, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor, prediction: Tensor, lvc: Tensor) -> Tensor:
        """(B, F, H, W), (B, C, H, W), (B, C, H, W) -> (B, C, 2, H, W) in pixels."""
        offsets: Tensor = self.last(self.body(torch.cat([features, prediction, lvc], dim=1)))
        batch, _, height, width = offsets.shape
        return offsets.view(batch, self.categories, 2, height, width)


def literal_guidance(prediction: Tensor, lvc: Tensor, radius: int = 3) -> Tensor:
    """V_g exactly as printed: center(p) = 1/|N| sum Y L R, not normalised by the mass.

    Where attention is weak, this "centre" lies near the image's origin and V_g points across the whole image.
    Kept because a test shows it fail. Shape: (B, C, H, W) -> (B, C, 2, H, W) in pixels.
    """
    positions = coordinates(*prediction.shape[-2:]).to(prediction)  # Eq. 2: R
    weighted = (prediction * lvc).unsqueeze(2) * positions
    side = 2 * radius + 1
    # Eq. 3: center = 1/|N| sum Y L R, as printed
    center = F.avg_pool2d(weighted.flatten(0, 1), side, stride=1, padding=radius).view_as(weighted)
    offsets: Tensor = positions - center  # Eq. 4: V_g = R - center
    return offsets
