"""The command that says how carefully to outline: plan."""

import typer

from lvcnet.cli.options import Html, Json
from lvcnet.cli.output import print_json, print_table, screen, write_text
from lvcnet.cli.requests import takes
from lvcnet.figures import check_plotly
from lvcnet.planner.curve import Budget, Plan
from lvcnet.planner.plan_text import (
    budget_sentences,
    by_saving,
    equivalence_sentence,
    plan_json,
    plan_table,
)
from lvcnet.planner.request import PlanRequest


@takes
def plan(request: PlanRequest, html: Html = None, as_json: Json = False) -> None:
    """How carefully to outline: clicks (polygon vertices) an image against the IoU each method makes of them.

    From measured runs on clean labels and the default noise family only: which outlines of U-Net another method's are
    worth, with 95 % intervals over test images and seeds. Nothing is extrapolated.

    Example: `lvcnet plan hips --methods lvcnet --budget 10000`
    """
    if html is not None:
        check_plotly()
    found = request.run()
    spent = request.spend(found)
    if html is not None:
        from lvcnet.figures.report import plan_report  # draws with plotly

        write_text(html, plan_report(found))
    if as_json:
        print_json(plan_json(found, spent) | ({} if html is None else {"html": str(html)}))
        return
    _print_plan(found, spent)
    if html is not None:
        screen.print(f"Wrote {html}", highlight=False, soft_wrap=True)


def _print_plan(found: Plan, spent: Budget | None) -> None:
    table = plan_table(found)
    print_table(table.title, table.header, table.rows)
    sentences = [equivalence_sentence(one, found) for method in by_saving(found).values() for one in method]
    sentences += budget_sentences(found, spent) if spent else []
    sentences += [found.caveat] if found.caveat else []
    for text in [table.note, *sentences, *(f"Note: {note}" for note in found.notes)]:
        screen.print(text.replace("**", ""), highlight=False, markup=False)


def register(app: typer.Typer) -> None:
    """Add this module's command to `app`."""
    app.command()(plan)
