"""`lvcnet sweep`: a grid of runs, and how a sweep shows its progress."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from lvcnet.cli.jobs import report_recovered
from lvcnet.cli.options import Json
from lvcnet.cli.output import interruptible, print_json, print_table, progress_screen, screen
from lvcnet.cli.requests import takes
from lvcnet.jobs import launch
from lvcnet.jobs.foreground import SweepProgress, queue_sweep, run_sweep
from lvcnet.jobs.requests import SweepRequest
from lvcnet.jobs.sweep import PlannedRun
from lvcnet.runs.summary import collapse_notes, format_seconds, summarise


def register(app: typer.Typer) -> None:
    """Add this module's commands to `app`."""
    app.command()(sweep)


@takes
def sweep(
    request: SweepRequest,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Trainings at a time (default: LVCNET_WORKERS, or by cores).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a grid of methods, label sets and seeds. Done runs are skipped, stopped ones resumed.

    Example: `lvcnet sweep hips --methods unet,lvcnet-plus --labels 1,2,3,4 --seeds 0 --preset quick`, or the same kept
    in a file, which the train page of the lab writes, too: `lvcnet sweep --config hips-sweep.yaml`
    """
    report_recovered()
    chosen = request.settled()
    plan = chosen.plan(request.retry_failed)
    if request.queue:
        queued = queue_sweep(plan, request.evaluate)
        _present_sweep(plan, {}, as_json, f"{len(queued)} runs queued; `lvcnet queue` shows them.")
        return
    with sweep_bar(f"Sweep of {chosen.dataset}") as report:
        problems = sweep_until_done(plan, workers or launch.slots(), request.evaluate, report)
    _present_sweep(plan, problems, as_json, f"`lvcnet compare {chosen.dataset}` shows the results.")
    if problems:
        raise typer.Exit(1)


def sweep_until_done(
    plan: list[PlannedRun], workers: int, evaluate: bool, report: Callable[[SweepProgress], None]
) -> dict[str, str]:
    """`run_sweep`, where Ctrl-C ends the command with the exit status of an interrupted training."""
    with interruptible("the same command continues"):
        return run_sweep(plan, workers, evaluate, report)


@contextmanager
def sweep_bar(title: str) -> Iterator[Callable[[SweepProgress], None]]:
    """A bar over all epochs of all runs, with the time left as the runs so far predict it."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=progress_screen, transient=True) as bar:
        task = bar.add_task(title)

        def report(now: SweepProgress) -> None:
            left = (
                f"{format_seconds(now.seconds_left)} left" if now.seconds_left is not None else "estimating"
            )
            text = f"{title}: {now.runs_done}/{now.runs} runs, {now.epochs_done}/{now.epochs} epochs, {left}"
            bar.update(task, description=text, completed=now.epochs_done, total=now.epochs)

        yield report


def _present_sweep(plan: list[PlannedRun], problems: dict[str, str], as_json: bool, hint: str) -> None:
    summaries = [summarise(cell.run) for cell in plan if cell.run.exists()]
    notes = {one.run: problems.get(one.run) for one in summaries} | problems
    if as_json:
        planned = {cell.name: cell.action for cell in plan}
        rows = [{**asdict(one), "action": planned[one.run], "problem": notes[one.run]} for one in summaries]
        print_json({"runs": rows, "problems": problems})
        return
    table = [
        [one.run, one.state, f"{one.epoch}/{one.epochs}", one.shown_iou, notes[one.run]] for one in summaries
    ]
    print_table("Sweep", ("Run", "State", "Epoch", "IoU", "Problem"), table)
    for note in collapse_notes(summaries):
        screen.print(note, highlight=False, soft_wrap=True)
    failed = [one.run for one in summaries if one.state == "failed"]
    screen.print(f"{len(failed)} failed: add --retry-failed to try again." if failed else hint)
