"""What a comparison of methods consists of: cells, differences, and how methods and label sets are named."""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lvcnet.evaluation.metrics import LOWER_IS_BETTER
from lvcnet.evaluation.robustness import area_under_curve, retention
from lvcnet.methods import METHOD_TITLES

BASELINE = "unet"


@dataclass(frozen=True)
class Cell:
    """One method trained on one label set: all its seeds together.

    Attributes:
        method: `unet`, or with the options that were set, `lvcnet variant=paper`.
        labels: label set it learned from.
        level: noise level, 0 for clean labels, None for others.
        label_iou: mean IoU of the training labels with the clean ones.
        runs: seed -> run name.
        values: metric -> one value a seed, in the order of `runs`.
        parameters: weights that predict.
        training_seconds: mean over seeds.
    """

    method: str
    labels: str
    level: int | None
    label_iou: float | None
    runs: dict[int, str]
    values: dict[str, list[float]]
    parameters: int | None
    training_seconds: float | None

    @property
    def paper_noise(self) -> bool:
        """Whether it learned from clean labels or the default family's: the curve over the levels."""
        return self.labels in ("clean", f"level{self.level}")


@dataclass(frozen=True)
class Difference:
    """A method against the baseline on the same label set, seeds and images.

    Attributes:
        mean: of method - baseline over images.
        low, high: 95 % paired bootstrap interval of the mean.
        p: Holm-adjusted p of Wilcoxon's signed-rank test, over all comparisons of the table.
    """

    method: str
    labels: str
    metric: str
    seeds: list[int]
    images: int
    mean: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Comparison:
    """Everything `lvcnet compare` knows about a data set."""

    dataset: str
    metric: str
    cells: list[Cell]
    differences: list[Difference]
    skipped: dict[str, str] = field(default_factory=dict)
    unequal: dict[str, list[Any]] = field(default_factory=dict)
    """Training settings that are not the same for all runs: setting -> values. A fair comparison has none."""

    def methods(self) -> list[str]:
        """Methods in the order of the paper, variants behind them."""
        return sorted({cell.method for cell in self.cells}, key=method_order)

    def label_sets(self) -> list[str]:
        """Label sets from clean to noisy, others last."""
        found = {cell.labels: cell.level for cell in self.cells}
        return sorted(found, key=lambda name: (found[name] is None, found[name] or 0, name))

    def cell(self, method: str, labels: str) -> Cell | None:
        """The cell of a method and label set, if there is a run."""
        return next((cell for cell in self.cells if (cell.method, cell.labels) == (method, labels)), None)

    def robustness(self, method: str) -> dict[str, Any]:
        """Retention (level k over level 1) and area under score over label IoU of one method, and what it costs.

        Both need a score, so for distances they are those of the IoU; `metric` says which.
        """
        metric = "iou" if self.metric in LOWER_IS_BETTER else self.metric
        cells = [cell for cell in self.cells if cell.method == method]
        seconds = [cell.training_seconds for cell in cells if cell.training_seconds is not None]
        scores = {
            cell.level: float(np.mean(cell.values[metric]))
            for cell in cells
            if cell.level is not None and cell.paper_noise
        }
        known = [cell for cell in cells if cell.label_iou is not None and cell.paper_noise]
        return {
            "method": method,
            "metric": metric,
            "retention": {f"level{level}": retention(scores, level) for level in sorted(scores) if level > 1},
            "area": area_under_curve(
                [float(cell.label_iou or 0) for cell in known],
                [float(np.mean(cell.values[metric])) for cell in known],
            ),
            "label_sets": [cell.labels for cell in known],
            "parameters": next((cell.parameters for cell in cells if cell.parameters), None),
            "training_seconds": float(np.mean(seconds)) if seconds else None,
        }


def method_name(config: dict[str, Any]) -> str:
    """The method with the options that were set.

    >>> method_name({"method": "lvcnet", "options": {"variant": "paper", "warps": 2}})
    'lvcnet variant=paper warps=2'
    """
    options = config.get("options") or {}
    return " ".join([config["method"], *(f"{name}={options[name]}" for name in sorted(options))])


def noise_level(labels: str) -> int | None:
    """The noise level of a label set's name; clean labels are level 0.

    >>> noise_level("clean"), noise_level("level3"), noise_level("level3-morphology"), noise_level("dentist2")
    (0, 3, 3, None)
    """
    if labels == "clean":
        return 0
    found = re.match(r"level([1-9])(?![0-9])", labels)
    return int(found.group(1)) if found else None


def method_order(method: str) -> tuple[int, str]:
    """Sort key: the order of the paper, variants behind the plain method."""
    name = method.partition(" ")[0]
    known = list(METHOD_TITLES)
    return (known.index(name) if name in known else len(known), method)
