"""Make run states true again after a crash, from nothing but the run directories and living processes.

running, process dead                 interrupted, the message says how to resume
running, process alive                left alone, whoever started it
queued, its trainer died at the start failed, with the trainer's last words
queued, in no queue entry             queued again (a killed worker loses the entry it had taken out)
queued, never submitted nor started   interrupted, after ten minutes
"""

import sqlite3
import time

from filelock import FileLock, Timeout

from lvcnet.jobs import daemon, launch, queue
from lvcnet.runs.directory import ACTIVE, RunDirectory
from lvcnet.runs.store import list_runs
from lvcnet.storage import unwritable

NEVER_STARTED_SECONDS = 600.0


def recover(worker: bool = False) -> list[str]:
    """Reconcile all runs of the workspace; one sentence for each run that was changed.

    In a workspace that cannot be written nothing is changed.

    Called at the start of worker, lab and CLI lists, and by the worker every few seconds. If runs wait to be trained or
    evaluated and no worker lives, one is started.

    Args:
        worker: whether the caller is the worker, which alone knows which runs it has in hand.
    """
    try:
        daemon.queue_dir().mkdir(parents=True, exist_ok=True)
        with FileLock(daemon.queue_dir() / "recover.lock", timeout=10):
            runs = list_runs(demo=False)
            lines = [line for run in runs if (line := _reconcile(run, worker)) is not None]
    except Timeout:
        return []
    except (OSError, sqlite3.Error) as error:
        if not unwritable(error):
            raise
        return []  # where nothing can be written nothing can be put right, but everything can be looked at
    if not worker and (queue.waiting_runs() or any(run.to_evaluate() for run in runs)):
        daemon.ensure_worker()
    return lines


def adopt() -> list[str]:
    """What a former worker left behind: trainings that go on are watched again, done runs are evaluated."""
    names = []
    for run in list_runs(demo=False):
        if run.to_evaluate() or (run.status().get("launcher") == "queue" and run.trainer_alive()):
            queue.enqueue_followup(run)
            names.append(run.name)
    return names


def _reconcile(run: RunDirectory, worker: bool) -> str | None:
    status = run.status()
    if status["state"] not in ACTIVE:
        return None
    if run.trainer_alive():
        launch.escalate(run)
        return None
    if status["state"] == "running" or status.get("pid"):
        state = None if run.name in queue.HELD else launch.settle(run)
        return f"{run.name}: its training process is gone, now {state}" if state else None
    if status.get("launcher") == "queue":
        return _queue_again(run, worker)
    if time.time() - max(status.get("created", 0.0), status.get("updated", 0.0)) > NEVER_STARTED_SECONDS:
        message = f"was never started: `lvcnet resume {run.name}` starts it"
        run.move_state(("queued",), "interrupted", message=message)
        return f"{run.name}: {message}"
    return None


def _queue_again(run: RunDirectory, worker: bool) -> str | None:
    in_hand = run.name in queue.HELD if worker else daemon.worker_pid() is not None
    if in_hand or run.name in queue.waiting_runs():
        return None
    queue.enqueue(run, ("queued",))
    return f"{run.name}: its place in the queue was lost, queued again"
