"""`lvcnet sweep`: a grid of runs, and how a sweep shows its progress."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from lvcnet import formats
from lvcnet.cli.jobs import report_recovered
from lvcnet.cli.options import Json
from lvcnet.cli.output import interruptible, print_json, print_table, progress_screen, screen
from lvcnet.errors import LvcnetError
from lvcnet.jobs import launch
from lvcnet.jobs.foreground import SweepProgress, queue_sweep, run_sweep
from lvcnet.jobs.sweep import PlannedRun
from lvcnet.jobs.sweep_config import build_sweep, parse_seeds
from lvcnet.methods import COMPARED, METHODS
from lvcnet.models import NETWORKS
from lvcnet.runs.summary import collapse_notes, format_seconds, summarise
from lvcnet.text import split_list
from lvcnet.training.config import parse_settings, read_preset, read_yaml


def register(app: typer.Typer) -> None:
    """Add this module's commands to `app`."""
    app.command()(sweep)


def sweep(
    dataset: Annotated[
        str | None,
        typer.Argument(help="Name of the data set; `lvcnet data list` lists them. Optional with --config."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="YAML file with dataset, methods, labels, seeds and settings; what is given here as well wins.",
            metavar="FILE",
        ),
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option(
            help=f"Methods, separated by commas: {METHODS.in_words()}. [default: {','.join(COMPARED)}]"
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(help="Label sets; 3 is noise level 3. E.g. clean,1,2,dentist2. [default: 1,2,3,4]"),
    ] = None,
    levels: Annotated[str | None, typer.Option(hidden=True, help="What --labels was called before.")] = None,
    seeds: Annotated[str | None, typer.Option(help="Seeds, separated by commas. [default: 0]")] = None,
    preset: Annotated[str | None, typer.Option(help="Settings to start from, e.g. quick or paper.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting; can be repeated.")
    ] = None,
    network: Annotated[
        str | None, typer.Option(help=f"Network of all runs: {NETWORKS.in_words()}. [default: unet]")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training images.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Trainings at a time (default: LVCNET_WORKERS, or by cores).")
    ] = None,
    in_queue: Annotated[
        bool, typer.Option("--queue", help="In the background, by the queue, and return at once.")
    ] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try failed runs again.")] = False,
    evaluate: Annotated[bool, typer.Option(help="Evaluate each run when it is done.")] = True,
    as_json: Json = False,
) -> None:
    """Train a grid of methods, label sets and seeds. Done runs are skipped, stopped ones resumed.

    Example: `lvcnet sweep hips --methods unet,lvcnet-plus --labels 1,2,3,4 --seeds 0 --preset quick`, or the same kept
    in a file, which the train page of the lab writes, too: `lvcnet sweep --config hips-sweep.yaml`
    """
    report_recovered()
    explicit: dict[str, Any] = {"dataset": dataset} if dataset is not None else {}
    lists = {"methods": methods, "labels": labels or levels}
    explicit |= {name: split_list(text) for name, text in lists.items() if text is not None}
    explicit |= {"seeds": parse_seeds(split_list(seeds))} if seeds is not None else {}
    same = {"network": network, "epochs": epochs}
    chosen = build_sweep(
        {"settings": read_preset(preset)} if preset else {},
        _read_config(config, dataset),
        {"settings": parse_settings(settings or [])},
        {"settings": {name: value for name, value in same.items() if value is not None}},
        explicit,
    )
    plan = chosen.plan(retry_failed)
    if in_queue:
        queued = queue_sweep(plan, evaluate)
        _present_sweep(plan, {}, as_json, f"{len(queued)} runs queued; `lvcnet queue` shows them.")
        return
    with sweep_bar(f"Sweep of {chosen.dataset}") as report:
        problems = sweep_until_done(plan, workers or launch.slots(), evaluate, report)
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


def _read_config(path: Path | None, dataset: str | None) -> dict[str, Any]:
    """What the file says about the sweep.

    Raises:
        LvcnetError: if neither the file nor the command line names a data set.
    """
    found = read_yaml(path, formats.SWEEP) if path is not None else {}
    if dataset is None and "dataset" not in found:
        where = f"add `dataset: NAME` to {path}" if path else "give a file that does with --config FILE"
        raise LvcnetError(f"nothing says which data set to sweep: give a DATASET, or {where}")
    return found
