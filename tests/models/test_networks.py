"""SegNet and R2U-Net: their published sizes, what their parts compute by hand, and what every network owes a trunk."""

import pytest
import torch
from torch import nn

from lvcnet.errors import LvcnetError
from lvcnet.models import NETWORKS, create_network
from lvcnet.models.r2unet import RecurrentConvolution
from lvcnet.models.segnet import unpool


def weights_of(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def test_segnet_has_its_published_size_and_the_thirteen_layers_of_vgg_16_twice() -> None:
    network = create_network("segnet", categories=1, width=64, depth=5)
    assert weights_of(network) / 1e6 == pytest.approx(29.4, abs=0.05)
    widths = [layer.out_channels for layer in network.encoder.modules() if isinstance(layer, nn.Conv2d)]
    assert widths == [64, 64, 128, 128, *[256] * 3, *[512] * 6]
    back = [layer for layer in network.decoder.modules() if isinstance(layer, nn.Conv2d)]
    assert len(back) + 1 == 13  # the last one is the classifier


def test_r2u_net_has_its_published_size() -> None:
    network = create_network("r2unet", categories=1, width=64, depth=4)
    assert weights_of(network) / 1e6 == pytest.approx(39.1, abs=0.05)


def test_unpooling_puts_maxima_back_where_they_were() -> None:
    x = torch.tensor([[1.0, 9.0, 2.0, 3.0], [4.0, 5.0, 8.0, 7.0]]).view(1, 1, 2, 4)
    pooled, places = nn.functional.max_pool2d(x, 2, return_indices=True)
    assert pooled.flatten().tolist() == [9.0, 8.0]
    expected = [0.0, 9.0, 0.0, 0.0, 0.0, 0.0, 8.0, 0.0]
    assert unpool(pooled, places, 2, 4).flatten().tolist() == expected
    big = torch.rand(2, 3, 8, 12)
    pooled, places = nn.functional.max_pool2d(big, 2, return_indices=True)
    assert torch.equal(unpool(pooled, places, 8, 12), nn.functional.max_unpool2d(pooled, places, 2))


def test_a_recurrent_convolution_of_t_2_applies_its_weights_three_times() -> None:
    """With f(x) = x / 2: y_0 = x/2, y_1 = (x + y_0)/2 = 3x/4, y_2 = (x + y_1)/2 = 7x/8."""
    layer = RecurrentConvolution(1)
    calls: list[int] = []

    class Half(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            calls.append(1)
            return x / 2

    layer.unit = Half()
    assert layer(torch.tensor(8.0)).item() == 7.0
    assert len(calls) == 3


@pytest.mark.parametrize("depth", [2, 3])
@pytest.mark.parametrize("name", NETWORKS.own)
def test_every_network_hands_on_what_its_spec_says(name: str, depth: int) -> None:
    spec = NETWORKS[name]
    network = create_network(name, categories=2, width=4, depth=depth).train()
    output = network(torch.rand(2, 1, 16, 24))
    widths = spec.widths(4, depth)
    assert output.logits.shape == (2, 2, 16, 24)
    assert output.decoded.shape == (2, widths[0], 16, 24)
    assert [tuple(stage.shape) for stage in output.encoder] == [
        (2, width, 16 // 2**stage, 24 // 2**stage) for stage, width in enumerate(widths)
    ]
    output.logits.sum().backward()
    assert all(weight.grad is not None for weight in network.parameters())


@pytest.mark.parametrize("name", ["segnet", "r2unet"])
def test_networks_with_a_block_of_their_own_take_no_other_and_refuse_odd_sizes(name: str) -> None:
    with pytest.raises(LvcnetError, match="building block of its own: leave out block=residual"):
        create_network(name, 1, 4, 3, block="residual")
    with pytest.raises(LvcnetError, match="--size 112"):
        create_network(name, 1, width=4, depth=3)(torch.rand(1, 1, 100, 110))
