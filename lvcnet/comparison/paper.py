"""Table 1 of the LVC-Net paper, to stand beside one's own figures. It is data, never an input to anything.

Hip radiographs (not public), 1464 training and 366 test images, 128 x 128, SGD 1e-4, 1200 epochs; test labels of
level 1 quality; mean of 5 rounds of 50 random test images. `miou` is as printed there, the mean over foreground and
background. The table is not consistent in itself: at level 4, U-Net's precision and recall imply a foreground IoU of
.532 beside a printed mIoU of .690. Compare within a column, not across data sets.
"""

from dataclasses import dataclass

SOURCE = "LVC-Net, Table 1 (hip radiographs, not public; test labels of level 1)"
METRICS = ("precision", "recall", "miou")
LEVELS = (1, 2, 3, 4)


@dataclass(frozen=True)
class PaperCell:
    """One method at one noise level, as fractions."""

    precision: float
    recall: float
    miou: float


TABLE_1: dict[str, dict[int, PaperCell]] = {
    "fcn": {
        1: PaperCell(0.894, 0.924, 0.831),
        2: PaperCell(0.811, 0.878, 0.770),
        3: PaperCell(0.784, 0.816, 0.731),
        4: PaperCell(0.652, 0.704, 0.620),
    },
    "unet": {
        1: PaperCell(0.912, 0.955, 0.874),
        2: PaperCell(0.835, 0.883, 0.804),
        3: PaperCell(0.790, 0.828, 0.772),
        4: PaperCell(0.664, 0.728, 0.690),
    },
    "lvcnet": {
        1: PaperCell(0.951, 0.929, 0.886),
        2: PaperCell(0.915, 0.906, 0.836),
        3: PaperCell(0.902, 0.859, 0.810),
        4: PaperCell(0.815, 0.796, 0.738),
    },
}


def paper_cell(method: str, level: int | None) -> PaperCell | None:
    """The paper's figures for a method at a level, if it has them."""
    return TABLE_1.get(method, {}).get(level) if level is not None else None


def paper_retention(method: str, level: int = LEVELS[-1]) -> float:
    """mIoU at a level, by default the noisiest, over mIoU at level 1.

    >>> round(paper_retention("lvcnet"), 3)
    0.833
    """
    return TABLE_1[method][level].miou / TABLE_1[method][1].miou
