"""LVC-Net: a trunk, a generator of local visual cues, and a spatial transform that snaps the prediction to them.

Symbols: x image (B, 1, H, W), Y trunk prediction (B, C, H, W), y_s initial edges (B, 1, H, W), g the generator's
response (B, C, H, W), L local visual cues (B, C, H, W), V_g guidance and V_s offsets (B, C, 2, H, W) in pixels,
S_k prediction after k warps, S the last of them, weighed by region evidence where that is switched on, n inward
normals of the predicted boundary.

Three kinds of cue. `edges`, as the paper has it: the generator imitates the Sobel edges, L = g. `outlines`: the
generator learns where outlines of its class run, g is a density that noisy labels blur but do not displace, and the
image says where exactly: L = g * y_s. A rib or a tooth is an edge, but no outline runs there. `sobel`: no generator, the
control of the ablation, g = 1 and L = y_s.

Annotators may draw regularly beside the edge: one pixel outside it, say, so that nothing is cut off. How far, is counted
along the labels (`Displacement`), and image and edges are read that far away, so that a move ends where people draw.

With a second head (LVC-Net plus) the trunk says two things: what the annotators would draw, Y, and what is there, T.
The first learns from the labels alone, the second from S, which is Y moved (methods.lvc). Nothing that the second head
says comes back as its own target, which is what makes self-training drift. T needs no cues to predict.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from lvcnet.cues.edges import blur, contour, edge_gradient, inward_normals, length, oriented_edges
from lvcnet.cues.guidance import (
    AttentionKind,
    agreement_damping,
    aligned_guidance,
    aligned_moments,
    attention,
    cap_length,
    guidance,
    literal_guidance,
)
from lvcnet.cues.region import weigh_regions
from lvcnet.cues.warp import warp
from lvcnet.models.trunk import TrunkOutput

CueKind = Literal["edges", "outlines", "sobel"]
OffsetKind = Literal["learned", "guided"]
POLARITY_BLUR = 2.0
"""How far, in pixels, noisy outlines are spread before edges along them are counted."""
DISPLACEMENT_WINDOW = 2.0
"""Width, in pixels, of the window in which the edge beside an outline is looked for."""
SEEN_DISPLACEMENT = 0.82
"""Share of a displacement that shows in this window, since an edge has a width: of a disc, blurred by 0.8 px."""
LEAST_DISPLACEMENT = 0.2
"""Pixels below which nothing is displaced: reading between pixels would blur more than it puts right."""
OBSERVED = 2
"""Images of a batch whose displacement is measured: what is averaged over many batches needs no more."""


class Transform(BaseModel):
    """How cues become a move (the switches of the ablation).

    Attributes:
        cue: edges, outlines or sobel, see the module docstring.
        attention: product, lvc or near (cues.guidance.attention).
        polarity: not with edges: weigh edges whose inside is brighter and those whose inside is darker apart.
        displaced: not with edges: read edges and regions where they regularly lie beside the outlines (Displacement).
        aligned: count neighbours by how their boundary's direction agrees (cues.guidance.aligned_guidance).
        normalised: divide the mass centre by the mass; False is Eq. 3 as printed.
        offsets: learned, V_s from convolutions (as printed); guided, V_s is V_g itself.
        warps: K, recurrent resampling steps.
        step: longest move of one warp in pixels.
        sigma: Gaussian window N in pixels.
        damping: edge mass at which a move is halved.
        agreement: how much the damping grows where outlines agree (cues.guidance.agreement_damping).
        evidence: rounds of region evidence after the last warp (cues.region).
        settle: rounds of region evidence on what the second head says; more change nothing any more.
        detached: no gradient from the moved prediction into the trunk.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cue: CueKind = "outlines"
    attention: AttentionKind = "lvc"
    polarity: bool = True
    displaced: bool = True
    aligned: bool = True
    normalised: bool = True
    offsets: OffsetKind = "guided"
    warps: int = Field(
        default=4, ge=0, le=16, description="How often the prediction is resampled; 0 is the trunk alone."
    )
    step: float = Field(default=2.0, gt=0)
    sigma: float = Field(default=1.25, gt=0)
    damping: float = Field(default=0.003, gt=0)
    agreement: float = Field(default=10.0, ge=0)
    evidence: int = Field(default=0, ge=0, le=16)
    settle: int = Field(default=4, ge=0, le=16)
    detached: bool = True


@dataclass
class LVCOutput:
    """Everything one forward pass computes. Lists have one entry a warp.

    Attributes:
        trunk: logits and features.
        image: x as the network got it.
        response_logits: (B, C, H, W) of the generator; None without one.
        gradient: (B, 2, H, W) image gradient in units of a full edge; its length is y_s.
        beside: gradient and image as each category's outlines see them (B, C, 3, H, W); None where these are on the edge.
        response: g (B, C, H, W) in [0, 1], without its gradient; 1 without a generator.
        lvc: L (B, C, H, W) in [0, 1].
        attentions, gates, warped: (B, C, H, W); guidance, offsets: (B, C, 2, H, W).
        weighed: (B, C, H, W), the moved prediction after region evidence; None without.
    """

    trunk: TrunkOutput
    image: Tensor
    response_logits: Tensor | None
    gradient: Tensor
    response: Tensor
    lvc: Tensor
    beside: Tensor | None = None
    attentions: list[Tensor] = field(default_factory=list)
    guidance: list[Tensor] = field(default_factory=list)
    offsets: list[Tensor] = field(default_factory=list)
    gates: list[Tensor] = field(default_factory=list)
    warped: list[Tensor] = field(default_factory=list)
    weighed: Tensor | None = None

    @property
    def prediction(self) -> Tensor:
        """S: Y after region evidence, or else after the last warp, or as it was without either."""
        if self.weighed is not None:
            return self.weighed
        return self.warped[-1] if self.warped else self.trunk.logits.float().sigmoid()

    @property
    def edges(self) -> Tensor:
        """y_s (B, 1, H, W)."""
        return length(self.gradient, dim=1)


class LVCGenerator(nn.Module):
    """Side 1x1 convolutions on trunk stages (RCF), upsampled, joined with Y, fused to C logits."""

    def __init__(self, widths: tuple[int, ...], categories: int, side: int = 4) -> None:
        super().__init__()
        self.sides = nn.ModuleList(nn.Conv2d(width, side, 1) for width in widths)
        self.fuse = nn.Sequential(
            nn.Conv2d(side * len(widths) + categories, 2 * side, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(2 * side, categories, 1),
        )

    def forward(self, stages: list[Tensor], prediction: Tensor) -> Tensor:
        """Stages (B, widths[i], any size) and Y (B, C, H, W) -> logits (B, C, H, W)."""
        size = prediction.shape[-2:]
        parts = [_enlarged(side(stage), size) for side, stage in zip(self.sides, stages, strict=True)]
        # One channel fits every memory layout; said which, joining keeps that of the features instead of turning them.
        drawn = prediction.to(parts[0].dtype).clone(memory_format=torch.channels_last)
        logits: Tensor = self.fuse(torch.cat([*parts, drawn], dim=1))
        return logits


def _enlarged(maps: Tensor, size: torch.Size) -> Tensor:
    if maps.shape[-2:] == size:
        return maps
    return F.interpolate(maps, size=size, mode="bilinear", align_corners=False)


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


class Polarity(nn.Module):
    """Whether a class is brighter or darker than what surrounds it: one number a class, counted, not learned.

    `brighter` is the share of edge energy along the outlines whose inside is the brighter side, a running mean over
    the training batches. Noise moves outlines to and fro, but it cannot turn the anatomy's contrast around. Where
    both polarities are equally common, both count fully.
    """

    brighter: Tensor

    def __init__(self, categories: int, momentum: float = 0.05) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("brighter", torch.full((categories,), 0.5))

    @torch.no_grad()
    def observe(self, gradient: Tensor, labels: Tensor, weights: Tensor | None = None) -> None:
        """Count a batch: image gradient (B, 2, H, W), labels and what a pixel of theirs counts (B, C, H, W)."""
        energy = blur(contour(labels), POLARITY_BLUR) * oriented_edges(
            gradient, inward_normals(blur(labels, POLARITY_BLUR))
        )
        if weights is not None:
            energy = energy * weights
        bright = energy.clamp_min(0).square().sum(dim=(0, 2, 3))
        total = energy.square().sum(dim=(0, 2, 3))
        share = torch.where(total > 0, bright / total.clamp_min(1e-12), self.brighter)
        self.brighter.lerp_(share, self.momentum)

    def weigh(self, oriented: Tensor) -> Tensor:
        """Oriented edges (B, C, H, W) in [-1, 1] -> squared edges (B, C, H, W), the rarer polarity damped."""
        shares = torch.stack([self.brighter, 1 - self.brighter])
        brighter, darker = (shares / shares.amax(dim=0)).square().view(2, 1, -1, 1, 1)
        return brighter * oriented.clamp_min(0).square() + darker * oriented.clamp_max(0).square()


class Displacement(nn.Module):
    """How far inside its outlines the edge of a category lies, in pixels: one number a category, counted, not learned.

    `pixels` is the mean distance, along the inward normal, from the labels' contours to the edges around them, a running
    mean over the training batches. Noise that errs to both sides leaves it, and the coarser it is, the nearer the
    measured number to zero, because edges out of the window are not seen: coarse labels say little about conventions.
    """

    pixels: Tensor

    def __init__(self, categories: int, momentum: float = 0.05) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("pixels", torch.zeros(categories))

    @torch.no_grad()
    def observe(self, cue: Tensor, normals: Tensor, labels: Tensor, weights: Tensor | None = None) -> None:
        """Count a batch: squared edges and what a label's pixel counts (B, C, H, W), normals (B, C, 2, H, W)."""
        mass, moment = aligned_moments(cue, normals, DISPLACEMENT_WINDOW)
        counted = contour(labels) if weights is None else contour(labels) * weights
        total, distance = (counted * mass).sum(dim=(0, 2, 3)), (counted * moment).sum(dim=(0, 2, 3))
        measured = torch.where(
            total > 0, distance / (SEEN_DISPLACEMENT * total).clamp_min(1e-12), self.pixels
        )
        self.pixels.lerp_(measured, self.momentum)

    def shift(self) -> Tensor:
        """How far inside its outlines a category's edges are read, (C,) in pixels; 0 where outlines lie on them."""
        return torch.where(self.pixels.abs() >= LEAST_DISPLACEMENT, self.pixels, 0)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        state_dict.setdefault(
            f"{prefix}pixels", torch.zeros_like(self.pixels)
        )  # of runs before it was counted
        super()._load_from_state_dict(state_dict, prefix, *rest)


class LVCNet(nn.Module):
    """Trunk, LVC generator and spatial transform.

    Args:
        trunk: (B, 1, H, W) -> `TrunkOutput`: any network that offers encoder stages and decoded features.
        categories: C.
        widths: channels of the trunk's stages, finest first; its decoded features have those of the first.
        transform: how cues become a move.
        side_stages: how many encoder stages the generator sees; it also sees the decoder's last features.
        second_head: whether what is there gets a head of its own, beside what annotators draw.
    """

    def __init__(
        self,
        trunk: nn.Module,
        categories: int,
        widths: tuple[int, ...],
        transform: Transform | None = None,
        side_stages: int = 3,
        second_head: bool = False,
    ) -> None:
        super().__init__()
        self.transform = transform or Transform()
        self.side_stages = side_stages
        self.trunk = trunk
        generates = self.transform.cue != "sobel"
        self.generator = LVCGenerator((*widths[:side_stages], widths[0]), categories) if generates else None
        self.polarity = Polarity(categories)
        self.displacement = Displacement(categories)
        if self.transform.offsets == "learned":
            self.offset_head = OffsetHead(widths[0], categories)
        self.second_head = nn.Conv2d(widths[0], categories, 1) if second_head else None

    def forward(self, x: Tensor) -> LVCOutput:
        """(B, 1, H, W) image -> everything that leads to S."""
        return self.explain(x, self.trunk(x))

    def explain(self, x: Tensor, trunk: TrunkOutput) -> LVCOutput:
        """The same, from a trunk's output."""
        return self.move(self.look(x, trunk, self.gradient(x), self.respond(trunk)))

    @torch.no_grad()
    def observe(
        self, gradient: Tensor, labels: Tensor, weights: Tensor | None = None, displacement: bool = True
    ) -> None:
        """Count a batch of image gradients (B, 2, H, W), labels and what a pixel of theirs counts (B, C, H, W).

        Args:
            displacement: count it, too; once it has settled, that need not be paid for.
        """
        self.polarity.observe(gradient, labels, weights)
        if displacement and self._counts_displacement():
            gradient, labels = gradient[:OBSERVED], labels[:OBSERVED]
            normals = inward_normals(labels)
            cue = self.polarity.weigh(oriented_edges(gradient, normals))
            self.displacement.observe(
                cue, normals, labels, weights if weights is None else weights[:OBSERVED]
            )

    def there(self, trunk: TrunkOutput) -> Tensor:
        """The second head's logits (B, C, H, W), in float32."""
        assert self.second_head is not None
        with torch.autocast(trunk.decoded.device.type, enabled=False):
            logits: Tensor = self.second_head(trunk.decoded.float())
        return logits

    def settled(self, x: Tensor, trunk: TrunkOutput) -> Tensor:
        """T (B, C, H, W): what the second head says, weighed by region evidence, in float32."""
        with torch.autocast(x.device.type, enabled=False):
            image, drawn = x.float().contiguous(), self.there(trunk).sigmoid()
            if self._displaces():
                image = self._beside(image, drawn)[:, :, 0]
            return weigh_regions(drawn, image, self.transform.settle)

    def respond(self, trunk: TrunkOutput) -> Tensor | None:
        """The generator's logits (B, C, H, W), None without one. It never sends gradients into the trunk."""
        if self.generator is None:
            return None
        stages = [stage.detach() for stage in (*trunk.encoder[: self.side_stages], trunk.decoded)]
        logits: Tensor = self.generator(stages, trunk.logits.detach().sigmoid())
        return logits.float()

    def gradient(self, x: Tensor) -> Tensor:
        """Image gradient (B, 2, H, W) in units of a full edge, always in float32."""
        with torch.autocast(x.device.type, enabled=False):
            return edge_gradient(x.contiguous())

    def look(
        self, x: Tensor, trunk: TrunkOutput, gradient: Tensor, response_logits: Tensor | None
    ) -> LVCOutput:
        """The cues of an image; no move yet."""
        if response_logits is None:
            response = torch.ones_like(trunk.logits, dtype=torch.float32)
        else:
            response = response_logits.detach().sigmoid()
        if self.transform.cue == "edges":
            return LVCOutput(trunk, x, response_logits, gradient, response, response)
        beside = None
        if self._displaces():
            with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
                seen = torch.cat([gradient, x.float()], dim=1).contiguous()
                beside = self._beside(seen, trunk.logits.float().sigmoid().contiguous())
        edges = length(gradient, dim=1) if beside is None else length(beside[:, :, :2], dim=2).squeeze(2)
        return LVCOutput(trunk, x, response_logits, gradient, response, response * edges, beside)

    def _counts_displacement(self) -> bool:
        return self.transform.displaced and self.transform.cue != "edges"

    def _displaces(self) -> bool:
        """Whether outlines lie beside their edges."""
        return self._counts_displacement() and bool(self.displacement.shift().any())

    def _beside(self, maps: Tensor, prediction: Tensor) -> Tensor:
        """Maps (B, K, H, W) as outlines see them that lie beside their edges, (B, C, K, H, W)."""
        offsets = self.displacement.shift().view(1, -1, 1, 1, 1) * inward_normals(prediction)
        return warp(maps.unsqueeze(1).repeat(1, offsets.shape[1], 1, 1, 1), offsets)

    def move(self, output: LVCOutput) -> LVCOutput:
        """K recurrent warps of Y, then region evidence, added to `output`. Always in float32."""
        current = output.trunk.logits.float().sigmoid()
        if self.transform.detached:
            current = current.detach()
        learns = torch.is_grad_enabled() and self.transform.offsets == "learned"
        with torch.autocast(current.device.type, enabled=False), torch.set_grad_enabled(learns):
            damping = self._damping(current.detach())
            for _ in range(self.transform.warps):
                current = self._step(output, current.contiguous(), damping)
            if self.transform.evidence:
                image = output.image.float().contiguous() if output.beside is None else output.beside[:, :, 2]
                output.weighed = weigh_regions(current, image, self.transform.evidence)
        return output

    def _damping(self, start: Tensor) -> float | Tensor:
        """The edge mass that halves a move: of all warps, since a warp itself steepens the boundary."""
        if not self.transform.agreement:
            return self.transform.damping
        return agreement_damping(start, self.transform.damping, self.transform.agreement)

    def _step(self, output: LVCOutput, current: Tensor, damping: float | Tensor) -> Tensor:
        seen = current.detach()
        normals = inward_normals(seen)
        focus = attention(seen, self._cue(output, normals), self.transform.attention)
        v_g, gate = self._guide(seen, output.lvc, focus, normals, damping)
        v_s = self._offsets(output, seen, v_g)
        moved = warp(current, v_s)
        output.attentions.append(focus)
        output.guidance.append(v_g)
        output.offsets.append(v_s)
        output.gates.append(gate)
        output.warped.append(moved)
        return moved

    def _cue(self, output: LVCOutput, normals: Tensor) -> Tensor:
        """What attention is made of (B, C, H, W): L, or its oriented form."""
        if self.transform.cue == "edges" or not self.transform.polarity:
            return output.lvc
        beside = output.beside
        oriented = oriented_edges(output.gradient if beside is None else beside[:, :, :2], normals)
        return output.response * self.polarity.weigh(oriented)

    def _guide(
        self, seen: Tensor, lvc: Tensor, focus: Tensor, normals: Tensor, damping: float | Tensor
    ) -> tuple[Tensor, Tensor]:
        """V_g (B, C, 2, H, W) and gate (B, C, H, W): Eq. 3-4 as read, or as printed (without a gate)."""
        if not self.transform.normalised:
            return literal_guidance(seen, lvc), torch.ones_like(seen)
        if self.transform.aligned:
            return aligned_guidance(focus, normals, self.transform.sigma, damping)
        return guidance(focus, self.transform.sigma, damping)

    def _offsets(self, output: LVCOutput, seen: Tensor, guided: Tensor) -> Tensor:
        """V_s (B, C, 2, H, W), capped: from convolutions, or the guided move itself."""
        if self.transform.offsets == "learned":
            guided = self.offset_head(output.trunk.decoded.detach().float(), seen, output.lvc)
        return cap_length(guided, self.transform.step)
