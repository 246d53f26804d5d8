"""Plain supervised learning: one network, which learns the labels as they are (FCN, U-Net, SegNet ...)."""

import torch
from torch import Tensor

from lvcnet.methods.base import Batch, Method, standardise
from lvcnet.methods.learner import Optimisation
from lvcnet.methods.spec import MethodSpec, NoOptions, Trunk
from lvcnet.models.fcn import FCN as FCNetwork
from lvcnet.models.maps import Maps
from lvcnet.models.trunk import TrunkOutput


class Supervised(Method):
    """A trunk and its labels."""

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """One update on how far the logits are from the labels, over categories and the pixels that count."""
        self.learner.network.train()
        with self.learner.precision():
            output: TrunkOutput = self.learner.network(
                self.learner.prepare(standardise(batch.images, batch.inside))
            )
        loss = self.label_term(output.logits.float(), batch.labels, batch.weights)
        self.learner.update(loss, batch.progress)
        return {"loss": loss.detach()}

    @torch.inference_mode()
    def predict(self, images: Tensor, details: bool = True, inside: Tensor | None = None) -> Maps:
        """Sigmoid of the trunk's logits."""
        with self.learner.precision():
            output: TrunkOutput = self.learner.predictor()(self.learner.prepare(standardise(images, inside)))
        return Maps(output.logits.float().sigmoid())


def _build(options: NoOptions, trunk: Trunk, optimisation: Optimisation, device: torch.device) -> Supervised:
    return Supervised(trunk.create(), optimisation, device)


def _build_fcn(
    options: NoOptions, trunk: Trunk, optimisation: Optimisation, device: torch.device
) -> Supervised:
    network = FCNetwork(trunk.categories, trunk.widths, trunk.block)
    return Supervised(network, optimisation, device)


FCN = MethodSpec(
    "fcn",
    "FCN",
    "learns the labels as they are, without a decoder",
    _build_fcn,
    own_network=True,
    colour="#D55E00",
)
UNET = MethodSpec("unet", "U-Net", "learns the labels as they are", _build, colour="#0082C8")
