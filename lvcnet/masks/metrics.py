"""How far a predicted mask is from a reference: overlap and outline metrics, per image and category.

Symbols: N images, C categories, H x W pixels of the working grid without padding. Distances are in the unit of the given
sizes of a pixel, pixels of the original image or mm. The tolerance of surface Dice is one pixel of the working grid, or two:
less would measure the grid, not the outlines. Where a pixel is higher than wide, or wider than high, its longer side counts.

Empty masks have defined values, the same for every metric:

| predicted | reference | overlap and surface scores | distances                |
|-----------|-----------|----------------------------|--------------------------|
| empty     | empty     | 1                          | 0                        |
| empty     | not empty | 0                          | diagonal of the image    |
| not empty | empty     | 0                          | diagonal of the image    |

A mask's outline is the set of its pixels that have a 4-neighbour outside the mask; what lies beyond the border of
the image counts as outside. These are the conventions of `monai.metrics`, which computes the outline metrics; the
values for empty masks are ours, so MONAI is given only the pairs in which neither mask is empty.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lvcnet.errors import LvcnetError, foreign
from lvcnet.frames import Frames, by_frame
from lvcnet.masks.overlap import iou, overlap_metrics
from lvcnet.plugins import Registry
from lvcnet.progress import Report

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

ROUND_METRICS = ("precision", "recall", "miou")
"""What the paper measures, in rounds."""
BATCH = 32
"""Images that are measured between two reports."""
SURFACE_METRICS = ("nsd_1px", "nsd_2px", "hd95", "assd")
DISTANCES = ("hd95", "assd")


@dataclass(frozen=True)
class MetricSpec:
    """A metric to choose by name.

    Attributes:
        name: what the command line and evaluations call it.
        title: what tables and pages call it, with its unit in brackets where it has one.
        measure: (predicted, reference), both (N, C, H, W) bool -> (N, C), or such scores by name where several metrics are
            measured in one go. It must be finite for empty masks, too. Where `sized`, it gets as a third argument the sizes
            of a pixel, (N, 2): height and width.
        text: what it measures, two sentences at most.
        equation: LaTeX without dollars, in the symbols of the glossary; empty if there is none.
        unit: px ...; empty for a fraction from 0 to 1. Where `sized`, px stands for the unit of the sizes.
        lower_is_better: as of distances.
        sized: whether it is measured in the unit of the sizes of a pixel.
    """

    name: str
    title: str
    measure: "Callable[..., FloatArray | dict[str, FloatArray]]"
    text: str
    equation: str = ""
    unit: str = ""
    lower_is_better: bool = False
    sized: bool = False

    def unit_in(self, unit: str) -> str:
        """Its unit where distances are in `unit`."""
        return unit if self.sized and self.unit else self.unit

    def titled(self, unit: str) -> str:
        """Its title where distances are in `unit`.

        >>> METRICS["hd95"].titled("mm"), METRICS["dice"].titled("mm")
        ('HD95 (mm)', 'Dice')
        """
        return f"{self.short} ({unit})" if self.unit_in(unit) != self.unit else self.title

    @property
    def short(self) -> str:
        """The title without its unit, for sentences that say it beside the number."""
        return self.title.removesuffix(f" ({self.unit})")

    def scores(self, predicted: BoolArray, reference: BoolArray, sizes: FloatArray) -> dict[str, FloatArray]:
        """What is measured, by name.

        Raises:
            LvcnetError: if it is not a finite number for every image and category.
        """
        with foreign(f"metric {self.name!r} cannot be measured", "mend it, or uninstall what added it"):
            found = self.measure(predicted, reference, *([sizes] if self.sized else []))
        named = found if isinstance(found, dict) else {self.name: np.asarray(found, dtype=np.float64)}
        for name, values in named.items():
            if values.shape != predicted.shape[:2] or not np.isfinite(values).all():
                raise LvcnetError(
                    f"metric {name!r} returned {values.shape} numbers or some that are not finite: it must return a finite"
                    f" one for each of {predicted.shape[:2]} images and categories"
                )
        return named


def image_metrics(
    predicted: BoolArray,
    reference: BoolArray,
    report: Report | None = None,
    sizes: FloatArray | None = None,
    frames: Frames | None = None,
) -> dict[str, FloatArray]:
    """All metrics of `METRICS`.

    Args:
        predicted: (N, C, H, W) bool.
        reference: (N, C, H, W) bool.
        report: called with (images done, images).
        sizes: (N, 2) height and width of a pixel; default 1.
        frames: (N, 2) rows and columns that hold each image; what is beyond them is cut off. Default all.

    Returns:
        name -> (N, C) float64.

    Raises:
        LvcnetError: if the two differ in shape or are not (N, C, H, W).

    >>> mask = np.eye(4, dtype=bool)[None, None]
    >>> {name: float(value[0, 0]) for name, value in image_metrics(mask, mask).items()}["dice"]
    1.0
    """
    if predicted.shape != reference.shape or predicted.ndim != 4:
        raise LvcnetError(
            f"predicted masks {predicted.shape} and reference masks {reference.shape} must both be (N, C, H, W)"
        )
    total = len(predicted)
    sizes = np.ones((total, 2)) if sizes is None else sizes
    frames = np.tile(predicted.shape[2:], (total, 1)) if frames is None else frames
    found = {name: np.zeros(predicted.shape[:2]) for name in METRICS}
    done = 0
    for numbers, (height, width) in by_frame(frames):
        for batch in np.array_split(numbers, range(BATCH, len(numbers), BATCH)):
            one, two = (masks[batch, :, :height, :width].astype(bool) for masks in (predicted, reference))
            part: dict[str, FloatArray] = {}
            for name, spec in METRICS.items():
                if name not in part:
                    part |= spec.scores(one, two, sizes[batch])
                found[name][batch] = part[name]
            done += len(batch)
            if report:
                report(done, total)
    return found


def boundary_iou(predicted: BoolArray, reference: BoolArray, fraction: float = 0.02) -> FloatArray:
    """IoU of the two bands that lie inside each mask within `fraction` of the image diagonal of its outline.

    Source: Cheng et al., "Boundary IoU", CVPR 2021, and its published code (3 x 3 erosion, one step a pixel, at
    least one; beyond the image is outside).

    Args:
        predicted: (N, C, H, W) bool.
        reference: (N, C, H, W) bool.
        fraction: width of the band over the diagonal; 0.02 is 4 px at 128 x 128.
    """
    height, width = predicted.shape[2:]
    steps = max(1, round(fraction * float(np.hypot(height, width))))
    return iou(_bands(predicted, steps), _bands(reference, steps))


def surface_metrics(
    predicted: BoolArray,
    reference: BoolArray,
    sizes: FloatArray | None = None,
    names: Sequence[str] = SURFACE_METRICS,
) -> dict[str, FloatArray]:
    """Surface Dice at 1 and 2 px, HD95 and ASSD of (N, C, H, W) masks as (N, C), or those of them that are named.

    `sizes` (N, 2) are height and width of a pixel, by default 1.

    Surface Dice: share of both outlines' pixels that lie within the tolerance of the other outline (Nikolov et al.
    2018). HD95: the larger of the two directed 95th percentiles. ASSD: mean distance over the pixels of both outlines.
    """
    # imported here, and not above, because MONAI takes seconds to import and `lvcnet --help` and the lab's pages load
    # this module for its names
    from lvcnet.masks.surface import surface_scores

    sizes = np.ones((len(predicted), 2)) if sizes is None else sizes
    diagonal = np.hypot(*(sizes * predicted.shape[2:]).T)[:, None]
    in_predicted, in_reference = predicted.any((2, 3)), reference.any((2, 3))
    both, neither = in_predicted & in_reference, ~(in_predicted | in_reference)
    result = {}
    of_pairs = np.broadcast_to(sizes[:, None], (*both.shape, 2))[both]
    for name, scores in surface_scores(predicted[both], reference[both], names, of_pairs).items():
        result[name] = np.where(neither, 0.0, diagonal) if name in DISTANCES else neither.astype(float)
        result[name][both] = scores
    return result


def _bands(masks: BoolArray, steps: int) -> BoolArray:
    kernel = np.ones((3, 3), np.uint8)
    result = np.empty_like(masks)
    for index in np.ndindex(masks.shape[:2]):
        padded = np.pad(masks[index].astype(np.uint8), 1)
        eroded = cv2.erode(padded, kernel, iterations=steps)[1:-1, 1:-1]
        result[index] = masks[index] & (eroded == 0)
    return result


METRICS: Registry[MetricSpec] = Registry(
    "metric",
    "lvcnet.metrics",
    MetricSpec,
    (
        MetricSpec(
            "precision",
            "Precision",
            overlap_metrics,
            "Share of the predicted pixels that belong to the object.",
            r"\frac{|P \cap R|}{|P|}",
        ),
        MetricSpec(
            "recall",
            "Recall",
            overlap_metrics,
            "Share of the object's pixels that were predicted.",
            r"\frac{|P \cap R|}{|R|}",
        ),
        MetricSpec(
            "iou",
            "IoU (foreground)",
            overlap_metrics,
            "Overlap of both masks over all that either of them covers.",
            r"\frac{|P \cap R|}{|P \cup R|}",
        ),
        MetricSpec(
            "miou",
            "mIoU (foreground and background)",
            overlap_metrics,
            "The paper's score: mean of the IoU of the object and that of the background.",
            r"\tfrac{1}{2}\left(\mathrm{IoU}_\text{object} + \mathrm{IoU}_\text{background}\right)",
        ),
        MetricSpec(
            "dice",
            "Dice",
            overlap_metrics,
            "Overlap over the mean area of both masks. It orders two predictions of an image as IoU does.",
            r"\frac{2\,|P \cap R|}{|P| + |R|}",
        ),
        MetricSpec(
            "boundary_iou",
            "Boundary IoU (2 % of the diagonal)",
            boundary_iou,
            "IoU of the bands inside both masks that lie near their outlines; w is 2 % of the image's diagonal. Unlike IoU"
            " it does not forgive a poor outline because the object is large.",
            r"\frac{|P_w \cap R_w|}{|P_w \cup R_w|}",
        ),
        MetricSpec(
            "nsd_1px",
            "Surface Dice (1 grid px)",
            surface_metrics,
            "Normalised surface distance (NSD): share of both outlines that lies within τ = 1 pixel of the working grid of the"
            " other one.",
            r"\frac{|\partial P_\tau| + |\partial R_\tau|}{|\partial P| + |\partial R|}",
            sized=True,
        ),
        MetricSpec(
            "nsd_2px",
            "Surface Dice (2 grid px)",
            surface_metrics,
            "NSD with a tolerance of τ = 2 pixels of the working grid.",
            "",
            sized=True,
        ),
        MetricSpec(
            "hd95",
            "HD95 (px)",
            surface_metrics,
            "Hausdorff distance without its worst 5 %: how far the outlines are apart where they disagree most. Lower is"
            " better.",
            r"\max\left(q_{95}\, d(p, \partial R),\ q_{95}\, d(r, \partial P)\right)",
            unit="px",
            lower_is_better=True,
            sized=True,
        ),
        MetricSpec(
            "assd",
            "ASSD (px)",
            surface_metrics,
            "Average symmetric surface distance: how far the outlines are apart on average. Lower is better.",
            r"\frac{\sum_{p \in \partial P} d(p, \partial R) + \sum_{r \in \partial R} d(r, \partial P)}"
            r"{|\partial P| + |\partial R|}",
            unit="px",
            lower_is_better=True,
            sized=True,
        ),
    ),
)
"""Every metric by its name, in the order of all tables; other packages add theirs as `lvcnet.metrics`."""
