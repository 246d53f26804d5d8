"""Batched augmentation on the device: mirroring, a small affine map, intensity. Labels move with their images.

Every draw comes from the generator that is passed in, so a seed and an epoch decide all of them.
Symbols: B images, C categories, S x S pixels.
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


def affine_matrices(count: int, flip: bool, generator: torch.Generator) -> Tensor:
    """(B, 2, 3) maps from output to input coordinates in [-1, 1]: turn, zoom, shift, and mirroring by a coin."""
    angle = _uniform(count, LARGEST_TURN, generator)
    zoom = torch.exp(_uniform(count, math.log1p(LARGEST_ZOOM), generator))
    shift = torch.stack([_uniform(count, 2 * LARGEST_SHIFT, generator) for _ in range(2)], dim=1)
    coin = torch.rand(count, generator=generator)
    mirror = torch.where((coin < 0.5) & flip, -1.0, 1.0)
    cosine, sine = zoom * torch.cos(angle), zoom * torch.sin(angle)
    rows = [torch.stack([cosine * mirror, -sine], dim=1), torch.stack([sine * mirror, cosine], dim=1)]
    return torch.cat([torch.stack(rows, dim=1), shift.unsqueeze(2)], dim=2)


def augment(
    images: Tensor,
    labels: Tensor,
    generator: torch.Generator,
    flip: bool = True,
    mirrored: Sequence[int] | None = None,
) -> tuple[Tensor, Tensor]:
    """Move images and labels together, then change the images' intensity.

    Args:
        images: (B, 1, S, S) in [0, 1].
        labels: (B, C, S, S), 0 or 1.
        generator: on the CPU.
        flip: allow left-right mirroring.
        mirrored: which channel each label is in once its image is mirrored (left lung, right lung); default its own.

    Returns:
        Images in [0, 1] and labels, still 0 or 1.
    """
    count = len(images)
    matrices = affine_matrices(count, flip, generator).to(images.device)
    grid = F.affine_grid(matrices, [count, 1, *images.shape[-2:]], align_corners=False)
    moved = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    moved_labels = F.grid_sample(labels, grid, padding_mode="border", align_corners=False)
    if mirrored is not None:
        turned = torch.linalg.det(matrices[:, :, :2]) < 0
        moved_labels = torch.where(turned.view(-1, 1, 1, 1), moved_labels[:, list(mirrored)], moved_labels)
    gamma = torch.exp(_uniform(count, LARGEST_GAMMA, generator)).view(-1, 1, 1, 1).to(images.device)
    gain = 1 + _uniform(count, LARGEST_GAIN, generator).view(-1, 1, 1, 1).to(images.device)
    return (gain * moved.clamp(0, 1) ** gamma).clamp(0, 1), (moved_labels >= 0.5).to(labels)
