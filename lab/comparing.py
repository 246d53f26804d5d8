"""What the compare page shows as rows and sentences; every number in them comes from lvcnet.evaluation.

Symbols: fractions are shown as such in tables and as points (hundredths) in sentences; distances in pixels.
"""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from lvcnet.data.dataset import find_dataset, list_datasets
from lvcnet.evaluation import paper
from lvcnet.evaluation.comparison import BASELINE, Cell, Comparison, Difference, method_order, noise_level
from lvcnet.evaluation.metrics import LOWER_IS_BETTER, METRICS
from lvcnet.evaluation.report import compare, image_scores
from lvcnet.evaluation.statistics import mean_sd
from lvcnet.evaluation.table1 import evaluations_of, table_1
from lvcnet.evaluation.tables import (
    difference_table,
    method_title,
    notes,
    robustness_table,
    robustness_title,
    score_table,
    summary,
)
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import find_run, is_demo, list_runs

ENOUGH_SEEDS = 3
STYLE = (
    "body{font-family:system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}th,td{border:1px solid #ccc;padding:.3rem .6rem;text-align:left}"
)
Stamp = tuple[tuple[str, int], ...]


def data_sets() -> list[str]:
    """Data sets that have runs, those with an evaluated run first."""
    evaluated: dict[str, bool] = {}
    for run in list_runs():
        name = run.config()["dataset"]
        evaluated[name] = evaluated.get(name, False) or (run.path / "evaluation.json").exists()
    return sorted(evaluated, key=lambda name: (not evaluated[name], name))


def load_comparison(dataset: str, metric: str) -> Comparison:
    """`lvcnet.evaluation.report.compare`, kept until a run or the data change.

    Raises:
        LvcnetError: if there is nothing to compare.
    """
    return _compared(dataset, metric, _stamp(dataset))


def not_evaluated(dataset: str) -> list[RunDirectory]:
    """The user's runs that are done, have a checkpoint and wait for their evaluation."""
    return [
        run
        for run in list_runs(dataset, demo=False)
        if run.status()["state"] == "done"
        and not (run.path / "evaluation.json").exists()
        and (run.checkpoints / "last.safetensors").exists()
        and not is_demo(run)
    ]


def labels_title(labels: str, label_iou: float | None = None) -> str:
    """A label set in words, with its IoU where it is known.

    >>> labels_title("level3", 0.82), labels_title("clean"), labels_title("dentist2")
    ('Level 3 (label IoU 0.82)', 'Clean', 'dentist2')
    """
    known = {"clean": "Clean", **{f"level{level}": f"Level {level}" for level in paper.LEVELS}}
    end = f" (label IoU {label_iou:.2f})" if label_iou is not None and labels != "clean" else ""
    return known.get(labels, labels) + end


def table_rows(comparison: Comparison, further: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Table 1: a row for each label set and method, ours beside the paper's, then further metrics."""
    return [
        {
            "Labels": labels_title(row.cell.labels),
            "Label IoU": row.cell.label_iou,
            "Method": method_title(row.cell.method),
            **{SHORT[name]: plus_minus(*row.rounds[name]) for name in paper.METRICS},
            **{METRICS[name]: summary(row.cell.values[name]) for name in further},
            **{
                f"Paper: {SHORT[name]}": row.paper[name] if row.paper else None
                for name in (paper.METRICS if _any_paper(comparison) else ())
            },
            "Seeds": len(row.cell.runs),
        }
        for row in table_1(comparison)
    ]


SHORT = {"precision": "Precision", "recall": "Recall", "miou": "mIoU"}


def plus_minus(mean: float, sd: float | None) -> str:
    """Mean and standard deviation with three digits.

    >>> plus_minus(0.81234, 0.01), plus_minus(0.8, None)
    ('0.812 ± 0.010', '0.800')
    """
    return f"{mean:.3f}" if sd is None else f"{mean:.3f} ± {sd:.3f}"


def difference_sentence(difference: Difference) -> str:
    """A paired comparison in words, as Markdown.

    >>> print(difference_sentence(Difference("lvcnet", "level4", "iou", [0, 1, 2], 60, 0.052, 0.041, 0.063, 0.001)))
    **Level 4: LVC-Net is better than U-Net.** On the same 60 images its IoU (foreground) is 5.2 points higher \
(95 % interval 4.1 to 6.3).
    """
    unit, scale = ("px", 1.0) if difference.metric in LOWER_IS_BETTER else ("points", 100.0)
    first, second = method_title(difference.method), method_title(BASELINE)
    low, high = sorted((difference.low * scale, difference.high * scale))
    mean = difference.mean * scale
    certain = low > 0 or high < 0
    gain = -mean if difference.metric in LOWER_IS_BETTER else mean
    if certain:
        where = "" if len(difference.seeds) >= ENOUGH_SEEDS else " in these trainings"
        claim = f"{first} is {'better' if gain > 0 else 'worse'} than {second}{where}."
    else:
        claim = f"{first} and {second} cannot be told apart."
    if mean < 0:
        low, high = -high, -low
    metric = METRICS[difference.metric].removesuffix(" (px)")
    return (
        f"**{labels_title(difference.labels)}: {claim}** On the same {difference.images} images its {metric} is"
        f" {abs(mean):.1f} {unit} {'lower' if mean < 0 else 'higher'} (95 % interval {low:.1f} to {high:.1f})."
    )


def hardest_first(differences: Sequence[Difference]) -> list[Difference]:
    """Comparisons by label set from noisy to clean; within it LVC-Net before the others."""
    return sorted(
        differences,
        key=lambda one: (-(noise_level(one.labels) or 0), one.labels, -method_order(one.method)[0]),
    )


def seeds_caveat(differences: Sequence[Difference]) -> str | None:
    """What the intervals leave out, if there are too few seeds to see it."""
    fewest = min((len(difference.seeds) for difference in differences), default=ENOUGH_SEEDS)
    if fewest >= ENOUGH_SEEDS:
        return None
    return (
        "The intervals say how certain a difference is for other images. They rest on as few as"
        f" {'one training' if fewest == 1 else f'{fewest} trainings'} a method, and another seed may shift them:"
        f" train at least {ENOUGH_SEEDS} seeds before relying on them."
    )


def headline(comparison: Comparison) -> list[tuple[str, str, str | None]]:
    """At the noisiest labels: (method, score, difference from the baseline) for every method that learned from them."""
    labels = hardest_labels(comparison)
    found = [cell for cell in comparison.cells if cell.labels == labels]
    baseline = next((cell for cell in found if cell.method == BASELINE), None)
    base = _mean(baseline, comparison.metric) if baseline else None
    rows: list[tuple[str, str, str | None]] = []
    for cell in found:
        score = _mean(cell, comparison.metric)
        delta = None if base is None or cell.method == BASELINE else f"{score - base:+.3f}"
        rows.append((method_title(cell.method), f"{score:.3f}", delta))
    return rows


def hardest_labels(comparison: Comparison) -> str:
    """The label set most methods learned from; of several the noisiest level."""
    counts: dict[str, int] = {}
    for cell in comparison.cells:
        counts[cell.labels] = counts.get(cell.labels, 0) + 1
    most = max(counts.values())
    return max((name for name in counts if counts[name] == most), key=lambda name: noise_level(name) or -1)


def cell_scores(cell: Cell, metric: str) -> dict[str, float]:
    """Image key -> a metric, mean over the cell's seeds."""
    return image_scores(evaluations_of(cell), metric)


def run_scores(cell: Cell, seed: int, metric: str) -> dict[str, float]:
    """Image key -> a metric under the cell's training with one seed."""
    evaluation = find_run(cell.runs[seed]).evaluation()
    return image_scores([evaluation], metric) if evaluation else {}


def ordered_keys(
    keys: Sequence[str], scores: Mapping[str, Mapping[str, float]], order: str, metric: str
) -> list[str]:
    """Image keys, worst first.

    Args:
        keys: in the data set's order.
        scores: method -> image key -> score.
        order: `data`, `worst:METHOD`, or `gain:METHOD`: where METHOD gains least over the baseline last.
        metric: decides what is worse.
    """
    kind, _, method = order.partition(":")
    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
    own, base = scores.get(method, {}), scores.get(BASELINE, {})
    if kind == "worst":
        return sorted((key for key in keys if key in own), key=lambda key: sign * own[key])
    if kind == "gain":
        both = [key for key in keys if key in own and key in base]
        return sorted(both, key=lambda key: -sign * (own[key] - base[key]))
    return list(keys)


def html_report(comparison: Comparison, figures: Mapping[str, go.Figure]) -> str:
    """One page that needs nothing else: tables, notes, and figures with plotly inside."""
    title = f"Robustness to label noise: {escape(comparison.dataset)}"
    metric = METRICS[comparison.metric]
    tables = {
        f"{metric} on the clean test labels (± sd over seeds)": score_table(comparison),
        f"{metric}, paired per image against {method_title(BASELINE)}": difference_table(comparison),
        robustness_title(comparison): robustness_table(comparison),
    }
    parts = [f"<h2>{escape(name)}</h2>{_html_table(*table)}" for name, table in tables.items()]
    parts += [f"<p>{escape(note)}</p>" for note in (paper.SOURCE, *notes(comparison))]
    for number, (name, figure) in enumerate(figures.items()):
        drawn = figure.to_html(full_html=False, include_plotlyjs=number == 0, config={"displaylogo": False})
        parts.append(f"<h2>{escape(name)}</h2>\n{drawn}")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
        f"</head><body><h1>{title}</h1>{''.join(parts)}</body></html>"
    )


def _html_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _mean(cell: Cell, metric: str) -> float:
    return mean_sd(cell.values[metric])[0]


def _any_paper(comparison: Comparison) -> bool:
    return any(paper.paper_cell(cell.method, cell.level) and cell.paper_noise for cell in comparison.cells)


def _stamp(dataset: str) -> Stamp:
    """Everything a comparison reads: evaluations, states, and the data."""
    files = [run.path / name for run in list_runs(dataset) for name in ("evaluation.json", "status.json")]
    if dataset in list_datasets():
        folder = find_dataset(dataset)
        files += [folder / "dataset.json", folder / "labels" / "clean.npz"]
    return tuple((str(path), _changed(path)) for path in files)


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@st.cache_data(max_entries=32, show_spinner="Comparing runs")
def _compared(dataset: str, metric: str, stamp: Stamp) -> Comparison:
    return compare(dataset, metric=metric)
