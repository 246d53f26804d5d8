"""Plain supervised learning: one network, binary cross-entropy with the labels as they are (FCN, U-Net)."""

from typing import Any

import torch
from torch import Tensor, nn

from lvcnet.methods.base import Batch, cross_entropy, standardise
from lvcnet.methods.learner import Learner, Optimisation
from lvcnet.models.maps import Maps
from lvcnet.models.unet import TrunkOutput


class Supervised:
    """A trunk and its labels.

    Args:
        network: (B, 1, H, W) -> TrunkOutput.
        optimisation: how it learns.
        device: where.
    """

    def __init__(self, network: nn.Module, optimisation: Optimisation, device: torch.device) -> None:
        self.learner = Learner(network, optimisation, device)

    def begin_epoch(self, epoch: int) -> None:
        """Nothing changes from epoch to epoch."""

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """One update on the mean binary cross-entropy over categories and the pixels that count."""
        self.learner.network.train()
        with self.learner.precision():
            output: TrunkOutput = self.learner.network(self.learner.prepare(standardise(batch.images)))
        loss = cross_entropy(output.logits.float(), batch.labels, batch.weights)
        self.learner.update(loss, batch.progress)
        return {"loss": loss.detach()}

    def end_epoch(self, epoch: int) -> None:
        """Nothing to do."""

    @torch.inference_mode()
    def predict(self, images: Tensor, details: bool = True) -> Maps:
        """Sigmoid of the trunk's logits."""
        with self.learner.precision():
            output: TrunkOutput = self.learner.predictor()(self.learner.prepare(standardise(images)))
        return Maps(output.logits.float().sigmoid())

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
        return sum(weight.numel() for weight in self.learner.network.parameters())
