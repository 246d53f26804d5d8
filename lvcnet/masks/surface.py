"""Outline metrics of masks that are not empty, by MONAI.

Symbols: P pairs of masks, H x W pixels of the working grid.

A module of its own because MONAI takes seconds to import: import it where metrics are computed, not at the top of a
module that the command line or the lab loads at start.
"""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import torch
from monai.metrics import (
    compute_average_surface_distance,
    compute_hausdorff_distance,
    compute_surface_dice,
)
from numpy.typing import NDArray
from torch import Tensor

# include_background: else MONAI takes channel 0 for the background and leaves it out; ours is foreground
Spacing = list[list[float]]
MEASURES: dict[str, Callable[[Tensor, Tensor, Spacing], Tensor]] = {
    "nsd_1px": lambda a, b, size: compute_surface_dice(
        a, b, [1.0], include_background=True, spacing=_over_longer(size)
    ),
    "nsd_2px": lambda a, b, size: compute_surface_dice(
        a, b, [2.0], include_background=True, spacing=_over_longer(size)
    ),
    "hd95": lambda a, b, size: compute_hausdorff_distance(
        a, b, include_background=True, percentile=95, directed=False, spacing=size
    ),
    "assd": lambda a, b, size: compute_average_surface_distance(
        a, b, include_background=True, symmetric=True, spacing=size
    ),
}


def _over_longer(sizes: Spacing) -> Spacing:
    """Sizes of pixels over the longer of their sides: in it a tolerance is given."""
    return [[side / max(size) for side in size] for size in sizes]


def surface_scores(
    predicted: NDArray[np.bool_],
    reference: NDArray[np.bool_],
    names: Sequence[str],
    sizes: NDArray[np.float64],
) -> dict[str, NDArray[np.float64]]:
    """Surface Dice at 1 and 2 px, HD95 and ASSD; see `metrics.surface_metrics` for what they measure.

    Args:
        predicted: (P, H, W) bool, none of them empty: MONAI's values for empty masks (NaN, infinite) are not ours.
        reference: (P, H, W) bool, none of them empty.
        names: which of them; each costs milliseconds a pair.
        sizes: (P, 2) height and width of a pixel, in the unit of the distances.

    Returns:
        name -> (P,) float64, of MONAI's single precision.

    Source: `monai.metrics`, https://docs.monai.io/en/stable/metrics.html
    """
    if not len(predicted):
        return {name: np.zeros(0) for name in names}
    pair = torch.from_numpy(predicted[:, None]), torch.from_numpy(reference[:, None])
    with warnings.catch_warnings():
        # MONAI 1.6 warns of an argument that only its own code passes
        warnings.filterwarnings("ignore", ".*always_return_as_numpy", FutureWarning)
        tables = {name: MEASURES[name](*pair, sizes.tolist()) for name in names}
    return {name: table[:, 0].numpy().astype(np.float64) for name, table in tables.items()}
