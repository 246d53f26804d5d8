"""How the printed method learns: cues first, then the segmentation with the new cues, as the paper says, or otherwise."""

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from lvcnet.former import gone
from lvcnet.methods.base import Batch, Method, cross_entropy, standardise, total
from lvcnet.methods.learner import Optimisation
from lvcnet.methods.paper import losses
from lvcnet.methods.paper.network import PaperNet
from lvcnet.methods.spec import MethodSpec, Trunk
from lvcnet.models.lvcnet import LVCOutput
from lvcnet.models.maps import Maps

OFFSETS_FROM = 0.5
"""Progress at which successive training begins to learn offsets."""


class PaperOptions(BaseModel):
    """`options` of a run with method lvcnet-paper.

    Attributes:
        training: alternate, joint or successive.
        printed_losses: Eq. 1, 5 and 7 as printed, or as they must be read.
        normalised: divide the mass centre by the mass; False is Eq. 3 as printed.
        warps, step, sigma, damping: see `PaperNet`.
        stray_weight: of the regularisation of Eq. 1.
        guidance_weight: of Eq. 5.
        edge_weight: of the edge term of Eq. 7.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    training: Literal["alternate", "joint", "successive"] = Field(
        "alternate",
        description="How generator and segmentation take turns: alternate as in the paper, both at once, or offsets only"
        " in the second half.",
    )
    printed_losses: bool = Field(
        True, description="Losses as printed, with the least repairs; off: as they must be read."
    )
    normalised: bool = True
    warps: int = Field(1, ge=0, le=16, description="How often the prediction is resampled.")
    step: float = Field(2.0, gt=0)
    sigma: float = Field(1.75, gt=0)
    damping: float = Field(0.01, gt=0)
    stray_weight: float = Field(0.1, ge=0)
    guidance_weight: float = Field(0.1, ge=0)
    edge_weight: float = Field(0.1, ge=0)


class Paper(Method):
    """The printed network and its losses.

    Args:
        network: trunk, generator and offsets.
        options: order of training and loss weights.
        optimisation: how it learns.
        device: where.
    """

    def __init__(
        self, network: PaperNet, options: PaperOptions, optimisation: Optimisation, device: torch.device
    ) -> None:
        super().__init__(network, optimisation, device)
        self.network, self.options = network, options

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Cues first, then segmentation with the new cues (alternate); or both in one update."""
        network, alternate = self.network.train(), self.options.training == "alternate"
        x = self.learner.prepare(standardise(batch.images, batch.inside))
        with self.learner.precision():
            trunk = network.trunk(x)
            output = network.cues(x, trunk, batch.inside)
        cue_terms = self._cue_terms(output)
        if alternate:
            self.learner.update(total(cue_terms), batch.progress, last=False)
        with self.learner.precision():
            if alternate:
                with torch.no_grad():
                    output = network.cues(x, trunk, batch.inside)
            network.move(output)
        terms = self._segmentation_terms(output, batch)
        shown = terms | cue_terms
        self.learner.update(total(terms if alternate else shown), batch.progress)
        return {"loss": total(shown).detach(), **{name: value.detach() for name, value in shown.items()}}

    def _cue_terms(self, output: LVCOutput) -> dict[str, Tensor]:
        """Eq. 1 and its regularisation."""
        assert output.cue_logits is not None
        generate = losses.lvc_loss_printed if self.options.printed_losses else losses.lvc_loss
        terms = {"lvc": generate(output.cue_logits, output.edges, output.inside)}
        if self.options.stray_weight:
            prediction = output.trunk.logits.detach().float().sigmoid()
            stray = losses.stray_loss(output.cue_logits, prediction, output.inside)
            terms["stray"] = self.options.stray_weight * stray
        return terms

    def _segmentation_terms(self, output: LVCOutput, batch: Batch) -> dict[str, Tensor]:
        """Eq. 5 and 7, weighted; the trunk alone where nothing is moved yet."""
        options = self.options
        waits = options.training == "successive" and batch.progress < OFFSETS_FROM
        if waits or not output.warped:
            return {"label": cross_entropy(output.trunk.logits.float(), batch.labels, batch.weights)}
        terms = {"warped": losses.label_loss(output.prediction, batch.labels, batch.weights)}
        if options.guidance_weight:
            terms["guidance"] = options.guidance_weight * self._guidance_term(output)
        if options.edge_weight:
            attract = losses.edge_region_loss if options.printed_losses else losses.attraction_loss
            terms["edge"] = options.edge_weight * attract(output.prediction, output.lvc, output.inside)
        return terms

    def _guidance_term(self, output: LVCOutput) -> Tensor:
        """Eq. 5, mean over the warps."""
        pairs = list(zip(output.guidance, output.offsets, output.attentions, strict=True))
        if self.options.printed_losses:
            parts = [losses.guidance_loss_printed(v_g, v_s, output.inside) for v_g, v_s, _ in pairs]
        else:
            parts = [losses.guidance_loss(v_g, v_s, mass) for v_g, v_s, mass in pairs]
        return torch.stack(parts).mean()

    @torch.inference_mode()
    def predict(self, images: Tensor, details: bool = True, inside: Tensor | None = None) -> Maps:
        """S, and everything on the way to it."""
        network = self.learner.predictor()
        with self.learner.precision():
            x = self.learner.prepare(standardise(images, inside))
            output = network(x, None if inside is None else inside.to(x.device))
        return Maps(output.prediction, output.named())


def _build(options: PaperOptions, trunk: Trunk, optimisation: Optimisation, device: torch.device) -> Paper:
    values = options.model_dump(include={"normalised", "warps", "step", "sigma", "damping"})
    network = PaperNet(trunk.create(), trunk.categories, trunk.widths, **values)
    return Paper(network, options, optimisation, device)


LVCNET_PAPER = MethodSpec(
    "lvcnet-paper",
    "LVC-Net as printed",
    "is the paper's method, equation by equation",
    _build,
    PaperOptions,
    features=True,
    cues=True,
    colour="#9A6A3A",
    gone=gone(PaperOptions.model_fields),
)
