"""The loss terms of the printed LVC-Net (Eq. 1, 5, 7), as printed where that does not diverge, and as they must be read.

Symbols: L logits of the LVC generator (B, C, H, W), y_s initial edges (B, 1, H, W), P(s) their share (B, 1, 1, 1),
Y, S predictions (B, C, H, W), y_G labels (B, C, H, W), V_g, V_s vector fields (B, C, 2, H, W) in pixels.
All return scalars, the mean over batch, categories and pixels unless they say otherwise. Padding, where `inside` (B, 1, H, W) is
0, counts for none of them.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from lvcnet.cues.edges import continued, edge_fraction, near_boundary
from lvcnet.methods.base import cross_entropy

RHO = 0.5
"""Threshold of Eq. 1."""
RCF_NEGATIVE_WEIGHT = 1.1
"""lambda of RCF (Liu et al. 2017), on non-edges."""
FAINT_EDGE = 0.1
"""Sobel responses below this are background; between it and RHO they are neither edge nor background."""


def lvc_loss(logits: Tensor, edges: Tensor, inside: Tensor | None = None) -> Tensor:
    """Eq. 1 as read: class-balanced cross-entropy; edges weigh 1 - P(s), the rest lambda P(s), faint ones nothing."""
    share = edge_fraction(edges, RHO, inside)
    positive = (edges >= RHO).to(logits)
    negative = (edges < FAINT_EDGE).to(logits)
    # Eq. 1: as RCF has it, edges weigh 1 - P(s), the rest P(s)
    weight = (1 - share) * positive + RCF_NEGATIVE_WEIGHT * share * negative
    weight = weight if inside is None else weight * inside
    terms = F.binary_cross_entropy_with_logits(logits, positive.expand_as(logits), reduction="none")
    return (weight * terms).sum() / weight.expand_as(terms).sum().clamp_min(1.0)


def lvc_loss_printed(logits: Tensor, edges: Tensor, inside: Tensor | None = None) -> Tensor:
    """Eq. 1 as printed but for its missing minus: the output is thresholded, edges weigh their own small share."""
    share = edge_fraction(edges, RHO, inside)
    response = logits.sigmoid()
    # Eq. 1: P(s) y_s log y where y >= rho, (1 - P(s)) (1 - y_s) log(1 - y) elsewhere
    as_edge = share * edges * F.logsigmoid(logits)
    as_rest = (1 - share) * (1 - edges) * F.logsigmoid(-logits)
    return -mean_of(torch.where(response >= RHO, as_edge, as_rest), inside)


def stray_loss(logits: Tensor, prediction: Tensor, inside: Tensor | None = None) -> Tensor:
    """The paper's regularisation: mean LVC response away from the predicted boundary, L (1 - near(Y))."""
    # Eq. 1: its regularisation, against cues away from predicted boundaries
    return mean_of(logits.sigmoid() * (1 - near_boundary(continued(prediction, inside))), inside)


def guidance_loss(v_g: Tensor, v_s: Tensor, mass: Tensor) -> Tensor:
    """Eq. 5 as read: squared distance in pixels of V_s from sg[V_g], mean weighted by the edge mass (B, C, H, W)."""
    # Eq. 5: ||sg[V_g] - V_s||^2
    distance = (v_g.detach() - v_s).square().sum(dim=2)
    return (mass * distance).sum() / mass.sum().clamp_min(1e-6)


def guidance_loss_printed(v_g: Tensor, v_s: Tensor, inside: Tensor | None = None) -> Tensor:
    """Eq. 5 as printed: both sides move and every pixel counts the same."""
    # Eq. 5: ||V_g - V_s||^2
    return mean_of((v_g - v_s).square().sum(dim=2), inside)


def attraction_loss(prediction: Tensor, cue: Tensor, inside: Tensor | None = None) -> Tensor:
    """Edge term of Eq. 7 as read: share of the boundary of S, weighed by 4 S (1 - S), that lies off the cue."""
    # Eq. 7: the term of y_s, of a boundary instead of a region
    boundary = 4 * prediction * (1 - prediction)
    boundary = boundary if inside is None else boundary * inside
    return (boundary * (1 - cue)).sum() / boundary.sum().clamp_min(1e-6)


def edge_region_loss(prediction: Tensor, lvc: Tensor, inside: Tensor | None = None) -> Tensor:
    """Edge term of Eq. 7 as printed, without the half that is unbounded below: cues are pulled into the foreground."""
    # Eq. 7: -y_s log y, without the half that wants y_s in the background, too
    return -mean_of(lvc * prediction.clamp_min(1e-6).log(), inside)


def mean_of(values: Tensor, inside: Tensor | None) -> Tensor:
    """Mean over batch, categories and the pixels that are no padding."""
    if inside is None:
        return values.mean()
    return (values * inside).sum() / (inside.sum() * values.shape[1]).clamp_min(1)


def label_loss(prediction: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Label term of Eq. 7: cross-entropy of probabilities (not logits) with the labels, where they count."""
    # Eq. 7: -y_G log y - (1 - y_G) log(1 - y)
    return cross_entropy(prediction.clamp(1e-4, 1 - 1e-4).logit(), labels, weights)
