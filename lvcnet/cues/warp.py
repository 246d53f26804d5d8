"""Resampling (Eq. 6): the prediction at p is read at p + V(p)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from lvcnet.cues.guidance import coordinates


def warp(maps: Tensor, offsets: Tensor) -> Tensor:
    """S(p) = Y(p + V(p)) by bilinear sampling; beyond the border the border's value is read.

    Shape: maps (B, C, H, W), or (B, C, K, H, W) where K maps move alike, offsets (B, C, 2, H, W) in pixels, (x, y) -> as maps.

    >>> row = torch.tensor([[[[0.0, 1.0, 2.0, 3.0]]]])
    >>> half_right = torch.zeros(1, 1, 2, 1, 4); half_right[:, :, 0] = 0.5
    >>> warp(row, half_right).flatten().round(decimals=3).tolist()
    [0.5, 1.5, 2.5, 3.0]
    """
    batch, channels, _, height, width = offsets.shape
    scale = 2 / torch.tensor([max(width - 1, 1), max(height - 1, 1)]).to(offsets).view(2, 1, 1)
    still = coordinates(height, width).to(offsets) * scale - 1
    # Eq. 6: Y is read at p + V(p). grid_sample on the CPU crashes the process when its coordinates are not numbers.
    moved = torch.addcmul(still, offsets.nan_to_num(), scale)
    grid = moved.reshape(batch * channels, 2, height, width).permute(0, 2, 3, 1)
    flat = maps.reshape(batch * channels, -1, height, width)
    sampled = F.grid_sample(flat, grid.to(flat), mode="bilinear", padding_mode="border", align_corners=True)
    return sampled.reshape(maps.shape)
