"""Visual guidance (Eq. 2-4): where each pixel should look so that the boundary lands on the edge.

Symbols: a attention (B, C, H, W) >= 0, N(p) window around pixel p with weights w(d), R pixel coordinates (x, y),
center(p) the mass centre of a in N(p), V_g(p) = R(p) - center(p) (B, C, 2, H, W) in pixels.

A pixel that lies beside an edge gets a vector that points away from the edge, deeper into its own side. Resampling
the prediction there moves the predicted boundary onto the edge.
"""

import torch
from torch import Tensor

from lvcnet.cues.bands import window_bands
from lvcnet.cues.edges import blur, length, sobel


def coordinates(height: int, width: int) -> Tensor:
    """R (Eq. 2): (2, H, W) pixel coordinates, x then y, pixel centres at integers."""
    rows, columns = torch.meshgrid(
        torch.arange(height, dtype=torch.float32), torch.arange(width, dtype=torch.float32), indexing="ij"
    )
    return torch.stack([columns, rows])  # Eq. 2: R, which the paper has a 1x1 convolution make


def window_moments(weights: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """Mass and first moments of (B, C, H, W) weights in a Gaussian window around every pixel.

    Relative to the window's centre, so coordinates never grow with the image. Separable.

    Returns:
        mass (B, C, H, W), and moments (B, C, 2, H, W): sum of w(d) a(p + d) d, x then y, in pixels.
    """
    sum_y, ramp_y = window_bands(weights.shape[-2], sigma, weights.device)
    sum_x, ramp_x = window_bands(weights.shape[-1], sigma, weights.device)
    rows = sum_x.across(weights)
    moments = torch.stack([sum_y.down(ramp_x.across(weights)), ramp_y.down(rows)], dim=2)
    return sum_y.down(rows), moments


def guidance(
    attention_map: Tensor, sigma: float = 1.75, damping: float | Tensor = 0.01
) -> tuple[Tensor, Tensor]:
    """V_g = R - center (Eq. 3-4, normalised), damped by the gate m / (m + damping): no edge in sight, no move.

    Args:
        attention_map: a >= 0, (B, C, H, W).
        sigma: width of the Gaussian window in pixels.
        damping: the edge mass m at which the move is halved, one number or (B, C, H, W).

    Returns:
        V_g (B, C, 2, H, W) in pixels, and the gate (B, C, H, W) in [0, 1).
    """
    mass, moments = window_moments(attention_map, sigma)
    center = moments / (mass + damping).unsqueeze(2)  # Eq. 3: the mass centre of a in N(p), seen from p
    return -center, mass / (mass + damping)  # Eq. 4: V_g = R - center


def agreement_damping(prediction: Tensor, damping: float, agreement: float, zoom: float = 1.0) -> Tensor:
    """Damping that grows where the outlines agree: damping + agreement |grad Y|^4, (B, C, H, W).

    A trunk that has learned from outlines which agree to a fraction of a pixel predicts a steep boundary (|grad Y| up to
    0.5 a pixel); where they disagree by pixels it is flat. So good labels need strong edges to be moved, and how good
    they are need not be known. The fourth power switches quickly between the two. `zoom` as of `steepness`.

    >>> flat, steep = torch.full((1, 1, 4, 4), 0.5), (torch.arange(4) > 1).float().expand(1, 1, 4, 4)
    >>> [agreement_damping(y, 0.003, 10.0).max().item() > 0.01 for y in (flat, steep)]
    [False, True]
    """
    return damping + agreement * steepness(prediction, zoom) ** 4


def steepness(prediction: Tensor, zoom: float = 1.0) -> Tensor:
    """How fast a prediction falls across its boundary, in probability a pixel: |grad Y|, blurred by one pixel. (B, C, H, W).

    On a finer grid, a pixel is the working grid's, which `zoom` fine ones span.
    """
    return blur(zoom * length(sobel(prediction), dim=2).squeeze(2), zoom)


def aligned_guidance(
    attention_map: Tensor, normals: Tensor, sigma: float = 1.25, damping: float | Tensor = 0.003
) -> tuple[Tensor, Tensor]:
    """Guidance in which N(p) counts a neighbour q by (1 + n(p) n(q)) / 2, and only the move along n(p) remains.

    The two sides of a thin bone look opposite ways, so neither pulls at the other's boundary; with an isotropic
    window they meet in the middle and the bone thins out. The weight is linear in n(q), so convolutions suffice.

    Args:
        attention_map: a >= 0, (B, C, H, W).
        normals: n (B, C, 2, H, W), unit vectors or zero.
        sigma: width of the Gaussian window in pixels.
        damping: the edge mass m at which the move is halved, one number or (B, C, H, W).

    Returns:
        V_g (B, C, 2, H, W) in pixels, and the gate (B, C, H, W) in [0, 1).
    """
    mass, moment = aligned_moments(attention_map, normals, sigma)
    distance = moment / (mass + damping)  # Eq. 3: the mass centre in N(p), seen from p and along n(p)
    return -distance.unsqueeze(2) * normals, mass / (mass + damping)  # Eq. 4: V_g = R - center


def aligned_moments(attention_map: Tensor, normals: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """Mass in the window N of `aligned_guidance`, and its first moment along n(p) in pixels; both (B, C, H, W)."""
    # Sum over q of w a(q) (1 + n(p) n(q)) / 2 = (m + n_x(p) m_x + n_y(p) m_y) / 2, where m is the mass of a in the window,
    # m_x that of a n_x, m_y that of a n_y. Moments likewise.
    across, along = normals.unbind(dim=2)
    joined = torch.cat([attention_map, attention_map * across, attention_map * along], dim=1)
    masses, moments = window_moments(joined, sigma)
    mass, mass_x, mass_y = masses.chunk(3, dim=1)
    moment, moment_x, moment_y = moments.chunk(3, dim=1)
    mass = (0.5 * mass.addcmul(across, mass_x).addcmul_(along, mass_y)).clamp_min(0)
    moment = moment.addcmul(across.unsqueeze(2), moment_x).addcmul_(along.unsqueeze(2), moment_y)
    return mass, 0.5 * (moment[:, :, 0] * across).addcmul_(moment[:, :, 1], along)


def cap_length(vectors: Tensor, longest: float) -> Tensor:
    """Vectors (B, C, 2, H, W) shortened smoothly so that none is longer than `longest` pixels."""
    size = length(vectors, dim=2).clamp_min(1e-6)
    return vectors * (longest * torch.tanh(size / longest) / size)
