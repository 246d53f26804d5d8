"""`lvcnet train`: one run, in the foreground or by the queue."""

from typing import Any

import typer

from lvcnet.cli.options import Json
from lvcnet.cli.output import print_json, progress_bar, screen
from lvcnet.cli.requests import takes
from lvcnet.errors import INTERRUPTED
from lvcnet.jobs.requests import TrainRequest
from lvcnet.training.plan import in_words
from lvcnet.training.run import train as train_run


def register(app: typer.Typer) -> None:
    """Add this module's commands to `app`."""
    app.command()(train)


@takes
def train(request: TrainRequest, as_json: Json = False) -> None:
    """Train a method on a label set. Ctrl-C saves the state; `lvcnet resume RUN` continues.

    Example: `lvcnet train hips --method lvcnet --level 3 --preset quick`, or the same once more with another seed:
    `lvcnet train --like hips-lvcnet-level3-s0 --seed 1`
    """
    run = request.create()
    state = "queued"
    if not request.queue:
        run.update_status(launcher="foreground")
        with progress_bar(f"Training {run.name}") as report:
            state = train_run(run, report=report)
    result: dict[str, Any] = {"run": run.name, "directory": str(run.path), "state": state}
    if as_json:
        print_json(result)
    else:
        screen.print(f"Run {run.name} is {state}; its files are in {run.path}")
        screen.print(in_words(run.config()["plan"]), highlight=False, markup=False)
    if state == "interrupted":
        raise typer.Exit(INTERRUPTED)
