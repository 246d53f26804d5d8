"""The loss terms of the printed LVC-Net (Eq. 1, 5, 7), as printed where that does not diverge, and as they must be read.

Symbols: L logits of the LVC generator (B, C, H, W), y_s initial edges (B, 1, H, W), P(s) their share (B, 1, 1, 1),
Y, S predictions (B, C, H, W), y_G labels (B, C, H, W), V_g, V_s vector fields (B, C, 2, H, W) in pixels.
All return scalars, the mean over batch, categories and pixels unless they say otherwise.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from lvcnet.cues.edges import edge_fraction, near_boundary
from lvcnet.methods.base import cross_entropy

RHO = 0.5
"""Threshold of Eq. 1."""
RCF_NEGATIVE_WEIGHT = 1.1
"""lambda of RCF (Liu et al. 2017), on non-edges."""
FAINT_EDGE = 0.1
"""Sobel responses below this are background; between it and RHO they are neither edge nor background."""


def lvc_loss(logits: Tensor, edges: Tensor) -> Tensor:
    """Eq. 1 as read: class-balanced cross-entropy; edges weigh 1 - P(s), the rest lambda P(s), faint ones nothing."""
    share = edge_fraction(edges, RHO)
    positive = (edges >= RHO).to(logits)
    negative = (edges < FAINT_EDGE).to(logits)
    # Eq. 1: as RCF has it, edges weigh 1 - P(s), the rest P(s)
    weight = (1 - share) * positive + RCF_NEGATIVE_WEIGHT * share * negative
    terms = F.binary_cross_entropy_with_logits(logits, positive.expand_as(logits), reduction="none")
    return (weight * terms).sum() / weight.expand_as(terms).sum().clamp_min(1.0)


def lvc_loss_printed(logits: Tensor, edges: Tensor) -> Tensor:
    """Eq. 1 as printed but for its missing minus: the output is thresholded, edges weigh their own small share."""
    share = edge_fraction(edges, RHO)
    response = logits.sigmoid()
    # Eq. 1: P(s) y_s log y where y >= rho, (1 - P(s)) (1 - y_s) log(1 - y) elsewhere
    as_edge = share * edges * F.logsigmoid(logits)
    as_rest = (1 - share) * (1 - edges) * F.logsigmoid(-logits)
    return -torch.where(response >= RHO, as_edge, as_rest).mean()


def stray_loss(logits: Tensor, prediction: Tensor) -> Tensor:
    """The paper's regularisation: mean LVC response away from the predicted boundary, L (1 - near(Y))."""
    # Eq. 1: its regularisation, against cues away from predicted boundaries
    return (logits.sigmoid() * (1 - near_boundary(prediction))).mean()


def guidance_loss(v_g: Tensor, v_s: Tensor, mass: Tensor) -> Tensor:
    """Eq. 5 as read: squared distance in pixels of V_s from sg[V_g], mean weighted by the edge mass (B, C, H, W)."""
    # Eq. 5: ||sg[V_g] - V_s||^2
    distance = (v_g.detach() - v_s).square().sum(dim=2)
    return (mass * distance).sum() / mass.sum().clamp_min(1e-6)


def guidance_loss_printed(v_g: Tensor, v_s: Tensor) -> Tensor:
    """Eq. 5 as printed: both sides move and every pixel counts the same."""
    # Eq. 5: ||V_g - V_s||^2
    return (v_g - v_s).square().sum(dim=2).mean()


def attraction_loss(prediction: Tensor, cue: Tensor) -> Tensor:
    """Edge term of Eq. 7 as read: share of the boundary of S, weighed by 4 S (1 - S), that lies off the cue."""
    # Eq. 7: the term of y_s, of a boundary instead of a region
    boundary = 4 * prediction * (1 - prediction)
    return (boundary * (1 - cue)).sum() / boundary.sum().clamp_min(1e-6)


def edge_region_loss(prediction: Tensor, lvc: Tensor) -> Tensor:
    """Edge term of Eq. 7 as printed, without the half that is unbounded below: cues are pulled into the foreground."""
    # Eq. 7: -y_s log y, without the half that wants y_s in the background, too
    return -(lvc * prediction.clamp_min(1e-6).log()).mean()


def label_loss(prediction: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Label term of Eq. 7: cross-entropy of probabilities (not logits) with the labels, where they count."""
    # Eq. 7: -y_G log y - (1 - y_G) log(1 - y)
    return cross_entropy(prediction.clamp(1e-4, 1 - 1e-4).logit(), labels, weights)
