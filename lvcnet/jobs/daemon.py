"""The one worker process of a workspace: is it there, and start it if not.

The worker is started on demand by `submit`, detached in a session of its own, and leaves after ten idle minutes.
`queue/worker.lock` makes sure that there is one at most; `queue/worker.json` says who it is.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from lvcnet import workspace
from lvcnet.files import write_json
from lvcnet.jobs.launch import cores, slots, spawn, trainer_environment
from lvcnet.runs.directory import process_alive, process_record

WORKER = (sys.executable, "-m", "lvcnet.jobs.worker")


def queue_dir() -> Path:
    """Folder of the queue: queue.db, worker.lock, worker.json, worker.log."""
    return workspace.home() / "queue"


def worker_pid() -> int | None:
    """Process id of the worker that serves this workspace, None if none lives."""
    return _living_pid(queue_dir() / "worker.json")


def ensure_worker() -> "subprocess.Popen[bytes] | None":
    """Start a worker unless one lives or is starting. Of two started at once, one leaves by itself."""
    starting = queue_dir() / "starting.json"
    if worker_pid() is not None or _living_pid(starting) is not None:
        return None
    queue_dir().mkdir(parents=True, exist_ok=True)
    process = spawn([*WORKER], queue_dir() / "worker.log", trainer_environment(threads_each()))
    write_json(starting, process_record(process.pid))
    return process


def _living_pid(record: Path) -> int | None:
    try:
        process = json.loads(record.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return int(process["pid"]) if process_alive(process) else None


def threads_each() -> int:
    """CPU threads of each of the trainings that may run at a time."""
    return max(1, cores() // slots())


@contextmanager
def worker_lock(timeout: float) -> Iterator[bool]:
    """Be the worker of this workspace; yields False if another one lives."""
    queue_dir().mkdir(parents=True, exist_ok=True)
    lock = FileLock(queue_dir() / "worker.lock")
    try:
        lock.acquire(timeout=timeout)
    except Timeout:
        yield False
        return
    record, starting = queue_dir() / "worker.json", queue_dir() / "starting.json"
    write_json(record, process_record())
    starting.unlink(missing_ok=True)
    try:
        yield True
    finally:
        # First the records, then the lock: whoever still saw a record has queued a run that the worker's last look at
        # the queue, after the lock is free, will find.
        starting.unlink(missing_ok=True)
        record.unlink(missing_ok=True)
        lock.release()
