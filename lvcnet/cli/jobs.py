"""Commands that manage trainings: runs, cancel, resume, delete, sweep, queue."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from lvcnet import jobs
from lvcnet.cli.options import DatasetName, Json, RunName
from lvcnet.cli.output import print_json, print_table, progress_bar, progress_screen, screen, split_list
from lvcnet.errors import LvcnetError
from lvcnet.jobs import daemon, launch, worker
from lvcnet.jobs.foreground import SweepProgress, queue_sweep, run_sweep
from lvcnet.jobs.sweep import PlannedRun, plan_sweep
from lvcnet.jobs.usage import measure_usage
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import delete_run, find_run, list_runs
from lvcnet.runs.summary import RunSummary, format_seconds, summarise
from lvcnet.training.config import merge_settings, parse_settings, read_preset
from lvcnet.training.loop import train

WIDE = 130  # columns of a terminal


def register(app: typer.Typer) -> None:
    """Add this module's commands to `app`."""
    for command in (runs, cancel, resume, delete, sweep, queue):
        app.command()(command)


def runs(
    dataset: Annotated[str | None, typer.Option(help="Only runs on this data set.")] = None,
    demo: Annotated[bool, typer.Option(help="Show the runs that ship with the project, too.")] = True,
    as_json: Json = False,
) -> None:
    """List all runs: what each learns, how far it is, what it achieved; with --json also what it takes from the machine.

    Example: `lvcnet runs --dataset hips`
    """
    report_recovered()
    found = list_runs(dataset, demo)
    summaries = [summarise(run) for run in found]
    if as_json:
        usage = measure_usage(found)
        print_json({"runs": [{**asdict(one), **asdict(usage[one.run])} for one in summaries]})
        return
    if not summaries:
        where = f" on data set {dataset!r}" if dataset else ""
        screen.print(
            f"No runs{where} yet. Start one with `lvcnet train {dataset or 'DATASET'}`.", highlight=False
        )
        return
    print_table("Runs", *_runs_table(summaries, wide=screen.width >= WIDE))


def cancel(
    run: RunName,
    wait: Annotated[bool, typer.Option(help="Wait until the training has saved its state and left.")] = True,
    as_json: Json = False,
) -> None:
    """Stop a training after its current step, or take it out of the queue. It can be resumed.

    A training that does not answer is terminated after 30 seconds, and killed after 30 more.

    Example: `lvcnet cancel hips-unet-level3-s0`
    """
    chosen = find_run(run)
    jobs.cancel(chosen)
    _present(chosen, jobs.wait(chosen) if wait else chosen.status()["state"], as_json)


def resume(
    run: RunName,
    in_queue: Annotated[bool, typer.Option("--queue", help="In the background, by the queue.")] = False,
    as_json: Json = False,
) -> None:
    """Continue a cancelled, interrupted or failed run from its last checkpoint.

    Example: `lvcnet resume hips-unet-level3-s0`
    """
    report_recovered()
    chosen = find_run(run)
    if in_queue:
        jobs.resume(chosen)
        _present(chosen, "queued", as_json)
        return
    jobs.check_resumable(chosen)
    chosen.clear_cancel()
    chosen.update_status(launcher="foreground")
    with progress_bar(f"Training {chosen.name}") as report:
        state = train(chosen, resume=True, report=report)
    _present(chosen, state, as_json)
    if state == "interrupted":
        raise typer.Exit(launch.INTERRUPTED)


def delete(
    run: RunName,
    yes: Annotated[bool, typer.Option("--yes", help="Really delete it.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a run with its checkpoints and results.

    Example: `lvcnet delete hips-unet-level3-s0 --yes`
    """
    report_recovered()
    chosen = find_run(run)
    if not yes:
        raise LvcnetError(f"deleting run {run!r} cannot be undone: add --yes to do it")
    delete_run(chosen)
    if as_json:
        print_json({"run": run, "deleted": True})
    else:
        screen.print(f"Deleted {run}.")


def sweep(
    dataset: DatasetName,
    methods: Annotated[
        str, typer.Option(help="Methods, separated by commas.")
    ] = "fcn,unet,lvcnet,lvcnet-plus",
    levels: Annotated[str, typer.Option(help="Noise levels or label sets: clean,1,2,dentist2.")] = "1,2,3,4",
    seeds: Annotated[str, typer.Option(help="Seeds, separated by commas.")] = "0",
    preset: Annotated[str | None, typer.Option(help="Settings to start from, e.g. quick or paper.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting; can be repeated.")
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
    """Train a grid of methods, noise levels and seeds. Done runs are skipped, stopped ones resumed.

    Example: `lvcnet sweep hips --methods unet,lvcnet-plus --levels 1,2,3,4 --seeds 0 --preset quick`
    """
    report_recovered()
    explicit = {"epochs": epochs} if epochs is not None else {}
    merged = merge_settings(read_preset(preset) if preset else {}, parse_settings(settings or []), explicit)
    plan = plan_sweep(dataset, split_list(methods), split_list(levels), _seeds(seeds), merged, retry_failed)
    if in_queue:
        queued = queue_sweep(plan, evaluate)
        _present_sweep(plan, {}, as_json, f"{len(queued)} runs queued; `lvcnet queue` shows them.")
        return
    with sweep_bar(f"Sweep of {dataset}") as report:
        problems = sweep_until_done(plan, workers or launch.slots(), evaluate, report)
    _present_sweep(plan, problems, as_json, f"`lvcnet compare {dataset}` shows the results.")
    if problems:
        raise typer.Exit(1)


def queue(
    start: Annotated[
        bool, typer.Option("--start", help="Be the worker, here in the foreground, until Ctrl-C.")
    ] = False,
    recover: Annotated[
        bool, typer.Option("--recover", help="Only put right what a crash left behind, and say what it was.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what trains and what waits, in order.

    Example: `lvcnet queue`
    """
    if start:
        _serve()
        return
    lines = jobs.recover()
    if recover:
        if as_json:
            print_json({"recovered": lines})
        else:
            screen.print("\n".join(lines) or "Nothing to put right.")
        return
    state = jobs.queue_state()
    if as_json:
        print_json(asdict(state))
        return
    rows = [[name, "running", None] for name in state.running]
    rows += [[name, "queued", str(place)] for place, name in enumerate(state.queued, start=1)]
    if rows:
        print_table("Queue", ("Run", "State", "Place"), rows)
    who = f"worker {state.worker}" if state.worker else "no worker; one starts with the next queued run"
    screen.print(
        f"{len(state.running)} running, {len(state.queued)} waiting, {state.slots} at a time; {who}."
    )


def _runs_table(summaries: list[RunSummary], wide: bool) -> tuple[list[str], list[list[object]]]:
    """Columns and rows; a narrow terminal shows the names whole and leaves out what they usually say."""
    columns = ["Run", "State", "Epoch", "IoU", "Time left"]
    rows: list[list[object]] = [
        [
            one.run,
            one.state,
            f"{one.epoch}/{one.epochs}",
            one.iou,
            format_seconds(one.seconds_left),
        ]
        for one in summaries
    ]
    if wide:
        columns[2:2] = ["Data set", "Labels", "Method", "Seed", "Progress"]
        for row, one in zip(rows, summaries, strict=True):
            row[2:2] = [one.dataset, one.labels, one.method, one.seed, f"{one.progress:.0%}"]
    if any(one.title for one in summaries):
        columns[1:1] = ["Title"]
        for row, one in zip(rows, summaries, strict=True):
            row[1:1] = [escape(one.title)]  # its brackets are no markup
    return columns, rows


def _serve() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    if not worker.serve(idle=None):
        raise LvcnetError(
            f"a worker already serves this workspace (process {daemon.worker_pid()}): let it work"
        )


def report_recovered() -> None:
    """Put run states right after a crash, and say on stderr what was changed."""
    for line in jobs.recover():
        sys.stderr.write(f"{line}\n")


def _present(run: RunDirectory, state: str, as_json: bool) -> None:
    place = jobs.position(run)
    if as_json:
        print_json({"run": run.name, "directory": str(run.path), "state": state, "position": place})
    else:
        screen.print(f"{run.name} is {state}{f' (place {place})' if place else ''}.")


def sweep_until_done(
    plan: list[PlannedRun], workers: int, evaluate: bool, report: Callable[[SweepProgress], None]
) -> dict[str, str]:
    """`run_sweep`, where Ctrl-C ends the command with the exit status of an interrupted training."""
    try:
        return run_sweep(plan, workers, evaluate, report)
    except KeyboardInterrupt:
        sys.stderr.write("lvcnet: interrupted; the same command continues\n")
        raise typer.Exit(launch.INTERRUPTED) from None


@contextmanager
def sweep_bar(title: str) -> Iterator[Callable[[SweepProgress], None]]:
    """A bar over all epochs of all runs, with the time left as the runs so far predict it."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
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
    table = [[one.run, one.state, f"{one.epoch}/{one.epochs}", one.iou, notes[one.run]] for one in summaries]
    print_table("Sweep", ("Run", "State", "Epoch", "IoU", "Problem"), table)
    failed = [one.run for one in summaries if one.state == "failed"]
    screen.print(f"{len(failed)} failed: add --retry-failed to try again." if failed else hint)


def _seeds(values: str) -> list[int]:
    wrong = [value for value in split_list(values) if not value.isdigit()]
    if wrong:
        raise LvcnetError(f"--seeds {values!r} is not a list of whole numbers: use e.g. 0 or 0,1,2")
    return [int(value) for value in split_list(values)]
