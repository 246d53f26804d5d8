"""A Comparison as tables of text: what `lvcnet compare`, the lab and the benchmark's report all show."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from lvcnet.comparison import paper
from lvcnet.comparison.cells import BASELINE, Cell, Comparison, Difference
from lvcnet.comparison.where import in_words
from lvcnet.data.naming import level_name
from lvcnet.evaluation.robustness import share
from lvcnet.evaluation.statistics import mean_sd
from lvcnet.masks.collapse import MARK
from lvcnet.masks.metrics import METRICS
from lvcnet.methods import method_title
from lvcnet.thresholds import THRESHOLD

Line = list[str]
NOTHING = "—"
"""What was not measured, or is not in the paper."""
MARKED = f" {MARK.strip()}: nothing is concluded from it, see the notes."
APART = " ‡"
MARKED_APART = f" {APART.strip()}: compared within its label set only, see the notes."
OUTLINE_METRICS = ("boundary_iou", "nsd_1px", "nsd_2px", "hd95", "assd")
SHORT = {"precision": "Precision", "recall": "Recall", "miou": "mIoU"}


@dataclass(frozen=True)
class Table:
    """One table of a report, with what it shows and how to read it."""

    title: str
    note: str
    header: Line
    rows: list[Line]


def summary(values: Sequence[float]) -> str:
    """Mean; with two seeds or more also their sd and number.

    >>> summary([0.8]), summary([0.75, 0.85]), summary([])
    ('0.800', '0.800 ± 0.071 (2)', '—')
    """
    if not values:
        return NOTHING
    mean, sd = mean_sd(values)
    return f"{mean:.3f}" if sd is None else f"{mean:.3f} ± {sd:.3f} ({len(values)})"


def plus_minus(mean: float, sd: float | None) -> str:
    """Mean and standard deviation with three digits.

    >>> plus_minus(0.81234, 0.01), plus_minus(0.8, None)
    ('0.812 ± 0.010', '0.800')
    """
    return f"{mean:.3f}" if sd is None else f"{mean:.3f} ± {sd:.3f}"


def comparison_tables(comparison: Comparison) -> list[Table]:
    """All tables of a comparison, in the order in which a report shows them; without those that would be empty."""
    found = [
        round_table(comparison),
        score_table(comparison),
        interval_table(comparison),
        difference_table(comparison),
        retention_table(comparison),
        clean_retention_table(comparison),
        outline_table(comparison),
        recovery_table(comparison),
        memory_table(comparison),
        cost_table(comparison),
    ]
    return [_explained(table) for table in found if table.rows]


def marked(cell: Cell, text: str) -> str:
    """A cell's figure, with a mark where nothing, or not everything, is concluded from it."""
    return f"{text}{MARK if cell.excluded else '' if cell.pooled else APART}"


def _explained(table: Table) -> Table:
    """With a word on the marks that a table has."""
    marks = {MARK: MARKED, APART: MARKED_APART}
    found = [
        said for mark, said in marks.items() if any(text.endswith(mark) for row in table.rows for text in row)
    ]
    return replace(table, note=table.note + "".join(found))


def round_table(comparison: Comparison) -> Table:
    """The form of the paper's Table 1, with the paper's figures."""
    with_paper = any(cell.paper for cell in comparison.cells)
    header = ["Labels", "Method", *SHORT.values()]
    header += [f"Paper: {SHORT[name]}" for name in paper.METRICS] if with_paper else []
    rows = []
    for cell in comparison.ordered_cells():
        figures = [plus_minus(*cell.rounds[name]) for name in SHORT]
        row = [comparison.shown(cell.labels), marked(cell, method_title(cell.method)), *figures]
        theirs = cell.paper or {}
        row += [_number(theirs.get(name)) for name in paper.METRICS] if with_paper else []
        rows.append(row)
    note = f"Mean ± SD over {comparison.rounds} (of every seed), clean test labels, last epoch, threshold {THRESHOLD}."
    if with_paper:
        note += f" The paper's figures come from other data: {paper.SOURCE}; {NOTHING}: not in the paper."
    return Table("Precision, recall and mIoU, in the form of the paper's Table 1", note, header, rows)


def score_table(comparison: Comparison) -> Table:
    """Methods x label sets for the comparison's metric; where the paper prints it, its figures below."""
    labels = comparison.label_sets()
    rows = [
        [method_title(method), *(_summary(comparison, method, name) for name in labels)]
        for method in comparison.methods()
    ]
    return Table(
        comparison.titled(comparison.metric),
        f"Mean over test images and categories, clean test labels, last epoch, threshold {THRESHOLD}; ± SD over seeds (number of"
        " seeds).",
        ["Method", *map(comparison.shown, labels)],
        rows + _paper_rows(comparison, labels),
    )


def interval_table(comparison: Comparison) -> Table:
    """The intervals of `score_table`."""
    labels = comparison.label_sets()
    rows = [
        [method_title(method), *(interval(comparison.cell(method, name)) for name in labels)]
        for method in comparison.methods()
    ]
    known = any(cell.interval for cell in comparison.cells)
    return Table(
        f"{comparison.titled(comparison.metric)}, 95 % intervals",
        "Of the mean over test images: images and, with several seeds, trainings drawn again.",
        ["Method", *map(comparison.shown, labels)],
        rows if known else [],
    )


def interval(cell: Cell | None) -> str:
    """A cell's 95 % interval of the comparison's metric."""
    if cell is None or cell.interval is None:
        return NOTHING
    return "{:.3f} to {:.3f}".format(*cell.interval)


def difference_table(comparison: Comparison) -> Table:
    """The paired comparisons with the baseline."""
    baseline = method_title(BASELINE)
    note = (
        "Same labels, seeds and test images. The interval draws images and, with several seeds, trainings again; p"
        " (Wilcoxon over images, seeds averaged, Holm over this table) is about other images only."
    )
    header = ["Method", "Labels", f"Minus {baseline}", "95 % interval", "p (Holm)", "Images", "Seeds"]
    rows = [_difference_row(comparison, difference) for difference in comparison.differences]
    return Table(f"{comparison.titled(comparison.metric)}, paired against {baseline}", note, header, rows)


def retention_table(comparison: Comparison) -> Table:
    """Score at a level over that at the method's own level 1, and area under the score over label IoU."""
    found = [comparison.robustness(method) for method in comparison.methods()]
    levels = sorted({level for entry in found for level in entry["retention"]})
    rows = [
        [
            method_title(entry["method"]),
            *(_percent(entry["retention"].get(level)) for level in levels),
            _number(entry["area"]),
        ]
        for entry in found
    ]
    metric = METRICS[comparison.score].title
    note = (
        f"{metric} over that of the same method at level 1; area: mean {metric} over the range of label IoU."
    )
    return Table(
        "Retention relative to its own level 1",
        note,
        ["Method", *map(level_name, levels), "Area"],
        rows + _paper_retention(levels) if levels else [],
    )


def clean_retention_table(comparison: Comparison) -> Table:
    """Score at a level over that of the baseline trained on clean labels."""
    found = [comparison.robustness(method) for method in comparison.methods()]
    levels = sorted({level for entry in found for level in entry["retention_clean"]})
    rows = [
        [
            method_title(entry["method"]),
            *(_percent(entry["retention_clean"].get(level)) for level in levels),
        ]
        for entry in found
    ]
    baseline = method_title(BASELINE)
    known = comparison.level_scores(BASELINE).get(0) is not None
    note = f"{METRICS[comparison.score].title} over that of {baseline} trained on clean labels."
    return Table(
        f"Retention over {baseline} trained on clean labels",
        note,
        ["Method", *map(level_name, levels)],
        rows if known else [],
    )


def outline_table(comparison: Comparison) -> Table:
    """Boundary IoU, surface Dice, HD95 and ASSD of every cell."""
    rows = [
        [
            comparison.shown(cell.labels),
            marked(cell, method_title(cell.method)),
            *(
                plus_minus(*mean_sd(values)) if (values := cell.values[name]) else NOTHING
                for name in OUTLINE_METRICS
            ),
        ]
        for cell in comparison.ordered_cells()
    ]
    units = {"px": "pixels of the original images", "mm": "mm", "grid px": "pixels of the working grid"}
    note = (
        "Mean over test images and categories; ± SD over seeds. Lower is better for distances, which are in"
        f" {units.get(comparison.unit, comparison.unit)}."
    )
    if comparison.tolerance is not None and comparison.unit != "grid px":
        note += (
            f" The tolerances of surface Dice, 1 and 2 pixels of the working grid, are {comparison.tolerance:.2g} and"
            f" {2 * comparison.tolerance:.2g} {comparison.unit}."
        )
    header = ["Labels", "Method", *map(comparison.titled, OUTLINE_METRICS)]
    return Table("Outlines", note, header, rows)


def recovery_table(comparison: Comparison) -> Table:
    """How good the training labels are, as they were and as every method predicts them."""
    methods = [method for method in comparison.methods() if _recovered(comparison, method)]
    rows = []
    for name in comparison.label_sets():
        cells = [comparison.cell(method, name) for method in methods]
        manifest = comparison.noise.get(name, {})
        quality = next((cell.label_iou for cell in comparison.cells if cell.labels == name), None)
        sd = manifest.get("sd_iou")
        rows.append(
            [
                comparison.shown(name),
                manifest.get("family", NOTHING),
                _number(manifest.get("target_iou"), 2),
                NOTHING if quality is None else plus_minus(quality, sd),
                *(marked(cell, summary(cell.recovery)) if cell else NOTHING for cell in cells),
            ]
        )
    return Table(
        "Training labels: how good they were, and how good the predictions are in their place",
        "Foreground IoU with the clean labels on the training images: of the labels (± SD over images), then of the"
        " methods that learned from them (± SD over seeds).",
        ["Labels", "Noise", "Target IoU", "Label IoU", *(method_title(method) for method in methods)],
        rows,
    )


def memory_table(comparison: Comparison) -> Table:
    """Best epoch minus last epoch."""
    labels = comparison.label_sets()
    rows = []
    for method in comparison.methods():
        cells = [comparison.cell(method, name) for name in labels]
        if any(cell and cell.best_last for cell in cells):
            rows.append(
                [method_title(method), *(summary(cell.best_last) if cell else NOTHING for cell in cells)]
            )
    return Table(
        "Best minus last epoch",
        "Foreground IoU on the clean labels of the monitored test images: what memorising noise unlearned. It chooses nothing.",
        ["Method", *map(comparison.shown, labels)],
        rows,
    )


def cost_table(comparison: Comparison) -> Table:
    """Parameters, and time as the runs took it."""
    found = [comparison.robustness(method) for method in comparison.methods()]
    base = next((entry for entry in found if entry["method"] == BASELINE), {})
    header = ["Method", "Parameters", "Training s", "Step ms", f"Step over {method_title(BASELINE)}"]
    rows = [[method_title(entry["method"]), *_costs(entry, base)] for entry in found]
    note = "Mean over the runs, whatever else their machines did meanwhile: read them as orders of magnitude."
    return Table("Cost", note, header, rows)


def notes(comparison: Comparison) -> list[str]:
    """What a reader has to know: which runs were chosen and left out, and from which figures nothing is concluded."""
    found = [f"only runs with {in_words(comparison.where)}"] if comparison.where else []
    found += [
        f"nothing is concluded from {method_title(cell.method)} on {cell.labels}: {cell.excluded}"
        for cell in comparison.excluded()
    ]
    found += [
        f"{method_title(cell.method)} on {cell.labels} is compared on {cell.labels} only: {cell.apart}"
        for cell in comparison.set_apart()
    ]
    found += diagnosis_lines(comparison)
    found += _commit_notes(comparison)
    return found + [f"left out {name}: {reason}" for name, reason in comparison.skipped.items()]


def diagnosis_lines(comparison: Comparison) -> list[str]:
    """What went wrong while runs learned, a line each."""
    return [f"run {run}: {sentence}" for run, found in comparison.diagnoses.items() for sentence in found]


def _commit_notes(comparison: Comparison) -> list[str]:
    """That runs were made with several commits of the project, and which line pools some of them."""
    counts = Counter(commit for cell in comparison.cells for commit in cell.commits.values())
    if len(counts) < 2:
        return []
    named = ", ".join(f"{commit} ({count} run{'s'[: count > 1]})" for commit, count in counts.most_common())
    pooled = [
        f"{method_title(cell.method)} on {cell.labels} pools runs of {', '.join(sorted(set(cell.commits.values())))}"
        for cell in comparison.cells
        if len(set(cell.commits.values())) > 1
    ]
    return [f"trained with {len(counts)} commits of the project: {named}", *pooled]


def _summary(comparison: Comparison, method: str, labels: str) -> str:
    cell = comparison.cell(method, labels)
    return marked(cell, summary(cell.values[comparison.metric])) if cell else NOTHING


def _paper_rows(comparison: Comparison, labels: Sequence[str]) -> list[Line]:
    levels = {cell.labels: cell.level for cell in comparison.cells if cell.paper_noise}
    if comparison.metric not in paper.METRICS or not set(levels.values()) & set(paper.LEVELS):
        return []
    return [
        [
            f"{method_title(method)}, paper",
            *(
                _number(getattr(paper.paper_cell(method, levels.get(name)), comparison.metric, None))
                for name in labels
            ),
        ]
        for method in paper.TABLE_1
    ]


def _paper_retention(levels: Sequence[int]) -> list[Line]:
    return [
        [
            f"{method_title(method)}, paper (mIoU)",
            *(
                _percent(paper.paper_retention(method, level) if level in paper.LEVELS else None)
                for level in levels
            ),
            NOTHING,
        ]
        for method in paper.TABLE_1
    ]


def _recovered(comparison: Comparison, method: str) -> list[Cell]:
    return [cell for cell in comparison.cells if cell.method == method and cell.recovery]


def _costs(entry: dict[str, Any], base: dict[str, Any]) -> Line:
    parameters, seconds, step = entry["parameters"], entry["training_seconds"], entry["step_seconds"]
    return [
        NOTHING if parameters is None else f"{parameters:,}",
        _number(seconds, 0),
        _number(None if step is None else 1000 * step, 0),
        _number(share(step, base.get("step_seconds")), 2),
    ]


def _difference_row(comparison: Comparison, difference: Difference) -> Line:
    return [
        method_title(difference.method),
        comparison.shown(difference.labels),
        f"{difference.mean:+.3f}",
        f"{difference.low:+.3f} to {difference.high:+.3f}",
        f"{difference.p:.2g}",
        str(difference.images),
        str(len(difference.seeds)),
    ]


def _number(value: float | None, digits: int = 3) -> str:
    return NOTHING if value is None else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return NOTHING if value is None else f"{100 * value:.1f} %"
