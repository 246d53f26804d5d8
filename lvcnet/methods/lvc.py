"""LVC-Net's way to learn: cues, guidance and segmentation, trained alternately.

Three variants share this file.

`corrected` is the method as LVC-Net must be read: balanced cue loss, mass centres that are divided by their mass,
attention that lets a boundary move both ways, moves that give way where outlines agree, no gradient from a cue into the
trunk.

`paper` is the printed method with only the repairs without which it diverges:
    1. Eq. 1 gets its missing minus sign (as printed it is maximised by a constant output).
    2. Eq. 3 is divided by the mass of the window (`options.normalised=false` brings the printed form back).
    3. Eq. 4 is damped where the window holds no mass at all (0 / 0).
    4. Eq. 7's edge term keeps the half that is bounded below.
    5. V_s is capped at `step` pixels.

`plus`, the method lvcnet-plus, corrects labels while it learns (`relearn`). Its trunk has two heads. One learns what
annotators draw; its prediction is moved to the cues and weighed by region evidence; the result S, as a mask of equal
area, is what the other head learns. A network that learns from masks which lie on edges finds edges, and what S got
wrong in one image it gets right in the others. S always starts from the head that only ever sees the labels, so errors
cannot feed themselves, and where labels agree to a fraction of a pixel that head leaves S little to move.
"""

from typing import Any, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor

from lvcnet.cues.region import LEAST_PROBABILITY
from lvcnet.methods import lvc_losses as losses
from lvcnet.methods.base import Batch, Method, cross_entropy, standardise
from lvcnet.methods.learner import Optimisation
from lvcnet.methods.spec import MethodSpec, Trunk
from lvcnet.models.lvcnet import LVCNet, LVCOutput, Transform
from lvcnet.models.maps import Maps


class LVCOptions(Transform):
    """`options` of a run with method lvcnet: every switch of the ablation, those of the transform among them.

    What is not given has the default of its variant.
    """

    variant: Literal["corrected", "paper", "plus"] = Field(
        "corrected",
        description="corrected: the equations as they must be read; paper: as printed, with the least repairs; plus: as"
        " method lvcnet-plus.",
    )
    training: Literal["alternate", "joint", "successive"] = Field(
        "alternate",
        description="How the cue generator and the segmentation take turns; the paper alternates.",
    )
    printed_losses: bool = False
    relearn: bool = False
    stray_weight: float = Field(0.0, ge=0)
    guidance_weight: float = Field(0.0, ge=0)
    edge_weight: float = Field(0.0, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _of_variant(cls, given: Any) -> Any:
        """Put the variant's defaults below what was given."""
        if not isinstance(given, dict):
            return given
        variant = given.get("variant", cls.model_fields["variant"].default)
        defaults = VARIANTS.get(variant, {}) if isinstance(variant, str) else {}
        return {**defaults, **given}


class PlusOptions(LVCOptions):
    """`options` of a run with method lvcnet-plus, which is variant plus."""

    variant: Literal["plus"] = "plus"


PAPER: dict[str, Any] = {
    "printed_losses": True,
    "cue": "edges",
    "attention": "product",
    "offsets": "learned",
    "warps": 1,
    "displaced": False,
    "aligned": False,
    "sigma": 1.75,
    "damping": 0.01,
    "agreement": 0.0,
    "detached": False,
    "stray_weight": 0.1,
    "guidance_weight": 0.1,
    "edge_weight": 0.1,
}
"""What `variant: paper` changes."""
PLUS: dict[str, Any] = {"training": "joint", "evidence": 2, "relearn": True}
"""What `variant: plus`, that is method lvcnet-plus, changes."""
VARIANTS: dict[str, dict[str, Any]] = {"corrected": {}, "paper": PAPER, "plus": PLUS}
RELEARN_FROM, RELEARN_FULLY = 0.1, 0.3
"""Progress between which the masks S take the place of the labels; before, Y is still far from any outline."""


class LVC(Method):
    """LVC-Net and its losses.

    Args:
        network: trunk, generator and transform.
        options: switches and loss weights.
        optimisation: how it learns.
        device: where.
    """

    def __init__(
        self, network: LVCNet, options: LVCOptions, optimisation: Optimisation, device: torch.device
    ) -> None:
        super().__init__(network, optimisation, device)
        self.options = options
        self.network = network

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Cues first, then segmentation with the new cues (alternate); or both in one update (joint)."""
        network = self.network
        alternate = self.options.training == "alternate" and network.generator is not None
        network.train()
        x = self.learner.prepare(standardise(batch.images))
        gradient = network.gradient(x)
        early = batch.progress <= RELEARN_FULLY
        network.observe(gradient, batch.labels, batch.weights, displacement=early)
        with self.learner.precision():
            trunk = network.trunk(x)
            output = network.look(x, trunk, gradient, network.respond(trunk))
        cue_terms = self._cue_terms(output, batch)
        if alternate:
            self.learner.update(_total(cue_terms), batch.progress, last=False)
        with self.learner.precision():
            if self._moves(batch.progress):
                if alternate:
                    with torch.no_grad():
                        output = network.look(x, trunk, gradient, network.respond(trunk))
                network.move(output)
        terms = self._segmentation_terms(output, batch)
        shown = terms | cue_terms
        self.learner.update(_total(terms if alternate else shown), batch.progress)
        return {"loss": _total(shown).detach(), **{name: value.detach() for name, value in shown.items()}}

    def _moves(self, progress: float) -> bool:
        """Whether a loss looks at the moved prediction: with learned offsets, and where S is learned again."""
        return self.options.offsets == "learned" or (self.options.relearn and progress > RELEARN_FROM)

    def _cue_terms(self, output: LVCOutput, batch: Batch) -> dict[str, Tensor]:
        """Eq. 1, or the class-specific term that stands in for it, and the regularisation; nothing without a generator."""
        options = self.options
        if output.response_logits is None:
            return {}
        logits = output.response_logits.float()
        if options.cue == "outlines":
            terms = {"lvc": losses.outline_loss(logits, batch.labels, batch.weights)}
        else:
            generate = losses.lvc_loss_printed if options.printed_losses else losses.lvc_loss
            terms = {"lvc": generate(logits, output.edges)}
        if options.stray_weight:
            prediction = output.trunk.logits.detach().float().sigmoid()
            terms["stray"] = options.stray_weight * losses.stray_loss(logits, prediction)
        return terms

    def _segmentation_terms(self, output: LVCOutput, batch: Batch) -> dict[str, Tensor]:
        """Eq. 5 and 7, weighted."""
        options, labels, weights, progress = self.options, batch.labels, batch.weights, batch.progress
        terms = {}
        moves = options.warps > 0 and options.offsets == "learned"
        if options.training == "successive" and progress < 0.5:
            moves = False
        if options.detached or not moves:
            terms["label"] = cross_entropy(output.trunk.logits.float(), labels, weights)
        if options.relearn:
            target = relearned(labels, output, progress)
            terms["relearn"] = cross_entropy(self.network.there(output.trunk), target, weights)
        if moves:
            terms["warped"] = losses.label_loss(output.prediction, labels, weights)
            if options.guidance_weight:
                terms["guidance"] = options.guidance_weight * self._guidance_term(output)
            if options.edge_weight:
                terms["edge"] = options.edge_weight * self._edge_term(output)
        return terms

    def _guidance_term(self, output: LVCOutput) -> Tensor:
        pairs = list(zip(output.guidance, output.offsets, output.attentions, strict=True))
        if self.options.printed_losses:
            parts = [losses.guidance_loss_printed(v_g, v_s) for v_g, v_s, _ in pairs]
        else:
            parts = [losses.guidance_loss(v_g, v_s, mass) for v_g, v_s, mass in pairs]
        return torch.stack(parts).mean()

    def _edge_term(self, output: LVCOutput) -> Tensor:
        if self.options.printed_losses:
            return losses.edge_region_loss(output.prediction, output.lvc)
        return losses.attraction_loss(output.prediction, output.lvc)

    @torch.inference_mode()
    def predict(self, images: Tensor, details: bool = True) -> Maps:
        """S, or T weighed by region evidence, and everything on the way to S (attention to gate: of the first warp)."""
        network = self.learner.predictor()
        assert isinstance(network, LVCNet)
        x = self.learner.prepare(standardise(images))
        with self.learner.precision():
            trunk = network.trunk(x)
            output = network.explain(x, trunk) if details or not self.options.relearn else None
            final = network.settled(x, trunk) if self.options.relearn else None
        if output is None:
            assert final is not None
            return Maps(final)
        if final is None:
            return Maps(output.prediction, _named(output))
        return Maps(final, _named(output) | _of_two_heads(output, network.there(trunk), final))


def _named(output: LVCOutput) -> dict[str, Tensor]:
    """All maps on the way to S, by name."""
    named = {"edges": output.edges}
    if output.response_logits is not None:
        named["response"] = output.response
    named |= {"lvc": output.lvc, "trunk": output.trunk.logits.float().sigmoid()}
    if output.warped:
        named |= {
            "attention": output.attentions[0],
            "guidance": output.guidance[0],
            "offsets": output.offsets[0],
            "gate": output.gates[0],
        }
        named |= {f"warp{number}": value for number, value in enumerate(output.warped, start=1)}
    return named


def _of_two_heads(output: LVCOutput, there: Tensor, final: Tensor) -> dict[str, Tensor]:
    """S, which is not the prediction here; what the second head says; and the evidence that was added, squashed to [0, 1]."""
    second = there.sigmoid()
    added = torch.logit(final, eps=LEAST_PROBABILITY) - torch.logit(second, eps=LEAST_PROBABILITY)
    return {"repaired": output.prediction, "second": second, "evidence": added.sigmoid()}


def relearned(labels: Tensor, output: LVCOutput, progress: float) -> Tensor:
    """What the second head learns: the labels, which give way to the masks of S as training goes on. (B, C, H, W).

    They give way as far as the first warp's gate is open: without an edge in sight, or where outlines agree so well that
    edges have nothing to add, labels stay what they are. Source: Eq. 7's edge-aware reading.
    """
    share = min(1.0, max(0.0, (progress - RELEARN_FROM) / (RELEARN_FULLY - RELEARN_FROM)))
    if not share:
        return labels
    drawn = output.trunk.logits.detach().float().sigmoid()
    repaired = masks_of_equal_area(output.prediction.detach(), drawn).to(labels)
    gate = output.gates[0].detach() if output.gates else 1.0  # without warps there is none
    return labels + share * gate * (repaired - labels)


def masks_of_equal_area(moved: Tensor, drawn: Tensor) -> Tensor:
    """Masks (B, C, H, W) of a moved prediction that cover, over the batch, as much as those of the drawn one.

    Outlines err to both sides, so what they agree on has the right size; an edge that lies regularly beside where
    people draw (the outer rim of a shadow, the inner side of a cortex) would shift all boundaries one way. One threshold
    a category takes that shift back.
    """
    counts = (drawn >= 0.5).sum(dim=(0, 2, 3)).tolist()
    thresholds = [
        values.flatten().kthvalue(values.numel() - count + 1).values if count else values.new_tensor(2.0)
        for values, count in zip(moved.unbind(1), counts, strict=True)
    ]
    # a saturated prediction may have fewer pixels above zero than were drawn: zero is foreground nowhere
    return (moved >= torch.stack(thresholds).view(1, -1, 1, 1)) & (moved > 0)


def _total(terms: dict[str, Tensor]) -> Tensor:
    return torch.stack(list(terms.values())).sum()


def _build(options: LVCOptions, trunk: Trunk, optimisation: Optimisation, device: torch.device) -> LVC:
    network = LVCNet(trunk.create(), trunk.categories, trunk.widths, options, second_head=options.relearn)
    return LVC(network, options, optimisation, device)


LVCNET = MethodSpec(
    "lvcnet",
    "LVC-Net",
    "corrects outlines by visual cues",
    _build,
    LVCOptions,
    features=True,
    cues=True,
    colour="#009E73",
)
LVCNET_PLUS = MethodSpec(
    "lvcnet-plus",
    "LVC-Net plus",
    "also learns from the corrected outlines",
    _build,
    PlusOptions,
    features=True,
    cues=True,
    colour="#B86A9C",
)
