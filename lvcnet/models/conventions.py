"""What annotators do regularly, counted along their labels while a network learns: no weight is learned for it.

Symbols: labels and what a pixel of theirs counts (B, C, H, W), n inward normals of an outline (B, C, 2, H, W).
"""

from typing import Any

import torch
from torch import Tensor, nn

from lvcnet.cues.edges import blur, contour, inward_normals, oriented_edges
from lvcnet.cues.guidance import aligned_moments
from lvcnet.cues.warp import warp

POLARITY_BLUR = 2.0
"""How far, in pixels, noisy outlines are spread before edges along them are counted."""
DISPLACEMENT_WINDOW = 2.0
"""Width, in pixels, of the window in which the edge beside an outline is looked for."""
SEEN_DISPLACEMENT = 0.82
"""Share of a displacement that shows in this window, since an edge has a width: of a disc, blurred by 0.8 px."""
LEAST_DISPLACEMENT = 0.2
"""Pixels below which nothing is displaced: reading between pixels would blur more than it puts right."""
OBSERVED = 2
"""Images of a batch whose displacement is measured: what is averaged over many batches needs no more."""


class Polarity(nn.Module):
    """Whether a class is brighter or darker than what surrounds it: one number a class, counted, not learned.

    `brighter` is the share of edge energy along the outlines whose inside is the brighter side, a running mean over
    the training batches. Noise moves outlines to and fro, but it cannot turn the anatomy's contrast around. Where
    both polarities are equally common, both count fully.
    """

    brighter: Tensor

    def __init__(self, categories: int, momentum: float = 0.05) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("brighter", torch.full((categories,), 0.5))

    @torch.no_grad()
    def observe(self, gradient: Tensor, labels: Tensor, weights: Tensor | None = None) -> None:
        """Count a batch: image gradient (B, 2, H, W), labels and what a pixel of theirs counts (B, C, H, W)."""
        energy = blur(contour(labels), POLARITY_BLUR) * oriented_edges(
            gradient, inward_normals(blur(labels, POLARITY_BLUR))
        )
        if weights is not None:
            energy = energy * weights
        bright = energy.clamp_min(0).square().sum(dim=(0, 2, 3))
        total = energy.square().sum(dim=(0, 2, 3))
        share = torch.where(total > 0, bright / total.clamp_min(1e-12), self.brighter)
        self.brighter.lerp_(share, self.momentum)

    def weigh(self, oriented: Tensor) -> Tensor:
        """Oriented edges (B, C, H, W) in [-1, 1] -> squared edges (B, C, H, W), the rarer polarity damped."""
        shares = torch.stack([self.brighter, 1 - self.brighter])
        brighter, darker = (shares / shares.amax(dim=0)).square().view(2, 1, -1, 1, 1)
        return brighter * oriented.clamp_min(0).square() + darker * oriented.clamp_max(0).square()


class Displacement(nn.Module):
    """How far inside its outlines the edge of a category lies, in pixels: one number a category, counted, not learned.

    `pixels` is the mean distance, along the inward normal, from the labels' contours to the edges around them, a running
    mean over the training batches. Noise that errs to both sides leaves it, and the coarser it is, the nearer the
    measured number to zero, because edges out of the window are not seen: coarse labels say little about conventions.
    """

    pixels: Tensor

    def __init__(self, categories: int, momentum: float = 0.05) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("pixels", torch.zeros(categories))

    @torch.no_grad()
    def observe(self, cue: Tensor, normals: Tensor, labels: Tensor, weights: Tensor | None = None) -> None:
        """Count a batch: squared edges and what a label's pixel counts (B, C, H, W), normals (B, C, 2, H, W)."""
        mass, moment = aligned_moments(cue, normals, DISPLACEMENT_WINDOW)
        counted = contour(labels) if weights is None else contour(labels) * weights
        total, distance = (counted * mass).sum(dim=(0, 2, 3)), (counted * moment).sum(dim=(0, 2, 3))
        measured = torch.where(
            total > 0, distance / (SEEN_DISPLACEMENT * total).clamp_min(1e-12), self.pixels
        )
        self.pixels.lerp_(measured, self.momentum)

    def shift(self) -> Tensor:
        """How far inside its outlines a category's edges are read, (C,) in pixels; 0 where outlines lie on them."""
        return torch.where(self.pixels.abs() >= LEAST_DISPLACEMENT, self.pixels, 0)

    def applies(self) -> bool:
        """Whether any category's outlines lie beside their edges."""
        return bool(self.shift().any())

    def displaced(self, maps: Tensor, prediction: Tensor) -> Tensor:
        """Maps (B, K, H, W) as a category's outlines see them, each read where its edge lies: (B, C, K, H, W)."""
        offsets = self.shift().view(1, -1, 1, 1, 1) * inward_normals(prediction)
        return warp(maps.unsqueeze(1).repeat(1, offsets.shape[1], 1, 1, 1), offsets)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        state_dict.setdefault(
            f"{prefix}pixels", torch.zeros_like(self.pixels)
        )  # of runs before it was counted
        super()._load_from_state_dict(state_dict, prefix, *rest)
