"""Commands that manage trainings: runs, cancel, resume, delete, queue."""

import logging
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from lvcnet import jobs
from lvcnet.cli.options import Json, RunName
from lvcnet.cli.output import print_damaged, print_json, print_table, progress_bar, screen
from lvcnet.errors import INTERRUPTED, LvcnetError
from lvcnet.jobs import daemon, worker
from lvcnet.jobs.usage import measure_usage
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import damaged_runs, find_run, list_runs
from lvcnet.runs.summary import (
    RunSummary,
    collapse_notes,
    diagnosis_notes,
    format_seconds,
    moved_notes,
    summarise,
)

WIDE = 130  # columns of a terminal


def register(app: typer.Typer) -> None:
    """Add this module's commands to `app`."""
    for command in (runs, cancel, resume, delete, queue):
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
    damaged = damaged_runs()
    broken = {one.name for one in damaged}
    found = [run for run in found if run.name not in broken]
    summaries = [summarise(run) for run in found]
    if as_json:
        usage = measure_usage(found)
        print_json(
            {
                "runs": [{**asdict(one), **asdict(usage[one.run])} for one in summaries],
                "damaged": [asdict(one) for one in damaged],
            }
        )
        return
    print_damaged(damaged)
    if not summaries:
        where = f" on data set {dataset!r}" if dataset else ""
        screen.print(
            f"No runs{where} yet. Start one with `lvcnet train {dataset or 'DATASET'}`.", highlight=False
        )
        return
    print_table("Runs", *_runs_table(summaries, wide=screen.width >= WIDE))
    for note in [*collapse_notes(summaries), *diagnosis_notes(summaries), *moved_notes(summaries)]:
        screen.print(note, highlight=False, soft_wrap=True)


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
    from lvcnet.training.run import train  # it loads torch, for which a list of runs should not wait

    jobs.check_resumable(chosen)
    chosen.clear_cancel()
    chosen.update_status(launcher="foreground")
    with progress_bar(f"Training {chosen.name}") as report:
        state = train(chosen, resume=True, report=report)
    _present(chosen, state, as_json)
    if state == "interrupted":
        raise typer.Exit(INTERRUPTED)


def delete(
    run: RunName,
    yes: Annotated[bool, typer.Option("--yes", help="Really delete it.")] = False,
    as_json: Json = False,
) -> None:
    """Move a run with its checkpoints and results to the trash (`lvcnet trash`).

    Example: `lvcnet delete hips-unet-level3-s0 --yes`
    """
    from lvcnet.cli.trash import carry_out  # what depends on a run is found by modules that load torch
    from lvcnet.deleting import plan_run

    report_recovered()
    carry_out(plan_run(run), yes, as_json)


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
    state, damaged = jobs.queue_state(), damaged_runs()
    if as_json:
        print_json({**asdict(state), "damaged": [asdict(one) for one in damaged]})
        return
    print_damaged(damaged)
    rows = [[name, "running", None] for name in state.running]
    rows += [[name, "queued", str(place)] for place, name in enumerate(state.queued, start=1)]
    if rows:
        print_table("Queue", ("Run", "State", "Place"), rows)
    who = f"worker {state.worker}" if state.worker else "no worker; one starts with the next queued run"
    screen.print(
        f"{len(state.running)} running, {len(state.queued)} waiting, {state.slots} at a time; {who}."
    )


def _runs_table(summaries: list[RunSummary], wide: bool) -> tuple[list[str], list[list[object]]]:
    """Columns and rows; a narrow terminal shows the names whole and leaves out what they usually say.

    Commits have a column where the runs were not all made with the same one.
    """
    columns = ["Run", "State", "Epoch", "IoU", "Time left"]
    rows: list[list[object]] = [
        [
            one.run,
            one.state,
            f"{one.epoch}/{one.epochs}",
            one.shown_iou,
            format_seconds(one.seconds_left),
        ]
        for one in summaries
    ]
    if wide:
        columns[2:2] = ["Data set", "Labels", "Method", "Seed", "Progress"]
        for row, one in zip(rows, summaries, strict=True):
            row[2:2] = [one.dataset, one.labels, one.trained, one.seed, f"{one.progress:.0%}"]
    if len({one.commit for one in summaries}) > 1:
        columns.append("Commit")
        for row, one in zip(rows, summaries, strict=True):
            row.append(one.commit)
    if any(one.title for one in summaries):
        columns[1:1] = ["Title"]
        for row, one in zip(rows, summaries, strict=True):
            row[1:1] = [one.title]
    return columns, rows


def _serve() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    if not worker.serve(idle=None):
        raise LvcnetError(
            f"a worker already serves this workspace (process {daemon.worker_pid()}): let it work"
        )


def report_recovered() -> None:
    """Put run states right after a crash, and say on stderr what was changed."""
    try:
        lines = jobs.recover()
    except LvcnetError as error:  # a damaged queue must not hide the runs
        lines = [f"lvcnet: {error}"]
    for line in lines:
        sys.stderr.write(f"{line}\n")


def _present(run: RunDirectory, state: str, as_json: bool) -> None:
    place = jobs.position(run)
    if as_json:
        print_json({"run": run.name, "directory": str(run.path), "state": state, "position": place})
    else:
        screen.print(f"{run.name} is {state}{f' (place {place})' if place else ''}.")
