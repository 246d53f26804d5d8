"""A Comparison as Markdown, CSV or JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from lvcnet.comparison import paper
from lvcnet.comparison.cells import BASELINE, Cell, Comparison
from lvcnet.comparison.tables import Line, Table, comparison_tables, notes
from lvcnet.comparison.words import comparison_words
from lvcnet.data.naming import level_name
from lvcnet.evaluation.statistics import mean_of_known, mean_sd
from lvcnet.files import rows_to_csv

FORMATS = ("table", "markdown", "csv", "json")


def to_markdown(comparison: Comparison) -> str:
    """All tables with a sentence each on what they show, and the paired comparisons in words."""
    parts = [
        f"## {comparison.dataset}",
        *(markdown_section(table) for table in comparison_tables(comparison)),
    ]
    if sentences := comparison_words(comparison):
        parts += ["### In words", "\n".join(f"- {sentence}" for sentence in sentences)]
    parts += [f"Note: {note}." for note in notes(comparison)]
    return "\n\n".join(parts) + "\n"


def markdown_section(table: Table) -> str:
    """A table under its title and note."""
    return f"### {table.title}\n\n{table.note}\n\n{markdown_table(table.header, table.rows)}"


def markdown_table(header: Line, rows: Sequence[Line]) -> str:
    """A table as Markdown.

    >>> print(markdown_table(["a", "b"], [["1", "|"]]))
    | a | b |
    | --- | --- |
    | 1 | \\| |
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def to_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """One flat row a method and label set: every metric's mean and sd, the comparison's metric's 95 % interval, costs, the
    paper's figures."""
    return [{**_flat(cell, comparison.metric), "distance_unit": comparison.unit} for cell in comparison.cells]


def to_csv(comparison: Comparison) -> str:
    """`to_rows` as CSV with a header."""
    return rows_to_csv(to_rows(comparison))


def table_csv(table: Table) -> str:
    """A table as it is printed, as CSV with its header."""
    return rows_to_csv([dict(zip(table.header, row, strict=True)) for row in table.rows])


def to_json(comparison: Comparison) -> dict[str, Any]:
    """Everything, JSON-able."""
    return {
        "dataset": comparison.dataset,
        "metric": comparison.metric,
        "distance_unit": comparison.unit,
        "surface_dice_tolerance": comparison.tolerance,
        "where": comparison.where,
        "baseline": BASELINE,
        "rows": [
            {**row, "runs": list(cell.runs.values())}
            for row, cell in zip(to_rows(comparison), comparison.cells, strict=True)
        ],
        "differences": [asdict(difference) for difference in comparison.differences],
        "words": comparison_words(comparison),
        "robustness": [_by_name(comparison.robustness(method)) for method in comparison.methods()],
        "noise": comparison.noise,
        "rounds": comparison.rounds,
        "paper": {
            "source": paper.SOURCE,
            "table": {
                method: {level_name(level): vars(cell) for level, cell in levels.items()}
                for method, levels in paper.TABLE_1.items()
            },
        },
        "excluded": [_named(cell, cell.excluded) for cell in comparison.excluded()],
        "apart": [_named(cell, cell.apart) for cell in comparison.set_apart()],
        "diagnoses": comparison.diagnoses,
        "skipped": comparison.skipped,
    }


def _by_name(robustness: dict[str, Any]) -> dict[str, Any]:
    """`Comparison.robustness` with the names of the levels, as keys of JSON are texts."""
    kept = {
        key: {level_name(level): share for level, share in robustness[key].items()}
        for key in ("retention", "retention_clean")
    }
    return {**robustness, **kept}


def _named(cell: Cell, reason: str | None) -> dict[str, Any]:
    """A cell that is shown, and why not everything is concluded from it."""
    return {"method": cell.method, "labels": cell.labels, "runs": list(cell.runs.values()), "reason": reason}


def _flat(cell: Cell, metric: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "method": cell.method,
        "labels": cell.labels,
        "level": cell.level,
        "label_iou": cell.label_iou,
        "label_recovery": mean_of_known(cell.recovery),
        "seeds": len(cell.runs),
        "commits": " ".join(sorted(set(cell.commits.values()))),
        "excluded": cell.excluded,
        "apart": cell.apart,
        "parameters": cell.parameters,
        "training_seconds": cell.training_seconds,
        "step_seconds": cell.step_seconds,
        "best_last_gap": mean_of_known(cell.best_last),
    }
    for name, values in cell.values.items():
        row[name], row[f"{name}_sd"] = mean_sd(values) if values else (None, None)
    row[f"{metric}_low"], row[f"{metric}_high"] = cell.interval or (None, None)
    for name, (mean, sd) in cell.rounds.items():
        row[f"rounds_{name}"], row[f"rounds_{name}_sd"] = mean, sd
    figures = cell.paper or {}
    return {**row, **{f"paper_{name}": figures.get(name) for name in paper.METRICS}}
