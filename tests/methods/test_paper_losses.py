"""Every loss term of the printed method against values worked out by hand."""

import math

import pytest
import torch

from lvcnet.methods.paper import losses


def _row(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32).view(1, 1, 1, -1)


def test_lvc_loss_weighs_edges_by_the_share_of_the_rest():
    """Edges 1, 0.05, 0.3, 0: P = 1/4; the faint 0.3 is ignored. All logits 0, so every term is ln 2; the weighted
    mean of equal terms is ln 2 whatever the weights."""
    edges = _row(1.0, 0.05, 0.3, 0.0)
    assert losses.lvc_loss(_row(0, 0, 0, 0), edges).item() == pytest.approx(math.log(2))
    # Only the edge is wrong (logit -2): weights 3/4 and twice 1.1/4, denominator 1.3.
    wrong, right = math.log(1 + math.exp(2)), math.log(1 + math.exp(-2))
    expected = (0.75 * wrong + 2 * 0.275 * right) / (0.75 + 2 * 0.275)
    assert losses.lvc_loss(_row(-2, -2, 5, -2), edges).item() == pytest.approx(expected, rel=1e-5)


def test_faint_edges_have_no_say():
    edges = _row(1.0, 0.0, 0.3, 0.0)
    assert losses.lvc_loss(_row(1, -1, 9, -1), edges) == losses.lvc_loss(_row(1, -1, -9, -1), edges)


def test_printed_lvc_loss_gives_edges_their_own_small_weight_and_looks_away_from_missed_ones():
    edges = _row(1.0, 0.0, 0.0, 0.0)
    # Responses below rho: only (1 - P)(1 - y_s) log(1 - y) counts; the missed edge costs nothing at all.
    low = losses.lvc_loss_printed(_row(-3, -3, -3, -3), edges)
    assert low.item() == pytest.approx(3 * 0.75 * math.log(1 + math.exp(-3)) / 4, rel=1e-5)
    high = losses.lvc_loss_printed(_row(3, -3, -3, -3), edges)
    expected = (0.25 * math.log(1 + math.exp(-3)) + 3 * 0.75 * math.log(1 + math.exp(-3))) / 4
    assert high.item() == pytest.approx(expected, rel=1e-5)


def test_stray_loss_is_the_response_away_from_the_boundary():
    certain = torch.ones(1, 1, 8, 8)
    assert losses.stray_loss(torch.zeros(1, 1, 8, 8), certain).item() == pytest.approx(0.5)
    undecided = torch.full((1, 1, 8, 8), 0.5)
    assert losses.stray_loss(torch.zeros(1, 1, 8, 8), undecided).item() == pytest.approx(0.0, abs=1e-6)


def test_guidance_loss_is_the_squared_distance_in_pixels_weighed_by_edge_mass():
    v_g = torch.tensor([[3.0, 0.0], [4.0, 0.0]]).view(1, 1, 2, 1, 2)
    v_s = torch.zeros_like(v_g).requires_grad_()
    # Distances 25 and 0; masses 1 and 3: (1 * 25 + 3 * 0) / 4.
    loss = losses.guidance_loss(v_g, v_s, _row(1.0, 3.0))
    assert loss.item() == pytest.approx(6.25)
    assert losses.guidance_loss_printed(v_g, v_s).item() == pytest.approx(12.5)


def test_guidance_loss_as_read_moves_only_the_offsets():
    v_g = torch.ones(1, 1, 2, 1, 1, requires_grad=True)
    v_s = torch.zeros(1, 1, 2, 1, 1, requires_grad=True)
    losses.guidance_loss(v_g, v_s, _row(1.0)).backward()
    assert v_g.grad is None
    assert v_s.grad is not None
    losses.guidance_loss_printed(v_g, v_s).backward()
    assert v_g.grad is not None


def test_attraction_loss_is_the_share_of_the_boundary_off_the_cue():
    prediction, cue = _row(0.5, 0.5, 1.0), _row(1.0, 0.0, 0.0)
    assert losses.attraction_loss(prediction, cue).item() == pytest.approx(0.5)


def test_edge_region_loss_pulls_cues_into_the_foreground_and_is_bounded_below():
    assert losses.edge_region_loss(_row(0.5, 0.5), _row(1.0, 0.0)).item() == pytest.approx(math.log(2) / 2)
    assert losses.edge_region_loss(_row(1.0, 1.0), _row(1.0, 1.0)).item() == pytest.approx(0.0)


def test_label_loss_is_cross_entropy_and_finite_at_certainty():
    assert losses.label_loss(_row(0.8, 0.1), _row(1, 0)).item() == pytest.approx(
        -(math.log(0.8) + math.log(0.9)) / 2, rel=1e-5
    )
    assert math.isfinite(losses.label_loss(_row(0.0), _row(1.0)).item())
