"""What annotators do regularly, counted along their labels while a network learns: no weight is learned for it.

Symbols: labels and what a pixel of theirs counts (B, C, H, W), n inward normals of an outline (B, C, 2, H, W).
"""

from typing import Any

import torch
from torch import Tensor, nn

from lvcnet.cues.edges import blur, contour, inward_normals, oriented_edges
from lvcnet.cues.guidance import aligned_moments, steepness
from lvcnet.cues.warp import warp

POLARITY_BLUR = 2.0
"""How far, in pixels, noisy outlines are spread before edges along them are counted."""
MARGIN_WINDOW = 2.0
"""Width, in pixels, of the window in which the edge beside an outline is looked for."""
SEEN_MARGIN = 0.82
"""Share of a margin that shows in this window, since an edge has a width: of a disc, blurred by 0.8 px."""
LEAST_MARGIN = 0.2
"""Pixels below which a margin counts as none: reading between pixels would blur more than it puts right."""
OBSERVED = 2
"""Images of a batch whose margin is measured: what is averaged over many batches needs no more."""

STEEP_SHARE = 0.75
"""Quantile of the slopes along a boundary: where nothing is to be seen it is flat whoever draws, so the steep part tells."""
HALF_TRUST = 0.20
"""Slope, in probability a pixel, at which edges are trusted by half. The mean of many noisy outlines of an image has, without
any network, .31 to .32 at level 1 on phantom, mandible, chest and ultrasound, .11 to .21 at level 4
(benchmarks/results/outline-slopes.md); a network at a quarter of its training .20 to .26 and .12 to .15 on the first three."""
TRUST_POWER = 12.0
"""How sharply trust falls around `HALF_TRUST`."""
SETTLES_FROM, SETTLED_BY = 0.25, 0.5
"""Progress from which slopes may be settled, and by which they are taken as they are."""
PARTS = 20
"""Parts of a training over which slopes are compared."""
STILL_GROWING = 1.07
"""A slope that a part of the training has made this many times larger is not settled. At a quarter of the training 1.03 to
1.06 on mandible and chest, 1.15 to 1.18 on ultrasound, whose small structures are learned slowly."""


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


class CountedLater(nn.Module):
    """Buffers that weights of before they were counted lack: there they are zero."""

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        for name, buffer in self.named_buffers(recurse=False):
            state_dict.setdefault(f"{prefix}{name}", torch.zeros_like(buffer))
        super()._load_from_state_dict(state_dict, prefix, *rest)


class AnnotationMargin(CountedLater):
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
        mass, moment = aligned_moments(cue, normals, MARGIN_WINDOW)
        counted = contour(labels) if weights is None else contour(labels) * weights
        total, distance = (counted * mass).sum(dim=(0, 2, 3)), (counted * moment).sum(dim=(0, 2, 3))
        measured = torch.where(total > 0, distance / (SEEN_MARGIN * total).clamp_min(1e-12), self.pixels)
        self.pixels.lerp_(measured, self.momentum)

    def shift(self) -> Tensor:
        """How far inside its outlines a category's edges are read, (C,) in pixels; 0 where outlines lie on them."""
        return torch.where(self.pixels.abs() >= LEAST_MARGIN, self.pixels, 0)

    def applies(self) -> bool:
        """Whether any category's outlines lie beside their edges."""
        return bool(self.shift().any())

    def displaced(self, maps: Tensor, prediction: Tensor) -> Tensor:
        """Maps (B, K, H, W) as a category's outlines see them, each read where its edge lies: (B, C, K, H, W)."""
        offsets = self.shift().view(1, -1, 1, 1, 1) * inward_normals(prediction)
        return warp(maps.unsqueeze(1).repeat(1, offsets.shape[1], 1, 1, 1), offsets)


class Trust(CountedLater):
    """How far edges may move a category's outlines: one number a category, counted, not learned.

    `slope` says how sharply outlines agree: how fast the label head's probability falls across its boundary, a running mean
    over the training batches. Cross-entropy makes a probability what it should be, the share of annotators who would draw a
    pixel inside; so outlines that scatter by pixels make it flat, and outlines that agree to a fraction of one make it steep,
    wherever one can see them. An edge says where a boundary is to about a pixel: outlines that agree better than that are not
    to be moved. No clean image and no noise rate are needed.

    It is counted until it has settled: before, a boundary is flat because the network does not know better, and long after, it is
    steep because labels are known by heart.
    """

    slope: Tensor
    before: Tensor
    part: Tensor
    settled: Tensor

    def __init__(self, categories: int, momentum: float = 0.05) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("slope", torch.zeros(categories))
        self.register_buffer("before", torch.zeros(categories))
        self.register_buffer("part", torch.zeros((), dtype=torch.int64))
        self.register_buffer("settled", torch.zeros((), dtype=torch.bool))

    @torch.no_grad()
    def observe(self, prediction: Tensor, progress: float) -> None:
        """Count a batch of what the label head says, (B, C, H, W) in [0, 1], at a fraction of the training."""
        if self.settled:
            return
        slopes, boundary = steepness(prediction), contour(prediction >= 0.5) > 0
        for category in range(prediction.shape[1]):
            values = slopes[:, category][boundary[:, category]]
            if len(values):
                self.slope[category].lerp_(values.quantile(STEEP_SHARE), self.momentum)
        part = int(progress * PARTS)
        if part > self.part:
            calm = (self.slope < STILL_GROWING * self.before).logical_or(self.slope == 0).all()
            self.settled.fill_(progress >= SETTLED_BY or (progress >= SETTLES_FROM and bool(calm)))
            self.before.copy_(self.slope)
            self.part.fill_(part)

    def shares(self) -> Tensor:
        """(C,) in (0, 1]: 1 where outlines scatter, or where nothing was counted, near 0 where they agree."""
        return 1 / (1 + (self.slope / HALF_TRUST) ** TRUST_POWER)
