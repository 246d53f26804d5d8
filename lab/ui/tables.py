"""Rows of the lab's tables: numbers from lvcnet, worded and rounded for the screen."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from lvcnet.comparison import tables as evaluation_tables
from lvcnet.comparison.cells import Comparison
from lvcnet.comparison.tables import NOTHING
from lvcnet.errors import LvcnetError
from lvcnet.files import Row
from lvcnet.masks.metrics import METRICS, ROUND_METRICS
from lvcnet.methods import method_title
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.summary import RunSummary, format_seconds, summarise
from lvcnet.text import counted as counted

SHOWN = "Shown"
"""Name of the column that marks the row that the page shows."""
MARK = "#3B82C433"
"""Behind that row: seen on light and on dark."""
EVALUATING = "done, evaluating"
"""State of a run that is trained while its figures are still being measured."""
NO_BREAK = "\u00a0"
"""A space at which no line breaks."""
STATE_ICONS: dict[str, str] = {
    "running": "▶",
    "queued": "…",
    "done": "✓",
    "failed": "✗",
    "cancelled": "■",
    "interrupted": "❚❚",
}


def state_text(state: str) -> str:
    """A state with a sign before it, so that it does not depend on colour.

    >>> state_text("done")
    '✓ done'
    """
    return f"{STATE_ICONS.get(state, '')} {state}".strip()


def number(value: float | None, digits: int = 3) -> str:
    """A figure, or a dash where there is none.

    >>> number(0.81234), number(None), number(1234.5, 1)
    ('0.812', '—', '1,234.5')
    """
    return NOTHING if value is None else f"{value:,.{digits}f}"


def unbroken(text: str) -> str:
    """A text whose numbers stay with their percent signs where a line breaks."""
    return text.replace(" %", f"{NO_BREAK}%")


def percent(share: float, digits: int = 0) -> str:
    """A share as the lab writes it.

    >>> percent(0.2123, 1)
    '21.2 %'
    """
    return f"{100 * share:.{digits}f} %"


def readable(runs: Sequence[RunDirectory]) -> list[RunSummary]:
    """Summaries of runs; one that is being deleted or torn is left out."""
    found = []
    for run in runs:
        try:
            found.append(summarise(run))
        except LvcnetError:
            continue
    return found


def recent_runs(runs: Sequence[RunDirectory]) -> list[Row]:
    """A few runs, in few columns."""
    return [
        {
            "Run": one.run,
            "State": state_text(one.state).replace(" ", NO_BREAK),
            "Epoch": f"{one.epoch} of {one.epochs}".replace(" ", NO_BREAK),
            "IoU": (one.shown_iou or NOTHING).replace(" ", NO_BREAK),
        }
        for one in readable(runs)
    ]


def run_rows(
    summaries: Sequence[RunSummary], waiting: Sequence[str] = (), evaluating: Collection[str] = ()
) -> list[dict[str, Any]]:
    """The runs page's table; `Progress` is in percent, a waiting run's state has its place in the queue.

    Titles, notes and times have a column if there are any. Beside titles there is room for less: epochs are left to
    `Progress`, the seed to the name, and beside times the start to the run itself.

    Args:
        summaries: the rows.
        waiting: names of the runs in the queue, the next first.
        evaluating: names of the runs that are done and whose figures are still being measured.
    """
    places = {name: f" ({number})" for number, name in enumerate(waiting, start=1)}
    titled, noted = any(one.title for one in summaries), any(one.user_note for one in summaries)
    timed = any(one.seconds_left is not None for one in summaries)
    return [
        {
            "Run": one.run + (" (demo)" if one.demo else ""),
            "State": ("… evaluating" if one.run in evaluating else state_text(one.state))
            + places.get(one.run, ""),
            **({"Title": one.title} if titled else {}),
            "Method": method_title(one.trained),
            "Data set": one.dataset,
            "Labels": one.labels,
            "Progress": round(100 * one.progress),
            **({} if titled else {"Epoch": f"{one.epoch} of {one.epochs}"}),
            **({"Time left": format_seconds(one.seconds_left) or ""} if timed else {}),
            "IoU": one.shown_iou or NOTHING,
            **({} if titled else {"Seed": one.seed}),
            **({} if titled and timed else {"Started": _date(one.created)}),
            **({"Note": one.user_note} if noted else {}),
        }
        for one in summaries
    ]


def _date(time: float) -> str:
    return datetime.fromtimestamp(time).strftime("%Y-%m-%d %H:%M") if time else ""


def marked(rows: Sequence[dict[str, Any]], names: Sequence[str], shown: str) -> Styler:
    """Rows with a first column and a colour that tell which one is shown; `names` are those of the rows."""
    signs = [{SHOWN: "◉" if name == shown else "○", **row} for name, row in zip(names, rows, strict=True)]
    colour = [f"background-color: {MARK}" if name == shown else "" for name in names]
    return pd.DataFrame(signs).style.apply(lambda column: colour)


def robustness(comparison: Comparison) -> list[Row]:
    """Methods x label sets of a comparison's metric, and what is left at the highest level."""
    rows = []
    labels = comparison.label_sets()
    for method in comparison.methods():
        cells = [comparison.cell(method, name) for name in labels]
        row = {"Method": method_title(method)}
        for name, cell in zip(labels, cells, strict=True):
            row[comparison.title(name)] = (
                evaluation_tables.marked(cell, evaluation_tables.summary(cell.values[comparison.metric]))
                if cell
                else NOTHING
            )
        kept = comparison.robustness(method)["retention"]
        if kept:
            level, share = list(kept.items())[-1]
            row[f"Retention at level {level}"] = percent(share, 1) if share is not None else NOTHING
        rows.append(row)
    return _same_columns(rows)


def evaluation_rows(evaluation: dict[str, Any]) -> list[Row]:
    """All metrics of an evaluation; the paper's rounds beside those it has them for."""
    rounds = evaluation["rounds"]
    rows = []
    for key, metric in METRICS.items():
        row = {"Metric": metric.titled(evaluation["unit"]), "All test images": number(evaluation.get(key))}
        if key in ROUND_METRICS:
            found = rounds[key]
            row[_rounds_title(rounds)] = f"{found['mean']:.3f} ± {found['sd']:.3f}"
        rows.append(row)
    return _same_columns(rows, "")


def manifest_rows(
    names: Sequence[str], manifests: Sequence[dict[str, Any]], clicks: Sequence[float | None]
) -> list[Row]:
    """Noisy label sets: target against what was achieved, and the clicks an image's outlines cost."""
    return [
        {
            "Label set": name,
            "Family": manifest["family"],
            "Target IoU": f"{manifest['target_iou']:.2f}",
            "Achieved IoU": f"{manifest['mean_iou']:.3f} ± {manifest['sd_iou']:.3f}",
            "Strength": f"{manifest['strength']:.2f} {manifest['unit']}",
            "Area change": unbroken(f"{100 * manifest['area_change']:+z.1f} %"),
            "Clicks an image": number(count, 0),
            "Seed": str(manifest["seed"]),
        }
        for name, manifest, count in zip(names, manifests, clicks, strict=True)
    ]


def label_rows(summary: dict[str, Any]) -> list[Row]:
    """Label sets of a data set: which images they cover, how they agree with the clean labels."""
    return [
        {
            "Label set": row["name"],
            "Origin": row["family"] or NOTHING,
            "Covers, train": f"{row['covered_train']} of {summary['train']}",
            "Covers, test": f"{row['covered_test']} of {summary['test']}",
            "IoU to clean, train": number(row["iou_train"]),
            "IoU to clean, test": number(row["iou_test"]),
            "Outlines kept": row["outlines"] or NOTHING,
        }
        for row in summary["labels"]
    ]


def spread_rows(statistics: dict[str, Any]) -> list[Row]:
    """Foreground and components of a label set, category by category (see `lvcnet.data.facts.statistics`)."""
    rows = []
    for name, spread in statistics["foreground"].items():
        shares = dict.fromkeys(("Foreground, mean ± SD", "Least", "Median", "Most"), NOTHING)
        if spread is not None:
            shares = {
                "Foreground, mean ± SD": unbroken(f"{100 * spread['mean']:.1f} ± {100 * spread['sd']:.1f} %"),
                "Least": unbroken(percent(spread["min"], 1)),
                "Median": unbroken(percent(spread["median"], 1)),
                "Most": unbroken(percent(spread["max"], 1)),
            }
        counts = statistics["components"][name].items()
        parts = ", ".join(f"{count} in {counted(images, 'image')}" for count, images in counts)
        rows.append({"Category": name, **shares, "Parts": parts})
    return rows


def ignored_note(labels: str, share: float) -> str:
    """What ignored pixels mean for the numbers about a label set.

    >>> ignored_note("clean", 0.034)
    'clean leaves 3.4 % of the pixels to be ignored; they count neither as foreground nor as background.'
    """
    return f"{labels} leaves {percent(share, 1)} of the pixels to be ignored; they count neither as foreground nor as background."


def _rounds_title(rounds: dict[str, Any]) -> str:
    return f"{rounds['rounds']} rounds of {rounds['images']}, mean ± SD"


def _same_columns(rows: list[Row], missing: str = NOTHING) -> list[Row]:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    return [{column: row.get(column, missing) for column in columns} for row in rows]
