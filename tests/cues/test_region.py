"""Region evidence: hand-worked values, what has no say, and what it repairs."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lvcnet.cues.edges import blur
from lvcnet.cues.region import LEAST_SHARE, LEAST_VARIANCE, region_evidence, weigh_regions, window_statistics
from lvcnet.methods import standardise


def _step(size: int = 32, at: int = 16) -> torch.Tensor:
    """(1, 1, size, size), dark to the left of column `at`, bright from it on."""
    image = torch.zeros(1, 1, size, size)
    image[..., at:] = 1
    return image


def test_evidence_is_the_log_likelihood_ratio_of_two_gaussians_with_a_common_variance():
    """Everywhere half inside, two brightnesses in the window: both means are equal, so nothing speaks for a side."""
    checks = torch.arange(16).remainder(2).float().expand(1, 1, 16, 16)
    assert region_evidence(torch.full((1, 1, 16, 16), 0.5), window_statistics(checks)).abs().max() < 1e-4
    # A boundary at the step, a window that reaches over it: worked out from the weights of the window.
    image, mask = _step(), _step()
    x = blur(image, 0.5)[0, 0, 8]
    distance = torch.arange(32) - 17.0
    near = distance.abs() <= 6
    weights = torch.exp(-0.5 * (distance / 2) ** 2) * near
    weights = weights / weights.sum()
    inside = weights[16:].sum()
    mu_i = (weights * x)[16:].sum() / (inside + LEAST_SHARE)
    mu_o = (weights * x)[:16].sum() / (1 - inside + LEAST_SHARE)
    variance = (weights * x * x).sum() - inside * mu_i**2 - (1 - inside) * mu_o**2
    ratio = (mu_i - mu_o) * (x[17] - (mu_i + mu_o) / 2) / (variance.clamp_min(0) + LEAST_VARIANCE)
    expected = 4 * inside * (1 - inside) * ratio
    assert region_evidence(mask, window_statistics(image))[0, 0, 8, 17].item() == pytest.approx(
        expected.item(), rel=1e-3
    )


def test_a_boundary_beside_the_step_moves_onto_it_and_one_on_the_step_stays():
    image = standardise(_step())
    for start in (14, 16, 18):
        drawn = blur(_step(at=start), 3.0)
        assert int((drawn[0, 0, 8] >= 0.5).float().argmax()) == start
        moved = weigh_regions(drawn, image, rounds=4)
        assert int((moved[0, 0, 8] >= 0.5).float().argmax()) == 16


def test_a_certain_prediction_far_from_the_boundary_is_left_alone():
    image = standardise(torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0)))
    drawn = _step()
    evidence = region_evidence(drawn, window_statistics(image))
    assert evidence[..., :8].abs().max() < 1e-5
    assert evidence[..., 24:].abs().max() < 1e-5
    assert torch.equal(weigh_regions(drawn, image, 2) >= 0.5, drawn >= 0.5)


def test_no_rounds_leave_the_prediction_as_it_is():
    drawn = torch.rand(1, 2, 8, 8)
    assert torch.equal(weigh_regions(drawn, torch.rand(1, 1, 8, 8), 0), drawn)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999))
def test_inverted_images_give_the_same_evidence(seed):
    """Which side is the brighter one is read off the image."""
    generator = torch.Generator().manual_seed(seed)
    image = standardise(torch.rand(1, 1, 16, 16, generator=generator))
    drawn = torch.rand(1, 1, 16, 16, generator=generator)
    first, second = (
        region_evidence(drawn, window_statistics(image)),
        region_evidence(drawn, window_statistics(-image)),
    )
    assert torch.allclose(first, second, atol=1e-4)
    # And what speaks for the inside speaks against the outside.
    assert torch.allclose(
        first,
        -region_evidence(1 - drawn, window_statistics(image)),
        atol=2e-2 + 1e-2 * first.abs().max().item(),
    )


def test_noise_that_drowns_the_contrast_has_no_say():
    generator = torch.Generator().manual_seed(0)
    faint = standardise(0.05 * _step() + 0.5 * torch.randn(1, 1, 32, 32, generator=generator))
    clear = standardise(_step() + 0.01 * torch.randn(1, 1, 32, 32, generator=generator))
    drawn = blur(_step(at=14), 3.0)
    moved = [(weigh_regions(drawn, image, 1) - drawn).abs().mean().item() for image in (faint, clear)]
    assert moved[0] < 0.5 * moved[1]
    assert all(math.isfinite(value) for value in moved)
