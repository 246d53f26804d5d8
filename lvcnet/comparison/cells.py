"""What a comparison of methods consists of: cells, differences, and how methods and label sets are named."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lvcnet.comparison import paper
from lvcnet.data import naming
from lvcnet.data.naming import Manifest
from lvcnet.evaluation.robustness import area_under_curve, retention, share
from lvcnet.evaluation.statistics import mean_of_known
from lvcnet.masks.metrics import METRICS
from lvcnet.methods import METHODS
from lvcnet.trained import trained

BASELINE = "unet"
ENOUGH_SEEDS = 3
"""From so many trainings on, intervals say something about another training."""


@dataclass(frozen=True)
class Cell:
    """One method trained on one label set: all its seeds together.

    Attributes:
        method: `unet`, or with the options that were set, `lvcnet warps=2`.
        labels: label set it learned from.
        noise: manifest of that label set, as its first run recorded it: family, level, target and achieved IoU, seed.
        label_iou: mean IoU of the training labels with the clean ones.
        runs: seed -> run name.
        values: metric -> one value a seed, in the order of `runs`; none where an evaluation is older than the metric.
        parameters: weights that predict.
        training_seconds: mean over seeds.
        step_seconds: of a training step, mean over seeds.
        rounds: precision, recall and miou -> mean and sd over the paper's rounds of all seeds.
        best_last: best epoch minus last epoch, foreground IoU, one value a seed that knows it.
        recovery: mean IoU of the predictions on the training images with the clean labels, to compare with
            `label_iou`; one value a seed that knows it.
        interval: 95 % interval of the comparison's metric by a bootstrap that draws images and, if there are several,
            seeds again; None without scores by image.
        excluded: why nothing is concluded from it, and what to do; None where it counts.
        apart: why it is compared with cells of its own label set only, and what to do; None where it is pooled with others.
        diagnoses: run -> what went wrong while it learned, and what to do, a sentence each (lvcnet.runs.diagnosis).
        commits: seed -> commit of the project that its run was made with; seeds whose run knows none are not in it.
    """

    method: str
    labels: str
    noise: Manifest
    label_iou: float | None
    runs: dict[int, str]
    values: dict[str, list[float]]
    parameters: int | None
    training_seconds: float | None
    step_seconds: float | None = None
    rounds: dict[str, tuple[float, float | None]] = field(default_factory=dict)
    best_last: list[float] = field(default_factory=list)
    recovery: list[float] = field(default_factory=list)
    interval: tuple[float, float] | None = None
    excluded: str | None = None
    apart: str | None = None
    commits: dict[int, str] = field(default_factory=dict)
    diagnoses: dict[str, list[str]] = field(default_factory=dict)

    @property
    def pooled(self) -> bool:
        """Whether it counts beside cells of other label sets: on a method's curve, in retention, area and plans."""
        return not (self.excluded or self.apart)

    @property
    def level(self) -> int | None:
        """Noise level, 0 for clean labels, None for others."""
        return naming.level_of(self.labels, self.noise)

    @property
    def paper_noise(self) -> bool:
        """Whether it learned from clean labels or the default family's: the curve over the levels."""
        return naming.is_paper_noise(self.labels, self.noise)

    @property
    def paper(self) -> dict[str, float] | None:
        """The paper's figures for it: only for its methods, unvaried, and its kind of noise."""
        found = paper.paper_cell(self.method, self.level) if self.paper_noise else None
        return dict(vars(found)) if found else None

    def mean(self, metric: str) -> float:
        """A metric's mean over the seeds."""
        return float(np.mean(self.values[metric]))


@dataclass(frozen=True)
class Difference:
    """A method against the baseline on the same label set, seeds and images.

    Attributes:
        mean: of method - baseline over images and seeds.
        low, high: 95 % interval of the mean by a bootstrap that draws images and, if there are several, seeds again.
        p: Holm-adjusted p of Wilcoxon's signed-rank test over images, seeds averaged; over all comparisons of the table.
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
    """Everything `lvcnet compare` knows about a data set.

    Attributes:
        cells: what was measured; differences leave out those with a reason under `excluded`, retention and area also those
            with one under `apart`.
        skipped: run -> why it is in no cell.
        rounds: what the paper's rounds were, in words.
        where: settings that the user chose; only runs that have them are in cells.
        unit: of distances: px of the original images, mm, or, of evaluations made before, grid px.
        tolerance: what a pixel of the working grid measures in that unit, on average.
    """

    dataset: str
    metric: str
    cells: list[Cell]
    differences: list[Difference]
    skipped: dict[str, str] = field(default_factory=dict)
    rounds: str = ""
    where: dict[str, Any] = field(default_factory=dict)
    unit: str = "px"
    tolerance: float | None = None

    def titled(self, metric: str) -> str:
        """The title of a metric, in the unit of distances."""
        return METRICS[metric].titled(self.unit)

    @property
    def noise(self) -> dict[str, Manifest]:
        """Label set -> its manifest."""
        return {cell.labels: cell.noise for cell in reversed(self.cells)}

    def shown(self, labels: str) -> str:
        """A label set's name in tables."""
        return naming.shown(labels, self.noise.get(labels, {}))

    def title(self, labels: str) -> str:
        """A label set in words."""
        return naming.title(labels, self.noise.get(labels, {}))

    def level(self, labels: str) -> int | None:
        """The noise level of a label set."""
        return naming.level_of(labels, self.noise.get(labels, {}))

    def methods(self) -> list[str]:
        """Methods in the order of the paper, those with options behind them."""
        return sorted({cell.method for cell in self.cells}, key=method_order)

    def label_sets(self) -> list[str]:
        """Label sets from clean to noisy, others last."""
        found = {cell.labels: cell.level for cell in self.cells}
        return sorted(found, key=lambda name: (found[name] is None, found[name] or 0, name))

    def cell(self, method: str, labels: str) -> Cell | None:
        """The cell of a method and label set, if there is a run."""
        return next((cell for cell in self.cells if (cell.method, cell.labels) == (method, labels)), None)

    @property
    def diagnoses(self) -> dict[str, list[str]]:
        """Run -> what went wrong while it learned, a sentence each; without runs of which nothing is said."""
        return {run: found for cell in self.ordered_cells() for run, found in cell.diagnoses.items()}

    def excluded(self) -> list[Cell]:
        """Cells from which nothing is concluded, noisiest labels first."""
        return [cell for cell in reversed(self.ordered_cells()) if cell.excluded]

    def set_apart(self) -> list[Cell]:
        """Cells that are compared within their label set only, noisiest labels first."""
        return [cell for cell in reversed(self.ordered_cells()) if cell.apart and not cell.excluded]

    def ordered_cells(self) -> list[Cell]:
        """Cells by label set, from clean to noisy, and within it by method."""
        found = [self.cell(method, labels) for labels in self.label_sets() for method in self.methods()]
        return [cell for cell in found if cell is not None]

    @property
    def score(self) -> str:
        """The metric of retention and area, which need a score: for distances the IoU."""
        return "iou" if METRICS[self.metric].lower_is_better else self.metric

    def level_scores(self, method: str) -> dict[int, float]:
        """Level (0 is clean) -> mean of `score`, for clean labels and the default noise family.

        Of several label sets of one level that which has the level's name.
        """
        found = [cell for cell in self.cells if cell.method == method and cell.paper_noise and cell.pooled]
        found.sort(key=lambda cell: cell.labels == naming.level_name(cell.level or 0))
        return {cell.level: cell.mean(self.score) for cell in found if cell.level is not None}

    def robustness(self, method: str) -> dict[str, Any]:
        """How much of its quality one method keeps, and what it costs.

        `retention` is, by level, level k over the method's own level 1, `retention_clean` level k over the baseline
        trained on clean labels; `area` is under the score over label IoU. `metric` says which score. Excluded cells count as
        missing.
        """
        cells = [cell for cell in self.cells if cell.method == method]
        scores = self.level_scores(method)
        clean = self.level_scores(BASELINE).get(0)
        known = [cell for cell in cells if cell.label_iou is not None and cell.paper_noise and cell.pooled]
        levels = sorted({cell.level for cell in cells if cell.level and cell.paper_noise})
        return {
            "method": method,
            "metric": self.score,
            "retention": {level: retention(scores, level) for level in levels if level > 1},
            "retention_clean": {level: share(scores.get(level), clean) for level in levels},
            "area": area_under_curve(
                [float(cell.label_iou or 0) for cell in known], [cell.mean(self.score) for cell in known]
            ),
            "label_sets": [cell.labels for cell in known],
            "parameters": next((cell.parameters for cell in cells if cell.parameters), None),
            "training_seconds": mean_of_known([cell.training_seconds for cell in cells]),
            "step_seconds": mean_of_known([cell.step_seconds for cell in cells]),
        }


def method_name(config: Mapping[str, Any]) -> str:
    """The method with the network, if it is not the usual one, and the options that were set.

    >>> method_name({"method": "lvcnet", "options": {"warps": 2, "generator": False}})
    'lvcnet generator=False warps=2'
    >>> method_name({"method": "lvcnet", "network": "segnet"})
    'lvcnet network=segnet'
    """
    options = config.get("options") or {}
    return " ".join([trained(config), *(f"{name}={options[name]}" for name in sorted(options))])


def method_order(method: str) -> tuple[int, str]:
    """Sort key: the order of the paper, options behind the plain method."""
    name = method.partition(" ")[0]
    known = list(METHODS)
    return (known.index(name) if name in known else len(known), method)
