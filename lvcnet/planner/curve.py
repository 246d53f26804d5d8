"""How carefully must we outline? Clicks an image against the foreground IoU that a method makes of them.

Everything comes from measured runs: between two measured label sets there is interpolation, beyond them nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lvcnet.comparison.cells import BASELINE, ENOUGH_SEEDS, Cell, Comparison, method_order
from lvcnet.comparison.collect import collect
from lvcnet.comparison.scores import evaluations_of, image_scores
from lvcnet.comparison.tables import notes as left_out
from lvcnet.comparison.where import Where
from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.statistics import FloatArray, Interval, percentile_bounds, resampled_means
from lvcnet.methods import method_title
from lvcnet.planner.clicks import Outlines, not_counted, outlined_rows, outlines_of
from lvcnet.planner.equivalence import Equivalence, Point, equivalences

METRIC = "iou"


@dataclass(frozen=True)
class Expectation:
    """What to expect of outlines, by method.

    Attributes:
        images: that the measured runs learned from: what the scores hold for.
        extrapolated: whether another number was asked for, for which nothing was measured.
        clicks: per image.
        scores: method -> foreground IoU; None where its runs do not reach so few or so many clicks.
    """

    images: int
    extrapolated: bool
    clicks: float
    scores: dict[str, float | None]


@dataclass(frozen=True)
class Budget:
    """What a number of clicks affords when all measured images are outlined.

    Attributes:
        clicks: in total.
        labels: the most careful measured label set it affords; None if it affords none.
        points: what every method made of it, best first.
        lead: the best method's score minus that of `rival`.
        rival: whom the best method is least certainly ahead of.
        expected: between the measured label sets, at just so many clicks.
    """

    clicks: float
    labels: str | None
    points: list[Point]
    lead: Interval | None
    rival: str | None
    expected: Expectation


@dataclass(frozen=True)
class Plan:
    """Everything `lvcnet plan` knows about a data set.

    Attributes:
        images: training images that were outlined.
        test_images: that all scores are means over.
        outlines: label sets whose clicks can be counted, from few clicks to many.
        points: by method, then from few clicks to many.
        equivalences: of every other method's points with the baseline.
        caveat: what the intervals do not say, if there are too few trainings to see it.
        notes: what was left out, and what is not alike.
    """

    dataset: str
    images: int
    test_images: int
    outlines: list[Outlines]
    points: list[Point]
    equivalences: list[Equivalence]
    caveat: str | None
    notes: list[str]

    def methods(self) -> list[str]:
        """Methods in the order of the paper."""
        return list(dict.fromkeys(point.method for point in self.points))

    def outlined(self, labels: str) -> str:
        """A label set within a sentence: `level 4`."""
        title = next(one.title for one in self.outlines if one.labels == labels)
        return title if title == labels else title[0].lower() + title[1:]

    def of(self, method: str) -> list[Point]:
        """A method's points, from few clicks to many."""
        return [point for point in self.points if point.method == method]


def plan_dataset(
    dataset: str, methods: Sequence[str] = (), seed: int = 0, where: Where | None = None
) -> Plan:
    """Plan from all measured runs of a data set, or from those with the settings `where`; see `make_plan`.

    Raises:
        LvcnetError: if there is no such data set, or as `collect` and `make_plan` do.
    """
    Dataset.load(dataset)  # the runs of a data set that is gone can be compared, but its outlines not counted
    return make_plan(collect(dataset, metric=METRIC, where=where), methods, seed)


def find_plan(dataset: str, where: Where | None = None) -> Plan | None:
    """`plan_dataset`, or None where nothing can be planned."""
    try:
        return plan_dataset(dataset, where=where)
    except LvcnetError:
        return None


def make_plan(comparison: Comparison, methods: Sequence[str] = (), seed: int = 0) -> Plan:
    """Clicks and scores of all measured runs that were trained alike and whose outlines can be counted.

    Args:
        comparison: of the data set's runs.
        methods: which, beside the baseline; all by default.
        seed: keys the bootstrap.

    Raises:
        LvcnetError: for a method without runs, or if no run can be planned with.
    """
    dataset = Dataset.load(comparison.dataset)
    cells = _chosen(comparison, methods)
    notes = left_out(comparison)
    outlines = _count(dataset, comparison, cells, notes)
    scores = {(cell.method, cell.labels): _scores(cell, notes) for cell in cells if cell.labels in outlines}
    tables = {key: found for key, found in scores.items() if found}
    keys = (
        sorted(set.intersection(*(set(one) for table in tables.values() for one in table))) if tables else []
    )
    if not keys:
        raise _nothing(comparison.dataset, notes)
    points = [
        _point(method, outlines[labels], np.array([[one[key] for key in keys] for one in table]), seed)
        for (method, labels), table in tables.items()
    ]
    points.sort(key=lambda point: (method_order(point.method), point.clicks, point.labels))
    used = sorted({point.labels for point in points}, key=lambda labels: outlines[labels].clicks)
    if all(point.method != BASELINE for point in points):
        notes.append(f"without a run of {method_title(BASELINE)} there is nothing that outlines could equal")
    return Plan(
        comparison.dataset,
        len(outlined_rows(dataset)),
        len(keys),
        [outlines[labels] for labels in used],
        points,
        equivalences(points),
        _caveat(points),
        notes,
    )


def expect(plan: Plan, images: int, clicks: float) -> Expectation:
    """The IoU to expect of `images` images outlined with `clicks` clicks each.

    All runs learned from the same number of images. Scores for another number would be guesses: they are those for
    the measured number, which is returned.

    Raises:
        LvcnetError: if one of the two is not positive.
    """
    if images < 1 or not clicks > 0:
        raise LvcnetError(
            f"{images} images x {clicks:g} clicks cannot be planned: give at least one image and more than 0 clicks"
        )
    scores = {method: _score_at(plan.of(method), clicks) for method in plan.methods()}
    return Expectation(plan.images, images != plan.images, clicks, scores)


def afford(plan: Plan, clicks: float) -> Budget:
    """What `clicks` clicks in total afford when all measured images are outlined.

    Raises:
        LvcnetError: if they are not positive.
    """
    if not 0 < clicks < np.inf:
        raise LvcnetError(f"a budget of {clicks:g} clicks cannot be planned: give a number above 0")
    expected = expect(plan, plan.images, clicks / plan.images)
    affordable = [outlines for outlines in plan.outlines if outlines.clicks <= expected.clicks]
    if not affordable:
        return Budget(clicks, None, [], None, None, expected)
    labels = affordable[-1].labels
    points = sorted((p for p in plan.points if p.labels == labels), key=lambda point: -point.score)
    lead, rival = _lead(points)
    return Budget(clicks, labels, points, lead, rival, expected)


def _lead(points: Sequence[Point]) -> tuple[Interval | None, str | None]:
    """How far the first is ahead of the others: of whom it is least certainly ahead, and of whom that is."""
    first, *others = points
    leads = [
        (Interval(first.score - other.score, *percentile_bounds(first.draws - other.draws)), other.method)
        for other in others
    ]
    return min(leads, key=lambda one: one[0].low, default=(None, None))


def _score_at(points: Sequence[Point], clicks: float) -> float | None:
    if not points[0].clicks <= clicks <= points[-1].clicks:
        return None
    scores = [point.score for point in points]
    return float(np.interp(np.log(clicks), np.log([point.clicks for point in points]), scores))


def _chosen(comparison: Comparison, methods: Sequence[str]) -> list[Cell]:
    known = comparison.methods()
    if unknown := [method for method in methods if method not in known]:
        raise LvcnetError(
            f"method {unknown[0]!r} has no measured run on data set {comparison.dataset!r}: choose of"
            f" {', '.join(known)}, or train it with `lvcnet train`"
        )
    wanted = {*methods, BASELINE} if methods else set(known)
    return [cell for cell in comparison.cells if cell.method in wanted and cell.pooled]


def _count(
    dataset: Dataset, comparison: Comparison, cells: Sequence[Cell], notes: list[str]
) -> dict[str, Outlines]:
    """Label set -> its outlines, as its runs recorded them; what cannot be counted becomes a note."""
    found: dict[str, Outlines] = {}
    for labels in sorted({cell.labels for cell in cells}):
        manifest = comparison.noise.get(labels, {})
        if reason := not_counted(labels, manifest):
            notes.append(f"label set {labels} has no clicks and is left out: {reason}")
        else:
            found[labels] = outlines_of(dataset, labels, manifest)
    return found


def _scores(cell: Cell, notes: list[str]) -> list[dict[str, float]]:
    """Image key -> score for every seed; empty where an evaluation has no scores by image."""
    tables = [image_scores([evaluation], METRIC) for evaluation in evaluations_of(cell)]
    if all(tables):
        return tables
    name = next(iter(cell.runs.values()))
    notes.append(f"run {name} has no scores by image and is left out: run `lvcnet evaluate {name}`")
    return []


def _point(method: str, outlines: Outlines, scores: FloatArray, seed: int) -> Point:
    """From (S, n) scores of S seeds and n images."""
    draws = resampled_means(scores, seed)
    low, high = percentile_bounds(draws)
    return Point(
        method, outlines.labels, outlines.clicks, float(scores.mean()), low, high, len(scores), draws
    )


def _caveat(points: Sequence[Point]) -> str | None:
    fewest = min(point.seeds for point in points)
    if fewest >= ENOUGH_SEEDS:
        return None
    trainings = "one training" if fewest == 1 else f"{fewest} trainings"
    return (
        f"Some scores rest on {trainings}: the intervals are about other test images, and other seeds may shift them."
        f" Train at least {ENOUGH_SEEDS} seeds before relying on small differences."
    )


def _nothing(dataset: str, notes: Sequence[str]) -> LvcnetError:
    reasons = f" ({'; '.join(notes[:3])})" if notes else ""
    return LvcnetError(
        f"nothing can be planned on data set {dataset!r}{reasons}: measure runs on {CLEAN} labels or the default noise"
        f" levels, made by `lvcnet noise {dataset}` and `lvcnet sweep {dataset} --methods unet,lvcnet --labels 1,2,3,4`"
    )
