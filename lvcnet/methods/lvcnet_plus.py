"""LVC-Net plus learns what outlines have in common, moves that to the edges, and learns the result.

Networks learn what many labels share before they learn each one by heart (Arpit et al. 2017, ICML). So the trunk learns labels
for a while, and what it has learned by then is kept: a frozen copy says, of every image that comes, what people would draw (Y).
Cues move Y to the edges and region evidence weighs it; the result S, as a mask of equal area, is what the trunk's second head
learns from then on. A network that learns from masks which lie on edges finds edges, what S got wrong in one image it gets right
in the others, and the scatter of single outlines is no longer there to be memorised. S comes from a copy that does not change any
more, so errors cannot feed themselves.

Two things keep this from doing harm. Where outlines agree better than an edge can say, labels stay what they are (`Trust`): there
the second head learns the labels, as a U-Net does. And labels give way only to a copy that has found the object in question.
"""

import copy
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from lvcnet.cues.region import LEAST_PROBABILITY
from lvcnet.former import GENERATOR, gone
from lvcnet.methods.base import Batch, cross_entropy, standardise
from lvcnet.methods.learner import Optimisation
from lvcnet.methods.lvcnet import GENERATES, LVC, LVCNetOptions, outline_loss
from lvcnet.methods.spec import MethodSpec, Trunk
from lvcnet.models.lvcnet import LVCNetPlus, LVCOutput
from lvcnet.models.maps import Maps

RELEARN_FROM, RELEARN_FULLY = 0.15, 0.35
"""Progress between which the masks of S take the place of the labels; before, both heads learn labels. At the first Y is frozen:
at level 4 it is nearest to clean labels at .10 to .25 of a training, mandible and chest (benchmarks/results/memorisation.md).
"""
KEPT = "kept/"
"""Prefix of the frozen trunk's tensors in the state of a training."""
FOUND_FROM, FOUND = 0.4, 0.7
"""Dice of Y with the label of an image between which S begins to count there. Coarse outlines (label IoU .60) have .75."""


class LVCNetPlusOptions(LVCNetOptions):
    """`options` of a run with method lvcnet-plus: those of lvcnet, evidence while training, and

    Attributes:
        settle: rounds of region evidence on what the second head says.
    """

    generator: bool = Field(GENERATOR["lvcnet-plus"], description=GENERATES)
    evidence: int = Field(2, ge=0, le=16)
    settle: int = Field(4, ge=0, le=16)


class LVCPlus(LVC):
    """LVC-Net plus and how it learns; its network has a second head."""

    network: LVCNetPlus
    trusted_until = RELEARN_FULLY  # slopes of later steps are those of labels that are known by heart
    kept: nn.Module | None = None
    """The trunk as it was at `RELEARN_FROM`; None before."""

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """The first head learns the labels, the second what cues make of what was known before they were memorised."""
        network, labels, weights = self.network.train(), batch.labels, batch.weights
        x = self.learner.prepare(standardise(batch.images, batch.inside))
        gradient = network.gradient(x, batch.inside)
        with self.learner.precision():
            trunk = network.trunk(x)
            cue_logits = network.cue_logits(trunk)
        self.observe(gradient, trunk, batch)
        targets, share = labels, ramp(batch.progress)
        if share:
            targets = self._repaired(x, gradient, cue_logits, batch, share)
        # From then on the first head reads features that it does not shape: what labels scatter stays out of them.
        drawn = network.label_logits(trunk) if share == 1 else trunk.logits
        terms = {  # Eq. 7: the term of y_G for one head; the other's targets hold the edges, that is the term of y_s
            # cross-entropy alone, whatever the setting `loss`: it makes Y the share of annotators who would draw a pixel inside
            "label": cross_entropy(drawn.float(), labels, weights),
            "relearn": self.label_term(network.second_logits(trunk), targets, weights),
        }
        if cue_logits is not None:
            terms["lvc"] = outline_loss(cue_logits, labels, weights)  # Eq. 1: for outlines
        return self.learn(terms, batch.progress)

    @torch.no_grad()
    def _repaired(
        self, x: Tensor, gradient: Tensor, cue_logits: Tensor | None, batch: Batch, share: float
    ) -> Tensor:
        """Labels (B, C, H, W) that give way to the masks of S by `share`; S starts from the frozen trunk's Y."""
        if self.kept is None:
            predictor = self.learner.predictor()
            assert isinstance(predictor, LVCNetPlus)
            self.kept = copy.deepcopy(predictor.trunk).eval().requires_grad_(False)
        with self.learner.precision():
            trunk = self.kept(x)
        output = self.network.move(self.network.cues(x, trunk, gradient, cue_logits, batch.inside))
        found = found_share(trunk.logits.float().sigmoid(), batch.labels, batch.weights)
        trust = self.network.trust.shares().view(1, -1, 1, 1)
        return repaired_targets(batch.labels, output, share * found * trust)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The learner's state and the frozen trunk."""
        tensors, values = super().state()
        kept = {} if self.kept is None else self.kept.state_dict()
        return tensors | {f"{KEPT}{name}": value for name, value in kept.items()}, values

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        """Inverse of `state`."""
        super().load_state(tensors, values)
        kept = {name.removeprefix(KEPT): value for name, value in tensors.items() if name.startswith(KEPT)}
        self.kept = None
        if kept:
            self.kept = copy.deepcopy(self.network.trunk).eval().requires_grad_(False)
            self.kept.load_state_dict(kept)

    @torch.inference_mode()
    def predict(self, images: Tensor, details: bool = True, inside: Tensor | None = None) -> Maps:
        """T, weighed by region evidence; with details also how S came about, which takes no part in it."""
        network = self.learner.predictor()
        assert isinstance(network, LVCNetPlus)
        x = self.learner.prepare(standardise(images, inside))
        inside = None if inside is None else inside.to(x.device)
        with self.learner.precision():
            trunk = network.trunk(x)
            final = network.refined(x, trunk, inside)
            if not details:
                return Maps(final)
            output, second = network.explain(x, trunk, inside), network.second_logits(trunk).sigmoid()
        # what was added to the second head's log-odds, squashed to [0, 1]
        added = torch.logit(final, eps=LEAST_PROBABILITY) - torch.logit(second, eps=LEAST_PROBABILITY)
        of_plus = {"repaired": output.prediction, "second": second, "evidence": added.sigmoid()}
        return Maps(final, output.named() | of_plus)


def ramp(progress: float) -> float:
    """How far labels give way at a fraction of training, from 0 to 1.

    >>> [round(ramp(progress), 2) for progress in (0.2, 0.3, 0.4, 1.0)]
    [0.0, 0.5, 1.0, 1.0]
    """
    return min(1.0, max(0.0, (progress - RELEARN_FROM) / (RELEARN_FULLY - RELEARN_FROM)))


def found_share(drawn: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """How far Y has found what an image's label shows: soft Dice from `FOUND_FROM` (0) to `FOUND` (1). (B, C, 1, 1).

    What Y has not found (a small structure, early in training) is not its to correct, and neither is what one label lacks.

    Args:
        drawn: Y (B, C, H, W) in [0, 1].
        labels: (B, C, H, W).
        weights: what a pixel counts (B, C, H, W).

    >>> y, labels = torch.tensor([0.9, 0.9, 0.1, 0.1]), torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    >>> found_share(y.expand(2, 1, 1, 4), labels.view(2, 1, 1, 4)).flatten().tolist()
    [1.0, 0.0]
    """
    if weights is not None:
        drawn, labels = drawn * weights, labels * weights
    overlap, both = ((drawn * labels).sum((2, 3), keepdim=True), (drawn + labels).sum((2, 3), keepdim=True))
    return ((2 * overlap / both.clamp_min(1e-6) - FOUND_FROM) / (FOUND - FOUND_FROM)).clamp(0, 1)


def repaired_targets(labels: Tensor, output: LVCOutput, share: Tensor | float) -> Tensor:
    """What the second head learns: labels that give way, by `share`, to the masks of S. (B, C, H, W).

    They give way everywhere, not only where there is an edge: elsewhere S is Y, in which outlines scatter less than in a label.
    Source: Eq. 7's edge-aware reading.
    """
    drawn = output.trunk.logits.detach().float().sigmoid()
    moved = output.prediction.detach()
    if output.inside is not None:  # padding has no area
        drawn, moved = drawn * output.inside, moved * output.inside
    repaired = masks_of_equal_area(moved, drawn).to(labels)
    return labels + share * (repaired - labels)


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


def _build(
    options: LVCNetPlusOptions, trunk: Trunk, optimisation: Optimisation, device: torch.device
) -> LVCPlus:
    network = LVCNetPlus(trunk.create(), trunk.categories, trunk.widths, **options.of_the_network())
    return LVCPlus(network, options.displaced, options.trust, optimisation, device)


LVCNET_PLUS = MethodSpec(
    "lvcnet-plus",
    "LVC-Net plus",
    "also learns from the corrected outlines",
    _build,
    LVCNetPlusOptions,
    features=True,
    cues=True,
    colour="#B86A9C",
    gone=gone(LVCNetPlusOptions.model_fields),
)
