"""Networks: shapes, sizes they refuse, gradients that must not flow, the polarity count."""

import pytest
import torch

from lvcnet.cues.edges import blur, edge_gradient, inward_normals, oriented_edges
from lvcnet.errors import LvcnetError
from lvcnet.models import create_network, stage_widths
from lvcnet.models.blocks import BLOCKS, create_block
from lvcnet.models.conventions import HALF_TRUST, AnnotationMargin, Polarity, Trust
from lvcnet.models.fcn import FCN
from lvcnet.models.lvcnet import LVCNet
from lvcnet.models.maps import Maps, title
from lvcnet.models.unet import UNet


def lvc_net(categories, widths, **values):
    """LVC-Net on a U-Net."""
    return LVCNet(UNet(categories, widths), categories, widths, **values)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("build", [FCN, UNet])
def test_trunks_keep_the_size(build, block):
    network = build(2, stage_widths(4, 3), block)
    output = network(torch.rand(2, 1, 32, 48))
    assert output.logits.shape == (2, 2, 32, 48)
    assert [stage.shape[1] for stage in output.encoder] == list(stage_widths(4, 3))


def test_fcn_of_depth_four_is_fcn_8s():
    """Five poolings: scores at strides 8, 16 and 32."""
    network = FCN(1, stage_widths(4, 4))
    assert [score.in_channels for score in network.scores] == [16, 32, 64]
    with pytest.raises(LvcnetError, match="import with --size 64"):
        network(torch.rand(1, 1, 48, 48))


def test_sizes_that_cannot_be_halved_are_refused_with_a_size_that_can():
    with pytest.raises(LvcnetError, match="--size 112"):
        create_network("unet", 1, width=4, depth=3)(torch.rand(1, 1, 100, 110))


def test_unknown_names_list_what_exists():
    with pytest.raises(LvcnetError, match="choose one of unet, segnet, r2unet"):
        create_network("vnet", 1, 4, 3)
    with pytest.raises(LvcnetError, match="plain, residual, recurrent"):
        create_block("dense", 1, 1)


@pytest.mark.parametrize("polarity", [True, False])
@pytest.mark.parametrize("generator", [True, False])
def test_lvcnet_shows_every_intermediate_map(generator, polarity):
    network = lvc_net(2, stage_widths(4, 3), generator=generator, polarity=polarity, warps=3)
    output = network(torch.rand(2, 1, 32, 32))
    assert output.edges.shape == (2, 1, 32, 32)
    assert output.lvc.shape == output.prediction.shape == (2, 2, 32, 32)
    assert [v.shape for v in output.offsets] == [(2, 2, 2, 32, 32)] * 3
    assert [len(x) for x in (output.attentions, output.guidance, output.gates, output.warped)] == [3] * 4
    for shown in (output.lvc, output.prediction, *output.gates):
        assert 0 <= shown.min() <= shown.max() < 1 + 1e-6


def test_without_warps_the_prediction_is_the_trunk():
    network = lvc_net(1, stage_widths(4, 3), warps=0)
    output = network(torch.rand(1, 1, 32, 32))
    assert torch.equal(output.prediction, output.trunk.logits.sigmoid())


def test_without_a_generator_every_edge_is_a_cue():
    network = lvc_net(2, stage_widths(4, 3), generator=False, warps=1)
    output = network(torch.rand(2, 1, 32, 32))
    assert output.cue_logits is None
    assert torch.equal(output.lvc, output.edges.expand(2, 2, 32, 32))
    assert not [name for name in network.state_dict() if name.startswith("generator")]


def test_the_generator_sends_no_gradient_into_the_trunk():
    network = lvc_net(1, stage_widths(4, 3))
    network.cue_logits(network.trunk(torch.rand(1, 1, 32, 32))).sum().backward()
    assert all(weight.grad is None for weight in network.trunk.parameters())
    assert all(weight.grad is not None for weight in network.generator.parameters())


def test_the_moved_prediction_teaches_the_trunk_nothing():
    output = lvc_net(1, stage_widths(4, 3))(torch.rand(1, 1, 32, 32))
    assert output.trunk.logits.requires_grad
    assert not output.prediction.requires_grad


def test_polarity_counts_bright_insides_and_damps_the_rarer_side():
    mask = torch.zeros(2, 2, 24, 24)
    mask[..., 12:] = 1
    bright = torch.zeros(2, 2, 24, 24)
    bright[:, 0, :, 11:13] = 1.0  # the gradient points along +x, towards the inside
    polarity = Polarity(2, momentum=1.0)
    polarity.observe(bright, mask)
    assert polarity.brighter.tolist() == pytest.approx([1.0, 1.0])
    assert polarity.weigh(torch.tensor([0.5, -0.5]).view(1, 1, 1, 2).expand(1, 2, 1, 2))[
        0, 0, 0
    ].tolist() == [0.25, 0]
    polarity.observe(-bright, mask)
    assert polarity.brighter.tolist() == pytest.approx([0.0, 0.0])


def test_polarity_starts_undecided_and_stays_so_without_edges():
    polarity = Polarity(1, momentum=1.0)
    polarity.observe(torch.zeros(1, 2, 8, 8), torch.zeros(1, 1, 8, 8))
    assert polarity.brighter.item() == 0.5
    assert polarity.weigh(torch.tensor([[[[0.5, -0.5]]]])).flatten().tolist() == [0.25, 0.25]


def test_maps_join_and_have_titles():
    part = Maps(torch.rand(2, 1, 4, 4), {"trunk": torch.rand(2, 1, 4, 4)})
    joined = Maps.cat([part, part])
    assert joined.prediction.shape == joined.named["trunk"].shape == (4, 1, 4, 4)
    assert Maps(torch.tensor([0.49, 0.5])).mask().tolist() == [False, True]
    assert title("lvc") == "Local visual cues"


def disc(radius: float, size: int = 64) -> torch.Tensor:
    """A (1, 1, S, S) mask of a disc beside the middle of the image."""
    places = torch.arange(size) - 0.49 * size
    return (torch.hypot(places.view(1, -1), places.view(-1, 1)) < radius).float()[None, None]


@pytest.mark.parametrize(("drawn", "distance"), [(0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (-1.0, -1.0)])
def test_the_margin_is_how_far_inside_the_outline_the_edge_lies(drawn, distance):
    image, labels = blur(disc(20.0), 0.8), disc(20.0 + drawn)
    normals = inward_normals(labels)
    cue = oriented_edges(edge_gradient(image), normals).clamp_min(0).square()
    margin = AnnotationMargin(1, momentum=1.0)
    margin.observe(cue, normals, labels)
    assert margin.pixels.item() == pytest.approx(distance, abs=0.25)  # a disc is curved
    assert (margin.shift().item() == 0) == (distance == 0)


def test_the_margin_sees_nothing_without_edges_and_no_pixel_that_does_not_count():
    labels = disc(20.0)
    normals = inward_normals(labels)
    margin = AnnotationMargin(1, momentum=1.0)
    margin.observe(torch.zeros_like(labels), normals, labels)
    assert margin.pixels.item() == 0
    margin.observe(disc(18.0), normals, labels, torch.zeros_like(labels))
    assert margin.pixels.item() == 0


def test_moves_end_where_people_draw_and_not_on_the_edge_beside():
    """Outlines 2 px outside a disc of radius 20: without a margin they snap onto the disc, with it they stay."""
    image, drawn = blur(disc(20.0), 0.8), blur(disc(22.0), 1.0)
    x = (image - image.mean()) / image.std()
    network = lvc_net(1, (4, 8), agreement=0.0, evidence=2).eval()
    areas = []
    for pixels in (0.0, 2.0):
        network.displacement.pixels.fill_(pixels)
        network.polarity.brighter.fill_(1.0)
        trunk = network.trunk(x)
        trunk.logits = torch.logit(drawn.clamp(1e-4, 1 - 1e-4))
        output = network.move(network.cues(x, trunk, network.gradient(x), torch.full_like(x, 9.0)))
        areas.append((output.prediction >= 0.5).sum().item())
    assert areas[0] == pytest.approx(disc(20.0).sum().item(), rel=0.02)
    assert areas[1] == pytest.approx(disc(22.0).sum().item(), rel=0.02)


def test_weights_from_before_the_margin_was_counted_still_load():
    network = lvc_net(2, (4, 8))
    network.displacement.pixels.fill_(1.0)
    weights = {key: value for key, value in network.state_dict().items() if "displacement" not in key}
    network.load_state_dict(weights)
    assert network.displacement.pixels.tolist() == [0.0, 0.0]


def test_trust_falls_where_outlines_agree():
    """Straight boundaries whose probability falls by 0.1 a pixel, and at once: then Sobel says 0.5 in two columns, less
    when blurred by one pixel."""
    columns = torch.arange(32.0)
    scattered = (0.5 + 0.1 * (columns - 15.5)).clamp(0, 1)
    agreed = (columns > 15).float()
    trust = Trust(2, momentum=1.0)
    assert trust.shares().tolist() == [1, 1]  # nothing was counted
    trust.observe(torch.stack([scattered, agreed]).unsqueeze(1).expand(2, 32, 32).unsqueeze(0), 0.1)
    assert trust.slope[0].item() == pytest.approx(0.1, abs=0.005)
    assert HALF_TRUST < trust.slope[1].item() < 0.5
    shares = trust.shares().tolist()
    assert shares[0] > 0.99
    assert shares[1] < 0.5


def test_trust_is_half_at_its_named_slope_and_whole_in_weights_of_before_it_was_counted():
    trust = Trust(1)
    trust.slope.fill_(HALF_TRUST)
    assert trust.shares().item() == pytest.approx(0.5)
    trust.load_state_dict({})
    assert trust.shares().item() == 1


def _falling(slope):
    return (0.5 + slope * (torch.arange(32.0) - 15.5)).clamp(0, 1).expand(1, 1, 32, 32)


def test_trust_is_counted_until_slopes_have_settled():
    """Per twentieth of the training .10, .13, .16: still growing at a quarter. .165 is not; what comes later does not count."""
    trust = Trust(1, momentum=1.0)
    for progress, slope in ((0.2, 0.1), (0.25, 0.13), (0.3, 0.16)):
        trust.observe(_falling(slope), progress)
        assert not trust.settled
    trust.observe(_falling(0.165), 0.35)
    assert trust.settled
    kept = trust.slope.clone()
    trust.observe(_falling(0.3), 0.4)
    assert torch.equal(trust.slope, kept)


def test_trust_takes_slopes_that_go_on_growing_as_they_are_at_half_of_the_training():
    trust = Trust(1, momentum=1.0)
    for part in range(1, 11):
        assert not trust.settled
        trust.observe(_falling(0.02 * 1.2**part), part / 20)
    assert trust.settled


def test_slopes_that_stand_still_before_a_quarter_of_the_training_are_not_settled():
    trust = Trust(1, momentum=1.0)
    for part in range(1, 5):
        trust.observe(_falling(0.2), part / 20)
    assert not trust.settled
    trust.observe(_falling(0.2), 0.25)
    assert trust.settled


def test_trust_keeps_what_it_knows_of_a_category_that_a_batch_does_not_show():
    trust = Trust(1)
    trust.slope.fill_(0.2)
    trust.observe(torch.zeros(2, 1, 16, 16), 0.1)
    assert trust.slope.item() == pytest.approx(0.2)
