"""A Comparison as rows, text, Markdown, CSV or JSON."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from lvcnet.evaluation import paper
from lvcnet.evaluation.comparison import BASELINE, Cell, Comparison, Difference
from lvcnet.evaluation.metrics import METRICS
from lvcnet.evaluation.statistics import mean_sd
from lvcnet.methods import METHOD_TITLES

FORMATS = ("table", "markdown", "csv", "json")
Row = list[str]


def method_title(method: str) -> str:
    """A method's name in tables.

    >>> method_title("lvcnet variant=paper")
    'LVC-Net variant=paper'
    """
    name, _, options = method.partition(" ")
    return " ".join(filter(None, [METHOD_TITLES.get(name, name), options]))


def summary(values: Sequence[float]) -> str:
    """Mean; with two seeds or more also their sd and number.

    >>> summary([0.8]), summary([0.75, 0.85]), summary([])
    ('0.800', '0.800 ± 0.071 (2)', '-')
    """
    if not values:
        return "-"
    mean, sd = mean_sd(values)
    return f"{mean:.3f}" if sd is None else f"{mean:.3f} ± {sd:.3f} ({len(values)})"


def score_table(comparison: Comparison) -> tuple[Row, list[Row]]:
    """Header and rows, methods x label sets, for the comparison's metric; below them the paper's figures.

    The paper prints precision, recall and mIoU only, so for other metrics its rows show mIoU and say so.
    """
    labels = comparison.label_sets()
    header = ["Method", *labels]
    rows = []
    for method in comparison.methods():
        cells = [comparison.cell(method, name) for name in labels]
        scores = [summary(cell.values[comparison.metric]) if cell else "-" for cell in cells]
        rows.append([method_title(method), *scores])
    return header, rows + _paper_rows(comparison, labels)


def difference_table(comparison: Comparison) -> tuple[Row, list[Row]]:
    """Header and rows of the paired comparisons with the baseline."""
    baseline = method_title(BASELINE)
    header = ["Method", "Labels", f"Minus {baseline}", "95 % interval", "p (Holm)", "Images", "Seeds"]
    return header, [_difference_row(difference) for difference in comparison.differences]


def robustness_table(comparison: Comparison) -> tuple[Row, list[Row]]:
    """Header and rows: retention a level, area under the score over label IoU, and what a method costs."""
    found = [comparison.robustness(method) for method in comparison.methods()]
    levels = sorted({level for entry in found for level in entry["retention"]})
    header = ["Method", *(f"Retention {level}" for level in levels), "Area", "Parameters", "Training s"]
    rows = [
        [
            method_title(entry["method"]),
            *(_number(entry["retention"].get(level)) for level in levels),
            _number(entry["area"]),
            "-" if entry["parameters"] is None else f"{entry['parameters']:,}",
            "-" if entry["training_seconds"] is None else f"{entry['training_seconds']:.0f}",
        ]
        for entry in found
    ]
    return header, rows


def robustness_title(comparison: Comparison) -> str:
    """What the figures of `robustness_table` are."""
    metric = METRICS[comparison.robustness(comparison.methods()[0])["metric"]]
    return f"Robustness and cost: retention is {metric} over that at level 1, area is under {metric} over label IoU"


def to_markdown(comparison: Comparison) -> str:
    """All tables with a sentence each on what they show."""
    parts = [
        f"## {METRICS[comparison.metric]} on the clean test labels of {comparison.dataset}",
        "Mean over test images and categories, last epoch, threshold 0.5; ± sd over seeds (number of seeds).",
        _markdown(*score_table(comparison)),
        f"Paper: {paper.SOURCE}.",
    ]
    if comparison.differences:
        parts += [
            f"Paired per image against {method_title(BASELINE)} on the same labels and seeds:",
            _markdown(*difference_table(comparison)),
        ]
    parts += [f"{robustness_title(comparison)}:", _markdown(*robustness_table(comparison))]
    parts += [f"Note: {note}." for note in notes(comparison)]
    return "\n\n".join(parts) + "\n"


def notes(comparison: Comparison) -> list[str]:
    """What a reader has to know: unequal settings and runs that were left out."""
    found = [
        f"not a fair comparison, {name} differs: {', '.join(map(str, values))}"
        for name, values in comparison.unequal.items()
    ]
    return found + [f"left out {name}: {reason}" for name, reason in comparison.skipped.items()]


def to_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """One flat row a method and label set: every metric's mean and sd, and the paper's figures."""
    return [_flat(cell) for cell in comparison.cells]


def to_csv(comparison: Comparison) -> str:
    """`to_rows` as CSV with a header."""
    rows = to_rows(comparison)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def to_json(comparison: Comparison) -> dict[str, Any]:
    """Everything, JSON-able."""
    return {
        "dataset": comparison.dataset,
        "metric": comparison.metric,
        "baseline": BASELINE,
        "rows": [
            {**row, "runs": list(cell.runs.values())}
            for row, cell in zip(to_rows(comparison), comparison.cells, strict=True)
        ],
        "differences": [asdict(difference) for difference in comparison.differences],
        "robustness": [comparison.robustness(method) for method in comparison.methods()],
        "paper": {
            "source": paper.SOURCE,
            "table": {
                method: {f"level{level}": vars(cell) for level, cell in levels.items()}
                for method, levels in paper.TABLE_1.items()
            },
        },
        "unequal_settings": comparison.unequal,
        "skipped": comparison.skipped,
    }


def paper_values(cell: Cell) -> dict[str, float] | None:
    """The paper's figures for a cell: only for its methods, unvaried, and its kind of noise."""
    found = paper.paper_cell(cell.method, cell.level) if cell.paper_noise else None
    return dict(vars(found)) if found else None


def _paper_rows(comparison: Comparison, labels: Sequence[str]) -> list[Row]:
    metric = comparison.metric if comparison.metric in paper.METRICS else "miou"
    suffix = "" if metric == comparison.metric else f" ({METRICS[metric].split()[0]})"
    levels = {f"level{level}": level for level in paper.LEVELS}
    if not levels.keys() & set(labels):
        return []
    return [
        [
            f"{METHOD_TITLES[method]}, paper{suffix}",
            *(f"{getattr(cells[levels[name]], metric):.3f}" if name in levels else "-" for name in labels),
        ]
        for method, cells in paper.TABLE_1.items()
    ]


def _flat(cell: Cell) -> dict[str, Any]:
    row: dict[str, Any] = {
        "method": cell.method,
        "labels": cell.labels,
        "level": cell.level,
        "label_iou": cell.label_iou,
        "seeds": len(cell.runs),
        "parameters": cell.parameters,
        "training_seconds": cell.training_seconds,
    }
    for name, values in cell.values.items():
        row[name], row[f"{name}_sd"] = mean_sd(values)
    figures = paper_values(cell) or {}
    return {**row, **{f"paper_{name}": figures.get(name) for name in paper.METRICS}}


def _difference_row(difference: Difference) -> Row:
    return [
        method_title(difference.method),
        difference.labels,
        f"{difference.mean:+.3f}",
        f"{difference.low:+.3f} to {difference.high:+.3f}",
        f"{difference.p:.2g}",
        str(difference.images),
        str(len(difference.seeds)),
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _markdown(header: Row, rows: Sequence[Row]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
