"""Which run trains next: a huey queue on SQLite that holds nothing but run names.

A run waits while its status says `queued` and names the id of an entry in the queue. An entry whose id no status
names is stale (its run was cancelled, deleted or queued anew) and is dropped when its turn comes; so cancelling and
recovering never have to edit the queue, and no run can be started twice.
"""

import json
import logging
import signal
import sqlite3
import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from huey import SqliteHuey
from huey.api import Task, TaskWrapper
from huey.registry import Message
from huey.serializer import Serializer

from lvcnet import formats
from lvcnet.claims import guard
from lvcnet.errors import LvcnetError
from lvcnet.jobs import daemon, launch
from lvcnet.runs.directory import ACTIVE, RESUMABLE, RunDirectory
from lvcnet.runs.store import find_run, is_demo, is_readable, list_runs

QUEUE_NAME = "trainings"
# Runs that a thread of this process looks after: one thread a run.
HELD: set[str] = set()
_CLAIM = threading.Lock()

logger = logging.getLogger("lvcnet.worker")


class JsonSerializer(Serializer):  # type: ignore[misc]
    """Queue entries as JSON: huey's own way is pickle, and nothing here unpickles a file from the workspace.

    In version 0 an entry was the list of its message's fields.
    """

    def _serialize(self, data: Any) -> bytes:
        return json.dumps(formats.ENTRY.stamped({"message": data})).encode()

    def _deserialize(self, data: bytes) -> Message:
        content = json.loads(data)
        if isinstance(content, list):
            content = {"message": content}
        return Message(*formats.ENTRY.current(content, daemon.queue_dir() / "queue.db")["message"])


@dataclass(frozen=True)
class QueueState:
    """What trains, what waits (the next first), and who does the work."""

    running: list[str]
    queued: list[str]
    worker: int | None
    slots: int


def open_queue() -> SqliteHuey:
    """The queue of the current workspace."""
    return _open(str(daemon.queue_dir()))[0]


def submit(run: RunDirectory, evaluate: bool = True) -> None:
    """Put a new run into the queue and see that a worker serves it.

    Args:
        run: a run that was just created, in state queued.
        evaluate: whether the worker also evaluates it when it is done.

    Raises:
        LvcnetError: if the run is not one that can be started.
    """
    _refuse_demo(run)
    if run.status()["state"] != "queued" or position(run) is not None or run.trainer_alive():
        raise LvcnetError(f"run {run.name!r} is {_describe(run)}: only a new run can be put into the queue")
    enqueue(run, ("queued",), evaluate=evaluate)
    daemon.ensure_worker()


def resume(run: RunDirectory) -> None:
    """Queue a run that failed, was cancelled or was interrupted; it continues from its last checkpoint.

    Raises:
        LvcnetError: if it is in another state.
    """
    check_resumable(run)
    run.clear_cancel()
    enqueue(run, ("queued",) if _never_started(run) else RESUMABLE)
    daemon.ensure_worker()


def check_resumable(run: RunDirectory) -> None:
    """Say why a run cannot be resumed.

    Raises:
        LvcnetError: if it ships with the project, is done, waits or runs.
    """
    _refuse_demo(run)
    state = run.status()["state"]
    if state == "done":
        raise LvcnetError(
            f"run {run.name!r} is done: there is nothing left to train; start a new run with more epochs"
        )
    if state not in RESUMABLE and not _never_started(run):
        raise LvcnetError(
            f"run {run.name!r} is {_describe(run)}: only {', '.join(RESUMABLE)} runs can be resumed"
        )


def _never_started(run: RunDirectory) -> bool:
    """Whether it is queued in word only: no queue and no trainer has it, as where a full disk let nothing be written."""
    status = run.status()
    left = status["state"] == "queued" and not status.get("pid") and not run.trainer_alive()
    return left and position(run) is None and run.name not in HELD


def cancel(run: RunDirectory) -> None:
    """Cancel a waiting run at once; ask a running one to write a checkpoint and stop (see `launch.escalate`).

    Raises:
        LvcnetError: if it neither waits nor runs.
    """
    _refuse_demo(run)
    if run.status()["state"] not in ACTIVE:
        raise LvcnetError(f"run {run.name!r} is {run.status()['state']}: there is nothing to cancel")
    run.request_cancel()
    # A trainer that is still starting has nothing to save; it may take seconds until it would look for the request.
    if run.status()["state"] == "queued":
        launch.signal_trainer(run, signal.SIGTERM)
    # Whoever waits has no trainer, whoever's trainer is dead needs none: both are settled here and now.
    launch.settle(run)


def wait(run: RunDirectory, timeout: float | None = None) -> str:
    """Wait until the run neither waits nor runs; its state then, or its active state after `timeout` seconds."""
    end = None if timeout is None else time.monotonic() + timeout
    while (status := run.status())["state"] in ACTIVE and (end is None or time.monotonic() < end):
        launch.escalate(run)
        if status.get("pid") and not run.trainer_alive():
            launch.settle(run)
        time.sleep(launch.POLL_SECONDS)
    launch.settle(run)  # a trainer that SIGTERM made leave calls itself interrupted, though it was cancelled
    return str(run.status()["state"])


def position(run: RunDirectory) -> int | None:
    """1 for the run that trains next; None for one that does not wait in the queue."""
    waiting = waiting_runs()
    return waiting.index(run.name) + 1 if run.name in waiting else None


def queue_state() -> QueueState:
    """What trains, what waits, and whether a worker lives."""
    running = [run.name for run in list_runs(demo=False) if _is_running(run)]
    return QueueState(running, waiting_runs(), daemon.worker_pid(), launch.slots())


def _is_running(run: RunDirectory) -> bool:
    """Whether it trains, or its trainer is starting."""
    status = run.status()
    return status["state"] == "running" or (status["state"] == "queued" and bool(status.get("pid")))


def waiting_runs() -> list[str]:
    """Names of the waiting runs, the next first."""
    return [entry.args[0] for entry in entries() if is_current(entry)]


def entries() -> list[Message]:
    """All entries of the queue, stale ones included, without those that are damaged: `recover` queues their runs again.

    Raises:
        LvcnetError: if the whole file is damaged.
    """
    path = daemon.queue_dir() / "queue.db"
    found = []
    for data in _stored(path) if path.exists() else []:
        with suppress(Exception):
            found.append(JsonSerializer().deserialize(data))
    return [entry for entry in found if entry.args and isinstance(entry.args[0], str)]


def _stored(path: Path) -> list[bytes]:
    """The entries as huey stores them, the next first. Read without writing: a read-only disk must not hide them."""
    last: sqlite3.Error | None = None
    for mode in ("mode=ro", "mode=ro&immutable=1"):  # the second where not even a lock can be had
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?{mode}", uri=True, timeout=30)) as connection:
                query = "SELECT data FROM task WHERE queue = ? ORDER BY priority DESC, id"
                return [data for (data,) in connection.execute(query, (QUEUE_NAME,))]
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):  # just being made
                return []
            last = error
        except sqlite3.DatabaseError as error:
            last = error
            break
    raise LvcnetError(
        f"{path} is damaged ({last}): stop the worker and delete the file; `lvcnet queue --recover` queues the waiting"
        " runs again"
    )


def is_current(entry: Message) -> bool:
    """Whether a run still waits for this entry."""
    run = _find(entry.args[0])
    if run is None:
        return False
    status = run.status()
    return bool(status["state"] == "queued" and status.get("task") == entry.id)


def enqueue(run: RunDirectory, expected: tuple[str, ...], **changes: Any) -> None:
    """Make a run wait with a new entry, if its state is one of `expected`."""
    entry = _open(str(daemon.queue_dir()))[1].s(run.name)
    # The status first: an entry that no status names is harmless, a run that no entry names is lost until `recover`.
    new = {
        "task": entry.id,
        "launcher": "queue",
        "submitted": time.time(),
        "pid": None,
        "message": None,
        "error": None,
    }
    with guard("data set", run.config()["dataset"]):  # who wants to delete it sees that it is used
        moved = run.move_state(expected, "queued", **new, **changes)
    if moved:
        open_queue().enqueue(entry)


def enqueue_followup(run: RunDirectory) -> None:
    """Have a worker look after a run that needs no start: one that trains already, or one to evaluate."""
    open_queue().enqueue(_open(str(daemon.queue_dir()))[1].s(run.name, priority=1))


@lru_cache(maxsize=8)
def _open(folder: str) -> tuple[SqliteHuey, TaskWrapper]:
    """The queue in `folder` and its only task; strictly first in, first out, and on disk before `submit` returns."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    queue = SqliteHuey(
        QUEUE_NAME,
        filename=f"{folder}/queue.db",
        results=False,
        serializer=JsonSerializer(),
        strict_fifo=True,
        fsync=True,
        timeout=30,
    )
    return queue, queue.task(context=True, name="carry_out")(carry_out)


def carry_out(name: str, task: Task) -> None:
    """What a worker does with an entry: start or adopt the trainer, watch it, settle, evaluate."""
    run = _find(name)
    if run is None or not _claim(name):
        return
    try:
        logger.info("%s: taken out of the queue", name)
        launch.see_through(run, daemon.threads_each(), task.id, bool(run.status().get("evaluate")))
        logger.info("%s: %s", name, run.status()["state"])
    except (LvcnetError, OSError) as error:  # e.g. deleted meanwhile, or no memory for another process
        if run.exists():
            run.move_state(("queued",), "failed", error=f"the trainer could not be started: {error}")
    finally:
        HELD.discard(name)


def _claim(name: str) -> bool:
    with _CLAIM:
        if name in HELD:
            return False
        HELD.add(name)
        return True


def _find(name: str) -> RunDirectory | None:
    try:
        run = find_run(name)
    except LvcnetError:
        return None
    return run if is_readable(run) and not is_demo(run) else None


def _describe(run: RunDirectory) -> str:
    status = run.status()
    place = position(run)
    return f"{status['state']} (place {place})" if place else str(status["state"])


def _refuse_demo(run: RunDirectory) -> None:
    if is_demo(run):
        raise LvcnetError(
            f"run {run.name!r} ships with the project and cannot be changed: start a run of your own"
        )
