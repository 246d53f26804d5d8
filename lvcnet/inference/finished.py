"""Runs that can predict, and their predictors, kept in memory."""

from functools import lru_cache
from pathlib import Path

from lvcnet.inference.predictor import Predictor
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import find_run, is_demo, list_runs

CACHED = 6


def finished_runs() -> list[RunDirectory]:
    """Every run that can predict: the user's own, newest first, then the demo runs, LVC-Net's before the others."""
    finished = [
        run for run in list_runs() if run.status()["state"] == "done" and any(run.checkpoints.glob("last.*"))
    ]
    finished.sort(key=lambda run: (is_demo(run), is_demo(run) and run.config()["method"] != "lvcnet"))
    return finished


def load_predictor(run: str) -> Predictor:
    """The run's predictor; the last few stay in memory until their checkpoint changes."""
    directory = find_run(run)
    changed = max((file.stat().st_mtime_ns for file in directory.checkpoints.glob("last.*")), default=0)
    return _load_predictor(directory.path, changed)


@lru_cache(maxsize=CACHED)
def _load_predictor(path: Path, changed: int) -> Predictor:
    """`changed` is when the checkpoint was written: part of the key, so that a retrained run is read again."""
    return Predictor(find_run(path.name), which="last", device="auto")
