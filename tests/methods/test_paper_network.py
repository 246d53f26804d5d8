"""The printed network: what it moves, what it learns from, and what its equations do as they are printed."""

import pytest
import torch

from lvcnet.cues.guidance import coordinates
from lvcnet.cues.warp import warp
from lvcnet.methods.paper.network import PaperNet, literal_guidance
from lvcnet.models import stage_widths
from lvcnet.models.lvcnet import LVCNet, LVCOutput
from lvcnet.models.trunk import TrunkOutput
from lvcnet.models.unet import UNet

WIDTHS = stage_widths(4, 3)


def _network(categories: int = 1, **values: float) -> PaperNet:
    torch.manual_seed(0)
    return PaperNet(UNet(categories, WIDTHS), categories, WIDTHS, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("normalised", [True, False])
def test_it_shows_every_intermediate_map(normalised: bool) -> None:
    output = _network(2, normalised=normalised, warps=3)(torch.rand(2, 1, 32, 32))
    assert output.edges.shape == (2, 1, 32, 32)
    assert output.lvc.shape == output.prediction.shape == (2, 2, 32, 32)
    assert [v.shape for v in output.offsets] == [(2, 2, 2, 32, 32)] * 3
    assert [len(x) for x in (output.attentions, output.guidance, output.gates, output.warped)] == [3] * 4
    assert all(m.min() >= 0 and m.max() <= 1 for m in (output.lvc, output.prediction, *output.gates))
    assert torch.equal(output.attentions[0], output.trunk.logits.sigmoid().detach() * output.lvc)  # Y L


def test_learned_offsets_start_at_zero() -> None:
    output = _network()(torch.rand(1, 1, 32, 32))
    assert output.offsets[0].abs().max() == 0
    assert torch.allclose(output.prediction, output.trunk.logits.sigmoid(), atol=1e-5)


def test_the_moved_prediction_teaches_the_trunk_and_cues_do_not() -> None:
    network = _network()
    output = network(torch.rand(1, 1, 32, 32))
    output.cue_logits.sum().backward(retain_graph=True)
    assert all(weight.grad is None for weight in network.trunk.parameters())
    output.prediction.sum().backward()
    assert network.trunk.head.weight.grad is not None


def test_the_printed_attention_cannot_see_an_edge_outside_a_small_prediction() -> None:
    """Y ends at column 7, the only cue lies at column 10: Y L is zero all over, so a mask can only shrink."""
    logits = torch.full((1, 1, 16, 24), -200.0)
    logits[..., :8] = 200.0
    cue = torch.zeros_like(logits)
    cue[..., 10] = 1
    trunk = TrunkOutput(logits, [], torch.zeros(1, WIDTHS[0], 16, 24))
    x = torch.zeros_like(logits)
    output = _network().move(LVCOutput(trunk, x, torch.zeros(1, 2, 16, 24), None, cue, cue))
    assert output.attentions[0].max() == 0
    assert output.guidance[0].abs().max() == 0


def test_the_printed_centre_destroys_a_prediction() -> None:
    """The true disk has radius 14, the prediction 12. Divided by |N| instead of the mass, the centre falls near the
    origin, every pixel looks far away, and nothing of the disk is left in place."""
    x, y = coordinates(48, 48) - 23.5
    truth, prediction = (torch.sigmoid(2 * (radius - torch.hypot(x, y)))[None, None] for radius in (14, 12))
    edge = 4 * truth * (1 - truth)
    broken = warp(prediction, literal_guidance(prediction, edge)) >= 0.5
    assert (broken & (truth >= 0.5)).sum() < 0.1 * (broken | (truth >= 0.5)).sum()


def test_weights_of_before_it_was_a_network_of_its_own_still_load() -> None:
    """They hold the counts of LVC-Net, which it never used."""
    network = _network(2)
    old = {**network.state_dict(), "polarity.brighter": torch.ones(2), "displacement.pixels": torch.ones(2)}
    _network(2).load_state_dict(old)
    assert not any(name in network.state_dict() for name in ("polarity.brighter", "displacement.pixels"))
    assert "polarity.brighter" in LVCNet(UNet(2, WIDTHS), 2, WIDTHS).state_dict()
