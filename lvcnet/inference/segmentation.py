"""One radiograph segmented by one run: what the files, the tables and the lab's pictures are made of.

Symbols: H, W size of the radiograph in pixels; C categories.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.data.images import read_image
from lvcnet.data.radiograph import Radiograph
from lvcnet.inference.measure import category_ious, measure
from lvcnet.inference.predictor import Prediction, Predictor
from lvcnet.thresholds import THRESHOLD
from lvcnet.trained import trained


@dataclass(frozen=True, eq=False)
class Segmentation:
    """A radiograph, segmented.

    Attributes:
        path: the file.
        name: what it is called in tables, messages and annotation files.
        run: name of the run.
        method: of the run.
        radiograph: pixels (H, W) in [0, 1] and their spacing.
        prediction: at the radiograph's own size, with all maps.
    """

    path: Path
    name: str
    run: str
    method: str
    radiograph: Radiograph
    prediction: Prediction

    @property
    def threshold(self) -> float:
        """A pixel belongs to a mask from this probability on."""
        return self.prediction.threshold

    @property
    def masks(self) -> NDArray[np.bool_]:
        """(C, H, W)."""
        return self.prediction.mask

    @property
    def categories(self) -> list[str]:
        """C names."""
        return self.prediction.categories

    @property
    def origin(self) -> str:
        """Where the masks come from, in a few words for files that keep a description."""
        return f"run {self.run}, threshold {self.threshold:g}, outlines {self.prediction.outlines}"

    def at(self, threshold: float) -> "Segmentation":
        """The same prediction cut at another threshold; nothing is predicted again."""
        return replace(self, prediction=replace(self.prediction, threshold=threshold))


def segment_file(
    predictor: Predictor, path: Path | str, name: str | None = None, threshold: float = THRESHOLD
) -> Segmentation:
    """Read a radiograph and segment it.

    Args:
        predictor: of the run.
        path: PNG, JPEG, TIFF, BMP or DICOM.
        name: what to call it; default the path as given.
        threshold: a pixel belongs to a mask from this probability on.

    Raises:
        LvcnetError: if the file cannot be read as a radiograph.
    """
    path = Path(path)
    return segment_radiograph(predictor, read_image(path, name), path, name, threshold)


def segment_radiograph(
    predictor: Predictor,
    radiograph: Radiograph,
    path: Path,
    name: str | None = None,
    threshold: float = THRESHOLD,
) -> Segmentation:
    """As `segment_file`, for a radiograph that was read already because several runs are to segment it."""
    prediction = predictor.predict_image(radiograph.pixels, threshold)
    method = trained(predictor.run.config())
    return Segmentation(path, name or str(path), predictor.run.name, method, radiograph, prediction)


def summarise(result: Segmentation) -> dict[str, Any]:
    """JSON-able: image, run, size, spacing, what was decided in reading it, and every category's measurements."""
    spacing = result.radiograph.spacing_mm
    height, width = result.radiograph.pixels.shape
    return {
        "image": result.name,
        "run": result.run,
        "method": result.method,
        "threshold": result.threshold,
        "outlines": result.prediction.outlines,
        "height": height,
        "width": width,
        "spacing_mm": list(spacing) if spacing else None,
        "notes": list(result.radiograph.notes),
        "categories": [
            {"name": name, **measure(mask, spacing)}
            for name, mask in zip(result.categories, result.masks, strict=True)
        ],
    }


def measurement_rows(summary: dict[str, Any], problem: str = "") -> list[dict[str, Any]]:
    """A summary as flat rows, one a category, all with the same keys: for CSV."""
    about = {key: summary[key] for key in ("image", "run", "method", "threshold", "outlines")}
    return [
        {
            **about,
            "category": category["name"],
            **{key: value for key, value in category.items() if key != "name"},
            "problem": problem,
        }
        for category in summary["categories"]
    ]


def failed_row(predictor: Predictor, name: str, threshold: float, problem: str) -> dict[str, Any]:
    """A row like those of `measurement_rows` for an image that could not be segmented."""
    config = predictor.run.config()
    measures = dict.fromkeys(measure(np.zeros((1, 1), dtype=bool), None))
    about = {"image": name, "run": predictor.run.name, "method": trained(config), "threshold": threshold}
    about |= {"outlines": predictor.outlines}
    return {**about, "category": "", **measures, "problem": problem}


def pairwise_ious(results: Sequence[Segmentation]) -> list[dict[str, Any]]:
    """IoU of every pair of segmentations of one radiograph, by the categories that both have.

    Returns:
        rows with `first` and `second` (positions in `results`), `category` and `iou`.
    """
    pairs = [(one, two) for two in range(len(results)) for one in range(two)]
    return [
        {"first": one, "second": two, "category": category, "iou": iou}
        for one, two in sorted(pairs)
        for category, iou in category_ious(
            results[one].masks, results[two].masks, results[one].categories, results[two].categories
        ).items()
    ]
