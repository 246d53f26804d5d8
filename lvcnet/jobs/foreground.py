"""A sweep in the foreground: a few trainer processes at a time, progress, and Ctrl-C that leaves resumable runs."""

import signal
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from lvcnet.errors import LvcnetError
from lvcnet.jobs import launch, queue
from lvcnet.jobs.sweep import Action, PlannedRun

REPORT_SECONDS = 0.5
WORK: tuple[Action, ...] = ("train", "resume")


@dataclass(frozen=True)
class SweepProgress:
    """How far a sweep is; `seconds_left` is None until a first epoch has told how long one takes."""

    runs_done: int
    runs: int
    epochs_done: int
    epochs: int
    running: list[str]
    seconds_left: float | None


def queue_sweep(plan: list[PlannedRun], evaluate: bool = True) -> list[str]:
    """Put everything that is left to do into the queue; the names of the queued runs."""
    cells = [cell for cell in plan if cell.action in WORK]
    for cell in cells:
        queue.submit(cell.prepare(), evaluate)
    return [cell.name for cell in cells]


def run_sweep(
    plan: list[PlannedRun],
    workers: int,
    evaluate: bool = True,
    report: Callable[[SweepProgress], None] | None = None,
) -> dict[str, str]:
    """Train what is left to do, `workers` runs at a time; what went wrong, by run name.

    One failed run does not stop the others. Ctrl-C, or what `report` raises, stops all trainers after their current step.

    Raises:
        KeyboardInterrupt: after Ctrl-C, once all trainers have stopped.
    """
    cells = [cell for cell in plan if cell.action in WORK or (evaluate and cell.state == "done")]
    threads = max(1, launch.cores() // workers)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="sweep")
    futures = {pool.submit(_see_through, cell, threads, evaluate): cell for cell in cells}
    try:
        waiting: set[Future[str | None]] = set(futures)
        while waiting:
            if report is not None:
                report(progress(plan, workers))
            _, waiting = wait_for(waiting, timeout=REPORT_SECONDS, return_when=FIRST_COMPLETED)
    except BaseException:  # Ctrl-C, or a report that wants no more
        pool.shutdown(wait=False, cancel_futures=True)
        _stop(cells, futures)
        raise
    pool.shutdown()
    return {
        cell.name: problem for future, cell in futures.items() if (problem := future.result()) is not None
    }


def progress(plan: list[PlannedRun], workers: int) -> SweepProgress:
    """Read from the run directories how far the sweep is and estimate how long the rest takes."""
    states: dict[str, str] = {}
    epochs: dict[str, int] = {}
    seconds: dict[str, float] = {}
    for cell in plan:
        status: dict[str, Any] = cell.run.status() if cell.run.exists() else {"state": "planned", "epoch": 0}
        states[cell.name], epochs[cell.name] = status["state"], int(status.get("epoch", 0))
        if status.get("seconds_per_epoch"):
            seconds[cell.name] = float(status["seconds_per_epoch"])
    finished = [cell for cell in plan if cell.action == "skip" or states[cell.name] in ("done", "failed")]
    left = [cell for cell in plan if cell not in finished]
    return SweepProgress(
        runs_done=len(finished),
        runs=len(plan),
        epochs_done=sum(cell.config.epoch_count for cell in finished)
        + sum(epochs[cell.name] for cell in left),
        epochs=sum(cell.config.epoch_count for cell in plan),
        running=[cell.name for cell in plan if states[cell.name] == "running"],
        seconds_left=_seconds_left(plan, left, epochs, seconds, workers),
    )


def _seconds_left(
    plan: list[PlannedRun],
    left: list[PlannedRun],
    epochs: dict[str, int],
    seconds: dict[str, float],
    workers: int,
) -> float | None:
    """An epoch takes as long as it took the same method so far, or the average of all methods."""
    if not left:
        return 0.0
    if not seconds:
        return None
    by_method = {
        method: fmean(times)
        for method in {cell.config.method for cell in plan}
        if (
            times := [
                seconds[cell.name] for cell in plan if cell.config.method == method and cell.name in seconds
            ]
        )
    }
    average = fmean(by_method.values())
    each = [
        (cell.config.epoch_count - epochs[cell.name]) * by_method.get(cell.config.method, average)
        for cell in left
    ]
    return max(sum(each) / workers, max(each))


def _see_through(cell: PlannedRun, threads: int, evaluate: bool) -> str | None:
    """Train and evaluate one cell; what went wrong."""
    try:
        run = cell.prepare() if cell.action in WORK else cell.run
        launch.see_through(run, threads, None, evaluate)
        status = run.status()
    except (LvcnetError, OSError) as error:
        return str(error)
    if status["state"] != "done":
        return f"{status['state']}: {status.get('error') or status.get('message') or 'no reason given'}"
    return f"not evaluated: {status['evaluation_error']}" if evaluate and not run.has_evaluation() else None


def _stop(cells: list[PlannedRun], futures: dict["Future[str | None]", PlannedRun]) -> None:
    """Pass Ctrl-C on to all trainers and wait until they have saved their state; a second Ctrl-C kills them."""
    signalled: set[str] = set()
    try:
        while not all(future.done() for future in futures):
            # Again and again, because a trainer may be just about to start.
            for cell in cells:
                if cell.name not in signalled and cell.run.exists() and cell.run.trainer_alive():
                    launch.signal_trainer(cell.run, signal.SIGTERM)
                    signalled.add(cell.name)
            time.sleep(launch.POLL_SECONDS)
    except KeyboardInterrupt:
        for cell in cells:
            if cell.run.exists():
                launch.signal_trainer(cell.run, signal.SIGKILL)
        raise
