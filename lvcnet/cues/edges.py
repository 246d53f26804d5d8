"""What the image itself shows: Sobel edges, their share, and the soft band around a predicted boundary.

Symbols: x image (B, 1, H, W) in any unit, y_s initial edges (B, 1, H, W) in [0, 1], Y prediction (B, C, H, W),
y_G label (B, C, H, W).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from lvcnet.cues.bands import gaussian_band, sobel_bands

EDGE_QUANTILE = 0.98
"""The magnitude that counts as a full edge, as a quantile over the image (a radiograph has about 2 % edge pixels)."""


def blur(maps: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of (B, C, H, W) maps with replicated borders; sigma in pixels, 0 leaves them as they are."""
    if sigma <= 0:
        return maps
    vertical, horizontal = (gaussian_band(size, sigma, maps.device) for size in maps.shape[-2:])
    return vertical.down(horizontal.across(maps))


def continued(maps: Tensor, inside: Tensor | None, sigma: float = 2.0) -> Tensor:
    """Maps (B, C, H, W) that go on beyond an image's border: padding becomes the mean of what lies near it.

    So that the border of an image is no edge, and no boundary of what is drawn in it. What was in the padding has no say.

    Args:
        maps: (B, C, H, W).
        inside: (B, 1, H, W), 1 where the image is, 0 in the padding; None where there is none.
        sigma: of the Gaussian that says what is near; further than three of them, padding becomes 0.

    >>> row = torch.tensor([[[[2.0, 2.0, 9.0]]]])
    >>> continued(row, torch.tensor([[[[1.0, 1.0, 0.0]]]])).round(decimals=3).flatten().tolist()
    [2.0, 2.0, 2.0]
    """
    if inside is None:
        return maps
    near = blur(maps * inside, sigma) / blur(inside, sigma).clamp_min(1e-6)
    return torch.where(inside > 0, maps, near)


def sobel(maps: Tensor, sigma: float = 0.0) -> Tensor:
    """Sobel derivatives of maps after a Gaussian blur: (B, C, H, W) -> (B, C, 2, H, W), d/dx then d/dy, per pixel.

    The kernel is divided by 8, so a ramp that rises by 1 a pixel has derivative 1. The border is replicated.

    >>> ramp = torch.arange(5.0).expand(1, 1, 5, 5)
    >>> sobel(ramp)[0, 0, :, 2, 2].tolist()
    [1.0, 0.0]
    """
    (smooth_y, slope_y), (smooth_x, slope_x) = (
        sobel_bands(size, sigma, maps.device) for size in maps.shape[-2:]
    )
    return torch.stack([smooth_y.down(slope_x.across(maps)), slope_y.down(smooth_x.across(maps))], dim=2)


def length(vectors: Tensor, dim: int) -> Tensor:
    """Length of (x, y) vectors along `dim`, which stays with size 1. (Tensor.norm is 20 times slower over strides.)

    >>> length(torch.tensor([[3.0], [4.0]]), dim=0).item()
    5.0
    """
    x, y = vectors.unbind(dim)
    # The gradient of hypot at (0, 0) is not a number; the tiny constant makes it zero.
    return (x * x + y * y + 1e-12).sqrt().unsqueeze(dim)


def edge_gradient(images: Tensor, sigma: float = 0.8, inside: Tensor | None = None) -> Tensor:
    """Sobel derivatives of the blurred image over the 98th percentile of their magnitude; never longer than 1.

    Padding, where `inside` (B, 1, H, W) is 0, has no gradient, gives none to the image's border, and is not counted.

    Shape: (B, 1, H, W) -> (B, 2, H, W), x then y. An image without any contrast has no gradient.
    """
    gradient = sobel(continued(images.float(), inside), sigma)[:, 0]
    if inside is not None:
        gradient = gradient * inside
    magnitude = length(gradient, dim=1)
    flat = magnitude.flatten(1)
    if inside is None:
        # kthvalue: torch's quantile sorts everything and refuses more than 16 million values.
        top = flat.kthvalue(math.ceil(EDGE_QUANTILE * flat.shape[1]), dim=1).values.view(-1, 1, 1, 1)
    else:
        outside = flat.shape[1] - inside.flatten(1).sum(dim=1)  # all of them before the others
        rank = (outside + EDGE_QUANTILE * (flat.shape[1] - outside)).ceil().long().clamp_min(1)
        ordered = torch.where(inside.flatten(1) > 0, flat, -1.0).sort(dim=1).values
        top = ordered.gather(1, rank.unsqueeze(1) - 1).view(-1, 1, 1, 1)
    scaled: Tensor = gradient / torch.maximum(magnitude, top).clamp_min(1e-4)
    return scaled


def initial_edges(images: Tensor, sigma: float = 0.8, inside: Tensor | None = None) -> Tensor:
    """Initial edge map y_s in [0, 1]: length of `edge_gradient`. (B, 1, H, W) -> (B, 1, H, W)."""
    return length(edge_gradient(images, sigma, inside), dim=1)  # Eq. 1: y_s


def inward_normals(prediction: Tensor, sigma: float = 1.5) -> Tensor:
    """Unit vectors that point from outside to inside across the predicted boundary, zero where it is flat.

    Shape: (B, C, H, W) -> (B, C, 2, H, W).

    >>> step = torch.tensor([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]).expand(1, 1, 6, 6)
    >>> (inward_normals(step)[0, 0, :, 2, 2].round(decimals=2) + 0).tolist()
    [1.0, 0.0]
    """
    slope = sobel(prediction, sigma)
    return slope / length(slope, dim=2).clamp_min(1e-3)


def oriented_edges(gradient: Tensor, normals: Tensor) -> Tensor:
    """Image gradient along the boundary's normal: positive where the inside is brighter, in [-1, 1].

    Shape: gradient (B, 2, H, W), or (B, C, 2, H, W) of each category, normals (B, C, 2, H, W) -> (B, C, H, W). Edges
    across the boundary's direction, such as a rib that crosses it, cancel out.
    """
    return ((gradient.unsqueeze(1) if gradient.dim() == 4 else gradient) * normals).sum(dim=2)


def edge_fraction(edges: Tensor, threshold: float = 0.5, inside: Tensor | None = None) -> Tensor:
    """P(s): share of edge pixels in each image's initial edge map, padding left out, (B, 1, 1, 1)."""
    found = (edges >= threshold).float()
    if inside is None:
        return found.mean(dim=(1, 2, 3), keepdim=True)  # Eq. 1: P(s)
    pixels = inside.sum(dim=(1, 2, 3), keepdim=True)
    return (found * inside).sum(dim=(1, 2, 3), keepdim=True) / pixels.clamp_min(1)


def near_boundary(prediction: Tensor, sigma: float = 1.5) -> Tensor:
    """near(Y) = min(1, blur(4 Y (1 - Y))): the soft band in which a boundary may still move. (B, C, H, W)."""
    return blur(4 * prediction * (1 - prediction), sigma).clamp(max=1.0)


def contour(masks: Tensor) -> Tensor:
    """Pixels on either side of the outline of binary (B, C, H, W) masks, as 0 / 1 floats.

    The image's border is not an outline. The band is two pixels wide and centred on the outline, so that it has
    no bias to either side.

    >>> row = torch.tensor([[[[0.0, 0.0, 1.0, 1.0, 1.0]]]])
    >>> contour(row).flatten().tolist()
    [0.0, 1.0, 1.0, 0.0, 0.0]
    """
    padded = F.pad(masks.float(), (1, 1, 1, 1), mode="replicate")
    centre = masks.float()
    across = (padded[:, :, 1:-1, :-2] - centre).abs() + (padded[:, :, 1:-1, 2:] - centre).abs()
    along = (padded[:, :, :-2, 1:-1] - centre).abs() + (padded[:, :, 2:, 1:-1] - centre).abs()
    return (across + along).clamp(max=1.0)
