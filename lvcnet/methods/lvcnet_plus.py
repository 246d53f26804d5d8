"""LVC-Net plus learns what outlines have in common, moves that to the edges, and learns the result.

Networks learn what many labels share before they learn each one by heart (Arpit et al. 2017, ICML). So the network learns labels
for a while and then says, of every training image, what people would draw there (Y). Cues move Y to the edges and region evidence
weighs it; the result S, as a mask of equal area, is what the second head of its trunk learns from then on. A network that learns
from masks which lie on edges finds edges, what S got wrong in one image it gets right in the others, and the scatter of single
outlines is no longer there to be memorised. S is made once, so errors cannot feed themselves.

Two things keep this from doing harm. Where outlines agree better than an edge can say, labels stay what they are (`Trust`): there
the second head learns the labels, as a U-Net does. And labels give way only where the network has found the object in question.
"""

import logging
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from lvcnet.cues.region import LEAST_PROBABILITY
from lvcnet.former import GENERATOR, gone
from lvcnet.methods.base import Batch, Images, cross_entropy, standardise
from lvcnet.methods.learner import Optimisation
from lvcnet.methods.lvcnet import GENERATES, LVC, LVCNetOptions, outline_loss
from lvcnet.methods.spec import MethodSpec, Trunk
from lvcnet.models.conventions import SETTLES_FROM
from lvcnet.models.lvcnet import LVCNetPlus, LVCOutput
from lvcnet.models.maps import Maps

logger = logging.getLogger("lvcnet.training")

KEPT = ("repaired", "shares")
"""Tensors of a training's state that are not the learner's."""
AT_ONCE = 16
"""Images that are repaired together; their masks cover as much as Y does in all of them."""
FOUND_FROM, FOUND = 0.55, 0.7
"""Soft Dice of Y with the label of an image between which S begins to count there. Coarse outlines (label IoU .60) have .75."""


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
    repaired: Tensor | None = None
    """Masks of S (M, C, H, W) bool of all training images; None before they are made."""
    shares: Tensor
    """(rows of the data set, C): how far the labels of an image give way to them."""

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """The first head learns the labels, the second what was made of them before they were memorised."""
        network, labels, weights = self.network.train(), batch.labels, batch.weights
        x = self.learner.prepare(standardise(batch.images, batch.inside))
        with self.learner.precision():
            trunk = network.trunk(x)
            cue_logits = network.cue_logits(trunk)
        self.observe(network.gradient(x, batch.inside), trunk, batch)
        drawn, targets = trunk.logits, labels
        if batch.remembered is not None:
            # From here on the first head reads features that it does not shape: what labels scatter stays out of them.
            drawn = network.label_logits(trunk)
            share = self.shares[batch.rows].to(labels)[:, :, None, None]
            targets = labels + share * (batch.remembered - labels)  # Eq. 7's edge-aware reading
        terms = {  # Eq. 7: the term of y_G for one head; the other's targets hold the edges, that is the term of y_s
            # cross-entropy alone, whatever the setting `loss`: it makes Y the share of annotators who would draw a pixel inside
            "label": cross_entropy(drawn.float(), labels, weights),
            "relearn": self.label_term(network.second_logits(trunk), targets, weights),
        }
        if cue_logits is not None:
            terms["lvc"] = outline_loss(cue_logits, labels, weights)  # Eq. 1: for outlines
        return self.learn(terms, batch.progress)

    def remember(self, images: Images, progress: float) -> Tensor | None:
        """The masks of S, from when it is known how outlines scatter."""
        if (
            self.repaired is None
            and progress >= SETTLES_FROM
            and (self.network.trust.settled or not self.trusts)
        ):
            self._repair(images)
        return self.repaired

    @torch.no_grad()
    def _repair(self, images: Images) -> None:
        """Make the masks of S of all training images, and say how far labels give way to them.

        They give way also where there is no edge: there S is Y, in which outlines scatter less than in a single label.
        """
        network = self.learner.predictor()
        assert isinstance(network, LVCNetPlus)
        trust = self.network.trust.shares()  # the moving average's own lags behind
        masks, shares = [], trust.new_zeros(int(images.rows.max()) + 1, len(trust))
        for numbers in torch.split(torch.arange(len(images)), AT_ONCE):
            pictures, labels = images.at(numbers)
            inside, weights = images.inside_at(numbers), images.weights_at(numbers)
            x = self.learner.prepare(standardise(pictures, inside))
            with self.learner.precision():
                output = network.explain(x, network.trunk(x), inside)
            masks.append(repaired_masks(output))
            drawn = output.trunk.logits.float().sigmoid()
            rows = torch.from_numpy(images.rows[numbers.numpy()])
            shares[rows.to(shares.device)] = trust * found_share(drawn, labels, weights)
        self.repaired, self.shares = torch.cat(masks), shares
        given = shares[torch.from_numpy(images.rows).to(shares.device)].mean(dim=0).tolist()
        logger.info("labels give way to repaired ones by %s", ", ".join(f"{share:.0%}" for share in given))

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The learner's state and the masks of S."""
        tensors, values = super().state()
        if self.repaired is None:
            return tensors, values
        bits = np.packbits(self.repaired.cpu().numpy(), axis=-1)
        kept = {"repaired": torch.from_numpy(bits), "shares": self.shares}
        return tensors | kept, {**values, "width": self.repaired.shape[-1]}

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        """Inverse of `state`."""
        super().load_state({name: value for name, value in tensors.items() if name not in KEPT}, values)
        if "repaired" in tensors:
            bits = np.unpackbits(tensors["repaired"].cpu().numpy(), axis=-1, count=int(values["width"]))
            self.repaired = torch.from_numpy(bits.astype(bool)).to(self.learner.device)
            self.shares = tensors["shares"].to(self.learner.device)

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


def found_share(drawn: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """How far Y has found what an image's label shows: soft Dice from `FOUND_FROM` (0) to `FOUND` (1). (B, C).

    What Y has not found (a small structure) is not its to correct, and neither is what one label lacks.

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
    overlap, both = (drawn * labels).sum((2, 3)), (drawn + labels).sum((2, 3))
    return ((2 * overlap / both.clamp_min(1e-6) - FOUND_FROM) / (FOUND - FOUND_FROM)).clamp(0, 1)


def repaired_masks(output: LVCOutput) -> Tensor:
    """S as masks (B, C, H, W) that cover as much as Y does; padding has no area."""
    drawn, moved = output.trunk.logits.float().sigmoid(), output.prediction
    if output.inside is not None:
        drawn, moved = drawn * output.inside, moved * output.inside
    return masks_of_equal_area(moved, drawn)


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
