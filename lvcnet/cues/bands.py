"""Sums over neighbouring pixels as products with band matrices: blur, Sobel's factors, the window of guidance.

At the sizes of this project several times faster than convolutions on a CPU. A row of such a matrix is zero further than
a few pixels from its diagonal, so the product is taken block by block: its cost grows with the pixels, not with the
pixels times the image's side.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

CPU_BLOCK, OTHER_BLOCK = 32, 128
"""Rows of a block: a GPU would rather multiply more than start more products."""


@dataclass(frozen=True)
class Band:
    """A (size, size) matrix whose entries are zero further than `reach` from the diagonal."""

    matrix: Tensor
    reach: int

    def across(self, maps: Tensor) -> Tensor:
        """The matrix applied to every row of pixels, (..., size) -> (..., size)."""
        blocks = [maps[..., columns] @ block.T for columns, block in self._blocks(maps)]
        return torch.cat(blocks, dim=-1) if len(blocks) > 1 else blocks[0]

    def down(self, maps: Tensor) -> Tensor:
        """The matrix applied to every column of pixels, (..., size, W) -> (..., size, W)."""
        blocks = [block @ maps[..., rows, :] for rows, block in self._blocks(maps)]
        return torch.cat(blocks, dim=-2) if len(blocks) > 1 else blocks[0]

    def _blocks(self, maps: Tensor) -> list[tuple[slice, Tensor]]:
        """Blocks of rows of the matrix, without the columns that are zero, and which columns remain."""
        matrix, size = self.matrix.to(maps), len(self.matrix)
        step = CPU_BLOCK if maps.device.type == "cpu" else OTHER_BLOCK
        found = []
        for start in range(0, size, step):
            near = slice(max(0, start - self.reach), min(size, start + step + self.reach))
            found.append((near, matrix[start : start + step, near]))
        return found


def gaussian_kernel(sigma: float, radius: int | None = None) -> Tensor:
    """Normalised (2r+1,) Gaussian weights; `radius` in pixels, default three sigma."""
    r = max(1, math.ceil(3 * sigma)) if radius is None else radius
    positions = torch.arange(-r, r + 1, dtype=torch.float32)
    weights = torch.exp(-0.5 * (positions / sigma) ** 2)
    normalised: Tensor = weights / weights.sum()
    return normalised


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # what a prediction caches, a training may differentiate through
def gaussian_band(size: int, sigma: float, device: torch.device) -> Band:
    """Gaussian blur of a row of pixels, the border replicated."""
    kernel = gaussian_kernel(sigma)
    radius = len(kernel) // 2
    rows = torch.arange(size).unsqueeze(1).expand(size, len(kernel))
    columns = (rows + torch.arange(-radius, radius + 1)).clamp(0, size - 1)
    matrix = torch.zeros(size, size)
    matrix.index_put_((rows, columns), kernel.expand_as(columns), accumulate=True)
    return Band(matrix.to(device), radius)


@lru_cache(maxsize=64)
@torch.inference_mode(False)
def sobel_bands(size: int, sigma: float, device: torch.device) -> tuple[Band, Band]:
    """Sobel's two factors on a row of pixels, [1 2 1] / 4 and [-1 0 1] / 2, after a blur; the border replicated."""
    eye = torch.eye(size, device=device)
    before = eye[(torch.arange(size) - 1).clamp_min(0)]
    after = eye[(torch.arange(size) + 1).clamp_max(size - 1)]
    blurred = gaussian_band(size, sigma, device) if sigma > 0 else Band(eye, 0)
    smooth, slope = 0.25 * before + 0.5 * eye + 0.25 * after, 0.5 * (after - before)
    reach = blurred.reach + 1
    return Band(smooth @ blurred.matrix, reach), Band(slope @ blurred.matrix, reach)


@lru_cache(maxsize=64)
@torch.inference_mode(False)
def window_bands(size: int, sigma: float, device: torch.device) -> tuple[Band, Band]:
    """Sums over a Gaussian window on a row of pixels: of w(d) and of w(d) d; nothing lies outside the image."""
    kernel = gaussian_kernel(sigma)
    radius = len(kernel) // 2
    steps = torch.arange(size).unsqueeze(0) - torch.arange(size).unsqueeze(1)
    weights = torch.where(steps.abs() <= radius, kernel[(steps + radius).clamp(0, 2 * radius)], 0.0)
    return Band(weights.to(device), radius), Band((weights * steps).to(device), radius)
