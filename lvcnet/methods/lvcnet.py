"""LVC-Net: a trunk learns the labels, a generator learns where their outlines run; cues then move what the trunk predicts.

The equations are read so that they do what the paper says (docs/method.md): a balanced cue loss, mass centres that are
divided by their mass, attention that lets a boundary move both ways, moves that give way where outlines agree. No gradient
leads from a cue into the trunk, so one update teaches both what two alternate ones would. As printed they are
`lvcnet.methods.paper`; the labels are corrected while learning in `lvcnet.methods.lvcnet_plus`.
"""

from typing import Any, Literal

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from lvcnet.cues.edges import continued, contour
from lvcnet.former import GENERATOR, gone
from lvcnet.methods.base import Batch, Method, cross_entropy, standardise, total
from lvcnet.methods.learner import Optimisation
from lvcnet.methods.spec import MethodSpec, Trunk
from lvcnet.models.lvcnet import LVCNet
from lvcnet.models.maps import Maps
from lvcnet.models.trunk import TrunkOutput

COUNTED_UNTIL = 0.3
"""Progress until which the labels' margin is counted: it is known by then, and counting costs time."""

MOVES = (
    "Which outlines that all err to one side are moved back before training: auto, those farther from their edge than a"
    " convention explains; edges, small ones too, which costs up to 13 points of IoU where outlines are good; keep: none."
)
GENERATES = "Only edges where outlines of the category run count; off: every edge does."


class LVCNetOptions(BaseModel):
    """`options` of a run with method lvcnet.

    Attributes:
        generator: whether the LVC generator says which edges count.
        polarity: weigh edges whose inside is brighter and those whose inside is darker apart (models.conventions).
        displaced: read edges and regions where they regularly lie beside the outlines (models.conventions).
        displacement: which outlines that all err to one side are moved back before training (data.displacement): auto, those
            farther from their edge than a convention explains; edges, small displacements too, which costs up to 13 points of
            IoU where outlines are good (benchmarks/results/displacement.md); keep, none.
        trust: let edges move outlines only as far as outlines scatter (models.conventions); off: everywhere.
        warps: K, recurrent resampling steps.
        step: longest move of one warp in pixels.
        sigma: Gaussian window N in pixels.
        damping: edge mass at which a move is halved.
        agreement: how much the damping grows where outlines agree (cues.guidance.agreement_damping).
        evidence: rounds of region evidence after the last warp (cues.region).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    generator: bool = Field(GENERATOR["lvcnet"], description=GENERATES)
    polarity: bool = True
    displaced: bool = True
    displacement: Literal["auto", "keep", "edges"] = Field("auto", description=MOVES)
    trust: bool = True
    warps: int = Field(
        4, ge=0, le=16, description="How often the prediction is resampled; 0 is the trunk alone."
    )
    step: float = Field(2.0, gt=0)
    sigma: float = Field(1.25, gt=0)
    damping: float = Field(0.003, gt=0)
    agreement: float = Field(10.0, ge=0)
    evidence: int = Field(0, ge=0, le=16)

    def of_the_network(self) -> dict[str, Any]:
        """All but those that say what is counted and what is learned from."""
        return self.model_dump(exclude={"displaced", "displacement", "trust"})


class LVC(Method):
    """LVC-Net and how it learns.

    Args:
        network: trunk, generator and transform.
        displaced: whether the margin beside edges is counted.
        trusts: whether trust is counted; otherwise edges are trusted everywhere.
        optimisation: how it learns.
        device: where.
    """

    network: LVCNet

    def __init__(
        self,
        network: LVCNet,
        displaced: bool,
        trusts: bool,
        optimisation: Optimisation,
        device: torch.device,
    ) -> None:
        super().__init__(network, optimisation, device)
        self.network, self.displaced, self.trusts = network, displaced, trusts

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Labels teach the trunk, their contours the generator; nothing is moved while they learn."""
        network, labels, weights = self.network.train(), batch.labels, batch.weights
        x = self.learner.prepare(standardise(batch.images, batch.inside))
        with self.learner.precision():
            trunk = network.trunk(x)
            cue_logits = network.cue_logits(trunk)
        self.observe(network.gradient(x, batch.inside), trunk, batch)
        terms = {"label": self.label_term(trunk.logits.float(), labels, weights)}  # Eq. 7: the term of y_G
        if cue_logits is not None:
            terms["lvc"] = outline_loss(cue_logits, labels, weights)  # Eq. 1: for outlines
        return self.learn(terms, batch.progress)

    def observe(self, gradient: Tensor, trunk: TrunkOutput, batch: Batch) -> None:
        """Count on which side outlines are bright, how far they lie beside their edges and how sharply they agree.

        Args:
            gradient: of the images (B, 2, H, W).
            trunk: what the trunk says of them.
            batch: images and labels.
        """
        counts = self.displaced and batch.progress <= COUNTED_UNTIL
        self.network.observe(gradient, batch.labels, batch.weights, counts, batch.inside)
        if self.trusts:
            drawn = trunk.logits.detach().float().sigmoid()
            self.network.trust.observe(continued(drawn, batch.inside), batch.progress)

    def learn(self, terms: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """One update on the sum of the terms; returns them and their sum, detached."""
        loss = total(terms)
        self.learner.update(loss, progress)
        return {"loss": loss.detach(), **{name: value.detach() for name, value in terms.items()}}

    @torch.inference_mode()
    def predict(self, images: Tensor, details: bool = True, inside: Tensor | None = None) -> Maps:
        """S, and everything on the way to it."""
        network = self.learner.predictor()
        with self.learner.precision():
            x = self.learner.prepare(standardise(images, inside))
            output = network(x, None if inside is None else inside.to(x.device))
        return Maps(output.prediction, output.named())


def outline_loss(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Class-specific term: cross-entropy of the response with the labels' contours, so that g(p) becomes the share
    of outlines that run through p. Noise in the labels widens it; distractors never enter it. A contour pixel counts
    where all pixels that decide about it do."""
    if weights is not None:
        weights = -F.max_pool2d(-weights, 3, stride=1, padding=1)
    return cross_entropy(logits, contour(labels), weights)


def _build(options: LVCNetOptions, trunk: Trunk, optimisation: Optimisation, device: torch.device) -> LVC:
    network = LVCNet(trunk.create(), trunk.categories, trunk.widths, **options.of_the_network())
    return LVC(network, options.displaced, options.trust, optimisation, device)


LVCNET = MethodSpec(
    "lvcnet",
    "LVC-Net",
    "corrects outlines by visual cues",
    _build,
    LVCNetOptions,
    features=True,
    cues=True,
    colour="#009E73",
    gone=gone(LVCNetOptions.model_fields),
)
