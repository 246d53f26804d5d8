"""Sobel, normals, bands: against values worked out by hand."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lvcnet.cues.edges import (
    blur,
    contour,
    edge_fraction,
    edge_gradient,
    initial_edges,
    inward_normals,
    near_boundary,
    oriented_edges,
    sobel,
)


def test_sobel_of_a_vertical_step_is_half_the_step_on_both_sides():
    step = torch.tensor([0.0, 0.0, 4.0, 4.0]).expand(1, 1, 4, 4)
    derivative = sobel(step)
    # [-1 0 1; -2 0 2; -1 0 1] / 8 over 0 0 4: (1 + 2 + 1) * 4 / 8 = 2
    assert derivative[0, 0, 0, 1].tolist() == [0.0, 2.0, 2.0, 0.0]
    assert derivative[0, 0, 1].abs().max() == 0


def test_sobel_of_a_single_bright_pixel():
    image = torch.zeros(1, 1, 5, 5)
    image[0, 0, 2, 2] = 8
    derivative = sobel(image)[0, 0]
    assert derivative[0, 1:4, 1:4].tolist() == [[1, 0, -1], [2, 0, -2], [1, 0, -1]]
    assert derivative[1, 1:4, 1:4].tolist() == [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]


def test_blur_keeps_a_constant_image_and_the_mass_of_a_point():
    assert torch.allclose(blur(torch.full((1, 2, 9, 9), 3.0), 1.5), torch.tensor(3.0))
    point = torch.zeros(1, 1, 21, 21)
    point[..., 10, 10] = 1
    assert blur(point, 1.5).sum().item() == pytest.approx(1.0, abs=1e-5)


def test_initial_edges_of_a_flat_image_are_zero_and_of_a_step_reach_one():
    assert initial_edges(torch.full((1, 1, 16, 16), 0.7)).max() < 1e-3  # rounding only
    step = torch.zeros(1, 1, 32, 32)
    step[..., 16:] = 1
    edges = initial_edges(step)
    assert edges[0, 0, 16, 15:17].tolist() == pytest.approx([1.0, 1.0])
    assert edges[0, 0, 16, :8].max() < 1e-5


@settings(max_examples=20, deadline=None)
@given(gain=st.floats(0.1, 50), offset=st.floats(-5, 5), seed=st.integers(0, 99))
def test_edges_do_not_depend_on_exposure(gain, offset, seed):
    image = torch.rand(1, 1, 24, 24, generator=torch.Generator().manual_seed(seed))
    assert torch.allclose(initial_edges(image), initial_edges(gain * image + offset), atol=2e-3)


def test_edge_fraction_counts_pixels_at_or_above_the_threshold():
    edges = torch.tensor([[[[0.0, 0.5], [0.49, 1.0]]]])
    assert edge_fraction(edges).item() == 0.5


def test_contour_of_a_square_is_the_band_on_both_sides_of_its_outline():
    mask = torch.zeros(1, 1, 6, 6)
    mask[..., 2:4, 2:4] = 1
    expected = torch.zeros(6, 6)
    expected[2:4, 1:5] = 1
    expected[1:5, 2:4] = 1
    assert torch.equal(contour(mask)[0, 0], expected)
    assert contour(torch.ones(1, 1, 4, 4)).max() == 0  # the image's border is no outline


def test_near_boundary_is_one_on_an_undecided_region_and_zero_far_away():
    prediction = torch.ones(1, 1, 5, 40)
    prediction[..., :10] = 0
    prediction[..., 10:24] = 0.5
    band = near_boundary(prediction)
    assert band[0, 0, 2, 16].item() == pytest.approx(1.0, abs=1e-3)
    assert band[0, 0, 2, 0].item() == 0
    assert band[0, 0, 2, 39].item() == 0


def test_normals_point_inwards_and_oriented_edges_carry_the_sign_of_the_contrast():
    mask = torch.zeros(1, 1, 24, 24)
    mask[..., 12:] = 1
    normals = inward_normals(mask)
    assert normals[0, 0, :, 12, 12].tolist() == pytest.approx([1.0, 0.0], abs=1e-4)
    for sign in (1, -1):
        oriented = oriented_edges(edge_gradient(sign * mask), normals)
        assert oriented[0, 0, 12, 12].item() == pytest.approx(sign, abs=1e-3)


def test_an_edge_along_the_normal_does_not_count():
    """A rib that crosses the outline at a right angle is an edge, but not one of this outline."""
    mask = torch.zeros(1, 1, 24, 24)
    mask[..., 12:] = 1
    crossing = mask.transpose(2, 3).contiguous()
    oriented = oriented_edges(edge_gradient(crossing), inward_normals(mask))
    assert oriented[0, 0, 10:14, 10:14].abs().max() < 1e-4


def test_a_filter_that_a_prediction_used_first_can_be_differentiated_through():
    size = 19  # no other test blurs images of this size, so the prediction below is the first to need its matrices
    with torch.inference_mode():
        blur(torch.rand(1, 1, size, size), 1.1)
    maps = torch.rand(1, 1, size, size, requires_grad=True)
    blur(maps, 1.1).sum().backward()
    assert maps.grad is not None
    assert maps.grad.sum().item() == pytest.approx(size * size, rel=1e-4)
