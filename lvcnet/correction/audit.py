"""An audit of a label set: what two methods that never saw its labels, and the images' edges, say about them.

No clean label takes part. Symbols: see `lvcnet.correction`; `lvcnet.correction.quality` says how label quality is estimated.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.correction.apply import accepted_keys
from lvcnet.correction.edge_support import BATCH, FIRST, SECOND, Strength, side_maps
from lvcnet.correction.quality import Evidence, Quality, draws, estimate_quality
from lvcnet.correction.store import Correction, worst_first
from lvcnet.data.dataset import Dataset
from lvcnet.data.displacement import displacements, mm_a_pixel, moved_back, sentence
from lvcnet.evaluation.statistics import Interval, percentile_bounds, resampled_means
from lvcnet.files import Row
from lvcnet.masks.displacement import Displacement
from lvcnet.masks.metrics import surface_metrics
from lvcnet.masks.overlap import iou
from lvcnet.methods import METHODS
from lvcnet.progress import Report
from lvcnet.runs.diagnosis import UNLEARNED
from lvcnet.runs.store import find_run
from lvcnet.runs.summary import summarise
from lvcnet.training.plan import TrainingPlan, plan_training

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
TOP = 30
"""Images of which the worst place is measured."""


@dataclass(frozen=True)
class CategoryAudit:
    """One category.

    Attributes:
        agreement: IoU of either method with the labels, out of fold, by method, with 95 % intervals over images.
        between: IoU of the two methods with each other.
        images: that show it.
        displacement: how far its outlines lie beside their edge.
        said: the same in words.
        quality: of its labels; None where the methods did not learn it.
    """

    agreement: dict[str, Interval]
    between: Interval
    images: int
    displacement: Displacement
    said: str
    quality: Quality | None

    @property
    def learned(self) -> bool:
        """Whether either method finds it at all."""
        return max(one.mean for one in self.agreement.values()) >= UNLEARNED


@dataclass(frozen=True)
class Repair:
    """What the images' edges say about taking proposals.

    Attributes:
        images: keys of the labels that are surely wrong, worst first; empty if none is.
        gain: of the area where both methods agree against these labels (or, if there are none, any label), the share that
            edges give to the methods minus the share that they give to the labels, from -1 to 1; None without any such area.
            One of the methods follows no edges, so that edges are no judge in their own case.
        sure: share of the resampled sets of images in which that is above 0.
    """

    images: list[str]
    gain: Interval | None
    sure: float


@dataclass(frozen=True)
class Audit:
    """What an audit found; `lvcnet.correction.audit_words` says it in sentences.

    Attributes:
        dataset, labels, fingerprint: what was audited.
        images: judged out of fold.
        folds, seed: of the trainings.
        steps: of each training; None where its length is in epochs.
        methods: names, the one whose proposals count last.
        corrections: their judgements, in the same order.
        plan: the training plan.
        categories: by name.
        quality: of the labels, mean over the categories that were learned; None if none was.
        ranked: one row an image, the label to look at first first.
        repair: whether repair helps.
        notes: what went wrong in the trainings.
    """

    dataset: str
    labels: str
    fingerprint: str
    images: int
    folds: int
    seed: int
    steps: int | None
    methods: tuple[str, str]
    corrections: tuple[str, str]
    plan: TrainingPlan
    categories: dict[str, CategoryAudit]
    quality: Quality | None
    ranked: list[Row]
    repair: Repair
    notes: list[str]

    @property
    def displaced(self) -> dict[str, Displacement]:
        """Categories whose outlines all lie farther beside their edge than a convention explains."""
        return {name: one.displacement for name, one in self.categories.items() if one.displacement.shift()}

    def as_json(self) -> dict[str, Any]:
        """All of it, JSON-able."""
        categories = {
            name: {
                **asdict(one),
                "displacement": one.displacement.as_json(),
                "learned": one.learned,
            }
            for name, one in self.categories.items()
        }
        return {**asdict(self), "plan": self.plan.as_json(), "categories": categories}


def audit_labels(
    dataset: Dataset, labels: str, judged: Sequence[Correction], report: Report | None = None
) -> Audit:
    """Put together what two judgements of the same folds say.

    Args:
        dataset: the data set.
        labels: name of the label set that was judged.
        judged: one correction a method, of the same images; the proposals of the last one count.
        report: called with (images done, images).
    """
    first, second = judged
    rows = np.array([dataset.index(row["key"]) for row in second.rows], dtype=np.intp)
    found = displacements(dataset, labels)
    evidence, repaired = _Measured(dataset, labels, judged, found).all(rows, report)
    seed, mm = int(second.head["seed"]), mm_a_pixel(dataset)
    categories = {
        name: _category(evidence.agreements(c), judged, found[name], sentence(name, found[name], mm))
        for c, name in enumerate(dataset.categories)
    }
    learned = [c for c, one in enumerate(categories.values()) if one.learned]
    categories = {
        name: CategoryAudit(**{**vars(one), "quality": evidence.quality([c], seed) if one.learned else None})
        for c, (name, one) in enumerate(categories.items())
    }
    keys = [row["key"] for row in second.rows]
    wrong = accepted_keys(second, "confident")
    return Audit(
        dataset.name,
        labels,
        dataset.fingerprint(),
        len(rows),
        int(second.head["folds"]),
        seed,
        second.head.get("steps"),
        (str(first.head["method"]), str(second.head["method"])),
        (first.name, second.name),
        plan_training(dataset, labels),
        categories,
        evidence.quality(learned, seed) if learned else None,
        _ranked(dataset, labels, second, wrong),
        _repair(keys, wrong, repaired, seed),
        [
            f"{run}: {one}"
            for head in (first.head, second.head)
            for run in head["runs"]
            for one in summarise(find_run(run)).diagnoses
        ],
    )


@dataclass(frozen=True)
class _Found:
    """Distances and areas of every image and category, (N, C) each."""

    evidence: Evidence
    raw: tuple[FloatArray, FloatArray, FloatArray]

    def agreements(self, category: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """IoU of label and either method, and of the two methods, where the category is shown."""
        shown = self.evidence.shown[:, category]
        first, second, mutual = (values[shown, category] for values in self.raw)
        return first, second, mutual

    def quality(self, categories: list[int], seed: int) -> Quality | None:
        """Of these categories."""
        return estimate_quality(self.evidence.of(categories), seed)


class _Measured:
    """Labels, predictions and edges of a batch of images, compared."""

    def __init__(
        self, dataset: Dataset, labels: str, judged: Sequence[Correction], found: dict[str, Displacement]
    ) -> None:
        self.dataset, self.opinion, self.judged, self.found = dataset, dataset.labels(labels), judged, found
        self.strength = Strength(dataset)

    def all(self, rows: NDArray[np.intp], report: Report | None) -> tuple[_Found, FloatArray]:
        """Of all images; and (N, 3) what edges give to labels and methods, and the area where both agree against labels."""
        parts = []
        for start in range(0, len(rows), BATCH):
            parts.append(self._batch(rows[start : start + BATCH]))
            if report:
                report(min(start + BATCH, len(rows)), len(rows))
        whole = [np.concatenate(values) for values in zip(*parts, strict=True)]
        return _Found(Evidence(*whole[:9]), (whole[9], whole[10], whole[11])), whole[12].astype(float)

    def _batch(self, rows: NDArray[np.intp]) -> list[NDArray[Any]]:
        valid = self.opinion.valid(rows)
        label = self.opinion.masks[rows] & valid
        raw = [self._proposals(one, rows) & valid for one in self.judged]
        first, second = (
            self._on_edges(one, masks, rows) & valid for one, masks in zip(self.judged, raw, strict=True)
        )
        back = moved_back(label, self.dataset.frames[rows], self.found) & valid
        # where the two methods agree against the label, it is the odd one
        odd = np.where(first == second, first, label)
        strength = self.strength(rows)
        sides = side_maps(strength, label, odd)
        shown = label.any(axis=(2, 3)) | (first & second).any(axis=(2, 3))
        return [
            1 - iou(label, first),
            1 - iou(label, second),
            1 - iou(first, second),
            (sides == FIRST).sum(axis=(2, 3)).astype(float),
            (sides == SECOND).sum(axis=(2, 3)).astype(float),
            shown,
            1 - iou(label, back),
            1 - iou(back, first),
            1 - iou(back, second),
            iou(label, raw[0]),
            iou(label, raw[1]),
            iou(raw[0], raw[1]),
            np.stack(
                [(sides == one).sum((1, 2, 3)) for one in (FIRST, SECOND)] + [(sides > 0).sum((1, 2, 3))], 1
            ),
        ]

    def _proposals(self, judgement: Correction, rows: NDArray[np.intp]) -> BoolArray:
        return np.stack([judgement.proposal(self.dataset.items[row].key) for row in rows])

    def _on_edges(self, judgement: Correction, masks: BoolArray, rows: NDArray[np.intp]) -> BoolArray:
        """Predictions that repeat a displacement of the labels, moved back as the labels would be."""
        if moves_labels(judgement):
            return masks  # it learned from labels that were moved back
        return moved_back(masks, self.dataset.frames[rows], self.found)


def moves_labels(judgement: Correction) -> bool:
    """Whether the method moved outlines back before it learned from them."""
    config = find_run(judgement.head["runs"][0]).config()
    options = METHODS.find(config["method"]).read_options(config.get("options") or {})
    return getattr(options, "displacement", "keep") != "keep"


def _category(
    agreed: tuple[FloatArray, FloatArray, FloatArray],
    judged: Sequence[Correction],
    found: Displacement,
    said: str,
) -> CategoryAudit:
    first, second, between = (_interval(values) for values in agreed)
    methods = [str(one.head["method"]) for one in judged]
    return CategoryAudit(
        dict(zip(methods, (first, second), strict=True)), between, len(agreed[0]), found, said, None
    )


def _interval(values: FloatArray) -> Interval:
    """Mean over images with its 95 % interval; 0 to 1 where there is no image."""
    if not len(values):
        return Interval(0.0, 0.0, 1.0)
    return Interval(float(values.mean()), *percentile_bounds(resampled_means(values[None], resamples=2000)))


def _repair(keys: list[str], wrong: list[str], areas: FloatArray, seed: int) -> Repair:
    """What edges say where labels are surely wrong, by (N, 3) areas: for the labels, for the methods, all."""
    chosen = areas[np.isin(keys, wrong)] if wrong else areas
    if not chosen[:, 2].any():
        return Repair(wrong, None, 0.0)
    resampled = draws(len(chosen), seed) @ chosen
    resampled = resampled[resampled[:, 2] > 0]
    gains = (resampled[:, 1] - resampled[:, 0]) / resampled[:, 2]
    total = chosen.sum(axis=0)
    gain = Interval(float((total[1] - total[0]) / total[2]), *percentile_bounds(gains))
    return Repair(wrong, gain, float((gains > 0).mean()))


def _ranked(dataset: Dataset, labels: str, judgement: Correction, wrong: list[str]) -> list[Row]:
    """The images, surely wrong labels first, then by label quality; the worst place of the first ones."""
    surely = set(wrong)
    rows = sorted(worst_first(judgement.rows), key=lambda row: row["key"] not in surely)
    ranked = [
        {"key": row["key"], "surely_wrong": row["key"] in surely}
        | {name: row[name] for name in ("quality", "iou", "disagreement_px", "missing", "extra")}
        for row in rows
    ]
    for row in ranked[:TOP]:
        row |= _worst_place(dataset, labels, judgement, row["key"])
    return ranked


def _worst_place(dataset: Dataset, labels: str, judgement: Correction, key: str) -> Row:
    """The category of an image whose outlines lie farthest apart, how far (HD95, px of the image), and its IoU."""
    row = dataset.index(key)
    rows = np.array([row], dtype=np.intp)
    valid = dataset.labels(labels).valid(rows)
    down, across = dataset.place(row)
    label = (dataset.labels(labels).masks[rows] & valid)[..., down, across]
    proposal = (judgement.proposal(key)[None] & valid)[..., down, across]
    far = surface_metrics(proposal, label, dataset.pixel_sizes(rows), ["hd95"])["hd95"][0]
    worst = int(np.argmax(far))
    return {
        "category": dataset.categories[worst],
        "category_iou": float(iou(label, proposal)[0, worst]),
        "worst_px": float(far[worst]),
    }
