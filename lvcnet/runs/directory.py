"""The run directory: the only truth about a run.

    config.json        what was asked for (TrainConfig) and from which data (fingerprint), version, commit
    status.json        state, epoch, process, times; replaced atomically by whoever owns the run at the time
    metrics.jsonl      one JSON object an epoch, append-only; a torn last line is ignored by readers
    log.txt            what the trainer printed
    cancel             exists when somebody wants the run to stop
    checkpoints/       last.*, best.* (safetensors + JSON)
    snapshots/         epoch-0005.npz: maps of a few fixed images
    evaluation.json    metrics on the test images

Queue, lab, CLI and cluster only read and write these files, so any of them may die at any time.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import psutil

from lvcnet.files import read_json, write_json

STATES = ("queued", "running", "done", "failed", "cancelled", "interrupted")
ACTIVE = ("queued", "running")
RESUMABLE = ("failed", "cancelled", "interrupted")


class RunDirectory:
    """One run's files. Making the object creates nothing on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

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

    def exists(self) -> bool:
        """Whether this is a run at all."""
        return (self.path / "config.json").is_file()

    def create(self, config: dict[str, Any]) -> None:
        """Write config.json and a first status `queued`."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_json(self.path / "config.json", config)
        epochs = config.get("epochs", 0)
        write_json(
            self.path / "status.json",
            {"state": "queued", "epoch": 0, "epochs": epochs, "created": time.time()},
        )

    def config(self) -> dict[str, Any]:
        """config.json.

        Raises:
            LvcnetError: if it is missing or torn.
        """
        value: dict[str, Any] = read_json(self.path / "config.json")
        return value

    def status(self) -> dict[str, Any]:
        """status.json as it stands."""
        value: dict[str, Any] = read_json(self.path / "status.json")
        return value

    def update_status(self, **changes: Any) -> dict[str, Any]:
        """Merge `changes` into status.json and stamp the time."""
        status = {**self.status(), **changes, "updated": time.time()}
        write_json(self.path / "status.json", status)
        return status

    def append_metrics(self, row: dict[str, Any]) -> None:
        """Append one line to metrics.jsonl."""
        with (self.path / "metrics.jsonl").open("ab") as stream:
            stream.write(json.dumps(row).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())

    def metrics(self) -> list[dict[str, Any]]:
        """All whole lines of metrics.jsonl; the last of two lines for one epoch wins (a resumed run repeats none,
        but a trainer killed between its log line and its checkpoint does that epoch again)."""
        path = self.path / "metrics.jsonl"
        rows: dict[int, dict[str, Any]] = {}
        if not path.exists():
            return []
        for line in path.read_bytes().split(b"\n"):
            try:
                row = json.loads(line)
            except ValueError:
                continue
            rows[int(row["epoch"])] = row
        return [rows[epoch] for epoch in sorted(rows)]

    def evaluation(self) -> dict[str, Any] | None:
        """evaluation.json, or None before `lvcnet evaluate`."""
        path = self.path / "evaluation.json"
        return read_json(path) if path.exists() else None

    def write_evaluation(self, evaluation: dict[str, Any]) -> None:
        """Replace evaluation.json."""
        write_json(self.path / "evaluation.json", evaluation)

    def log_tail(self, lines: int = 200) -> str:
        """The last lines of log.txt."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def request_cancel(self) -> None:
        """Ask the trainer to checkpoint and stop; it looks after every step."""
        (self.path / "cancel").touch()

    def cancel_requested(self) -> bool:
        """Whether somebody asked."""
        return (self.path / "cancel").exists()

    def clear_cancel(self) -> None:
        """Forget the request (on start and resume)."""
        (self.path / "cancel").unlink(missing_ok=True)

    def trainer_alive(self) -> bool:
        """Whether the process in status.json still lives: same pid and same creation time."""
        status = self.status()
        pid, created = status.get("pid"), status.get("pid_create_time")
        if not pid or created is None:
            return False
        try:
            process = psutil.Process(pid)
            return abs(process.create_time() - created) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False
