"""Region evidence: which side of the boundary a pixel looks like, judged by its own neighbourhood.

Symbols: x image (B, 1, H, W), Y prediction (B, C, H, W), N(p) Gaussian window, w_i, w_o shares of the window inside and
outside, mu_i, mu_o mean brightness of both sides in the window, s^2 what brightness varies around them.

An edge says where brightness changes, the regions beside it say which pixels belong together. Both sides are taken as
Gaussian with a common variance (the local model of Lankton and Tannenbaum, IEEE Trans. Image Process. 17(11), 2008), and
their log-likelihood ratio is added to the prediction's log-odds, as Bayes' rule has it. A contrast that drowns in the
variance (teeth, noise) has no say, and neither has anything against a prediction that is certain.
"""

import torch
from torch import Tensor

from lvcnet.cues.edges import blur

WINDOW = 2.0
"""Width of N in pixels."""
PRESMOOTHING = 0.5
"""Blur of the image in pixels, below one pixel: noise of single pixels says nothing about a side."""
LEAST_VARIANCE = 0.05**2
"""Of images with unit variance: below it (8-bit steps, saturated areas) differences are not evidence."""
LEAST_SHARE = 1e-3
LEAST_PROBABILITY = 1e-4
"""Probabilities are kept this far from 0 and 1, so that their log-odds are finite."""


def weigh_regions(
    prediction: Tensor,
    images: Tensor,
    rounds: int,
    window: float = WINDOW,
    inside: Tensor | None = None,
    trust: Tensor | float = 1.0,
) -> Tensor:
    """The prediction after `rounds` of region evidence; every round judges by the sides that the last one found.

    The evidence is added to the log-odds of `prediction` itself, never to its own result, so it counts once. Windows leave
    padding out, where `inside` (B, 1, H, W) is 0. `trust` is the share of the evidence that counts (models.conventions.Trust).

    Shape: (B, C, H, W) in [0, 1], (B, 1 or C, H, W) -> (B, C, H, W).
    """
    statistics = window_statistics(images, window, inside)
    prior = torch.logit(prediction.clamp(LEAST_PROBABILITY, 1 - LEAST_PROBABILITY))
    for _ in range(rounds):
        prediction = (prior + trust * region_evidence(prediction, statistics, window, inside)).sigmoid()
    return prediction


def window_statistics(
    images: Tensor, window: float = WINDOW, inside: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """The smoothed image, and its mean and mean square in the window; each in the shape of images
    (B, 1 or C, H, W)."""
    x = _window_mean(images, PRESMOOTHING, inside)
    mean, power = _window_mean(torch.cat([x, x * x], dim=1), window, inside).chunk(2, dim=1)
    return x, mean, power


def _window_mean(maps: Tensor, sigma: float, inside: Tensor | None) -> Tensor:
    """Mean of maps in a Gaussian window, over the pixels that are no padding; 0 in the padding."""
    if inside is None:
        return blur(maps, sigma)
    return inside * blur(maps * inside, sigma) / blur(inside, sigma).clamp_min(1e-6)


def region_evidence(
    prediction: Tensor,
    statistics: tuple[Tensor, Tensor, Tensor],
    window: float = WINDOW,
    inside: Tensor | None = None,
) -> Tensor:
    """Log-likelihood ratio of inside against outside, faded to 0 where the window sees one side only.

    llr = (mu_i - mu_o) (x - (mu_i + mu_o) / 2) / s^2, times 4 w_i w_o.

    Args:
        prediction: Y (B, C, H, W) in [0, 1].
        statistics: of images with zero mean and unit variance (`window_statistics`).
        window: width of N in pixels.
        inside: (B, 1, H, W), 0 in padding.

    Returns:
        (B, C, H, W), positive where the pixel looks like the inside.
    """
    x, mean, power = statistics
    both = torch.cat([prediction, prediction * x], dim=1)
    w_i, weighted = _window_mean(both, window, inside).chunk(2, dim=1)
    w_o = 1 - w_i
    mu_i = weighted / (w_i + LEAST_SHARE)
    mu_o = (mean - weighted) / (w_o + LEAST_SHARE)
    variance = (power - w_i * mu_i.square() - w_o * mu_o.square()).clamp_min(0) + LEAST_VARIANCE
    ratio = (mu_i - mu_o) * (x - 0.5 * (mu_i + mu_o)) / variance
    return 4 * w_i * w_o * ratio
