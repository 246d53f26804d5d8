"""Method: how networks learn. The training loop knows this interface and nothing else.

A method owns its networks, optimisers and label memory. Alternate training, two co-teaching networks, an EMA
teacher or labels that change as training goes therefore need no special case in the loop.
"""

import inspect
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from lvcnet.methods.learner import Learner, Optimisation
from lvcnet.models.maps import Maps


@dataclass
class Batch:
    """What a step sees.

    Attributes:
        images: (B, 1, H, W) float32 in [0, 1], augmented.
        labels: (B, C, H, W) float32, 0 or 1, moved with the images.
        rows: (B,) row numbers in the data set, for methods that remember something about an image.
        progress: fraction of all steps done, in [0, 1).
        weights: (B, C, H, W) float32, 1, or 0 where the label set says nothing or there is padding; None where every pixel
            counts.
        inside: (B, 1, H, W) float32, 1 where the image is, 0 in the padding beside it; None where it fills the grid.
        remembered: (B, C, H, W) float32, 0 or 1, what `Method.remember` said of these images, moved with them; None where it
            said nothing.
    """

    images: Tensor
    labels: Tensor
    rows: Tensor
    progress: float
    weights: Tensor | None = None
    inside: Tensor | None = None
    remembered: Tensor | None = None


class Images(Protocol):
    """Training images as they are, not augmented; M of them, called by numbers (B,)."""

    rows: NDArray[np.intp]

    def __len__(self) -> int: ...

    def at(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, 1, H, W) in [0, 1] and labels (B, C, H, W), 0 or 1."""

    def weights_at(self, numbers: Tensor) -> Tensor | None:
        """What their pixels count, as `Batch.weights`."""

    def inside_at(self, numbers: Tensor) -> Tensor | None:
        """Where they are, as `Batch.inside`."""


class Method(ABC):
    """What the loop calls, in this order, and what a checkpoint stores.

    A method of one network says how it learns (`step`) and predicts (`predict`); the rest follows from its learner.

    Args:
        network: what it trains, (B, 1, H, W) -> `TrunkOutput` or more.
        optimisation: how it learns.
        device: where.
    """

    def __init__(self, network: nn.Module, optimisation: Optimisation, device: torch.device) -> None:
        self.learner = Learner(network, optimisation, device)

    def begin_epoch(self, epoch: int) -> None:  # noqa: B027  not every method has something to do
        """Called before the first step of epoch 1, 2, ..."""

    def remember(self, images: Images, progress: float) -> Tensor | None:
        """Masks (M, C, H, W) that every batch from here on shall show of its images, moved with them; None for none.

        Called before every step: labels that change as training goes come in here.

        Args:
            images: all that is learned from.
            progress: fraction of all steps done.
        """
        return None

    @abstractmethod
    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Learn from one batch; returns every loss term as a detached scalar, `loss` among them."""

    def end_epoch(self, epoch: int) -> None:  # noqa: B027  likewise
        """Called after the last step of an epoch."""

    def label_term(self, logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
        """How far logits are from labels in [0, 1], all (B, C, H, W), by the setting `loss`: the same in every method."""
        term = cross_entropy(logits, labels, weights)
        if self.learner.config.loss == "ce+dice":
            term = term + dice_loss(logits, labels, weights)
        return term

    @abstractmethod
    def predict(self, images: Tensor, details: bool = True) -> Maps:
        """(B, 1, H, W) in [0, 1] -> maps, without gradient, in evaluation mode; without details, named maps may lack.

        Padding shows the border of the image beside it. A method that wants to leave it out of its statistics takes `inside`
        as a third argument, as in `Batch`; what it says there is cut off in any case.
        """

    def weights(self) -> dict[str, Tensor]:
        """What prediction needs, and nothing else: the tensors of a published checkpoint."""
        return self.learner.weights()

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Inverse of `weights`."""
        self.learner.load_weights(weights)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and JSON-able values that a resumed training needs beside nothing else."""
        return self.learner.state()

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        """Inverse of `state`."""
        self.learner.load_state(tensors, values)

    def parameters(self) -> int:
        """How many weights prediction uses."""
        return sum(weight.numel() for weight in self.learner.network.parameters())


def total(terms: dict[str, Tensor]) -> Tensor:
    """The loss: the sum of its terms.

    >>> total({"label": torch.tensor(0.5), "lvc": torch.tensor(0.25)}).item()
    0.75
    """
    return torch.stack(list(terms.values())).sum()


def predict_inside(method: Method, images: Tensor, inside: Tensor | None, details: bool = True) -> Maps:
    """What a method predicts, with nothing in the padding: `inside` as in `Batch`.

    A method that takes `inside` is told; one that does not know of padding sees the border of the image repeated there.
    """
    if inside is None:
        return method.predict(images, details)
    knows = "inside" in inspect.signature(method.predict).parameters
    maps = method.predict(images, details, **({"inside": inside} if knows else {}))
    return maps.within(inside)


def standardise(images: Tensor, inside: Tensor | None = None) -> Tensor:
    """Zero mean and unit variance per image, so that exposure does not matter. (B, 1, H, W) -> same.

    Padding has no say, and is 0 as is all that a convolution sees beyond a border.

    >>> standardise(torch.tensor([[[[0.0, 2.0, 4.0, 9.0]]]]), torch.tensor([[[[1.0, 1.0, 1.0, 0.0]]]])).tolist()
    [[[[-1.0, 0.0, 1.0, 0.0]]]]
    """
    if inside is None:
        mean = images.mean(dim=(1, 2, 3), keepdim=True)
        deviation = images.std(dim=(1, 2, 3), keepdim=True)
        return (images - mean) / deviation.clamp_min(1e-3)
    pixels = inside.sum(dim=(1, 2, 3), keepdim=True)
    mean = (images * inside).sum(dim=(1, 2, 3), keepdim=True) / pixels.clamp_min(1)
    centred = (images - mean) * inside
    variance = centred.square().sum(dim=(1, 2, 3), keepdim=True) / (pixels - 1).clamp_min(1)
    return centred / variance.sqrt().clamp_min(1e-3)


def cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean binary cross-entropy of logits with targets in [0, 1] over the pixels that count; all (B, C, H, W).

    >>> round(cross_entropy(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0]])).item(), 3)
    0.693
    """
    if weights is None:
        return F.binary_cross_entropy_with_logits(logits, targets)
    total = F.binary_cross_entropy_with_logits(logits, targets, weights, reduction="sum")
    return total / weights.sum().clamp_min(1.0)


def dice_loss(logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """1 - soft Dice of each category over all pixels of the batch that count, mean over categories; all (B, C, H, W).

    A category that no label of the batch shows adds nothing. The overlap is min(p, t): for labels of 0 and 1 that is the
    usual p t, and for soft ones the loss is smallest where p = t.
    Source: the Dice semimetric loss of Wang et al. (2023), over the batch as in nnU-Net.

    >>> sure = torch.tensor([[[[9.0, 9.0, -9.0, -9.0]], [[-9.0, -9.0, -9.0, -9.0]]]])
    >>> round(dice_loss(sure, torch.tensor([[[[1.0, 0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0, 0.0]]]])).item(), 3)  # (1/3 + 0) / 2
    0.167
    """
    probabilities = logits.sigmoid()
    if weights is not None:
        probabilities, targets = probabilities * weights, targets * weights
    overlap = torch.minimum(probabilities, targets).sum(dim=(0, 2, 3))
    drawn = targets.sum(dim=(0, 2, 3))
    dice = 2 * overlap / (probabilities.sum(dim=(0, 2, 3)) + drawn).clamp_min(1e-6)
    return torch.where(drawn > 0, 1 - dice, 0.0).mean()
