"""LVC-Net: a trunk, a generator of local visual cues, and a spatial transform that snaps the prediction to them.

Symbols: x image (B, 1, H, W), Y trunk prediction (B, C, H, W), y_s initial edges (B, 1, H, W), g the generator's
response (B, C, H, W), L local visual cues (B, C, H, W), a attention (B, C, H, W), V_g guidance and V_s offsets
(B, C, 2, H, W) in pixels, S_k prediction after k warps, S the last of them, weighed by region evidence where that is
switched on, n inward normals of the predicted boundary.

The generator learns where outlines of its class run: g is a density that noisy labels blur but do not displace, and the
image says where exactly: L = g y_s. A rib or a tooth is an edge, but no outline runs there. Without a generator g = 1, and
every edge is a cue.

Annotators may draw regularly beside the edge: one pixel outside it, say, so that nothing is cut off. How far, is counted
along the labels (`AnnotationMargin`), and image and edges are read that far away, so that a move ends where people draw.

Where outlines agree better than an edge can say, edges have nothing to add: how far they may move a category's outlines is
counted, too (`Trust`), and scales every move and all region evidence.

With a second head (`LVCNetPlus`) the trunk says two things: what the annotators would draw, Y, and what is there, T.
The first learns from the labels alone, the second from S, which is Y moved, once, early on (methods.lvcnet_plus). Nothing that
the second head says comes back as its own target, which is what makes self-training drift. T needs no cues to predict.

The network as the paper prints it, with learned offsets, is `lvcnet.methods.paper`.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from lvcnet.cues.edges import continued, edge_gradient, inward_normals, length, oriented_edges
from lvcnet.cues.guidance import agreement_damping, aligned_guidance, cap_length
from lvcnet.cues.region import weigh_regions
from lvcnet.cues.warp import warp
from lvcnet.errors import LvcnetError
from lvcnet.models.conventions import OBSERVED, AnnotationMargin, Polarity, Trust
from lvcnet.models.generator import LVCGenerator
from lvcnet.models.trunk import TrunkOutput


@dataclass
class LVCOutput:
    """Everything one forward pass computes. Lists have one entry a warp.

    Attributes:
        trunk: logits and features.
        image: x as the network got it.
        gradient: (B, 2, H, W) image gradient in units of a full edge; its length is y_s.
        cue_logits: (B, C, H, W) of the generator; None without one.
        response: g (B, C, H, W) in [0, 1], without its gradient; 1 without a generator.
        lvc: L (B, C, H, W) in [0, 1].
        displaced: gradient and image as each category's outlines see them (B, C, 3, H, W); None where these are on the
            edge.
        attentions, gates, warped: (B, C, H, W); guidance, offsets: (B, C, 2, H, W).
        weighed: (B, C, H, W), the moved prediction after region evidence; None without.
        inside: (B, 1, H, W), 1 where the image is, 0 in the padding beside it; None where there is none.
    """

    trunk: TrunkOutput
    image: Tensor
    gradient: Tensor
    cue_logits: Tensor | None
    response: Tensor
    lvc: Tensor
    displaced: Tensor | None = None
    attentions: list[Tensor] = field(default_factory=list)
    guidance: list[Tensor] = field(default_factory=list)
    gates: list[Tensor] = field(default_factory=list)
    offsets: list[Tensor] = field(default_factory=list)
    warped: list[Tensor] = field(default_factory=list)
    weighed: Tensor | None = None
    inside: Tensor | None = None

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

    def named(self) -> dict[str, Tensor]:
        """All maps on the way to S, by the names of `lvcnet.models.maps`; attention to gate are of the first warp."""
        named = {"edges": self.edges}
        if self.cue_logits is not None:
            named["response"] = self.response
        named |= {"lvc": self.lvc, "trunk": self.trunk.logits.float().sigmoid()}
        if self.warped:
            named |= {
                "attention": self.attentions[0],
                "guidance": self.guidance[0],
                "offsets": self.offsets[0],
                "gate": self.gates[0],
            }
        return named | {f"warp{number}": value for number, value in enumerate(self.warped, start=1)}


class LVCNet(nn.Module):
    """Trunk, LVC generator and spatial transform.

    Args:
        trunk: (B, 1, H, W) -> `TrunkOutput`: any network that offers encoder stages and decoded features.
        categories: C.
        widths: channels of the trunk's stages, finest first; its decoded features have those of the first.
        generator: whether a generator says which edges count; without, all do.
        polarity: weigh edges whose inside is brighter and those whose inside is darker apart.
        warps: K, recurrent resampling steps; 0 is the trunk alone.
        step: longest move of one warp in pixels.
        sigma: Gaussian window N in pixels.
        damping: edge mass at which a move is halved.
        agreement: how much the damping grows where outlines agree (cues.guidance.agreement_damping).
        evidence: rounds of region evidence after the last warp (cues.region).
    """

    def __init__(
        self,
        trunk: nn.Module,
        categories: int,
        widths: tuple[int, ...],
        *,
        generator: bool = True,
        polarity: bool = True,
        warps: int = 4,
        step: float = 2.0,
        sigma: float = 1.25,
        damping: float = 0.003,
        agreement: float = 10.0,
        evidence: int = 0,
    ) -> None:
        super().__init__()
        self.oriented, self.warps, self.step, self.sigma = polarity, warps, step, sigma
        self.damping, self.agreement, self.evidence = damping, agreement, evidence
        self.trunk = trunk
        self.generator = LVCGenerator(widths, categories) if generator else None
        self.polarity = Polarity(categories)
        self.displacement = AnnotationMargin(categories)  # what its buffer is called in checkpoints
        self.trust = Trust(categories)

    def forward(self, x: Tensor, inside: Tensor | None = None) -> LVCOutput:
        """(B, 1, H, W) image -> everything that leads to S; `inside` says where there is no padding, as in `LVCOutput`."""
        return self.explain(x, self.trunk(x), inside)

    def explain(self, x: Tensor, trunk: TrunkOutput, inside: Tensor | None = None) -> LVCOutput:
        """The same, from a trunk's output."""
        gradient = self.gradient(x, inside)
        return self.move(self.cues(x, trunk, gradient, self.cue_logits(trunk), inside))

    def gradient(self, x: Tensor, inside: Tensor | None = None) -> Tensor:
        """Image gradient (B, 2, H, W) in units of a full edge, always in float32; none in the padding."""
        with torch.autocast(x.device.type, enabled=False):
            return edge_gradient(x.contiguous(), inside=inside)

    def cue_logits(self, trunk: TrunkOutput) -> Tensor | None:
        """The generator's logits (B, C, H, W), None without one. It never sends gradients into the trunk."""
        return None if self.generator is None else self.generator(trunk)

    @torch.no_grad()
    def observe(
        self,
        gradient: Tensor,
        labels: Tensor,
        weights: Tensor | None = None,
        margin: bool = True,
        inside: Tensor | None = None,
    ) -> None:
        """Count what annotators do regularly.

        Args:
            gradient: of the images (B, 2, H, W).
            labels: (B, C, H, W).
            weights: what a pixel of theirs counts (B, C, H, W).
            margin: count it, too; once it is known, that need not be paid for.
            inside: (B, 1, H, W), 1 where the images are; labels go on beyond them, so that their border is no outline.
        """
        if inside is not None:
            labels = (continued(labels, inside) >= 0.5).to(labels)
        self.polarity.observe(gradient, labels, weights)
        if margin:
            gradient, labels = gradient[:OBSERVED], labels[:OBSERVED]
            normals = inward_normals(labels)
            cue = self.polarity.weigh(oriented_edges(gradient, normals))
            self.displacement.observe(cue, normals, labels, None if weights is None else weights[:OBSERVED])

    @torch.no_grad()
    def cues(
        self,
        x: Tensor,
        trunk: TrunkOutput,
        gradient: Tensor,
        cue_logits: Tensor | None,
        inside: Tensor | None = None,
    ) -> LVCOutput:
        """L = g y_s, in float32; no move yet."""
        with torch.autocast(x.device.type, enabled=False):
            drawn = continued(trunk.logits.float().sigmoid(), inside).contiguous()
            response = torch.ones_like(drawn) if cue_logits is None else cue_logits.sigmoid()
            displaced, edges = None, length(gradient, dim=1)
            if self.displacement.applies():
                seen = torch.cat([gradient, continued(x.float(), inside)], dim=1).contiguous()
                displaced = self.displacement.displaced(seen, drawn)
                edges = length(displaced[:, :, :2], dim=2).squeeze(2)
            lvc = response * edges
            return LVCOutput(trunk, x, gradient, cue_logits, response, lvc, displaced, inside=inside)

    @torch.no_grad()
    def move(self, output: LVCOutput) -> LVCOutput:
        """K recurrent warps of Y, then region evidence, added to `output`. In float32; the trunk learns nothing of it."""
        with torch.autocast(output.image.device.type, enabled=False):
            current = continued(output.trunk.logits.float().sigmoid(), output.inside)
            # Of all warps, since a warp itself steepens the boundary.
            damping = agreement_damping(current, self.damping, self.agreement)
            trust = self.trust.shares().view(1, -1, 1, 1)
            for _ in range(self.warps):
                current = self._warp(output, current.contiguous(), damping, trust)
            if self.evidence:
                image = output.image.float().contiguous()
                if output.displaced is not None:
                    image = output.displaced[:, :, 2]
                output.weighed = weigh_regions(
                    current, image, self.evidence, inside=output.inside, trust=trust
                )
        return output

    def _warp(self, output: LVCOutput, current: Tensor, damping: Tensor, trust: Tensor) -> Tensor:
        """S_k (B, C, H, W) from S_{k-1}; everything on the way is added to `output`."""
        normals = inward_normals(current)
        attention = self._attention(output, normals)
        v_g, gate = aligned_guidance(attention, normals, self.sigma, damping)  # Eq. 3 and 4: R - center
        v_g, gate = trust.unsqueeze(2) * v_g, trust * gate
        v_s = cap_length(v_g, self.step)  # Eq. 5: at its minimum, V_s = V_g
        moved = warp(current, v_s)  # Eq. 6: S(p) = Y(p + V_s(p))
        output.attentions.append(attention)
        output.guidance.append(v_g)
        output.gates.append(gate)
        output.offsets.append(v_s)
        output.warped.append(moved)
        return moved

    def _attention(self, output: LVCOutput, normals: Tensor) -> Tensor:
        """a (B, C, H, W): L, of which only edges along the boundary count, the rarer polarity damped."""
        if not self.oriented:
            return output.lvc
        gradient = output.gradient if output.displaced is None else output.displaced[:, :, :2]
        return output.response * self.polarity.weigh(oriented_edges(gradient, normals))


class LVCNetPlus(LVCNet):
    """LVC-Net with a second head on the trunk: what is there, beside what annotators draw.

    Args:
        trunk, categories, widths: as of `LVCNet`.
        settle: rounds of region evidence on what the second head says; more than four change nothing any more.
        options: as of `LVCNet`.

    Raises:
        LvcnetError: if the trunk has no `head`.
    """

    def __init__(
        self, trunk: nn.Module, categories: int, widths: tuple[int, ...], *, settle: int = 4, **options: Any
    ) -> None:
        super().__init__(trunk, categories, widths, **options)
        if not isinstance(getattr(trunk, "head", None), nn.Module):
            raise LvcnetError(
                f"network {type(trunk).__name__} has no `head`, the module that makes logits of its decoded features, which"
                " LVC-Net plus trains by itself: choose another network, or another method"
            )
        self.settle = settle
        self.second_head = nn.Conv2d(widths[0], categories, 1)

    def label_logits(self, trunk: TrunkOutput) -> Tensor:
        """The first head's logits (B, C, H, W) again, with no gradient into the features."""
        with torch.autocast(trunk.decoded.device.type, enabled=False):
            logits: Tensor = self.trunk.head(trunk.decoded.detach().float())  # type: ignore[operator]
        return logits

    def second_logits(self, trunk: TrunkOutput) -> Tensor:
        """The second head's logits (B, C, H, W), in float32."""
        with torch.autocast(trunk.decoded.device.type, enabled=False):
            logits: Tensor = self.second_head(trunk.decoded.float())
        return logits

    def refined(self, x: Tensor, trunk: TrunkOutput, inside: Tensor | None = None) -> Tensor:
        """T (B, C, H, W): what the second head says, weighed by region evidence, in float32."""
        with torch.autocast(x.device.type, enabled=False):
            image, drawn = x.float().contiguous(), self.second_logits(trunk).sigmoid()
            if self.displacement.applies():
                seen = continued(image, inside), continued(drawn, inside).contiguous()
                image = self.displacement.displaced(*seen)[:, :, 0]
            trust = self.trust.shares().view(1, -1, 1, 1)
            return weigh_regions(drawn, image, self.settle, inside=inside, trust=trust)
