"""LVC-Net: a trunk, a generator of local visual cues, and a spatial transform that snaps the prediction to them.

Symbols: x image (B, 1, H, W), Y trunk prediction (B, C, H, W), L LVC response in [0, 1] (B, C, H, W), y_s initial
edges (B, 1, H, W), b learned outline density (B, C, H, W), V_g guidance and V_s offsets (B, C, 2, H, W) in pixels,
S_k prediction after k warps.
"""

from dataclasses import dataclass, field
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lvcnet.cues.edges import initial_edges
from lvcnet.cues.guidance import AttentionKind, attention, cap_length, guidance, literal_guidance
from lvcnet.cues.warp import warp
from lvcnet.models.unet import TrunkOutput, UNet

CueKind = Literal["lvc", "density"]
OffsetKind = Literal["learned", "guided"]


@dataclass(frozen=True)
class Transform:
    """How cues become a move (the switches of the ablation).

    Attributes:
        cue: lvc, the generator's response L; density, learned outline density times Sobel edges, b * y_s.
        attention: product, lvc or near (cues.guidance.attention).
        normalised: divide the mass centre by the mass; False is Eq. 3 as printed.
        offsets: learned, V_s from convolutions alone (as printed); guided, V_g under a learned gate.
        warps: K, recurrent resampling steps.
        step: longest move of one warp in pixels.
        sigma: Gaussian window N in pixels.
        damping: edge mass at which a move is halved.
        detached: no gradient from the moved prediction into the trunk.
    """

    cue: CueKind = "density"
    attention: AttentionKind = "lvc"
    normalised: bool = True
    offsets: OffsetKind = "guided"
    warps: int = 4
    step: float = 2.0
    sigma: float = 1.75
    damping: float = 0.01
    detached: bool = True


@dataclass
class LVCOutput:
    """Everything one forward pass computes. Lists have one entry a warp.

    Attributes:
        trunk: logits and features.
        lvc_logits: (B, C, H, W) of the generator.
        density_logits: (B, C, H, W) of the outline density.
        edges: y_s (B, 1, H, W).
        cue: what attention is made of, (B, C, H, W) in [0, 1].
        attentions, guidance, offsets, gates, warped: see the module docstring; gates are (B, C, H, W).
    """

    trunk: TrunkOutput
    lvc_logits: Tensor
    density_logits: Tensor
    edges: Tensor
    cue: Tensor
    attentions: list[Tensor] = field(default_factory=list)
    guidance: list[Tensor] = field(default_factory=list)
    offsets: list[Tensor] = field(default_factory=list)
    gates: list[Tensor] = field(default_factory=list)
    warped: list[Tensor] = field(default_factory=list)

    @property
    def prediction(self) -> Tensor:
        """S after the last warp, or Y without any."""
        return self.warped[-1] if self.warped else self.trunk.logits.float().sigmoid()


class LVCGenerator(nn.Module):
    """Side 1x1 convolutions on the first encoder stages (RCF), upsampled, joined with Y, fused to C logits."""

    def __init__(self, widths: tuple[int, ...], categories: int, side: int = 8) -> None:
        super().__init__()
        self.sides = nn.ModuleList(nn.Conv2d(width, side, 1) for width in widths)
        self.fuse = nn.Sequential(
            nn.Conv2d(side * len(widths) + categories, 2 * side, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(2 * side, categories, 1),
        )

    def forward(self, encoder: list[Tensor], prediction: Tensor) -> Tensor:
        """Encoder stages (B, widths[i], H / 2^i, W / 2^i) and Y (B, C, H, W) -> logits (B, C, H, W)."""
        size = prediction.shape[-2:]
        parts = [
            F.interpolate(side(stage), size=size, mode="bilinear", align_corners=False)
            for side, stage in zip(self.sides, encoder, strict=False)
        ]
        logits: Tensor = self.fuse(torch.cat([*parts, prediction.to(parts[0].dtype)], dim=1))
        return logits


class OffsetHead(nn.Module):
    """V_s from convolutions on features, prediction and cues (Eq. 5); starts at zero, as deformable convolutions do."""

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

    def forward(self, features: Tensor, prediction: Tensor, cue: Tensor) -> Tensor:
        """(B, F, H, W), (B, C, H, W), (B, C, H, W) -> (B, C, 2, H, W) in pixels."""
        joined = torch.cat([features, prediction, cue], dim=1)
        offsets: Tensor = self.last(self.body(joined))
        batch, _, height, width = offsets.shape
        return offsets.view(batch, self.categories, 2, height, width)


class Gate(nn.Module):
    """How far to trust a move, from four local scalars: cue, edge, outline density and length of the move.

    Sixty weights shared by all pixels and categories cannot memorise noisy outlines; they can only learn when
    moving towards a cue agrees with them on average. Starts open.
    """

    def __init__(self, hidden: int = 10) -> None:
        super().__init__()
        self.first = nn.Conv2d(4, hidden, 1)
        self.last = nn.Conv2d(hidden, 1, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.constant_(self.last.bias, 3.0)  # type: ignore[arg-type]

    def forward(self, cue: Tensor, edges: Tensor, density: Tensor, move: Tensor) -> Tensor:
        """(B, C, H, W), (B, 1, H, W), (B, C, H, W), (B, C, 2, H, W) -> (B, C, H, W) in (0, 1)."""
        batch, categories, height, width = cue.shape
        parts = torch.stack([cue, edges.expand_as(cue), density, move.norm(dim=2)], dim=2)
        flat = parts.view(batch * categories, 4, height, width)
        gate: Tensor = self.last(F.relu(self.first(flat))).sigmoid()
        return gate.view(batch, categories, height, width)


class LVCNet(nn.Module):
    """Trunk, LVC generator, outline density and spatial transform.

    Args:
        categories: C.
        widths, block: of the U-Net trunk.
        transform: how cues become a move.
        side_stages: how many encoder stages the generator sees.
    """

    def __init__(
        self,
        categories: int,
        widths: tuple[int, ...],
        block: str = "plain",
        transform: Transform | None = None,
        side_stages: int = 3,
    ) -> None:
        super().__init__()
        self.transform = transform or Transform()
        self.trunk = UNet(categories, widths, block)
        self.generator = LVCGenerator(widths[:side_stages], categories)
        self.density = nn.Conv2d(widths[0], categories, 1)
        self.offset_head = OffsetHead(widths[0], categories)
        self.gate = Gate()

    def forward(self, x: Tensor) -> LVCOutput:
        """(B, 1, H, W) image -> everything."""
        return self.move(self.look(x, self.trunk(x)))

    def lvc_logits(self, trunk: TrunkOutput) -> Tensor:
        """L as logits (B, C, H, W). The generator never sends gradients into the trunk."""
        encoder = [stage.detach() for stage in trunk.encoder]
        logits: Tensor = self.generator(encoder, trunk.logits.detach().sigmoid())
        return logits.float()

    def edges(self, x: Tensor) -> Tensor:
        """y_s (B, 1, H, W), always in float32."""
        with torch.autocast(x.device.type, enabled=False):
            return initial_edges(x)

    def look(self, x: Tensor, trunk: TrunkOutput) -> LVCOutput:
        """The cues of an image and its trunk output; no move yet."""
        lvc_logits = self.lvc_logits(trunk)
        density_logits = self.density(trunk.decoded).float()
        edges = self.edges(x)
        lvc = lvc_logits.detach().sigmoid()
        cue = lvc if self.transform.cue == "lvc" else density_logits.detach().sigmoid() * edges
        return LVCOutput(trunk, lvc_logits, density_logits, edges, cue)

    def move(self, output: LVCOutput) -> LVCOutput:
        """K recurrent warps of the trunk's prediction, appended to `output`. Always in float32."""
        current = output.trunk.logits.float().sigmoid()
        if self.transform.detached:
            current = current.detach()
        with torch.autocast(current.device.type, enabled=False):
            for _ in range(self.transform.warps):
                current = self._step(output, current)
        return output

    def _step(self, output: LVCOutput, current: Tensor) -> Tensor:
        transform, seen = self.transform, current.detach()
        focus = attention(seen, output.cue, transform.attention)
        v_g = self._guide(seen, output.cue, focus)
        v_s, gate = self._offsets(output, seen, v_g)
        moved = warp(current, v_s)
        output.attentions.append(focus)
        output.guidance.append(v_g)
        output.offsets.append(v_s)
        output.gates.append(gate)
        output.warped.append(moved)
        return moved

    def _guide(self, seen: Tensor, cue: Tensor, focus: Tensor) -> Tensor:
        """V_g (B, C, 2, H, W): Eq. 3-4 as read, or as printed."""
        if not self.transform.normalised:
            return literal_guidance(seen, cue)
        return guidance(focus, self.transform.sigma, self.transform.damping)

    def _offsets(self, output: LVCOutput, seen: Tensor, v_g: Tensor) -> tuple[Tensor, Tensor]:
        """V_s (B, C, 2, H, W), capped, and the gate (B, C, H, W), which is 1 where offsets are learned freely."""
        if self.transform.offsets == "learned":
            v_s = self.offset_head(output.trunk.decoded.detach().float(), seen, output.cue)
            return cap_length(v_s, self.transform.step), torch.ones_like(seen)
        density = output.density_logits.detach().sigmoid()
        gate = self.gate(output.cue, output.edges, density, v_g)
        return cap_length(v_g, self.transform.step) * gate.unsqueeze(2), gate
