"""LVC-Net's way to learn: cues, guidance and segmentation, trained alternately.

Two variants share this file.

`corrected` is the method as LVC-Net must be read: balanced cue loss, mass centres that are divided by their mass,
attention that lets a boundary move both ways, moves under a learned gate, no gradient from a cue into the trunk.

`paper` is the printed method with only the repairs without which it diverges:
    1. Eq. 1 gets its missing minus sign (as printed it is maximised by a constant output).
    2. Eq. 3 is divided by the mass of the window (`options.normalised=false` brings the printed form back).
    3. Eq. 4 is damped where the window holds no mass at all (0 / 0).
    4. Eq. 7's edge term keeps the half that is bounded below.
    5. V_s is capped at `step` pixels.
"""

from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from lvcnet.cues.guidance import AttentionKind
from lvcnet.errors import LvcnetError
from lvcnet.methods import lvc_losses as losses
from lvcnet.methods.base import Batch, standardise
from lvcnet.methods.learner import Learner, Optimisation
from lvcnet.models.lvcnet import CueKind, LVCNet, LVCOutput, OffsetKind, Transform
from lvcnet.models.maps import Maps

TRANSFORM_FIELDS = tuple(Transform.__dataclass_fields__)


class LVCOptions(BaseModel):
    """`options` of a run with method lvcnet: every switch of the ablation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    variant: Literal["corrected", "paper"] = "corrected"
    training: Literal["alternate", "joint", "successive"] = "alternate"
    printed_losses: bool = False
    cue: CueKind = "density"
    attention: AttentionKind = "lvc"
    normalised: bool = True
    offsets: OffsetKind = "guided"
    warps: int = Field(4, ge=0, le=16)
    step: float = Field(2.0, gt=0)
    sigma: float = Field(1.75, gt=0)
    damping: float = Field(0.01, gt=0)
    detached: bool = True
    lvc_weight: float = Field(1.0, ge=0)
    stray_weight: float = Field(0.1, ge=0)
    density_weight: float = Field(1.0, ge=0)
    guidance_weight: float = Field(0.1, ge=0)
    edge_weight: float = Field(0.1, ge=0)

    def transform(self) -> Transform:
        """The part that belongs to the network."""
        return Transform(**{name: getattr(self, name) for name in TRANSFORM_FIELDS})


PAPER: dict[str, Any] = {
    "printed_losses": True,
    "cue": "lvc",
    "attention": "product",
    "offsets": "learned",
    "warps": 1,
    "detached": False,
    "density_weight": 0.0,
}
"""What `variant: paper` changes."""


def lvc_options(options: dict[str, Any]) -> LVCOptions:
    """Validated options: the variant's defaults, then what was given.

    Raises:
        LvcnetError: naming every option that is unknown or out of range.
    """
    defaults = PAPER if options.get("variant") == "paper" else {}
    try:
        return LVCOptions(**{**defaults, **options})
    except ValidationError as error:
        problems = [f"options.{item['loc'][0]}: {item['msg']}" for item in error.errors()]
        raise LvcnetError(f"{'; '.join(problems)} (options: {', '.join(LVCOptions.model_fields)})") from None


class LVC:
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
        self.options = options
        self.network = network
        self.learner = Learner(network, optimisation, device)

    def begin_epoch(self, epoch: int) -> None:
        """Nothing changes from epoch to epoch."""

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Cues first, then segmentation with the new cues (alternate); or both in one update (joint)."""
        self.network.train()
        x = self.learner.prepare(standardise(batch.images))
        with self.learner.precision():
            trunk = self.network.trunk(x)
            cue_terms = self._cue_terms(
                self.network.lvc_logits(trunk), x, trunk.logits.detach().float().sigmoid()
            )
            cue_loss = sum(cue_terms.values(), torch.zeros((), device=x.device))
            if self.options.training == "alternate":
                self.learner.update(cue_loss, batch.progress, last=False)
            output = self.network.move(self.network.look(x, trunk))
        terms = self._segmentation_terms(output, batch.labels, batch.progress)
        loss = sum(terms.values(), torch.zeros((), device=x.device))
        if self.options.training != "alternate":
            loss = loss + cue_loss
        self.learner.update(loss, batch.progress)
        return {name: value.detach() for name, value in {"loss": loss, **terms, **cue_terms}.items()}

    def _cue_terms(self, logits: Tensor, x: Tensor, prediction: Tensor) -> dict[str, Tensor]:
        """Eq. 1 and the regularisation, weighted."""
        options = self.options
        edges = self.network.edges(x)
        generate = losses.lvc_loss_printed if options.printed_losses else losses.lvc_loss
        return {
            "lvc": options.lvc_weight * generate(logits, edges),
            "stray": options.stray_weight * losses.stray_loss(logits, prediction),
        }

    def _segmentation_terms(self, output: LVCOutput, labels: Tensor, progress: float) -> dict[str, Tensor]:
        """Eq. 5 and 7 and the outline density, weighted."""
        options = self.options
        trunk = output.trunk.logits.float().sigmoid()
        terms = {"label": losses.label_loss(trunk, labels)} if options.detached else {}
        if options.density_weight:
            terms["density"] = options.density_weight * losses.density_loss(output.density_logits, labels)
        successive = options.training == "successive" and progress < 0.5
        if options.warps and not successive:
            terms["guidance"] = options.guidance_weight * self._guidance_term(output)
            terms["edge"] = options.edge_weight * self._edge_term(output)
            terms["warped"] = losses.label_loss(output.prediction, labels)
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
            return losses.edge_region_loss(output.prediction, output.cue)
        return losses.attraction_loss(output.prediction, output.cue)

    def end_epoch(self, epoch: int) -> None:
        """Nothing to do."""

    @torch.inference_mode()
    def predict(self, images: Tensor) -> Maps:
        """S, and everything on the way to it; attention, guidance, offsets and gate of the first warp."""
        with self.learner.precision():
            output: LVCOutput = self.learner.predictor()(self.learner.prepare(standardise(images)))
        named = {
            "edges": output.edges,
            "density": output.density_logits.sigmoid(),
            "lvc": output.lvc_logits.sigmoid(),
            "trunk": output.trunk.logits.float().sigmoid(),
        }
        if output.warped:
            named |= {
                "attention": output.attentions[0],
                "guidance": output.guidance[0],
                "offsets": output.offsets[0],
                "gate": output.gates[0],
            }
            named |= {f"warp{number}": value for number, value in enumerate(output.warped, start=1)}
        return Maps(output.prediction, named)

    def weights(self) -> dict[str, Tensor]:
        """The predicting network's tensors."""
        return self.learner.weights()

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Inverse of `weights`."""
        self.learner.load_weights(weights)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Network, moving average, optimiser."""
        return self.learner.state()

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        """Inverse of `state`."""
        self.learner.load_state(tensors, values)

    def parameters(self) -> int:
        """Number of weights."""
        return sum(weight.numel() for weight in self.network.parameters())
