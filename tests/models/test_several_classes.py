"""LVC-Net on classes that touch each other, and on images that show nothing."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lvcnet.cues.edges import blur, contour
from lvcnet.methods.base import standardise
from lvcnet.models.lvcnet import LVCNet, LVCOutput
from lvcnet.models.trunk import TrunkOutput
from lvcnet.models.unet import UNet

BANDS = ((10, 30, 0.2), (30, 45, 0.9), (45, 58, 0.6))
"""First and last column and brightness of three classes on a background of 0.4: the third is brighter than what is on its
right and darker than what is on its left."""


def _network(categories: int, evidence: int = 0) -> LVCNet:
    torch.manual_seed(0)
    return LVCNet(UNet(categories, (4, 8, 8)), categories, (4, 8, 8), evidence=evidence).eval()


def _moved(
    network: LVCNet, image: torch.Tensor, prediction: torch.Tensor, response: torch.Tensor
) -> LVCOutput:
    """The moves that start at a prediction, with a generator that answers `response` (both (1, C, S, S))."""
    trunk = TrunkOutput(torch.logit(prediction, eps=1e-4), [], torch.zeros(1, 4, *image.shape[-2:]))
    x = standardise(image)
    with torch.no_grad():
        return network.move(network.cues(x, trunk, network.gradient(x), torch.logit(response, eps=1e-4)))


def _iou(probability: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """(C,) IoU of (1, C, S, S)."""
    predicted, true = probability >= 0.5, truth >= 0.5
    return (predicted & true).sum((0, 2, 3)) / (predicted | true).sum((0, 2, 3))


@pytest.mark.parametrize("shift", [-2, 2])
def test_touching_classes_each_return_to_their_own_outline(shift: int) -> None:
    image, truth = torch.full((1, 1, 64, 64), 0.4), torch.zeros(1, 3, 64, 64)
    for number, (first, last, brightness) in enumerate(BANDS):
        image[..., first:last] = brightness
        truth[:, number, :, first:last] = 1
    network = _network(3)
    for _ in range(200):
        network.polarity.observe(network.gradient(standardise(image)), truth)
    dark, bright, mixed = network.polarity.brighter.tolist()
    assert dark < 0.01 < 0.99 < bright
    assert 0.1 < mixed < 0.9
    drawn = blur(torch.roll(truth, shift, -1), 1.5)
    after = _iou(_moved(network, image, drawn, blur(contour(truth), 2.0)).prediction, truth)
    assert (after > _iou(drawn, truth) + 0.1).all()
    assert after[1] > 0.99  # strong edges on both sides
    kept = _moved(network, image, blur(truth, 1.5), blur(contour(truth), 2.0)).prediction
    assert (_iou(kept, truth) == 1).all()


@settings(max_examples=15, deadline=None)
@given(
    brightness=st.floats(0, 1),
    seed=st.integers(0, 2**16),
    evidence=st.sampled_from([0, 2]),
    precision=st.sampled_from([torch.float32, torch.bfloat16]),
)
def test_nothing_moves_where_the_image_shows_nothing(
    brightness: float, seed: int, evidence: int, precision: torch.dtype
) -> None:
    """Any prediction and any response, on an image of one grey value: no move, and every number is finite."""
    draws = torch.Generator().manual_seed(seed)
    prediction, response = (torch.rand(1, 2, 32, 32, generator=draws) for _ in range(2))
    network = _network(2, evidence)
    image = torch.full((1, 1, 32, 32), brightness)
    output = _moved(network, image, blur(prediction, 1.0).to(precision).float(), response.to(precision))
    before = output.trunk.logits.sigmoid()
    torch.testing.assert_close(output.prediction, before, atol=1e-4, rtol=0)
    for part in (*output.offsets, *output.gates, *output.attentions, output.lvc):
        assert part.isfinite().all()
    assert max(part.abs().max().item() for part in output.offsets) < 1e-4
