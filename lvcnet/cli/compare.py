"""The command that sets runs side by side: compare."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lvcnet.cli.options import Html, Json
from lvcnet.cli.output import print_json, print_table, progress_bar, screen, write_text
from lvcnet.cli.requests import takes
from lvcnet.comparison.cells import BASELINE, Comparison
from lvcnet.comparison.formats import FORMATS, markdown_table, to_csv, to_json, to_markdown
from lvcnet.comparison.headline import hardest_labels, headline
from lvcnet.comparison.images import ORDERS, image_rows
from lvcnet.comparison.request import CompareRequest
from lvcnet.comparison.tables import comparison_tables, notes
from lvcnet.comparison.words import comparison_words
from lvcnet.errors import LvcnetError
from lvcnet.figures import check_plotly
from lvcnet.files import rows_to_csv
from lvcnet.methods import method_title


@takes
def compare(
    request: CompareRequest,
    output_format: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")] = "table",
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of stdout.")] = None,
    html: Html = None,
    images: Annotated[
        bool,
        typer.Option("--images", help="Instead of the tables: the metric image by image, a column a method."),
    ] = False,
    labels: Annotated[
        str,
        typer.Option(help="With --images: the label set that methods learned from. [default: the hardest]"),
    ] = "",
    order: Annotated[
        str,
        typer.Option(help=f"With --images: {', '.join(ORDERS)}. [default: worst of the last method first]"),
    ] = "",
    seed: Annotated[
        int | None, typer.Option(help="With --images: of the trainings. [default: the mean over all]")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tables of methods x noise levels on the clean test labels, next to the paper's Table 1.

    Mean and sd over seeds; each method against U-Net on the same labels (paired bootstrap, Wilcoxon with Holm's
    correction); retention, outlines, label recovery, memorisation, cost. CSV and JSON hold all metrics.

    Example: `lvcnet compare hips --format markdown --output comparison.md`

    Example: `lvcnet compare hips --html hips.html`, or image by image: `lvcnet compare hips --images --order gain:lvcnet-plus`
    """
    # With a file, --format says what is in it and --json how this call answers.
    chosen = "json" if as_json and (output is None or output_format == "table") else output_format
    if chosen not in FORMATS:
        raise LvcnetError(f"format {chosen!r} does not exist: choose one of {', '.join(FORMATS)}")
    for path in (output, html):
        if path is not None and path.is_dir():
            raise LvcnetError(f"{path} is a folder: name the file to write")
    if not images and (labels or order or seed is not None):
        raise LvcnetError("--labels, --order and --seed are about single images: add --images")
    if html is not None:
        check_plotly()
    with progress_bar(f"Collecting runs of {request.dataset}") as report:
        comparison = request.run(report)
    rows = image_rows(comparison, labels, order, seed) if images else None
    if html is not None:
        _write_html(html, comparison)
    written = {"html": str(html)} if html is not None else {}
    if output is not None:
        write_text(output, _rendered(comparison, rows, "markdown" if chosen == "table" else chosen, {}))
        written["output"] = str(output)
    elif chosen != "table":
        sys.stdout.write(_rendered(comparison, rows, chosen, written))
    elif rows is not None:
        _print_images(comparison, labels or hardest_labels(comparison), rows)
    else:
        _print_comparison(comparison)
    if output is not None and as_json:
        print_json(written)
    elif chosen == "table" or output is not None:
        for name in written.values():
            screen.print(f"Wrote {name}", highlight=False, soft_wrap=True)


def _write_html(path: Path, comparison: Comparison) -> None:
    """The report of the compare page, with the planner where there is something to plan."""
    from lvcnet.figures.report import html_report  # draws with plotly
    from lvcnet.planner.curve import find_plan

    write_text(path, html_report(comparison, find_plan(comparison.dataset, comparison.where)))


def _rendered(
    comparison: Comparison, rows: list[dict[str, Any]] | None, chosen: str, written: dict[str, str]
) -> str:
    """The comparison, or its rows image by image, as text."""
    if rows is None:
        if chosen == "json":
            return json.dumps({**to_json(comparison), **written}) + "\n"
        return to_csv(comparison) if chosen == "csv" else to_markdown(comparison)
    if chosen == "json":
        about = {"dataset": comparison.dataset, "metric": comparison.metric, **written}
        return json.dumps({**about, "images": rows}) + "\n"
    if chosen == "csv":
        return rows_to_csv(rows)
    header, *body = _image_table(rows)
    return markdown_table(header, body) + "\n"


def _image_table(rows: list[dict[str, Any]]) -> list[list[str]]:
    """A header, then a line an image."""
    methods = [name for name in rows[0] if name != "image"] if rows else []
    lines = [
        [row["image"], *("—" if row[name] is None else f"{row[name]:.3f}" for name in methods)]
        for row in rows
    ]
    return [["Image", *map(method_title, methods)], *lines]


def _print_images(comparison: Comparison, labels: str, rows: list[dict[str, Any]]) -> None:
    header, *body = _image_table(rows)
    learned = f"after learning from {comparison.title(labels).lower()} labels"
    print_table(f"{comparison.titled(comparison.metric)} of {len(body)} images {learned}", header, body)


def _print_comparison(comparison: Comparison) -> None:
    screen.print(f"{comparison.dataset}: last epoch, clean test labels", highlight=False)
    scores = [
        f"{title} {score}" + (f" ({delta} against {method_title(BASELINE)})" if delta else "")
        for title, score, delta in headline(comparison)
    ]
    after = comparison.title(hardest_labels(comparison)).lower()
    screen.print(
        f"{comparison.titled(comparison.metric)} after learning from {after} labels: {', '.join(scores)}",
        highlight=False,
        soft_wrap=True,
    )
    for table in comparison_tables(comparison):
        print_table(table.title, table.header, table.rows)
    for text in [*comparison_words(comparison), *(f"Note: {note}" for note in notes(comparison))]:
        screen.print(text.replace("**", ""), highlight=False, markup=False)


def register(app: typer.Typer) -> None:
    """Add this module's command to `app`."""
    app.command()(compare)
