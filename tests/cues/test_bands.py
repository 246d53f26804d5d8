"""Band matrices: block by block they give what the whole matrix gives."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lvcnet.cues import bands
from lvcnet.cues.bands import Band, gaussian_band, gaussian_kernel, sobel_bands, window_bands

CPU = torch.device("cpu")


def test_gaussian_kernel_by_hand():
    weights = [math.exp(-0.5), 1.0, math.exp(-0.5)]
    expected = torch.tensor(weights) / sum(weights)
    assert torch.allclose(gaussian_kernel(1.0, radius=1), expected)


def test_a_band_sums_the_pixels_of_a_row_or_of_a_column():
    both_neighbours = Band(torch.tensor([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]]), 1)
    maps = torch.tensor([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
    assert both_neighbours.across(maps).tolist() == [[2, 4, 2], [5, 10, 5], [8, 16, 8]]
    assert both_neighbours.down(maps).tolist() == [[4, 5, 6], [8, 10, 12], [4, 5, 6]]


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    sigma=st.sampled_from([0.5, 1.25, 3.0]),
    make=st.sampled_from(
        [gaussian_band, lambda *how: sobel_bands(*how)[1], lambda *how: window_bands(*how)[1]]
    ),
)
def test_blocks_give_what_the_whole_matrix_gives(height, width, sigma, make):
    maps = torch.rand(2, 3, height, width)
    down, across = make(height, sigma, CPU), make(width, sigma, CPU)
    assert torch.allclose(across.across(maps), maps @ across.matrix.T, atol=1e-5)
    assert torch.allclose(down.down(maps), down.matrix @ maps, atol=1e-5)


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_the_size_of_a_block_changes_nothing(monkeypatch, block):
    maps = torch.rand(2, 50, 50)
    band = gaussian_band(50, 1.5, CPU)
    expected = band.down(band.across(maps))
    monkeypatch.setattr(bands, "CPU_BLOCK", block)
    assert torch.allclose(band.down(band.across(maps)), expected, atol=1e-6)


def test_gradients_pass_through_blocks():
    maps = torch.rand(1, 40, 40, dtype=torch.float64, requires_grad=True)
    band = gaussian_band(40, 1.0, CPU)
    (band.across(maps) * torch.arange(40)).sum().backward()
    assert torch.allclose(
        maps.grad, (torch.arange(40).double() @ band.matrix.double()).expand(1, 40, 40), atol=1e-6
    )
