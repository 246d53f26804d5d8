"""The run directory: the only truth about a run.

    config.json        what was asked for (TrainConfig) and from which data (fingerprint), version, commit
    status.json        state, epoch, process, times; changed under a lock, replaced atomically
    environment.json   versions, hardware and numerical switches of its trainings (lvcnet.training.environment)
    metrics.jsonl      one JSON object an epoch, append-only; a torn last line is ignored by readers
    log.txt            the trainer's log
    output.txt         what a trainer started in the background printed, a crash's last words included
    cancel             exists when somebody wants the run to stop
    trainer.lock       locked by the trainer for its lifetime (lvcnet.runs.locks)
    evaluation.lock    locked while the run is evaluated
    checkpoints/       last.*, best.* (safetensors + JSON)
    displacement.json  how far outlines lay beside their edges when it began, and what was moved back
    snapshots/         epoch-0005.npz: maps of a few fixed images
    evaluation.json    metrics on the test images
    about.json         a title and a note, if somebody gave one (lvcnet.runs.about)

Queue, lab, CLI and cluster only read and write these files, so any of them may die at any time.
"""

import json
import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from lvcnet import formats
from lvcnet.damage import reading
from lvcnet.errors import LvcnetError
from lvcnet.files import read_json, write_json
from lvcnet.runs.contents import (
    check_config,
    check_displacement,
    check_evaluation,
    check_status,
    is_metrics_row,
)
from lvcnet.trained import epochs_of

ACTIVE = ("queued", "running")
RESUMABLE = ("failed", "cancelled", "interrupted")
STATUS_LOCK_SECONDS = 30.0


class RunDirectory:
    """One run's files. Making the object creates nothing on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"RunDirectory({str(self.path)!r})"

    @property
    def name(self) -> str:
        """The folder's name is the run's name."""
        return self.path.name

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def snapshots(self) -> Path:
        """Folder of the map snapshots."""
        return self.path / "snapshots"

    @property
    def log(self) -> Path:
        """The trainer's log."""
        return self.path / "log.txt"

    @property
    def output(self) -> Path:
        """Where a trainer in the background prints."""
        return self.path / "output.txt"

    @property
    def trainer_lock(self) -> Path:
        """The file a trainer locks; see `lvcnet.runs.locks.run_lock`."""
        return self.path / "trainer.lock"

    def exists(self) -> bool:
        """Whether this is a run at all."""
        return (self.path / "config.json").is_file()

    def create(self, config: dict[str, Any]) -> None:
        """Write a first status `queued`, then config.json: what has one is a run, and other processes look at once."""
        self.path.mkdir(parents=True, exist_ok=True)
        epochs = epochs_of(config)
        write_json(
            self.path / "status.json",
            formats.STATUS.stamped({"state": "queued", "epoch": 0, "epochs": epochs, "created": time.time()}),
        )
        write_json(self.path / "config.json", formats.CONFIG.stamped(config))

    def config(self) -> dict[str, Any]:
        """config.json.

        Raises:
            LvcnetError: if it is missing, torn or of a newer version.
        """
        path = self.path / "config.json"
        with reading(path, f"put back a copy of it, or delete {self.path} and train the run again"):
            return check_config(formats.CONFIG.current(read_json(path), path))

    def status(self) -> dict[str, Any]:
        """status.json as it stands."""
        path = self.path / "status.json"
        with reading(path, f"put back a copy of it, or delete {self.path} and train the run again"):
            return check_status(formats.STATUS.current(read_json(path), path))

    @contextmanager
    def edit_status(self) -> Iterator[dict[str, Any]]:
        """Status as a mapping to change in place: locked while open, written and time-stamped if it was changed.

        The lock is what lets a trainer, a worker, the lab and the CLI change one status without undoing each other.

        Raises:
            LvcnetError: if the run is gone.
        """
        self._require()
        lock = FileLock(self.path / ".status.lock", timeout=STATUS_LOCK_SECONDS)
        try:
            lock.acquire()
        except OSError:  # it was deleted just when filelock looked at its folder
            self._require()
            raise
        try:
            self._require()
            before = self.status()
            status = dict(before)
            yield status
            if status != before:
                write_json(self.path / "status.json", {**status, "updated": time.time()})
        finally:
            lock.release()

    def _require(self) -> None:
        """Raise if the run is gone. What filelock made anew while it waited for the lock of a deleted run goes, too."""
        if self.exists():
            return
        with suppress(OSError):
            (self.path / ".status.lock").unlink(missing_ok=True)
            self.path.rmdir()
        raise LvcnetError(f"run {self.name!r} no longer exists in {self.path.parent}")

    def update_status(self, **changes: Any) -> dict[str, Any]:
        """Merge `changes` into status.json and stamp the time."""
        with self.edit_status() as status:
            status.update(changes, updated=time.time())
            return status

    def move_state(self, expected: Collection[str], state: str, **changes: Any) -> bool:
        """Change state only if it is one of `expected`; whether it was."""
        with self.edit_status() as status:
            if status["state"] not in expected:
                return False
            status.update(changes, state=state)
            return True

    def append_metrics(self, row: dict[str, Any]) -> None:
        """Append one line to metrics.jsonl."""
        path = self.path / "metrics.jsonl"
        torn = path.exists() and path.read_bytes()[-1:] not in (b"", b"\n")
        with path.open("ab") as stream:
            # A line torn by a crash must not swallow this one.
            stream.write((b"\n" if torn else b"") + json.dumps(row).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())

    def metrics(self) -> list[dict[str, Any]]:
        """All whole lines of metrics.jsonl; the last of two lines for one epoch wins (a resumed run repeats none,
        but a trainer killed between its log line and its checkpoint does that epoch again)."""
        path = self.path / "metrics.jsonl"
        rows: dict[int, dict[str, Any]] = {}
        if not path.is_file():
            return []
        for line in path.read_bytes().split(b"\n"):
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if is_metrics_row(row):
                rows[row["epoch"]] = row
        return [rows[epoch] for epoch in sorted(rows)]

    def lost_epochs(self) -> list[int]:
        """Epochs that are over and of which metrics.jsonl has no line that can be read: such lines are damaged or gone."""
        known = {row["epoch"] for row in self.metrics()}
        over = max(known, default=0) and max(*known, int(self.status().get("epoch", 0)))
        return [epoch for epoch in range(1, over + 1) if epoch not in known]

    def evaluation(self) -> dict[str, Any] | None:
        """evaluation.json, or None before `lvcnet evaluate`.

        Raises:
            DamagedError: if it is torn.
        """
        if not self.has_evaluation():
            return None
        path = self.path / "evaluation.json"
        with reading(path, f"evaluate the run again with `lvcnet evaluate {self.name}`"):
            return check_evaluation(formats.EVALUATION.current(read_json(path), path))

    def has_evaluation(self) -> bool:
        """Whether it was evaluated; the file may be damaged."""
        return (self.path / "evaluation.json").exists()

    def to_evaluate(self) -> bool:
        """Whether the queue trained it, and the evaluation that was asked for is still to come."""
        status = self.status()
        wanted = status["state"] == "done" and status.get("launcher") == "queue" and status.get("evaluate")
        return bool(wanted and not status.get("evaluation_error") and not self.has_evaluation())

    def write_evaluation(self, evaluation: dict[str, Any]) -> None:
        """Replace evaluation.json."""
        write_json(self.path / "evaluation.json", formats.EVALUATION.stamped(evaluation))

    def displacement(self) -> dict[str, Any] | None:
        """displacement.json; None where the method measures nothing, or before that was kept.

        Raises:
            DamagedError: if it is torn.
        """
        path = self.path / "displacement.json"
        if not path.exists():
            return None
        with reading(path, "put back a copy of it, or delete it: a resumed run measures again"):
            return check_displacement(formats.DISPLACEMENT.current(read_json(path), path))

    def write_displacement(self, content: dict[str, Any] | None) -> None:
        """Replace displacement.json; None removes it."""
        path = self.path / "displacement.json"
        if content is None:
            path.unlink(missing_ok=True)
        else:
            write_json(path, formats.DISPLACEMENT.stamped(content))

    def log_tail(self, lines: int = 200) -> str:
        """The last lines of log.txt."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def request_cancel(self) -> None:
        """Ask the trainer to checkpoint and stop; it looks after every step. Asking twice changes nothing."""
        (self.path / "cancel").open("a").close()

    def cancel_requested(self) -> bool:
        """Whether somebody asked."""
        return (self.path / "cancel").exists()

    def clear_cancel(self) -> None:
        """Forget the request (on start and resume)."""
        (self.path / "cancel").unlink(missing_ok=True)

    def trainer_alive(self) -> bool:
        """Whether the process in status.json still lives, or whoever else trains this run holds its lock.

        The lock is asked as well because a clock that was put right changes the creation times of processes.
        """
        return process_alive(self.status()) or self._locked()

    def _locked(self) -> bool:
        if not self.trainer_lock.exists():
            return False
        try:
            with FileLock(self.trainer_lock, timeout=0):
                return False
        except Timeout:
            return True


def process_alive(status: dict[str, Any]) -> bool:
    """Whether the process of `status` (or of any record with these two keys) lives: same pid, same creation time."""
    pid, created = status.get("pid"), status.get("pid_create_time")
    if not pid or created is None:
        return False
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - created) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def process_record(pid: int | None = None) -> dict[str, Any]:
    """`pid` and `pid_create_time` of a process, by default the calling one, as status.json wants them."""
    process = psutil.Process(pid)
    return {"pid": process.pid, "pid_create_time": process.create_time()}
