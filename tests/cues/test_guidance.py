"""Visual guidance and resampling: hand-worked values."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lvcnet.cues.edges import inward_normals
from lvcnet.cues.guidance import (
    agreement_damping,
    aligned_guidance,
    cap_length,
    coordinates,
    guidance,
    window_moments,
)
from lvcnet.cues.warp import warp


def test_coordinates_are_x_then_y():
    grid = coordinates(2, 3)
    assert grid[0].tolist() == [[0, 1, 2], [0, 1, 2]]
    assert grid[1].tolist() == [[0, 0, 0], [1, 1, 1]]


def test_moments_of_one_point():
    point = torch.zeros(1, 1, 11, 11)
    point[..., 5, 5] = 2
    mass, moments = window_moments(point, sigma=1.0)
    weights = [math.exp(-0.5 * d * d) for d in range(-3, 4)]
    one, centre = math.exp(-0.5) / sum(weights), 1 / sum(weights)
    # Seen from (4, 5), the point lies one pixel to the right.
    assert mass[0, 0, 5, 4].item() == pytest.approx(2 * one * centre, rel=1e-4)
    assert moments[0, 0, :, 5, 4].tolist() == pytest.approx([2 * one * centre, 0.0], abs=1e-5)


def test_guidance_points_away_from_the_edge_by_the_distance_to_it():
    """Eq. 4: V_g = R - center. An edge two pixels to the right pushes the view two pixels to the left."""
    edge = torch.zeros(1, 1, 9, 15)
    edge[..., 7] = 1
    v_g, gate = guidance(edge, sigma=1.75, damping=1e-9)
    assert v_g[0, 0, :, 4, 5].tolist() == pytest.approx([-2.0, 0.0], abs=1e-4)
    assert v_g[0, 0, :, 4, 8].tolist() == pytest.approx([1.0, 0.0], abs=1e-4)
    assert gate[0, 0, 4, 7].item() == pytest.approx(1.0)


def test_no_edge_no_move_and_the_damping_is_the_mass_that_halves_a_move():
    v_g, gate = guidance(torch.zeros(1, 1, 9, 9))
    assert v_g.abs().max() == 0
    assert gate.max() == 0
    edge = torch.zeros(1, 1, 9, 15)
    edge[..., 7] = 1
    mass, _ = window_moments(edge, 1.75)
    full, _ = guidance(edge, damping=1e-9)
    half, gate = guidance(edge, damping=mass[0, 0, 4, 6].item())
    assert gate[0, 0, 4, 6].item() == pytest.approx(0.5)
    assert half[0, 0, 0, 4, 6].item() == pytest.approx(0.5 * full[0, 0, 0, 4, 6].item(), rel=1e-4)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), scale=st.floats(0.01, 100))
def test_undamped_guidance_does_not_depend_on_the_scale_of_attention(seed, scale):
    a = torch.rand(1, 1, 12, 12, generator=torch.Generator().manual_seed(seed)) + 0.01
    assert torch.allclose(guidance(a, damping=1e-12)[0], guidance(scale * a, damping=1e-12)[0], atol=1e-3)


def _disk(radius: float, size: int = 48) -> torch.Tensor:
    x, y = coordinates(size, size) - (size - 1) / 2
    return torch.sigmoid(2 * (radius - torch.hypot(x, y)))[None, None]


def _iou(first: torch.Tensor, second: torch.Tensor) -> float:
    a, b = first >= 0.5, second >= 0.5
    return ((a & b).sum() / (a | b).sum()).item()


def test_guidance_snaps_a_small_prediction_to_the_edge():
    """The true disk has radius 14, the prediction 12: Eq. 3 divided by the mass repairs it."""
    truth, prediction = _disk(14), _disk(12)
    edge = 4 * truth * (1 - truth)
    repaired = prediction
    for _ in range(4):
        repaired = warp(repaired, cap_length(guidance(edge, 1.75)[0], 2.0))
    assert _iou(prediction, truth) < 0.76
    assert _iou(repaired, truth) > 0.94


def test_aligned_guidance_of_a_straight_edge_is_the_distance_along_the_normal():
    edge = torch.zeros(1, 1, 9, 15)
    edge[..., 7] = 1
    normals = torch.zeros(1, 1, 2, 9, 15)
    normals[:, :, 0] = 1
    v_g, gate = aligned_guidance(edge, normals, sigma=1.25, damping=1e-9)
    assert v_g[0, 0, :, 4, 5].tolist() == pytest.approx([-2.0, 0.0], abs=1e-4)
    assert gate[0, 0, 4, 7].item() == pytest.approx(1.0)
    assert aligned_guidance(edge, torch.zeros_like(normals))[0].abs().max() == 0


def test_an_opposite_edge_has_no_weight_when_aligned():
    """A bar four pixels wide: seen from its left side, the right side's edge must not count."""
    edges = torch.zeros(1, 1, 9, 20)
    edges[..., 8] = edges[..., 11] = 1
    normals = torch.zeros(1, 1, 2, 9, 20)
    normals[:, :, 0, :, :10], normals[:, :, 0, :, 10:] = 1, -1
    alone = edges.clone()
    alone[..., 11] = 0
    both, _ = aligned_guidance(edges, normals, sigma=1.75, damping=1e-9)
    left, _ = aligned_guidance(alone, normals, sigma=1.75, damping=1e-9)
    assert both[0, 0, 0, 4, 7].item() == pytest.approx(left[0, 0, 0, 4, 7].item(), abs=1e-5)
    isotropic, _ = guidance(edges, 1.75, 1e-9)
    assert isotropic[0, 0, 0, 4, 7].item() < left[0, 0, 0, 4, 7].item() - 0.1


def test_a_thin_ring_survives_aligned_guidance_and_shrinks_under_an_isotropic_window():
    """Four warps towards the ring's own edges: what the warp does when it has nothing to repair."""
    ring = (_disk(16) - _disk(12)).clamp(0, 1)
    edges = 4 * ring * (1 - ring)
    kept = thinned = ring
    for _ in range(4):
        kept = warp(kept, cap_length(aligned_guidance(edges, inward_normals(kept))[0], 2.0))
        thinned = warp(thinned, cap_length(guidance(edges, 1.75, 0.003)[0], 2.0))
    assert _iou(kept, ring) > 0.9
    assert _iou(kept, ring) > _iou(thinned, ring) + 0.05


def test_cap_length_keeps_direction_and_bounds_length():
    vectors = torch.tensor([3.0, 4.0]).view(1, 1, 2, 1, 1)
    capped = cap_length(vectors, 2.0).flatten()
    assert capped.norm().item() == pytest.approx(2 * math.tanh(2.5), rel=1e-5)
    assert (capped / capped.norm()).tolist() == pytest.approx([0.6, 0.8], rel=1e-5)
    assert cap_length(torch.zeros(1, 1, 2, 3, 3), 2.0).abs().max() == 0


def test_warp_with_whole_pixels_shifts_and_zero_keeps():
    maps = torch.arange(12.0).view(1, 1, 3, 4)
    assert torch.allclose(warp(maps, torch.zeros(1, 1, 2, 3, 4)), maps)
    down = torch.zeros(1, 1, 2, 3, 4)
    down[:, :, 1] = 1
    assert torch.allclose(warp(maps, down)[0, 0, 0], maps[0, 0, 1])


def test_warp_moves_each_category_by_its_own_offsets():
    maps = torch.tensor([[0.0, 1.0, 2.0]]).expand(1, 2, 1, 3)
    offsets = torch.zeros(1, 2, 2, 1, 3)
    offsets[0, 1, 0] = 1
    assert warp(maps, offsets)[0, :, 0].tolist() == [[0, 1, 2], [1, 2, 2]]


def test_zero_vectors_have_zero_gradient_and_broken_offsets_do_not_crash():
    """A gradient that is not a number at a zero offset once broke the paper variant and then the process."""
    vectors = torch.zeros(1, 1, 2, 4, 4, requires_grad=True)
    maps = torch.rand(1, 1, 4, 4, requires_grad=True)
    warp(maps, cap_length(vectors, 2.0)).sum().backward()
    assert vectors.grad is not None
    assert torch.isfinite(vectors.grad).all()
    broken = torch.full((1, 1, 2, 4, 4), float("nan"))
    warp(maps, broken).sum().backward()
    assert torch.isfinite(warp(maps, broken)).all()


def test_damping_grows_with_the_fourth_power_of_how_steep_the_boundary_is():
    ramp = (0.1 * torch.arange(11.0)).expand(1, 1, 11, 11)
    # Rises by 0.1 a pixel; far from the border the blur of a constant slope changes nothing.
    assert agreement_damping(ramp, 0.003, 10.0)[0, 0, 5, 5].item() == pytest.approx(
        0.003 + 10 * 1e-4, rel=1e-4
    )
    assert agreement_damping(0.5 * ramp, 0.0, 10.0)[0, 0, 5, 5].item() == pytest.approx(
        10 * 1e-4 / 16, rel=1e-3
    )


def test_a_steep_boundary_needs_more_edge_to_move():
    edge = torch.zeros(1, 1, 9, 20)
    edge[..., 12] = 0.05
    for blurred, expected in ((0.5, 0.2), (4.0, 0.7)):
        step = torch.sigmoid((torch.arange(20.0) - 10.5) / blurred).expand(1, 1, 9, 20)
        _, gate = aligned_guidance(edge, inward_normals(step), 1.25, agreement_damping(step, 0.003, 10.0))
        assert (gate[0, 0, 4, 11].item() < expected) == (blurred < 1)
