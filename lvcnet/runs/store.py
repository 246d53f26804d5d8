"""List, find and name runs: those of the workspace and the demo runs that ship in assets/."""

import shutil
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock

from lvcnet import workspace
from lvcnet.damage import Damaged, problem_of
from lvcnet.errors import LvcnetError
from lvcnet.files import check_name
from lvcnet.folders import FORGOTTEN_SECONDS, LOCK_SECONDS, TakenError, age, whole_folder
from lvcnet.runs.directory import ACTIVE, RunDirectory


def list_runs(dataset: str | None = None, demo: bool = True) -> list[RunDirectory]:
    """All runs: running ones, then waiting ones as they came, then the newest first; of one data set if given."""
    folders = [workspace.runs_dir(), workspace.assets_dir() / "runs"] if demo else [workspace.runs_dir()]
    runs = [RunDirectory(path.parent) for folder in folders for path in folder.glob("[!.]*/status.json")]
    runs = [run for run in runs if is_readable(run)]
    if dataset is not None:
        runs = [run for run in runs if run.config().get("dataset") == dataset]
    return sorted(runs, key=_order)


def damaged_runs() -> list[Damaged]:
    """Runs of the workspace one of whose files cannot be read; but for its results, such a run is in no other list."""
    runs = [RunDirectory(path.parent) for path in sorted(workspace.runs_dir().glob("[!.]*/config.json"))]
    found = [problem_of("run", run.name, partial(_open, run)) for run in runs]
    return [one for one in found if one is not None]


def _open(run: RunDirectory) -> None:
    run.config()
    run.status()
    run.evaluation()
    run.displacement()


def find_run(name: str) -> RunDirectory:
    """The run of that name in the workspace, else in assets/.

    Raises:
        LvcnetError: if there is none.
    """
    check_name(name, "run")
    for folder in (workspace.runs_dir(), workspace.assets_dir() / "runs"):
        run = RunDirectory(folder / name)
        if run.exists():
            return run
    known = (
        ", ".join(run.name for run in list_runs()[:8]) or "none yet; start one with `lvcnet train DATASET`"
    )
    raise LvcnetError(f"there is no run {name!r}: known are {known}")


def is_readable(run: RunDirectory) -> bool:
    """Whether its two essential files can be read: one broken run must not hide all others."""
    try:
        run.config()
        run.status()
    except LvcnetError:
        return False
    return True


def is_demo(run: RunDirectory) -> bool:
    """Whether the run ships with the project and so must not be changed."""
    return workspace.is_shipped(run.path)


def new_run(name: str, config: dict[str, Any]) -> RunDirectory:
    """Write a queued run of that name, with a number behind it where the name is taken; it appears whole or not at all.

    Raises:
        LvcnetError: if the name is not usable.
    """
    check_name(name, "run")
    sweep_runs()
    candidates = [name, *(f"{name}-{number}" for number in range(2, 10_000))]
    for candidate in candidates:
        path: Path = workspace.runs_dir() / candidate
        if path.exists():
            continue
        with suppress(TakenError):  # by another process just now: the next name
            with whole_folder(path, "run") as unfinished:
                RunDirectory(unfinished).create(config)
            return RunDirectory(path)
    raise LvcnetError(f"there are too many runs called {name!r}: choose another name")


def abandoned_runs() -> list[Path]:
    """Folders that former versions left when they were killed while they made a run: a status at most, no config.json."""
    folders = [path for path in sorted(workspace.runs_dir().glob("[!.]*")) if path.is_dir()]
    return [path for path in folders if age(path) > FORGOTTEN_SECONDS and _never_whole(path)]


def sweep_runs() -> list[Path]:
    """Remove `abandoned_runs`; what was removed. One process at a time, or it might remove what another made there since."""
    if not abandoned_runs():
        return []
    with FileLock(workspace.runs_dir() / ".lock", timeout=LOCK_SECONDS):
        removed = abandoned_runs()
        for path in removed:
            shutil.rmtree(path, ignore_errors=True)
    return removed


def _never_whole(folder: Path) -> bool:
    return all(path.name[0] == "." or path.name == "status.json" for path in folder.iterdir())


def _order(run: RunDirectory) -> tuple[int, float]:
    status = run.status()
    state, created = status["state"], float(status.get("created", 0.0))
    if state in ACTIVE:
        return (ACTIVE[::-1].index(state), created)
    return (len(ACTIVE), -created)


def not_evaluated(dataset: str) -> list[RunDirectory]:
    """The user's runs that are done, have a checkpoint and wait for their evaluation."""
    return [
        run
        for run in list_runs(dataset, demo=False)
        if run.status()["state"] == "done"
        and not run.has_evaluation()
        and (run.checkpoints / "last.safetensors").exists()
        and not is_demo(run)
    ]
