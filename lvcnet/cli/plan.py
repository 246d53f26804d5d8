"""The command that says how carefully to outline: plan."""

from typing import Annotated

import typer

from lvcnet.cli.options import Json, WhereOption
from lvcnet.cli.output import print_json, print_table, screen
from lvcnet.comparison.where import parse_where
from lvcnet.planner.curve import Budget, Plan, afford, plan_dataset
from lvcnet.planner.plan_text import (
    budget_sentences,
    by_saving,
    equivalence_sentence,
    plan_json,
    plan_table,
)
from lvcnet.text import split_list


def plan(
    dataset: Annotated[str, typer.Argument(help="Name of a data set; `lvcnet data list` lists them.")],
    methods: Annotated[
        str, typer.Option(help="Methods to weigh against U-Net, with commas; default all that were measured.")
    ] = "",
    budget: Annotated[
        float | None,
        typer.Option(help="Clicks in total: which outlines they afford, and the best method there."),
    ] = None,
    where: WhereOption = None,
    as_json: Json = False,
) -> None:
    """How carefully to outline: clicks (polygon vertices) an image against the IoU each method makes of them.

    From measured runs on clean labels and the default noise family only: which outlines of U-Net another method's are
    worth, with 95 % intervals over test images and seeds. Nothing is extrapolated.

    Example: `lvcnet plan hips --methods lvcnet --budget 10000`
    """
    found = plan_dataset(dataset, split_list(methods), where=parse_where(where or []))
    spent = None if budget is None else afford(found, budget)
    if as_json:
        print_json(plan_json(found, spent))
    else:
        _print_plan(found, spent)


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
