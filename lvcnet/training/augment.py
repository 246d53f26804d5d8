"""Batched augmentation on the device: mirroring, a small affine map, intensity. Labels move with their images.

Every draw comes from the generator that is passed in, so a seed and an epoch decide all of them.
Symbols: B images, C categories, H x W pixels of the working grid.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

LARGEST_TURN = math.radians(10)
LARGEST_ZOOM = 0.1
LARGEST_SHIFT = 0.05
LARGEST_GAIN = 0.2
LARGEST_GAMMA = 0.3


def _uniform(count: int, largest: float, generator: torch.Generator) -> Tensor:
    return (2 * torch.rand(count, generator=generator) - 1) * largest


def affine_matrices(
    count: int,
    flip: bool,
    generator: torch.Generator,
    grid: Sequence[int] = (1, 1),
    extent: Tensor | None = None,
    jitter: float = 1.0,
) -> Tensor:
    """(B, 2, 3) maps from output to input coordinates in [-1, 1]: turn, zoom, shift, and mirroring by a coin.

    Args:
        count: B.
        flip: whether there is mirroring.
        generator: on the CPU.
        grid: rows and columns, in pixels of which angles are angles.
        extent: (B, 2) shares (x, y) of the grid that hold the image, top left; its centre stays where it is. Default all.
        jitter: of which turn, zoom and shift are this many times the largest above.
    """
    angle = _uniform(count, jitter * LARGEST_TURN, generator)
    zoom = torch.exp(_uniform(count, math.log1p(jitter * LARGEST_ZOOM), generator))
    shift = torch.stack([_uniform(count, 2 * jitter * LARGEST_SHIFT, generator) for _ in range(2)], dim=1)
    coin = torch.rand(count, generator=generator)
    mirror = torch.where((coin < 0.5) & flip, -1.0, 1.0)
    cosine, sine = zoom * torch.cos(angle), zoom * torch.sin(angle)
    aspect = grid[0] / grid[1]  # the unit of y, half a height, over that of x
    rows = [
        torch.stack([cosine * mirror, -sine * aspect], dim=1),
        torch.stack([sine * mirror / aspect, cosine], dim=1),
    ]
    linear = torch.stack(rows, dim=1)
    if extent is not None:
        centre = extent - 1
        shift = shift * extent + centre - (linear @ centre.unsqueeze(2)).squeeze(2)
    return torch.cat([linear, shift.unsqueeze(2)], dim=2)


def augment(
    images: Tensor,
    labels: Tensor,
    generator: torch.Generator,
    flip: bool = True,
    mirrored: Sequence[int] | None = None,
    inside: Tensor | None = None,
    jitter: float = 1.0,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Move images and labels together, then change the images' intensity.

    Args:
        images: (B, 1, H, W) in [0, 1].
        labels: (B, C, H, W), 0 or 1.
        generator: on the CPU.
        flip: allow left-right mirroring.
        mirrored: which channel each label is in once its image is mirrored (left lung, right lung); default its own.
        inside: (B, 1, H, W), 1 where the image is and 0 in the padding beside it; None where it fills the grid.
        jitter: how far they move, see `affine_matrices`.

    Returns:
        Images in [0, 1], labels, still 0 or 1, and where the moved images are, None if that was given.
    """
    count, size = len(images), images.shape[-2:]
    extent = None if inside is None else _extent(inside).cpu()
    matrices = affine_matrices(count, flip, generator, size, extent, jitter).to(images.device)
    grid = F.affine_grid(matrices, [count, 1, *size], align_corners=False)
    moved = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    moved_labels = F.grid_sample(labels, grid, padding_mode="border", align_corners=False)
    if mirrored is not None:
        turned = torch.linalg.det(matrices[:, :, :2]) < 0
        moved_labels = torch.where(turned.view(-1, 1, 1, 1), moved_labels[:, list(mirrored)], moved_labels)
    gamma = torch.exp(_uniform(count, LARGEST_GAMMA, generator)).view(-1, 1, 1, 1).to(images.device)
    gain = 1 + _uniform(count, LARGEST_GAIN, generator).view(-1, 1, 1, 1).to(images.device)
    if inside is not None:
        # beyond the grid there is no image either
        inside = (F.grid_sample(inside, grid, align_corners=False) >= 0.5).to(inside)
    return (gain * moved.clamp(0, 1) ** gamma).clamp(0, 1), (moved_labels >= 0.5).to(labels), inside


def _extent(inside: Tensor) -> Tensor:
    """(B, 2): the shares of the grid's width and height that hold each image."""
    return torch.stack([inside[:, 0, 0].mean(dim=1), inside[:, 0, :, 0].mean(dim=1)], dim=1)
