"""Is everything in order: the installation, the workspace and what is in it, the queue, the machine.

Nothing is changed by looking; `mend` does what is safe. Of heavy packages only the presence is looked at.
"""

import importlib.metadata
import importlib.util
import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from lvcnet import workspace
from lvcnet.correction.store import damaged_corrections
from lvcnet.data.summary import damaged_datasets
from lvcnet.data.upkeep import add_checksum, without_checksum
from lvcnet.errors import DamagedError, LvcnetError
from lvcnet.jobs import daemon, queue
from lvcnet.jobs.launch import cores
from lvcnet.jobs.recover import recover
from lvcnet.orphans import sweep_workspace, workspace_orphans
from lvcnet.plugins import GROUPS, entry_points, registry
from lvcnet.runs.directory import ACTIVE
from lvcnet.runs.store import damaged_runs, list_runs
from lvcnet.runs.summary import lost_epochs_note
from lvcnet.trash import folder_size, format_size

OK, WARNING, PROBLEM = "ok", "warning", "problem"
DISTRIBUTION = "lvcnet-lab"
LAB_MODULES = ("streamlit", "gradio")
LITTLE_BYTES = 2e9
"""Free space below which a training or an import may not get through."""
FUTURE_SECONDS = 300.0
"""By so much clocks of a file server and this machine may differ."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        area: installation, plugins, workspace, contents, queue, leftovers, clock or machine.
        state: `ok`, `warning` or `problem`.
        what: was found.
        do: what to do about it; empty where all is well.
        mendable: whether `mend` does it.
    """

    area: str
    state: str
    what: str
    do: str = ""
    mendable: bool = False


def examine() -> list[Finding]:
    """Look at everything; one part that fails is a problem and hides no other."""
    found: list[Finding] = []
    for check in (_installation, _plugins, _workspace, _contents, _queue, _leftovers, _clock, _machine):
        area = check.__name__.strip("_")
        try:
            found += check()
        except (LvcnetError, OSError, sqlite3.Error) as error:
            found.append(Finding(area, PROBLEM, str(error), "see the message"))
    return found


def mend() -> list[str]:
    """Do what is safe; what was done, in words.

    What killed processes left is swept, run states and the queue are put right, and images get the checksum that data sets
    of before format 2 lack.
    """
    done = [f"removed {path}" for path in sweep_workspace()]
    for folder in without_checksum():
        with suppress(DamagedError):  # for its owner to put back
            add_checksum(folder)
            done.append(f"noted the checksum of data set {folder.name}")
    return done + recover()


def _installation() -> Iterator[Finding]:
    try:
        lines = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        yield Finding(
            "installation", WARNING, "lvcnet runs from a folder and is not installed", "pip install -e ."
        )
        lines = []
    core, whole = _requirements(lines), _requirements(lines, "lab")
    with_lab = not lines or any(_version(one) for one in whole if one not in core)
    wanted = whole if with_lab else core
    wrong = False
    for one in wanted:
        version = _version(one)
        if not version or not one.specifier.contains(version, prereleases=True):
            wrong, has = True, version or "missing"
            yield Finding(
                "installation", PROBLEM, f"{one.name} is {has}", f'pip install "{one.name}{one.specifier}"'
            )
    for module in ("torch", *(LAB_MODULES if with_lab else ())):
        if importlib.util.find_spec(module) is None:
            wrong = True
            yield Finding("installation", PROBLEM, f"{module} cannot be imported", f"pip install {module}")
    if not wrong:
        version = ".".join(map(str, sys.version_info[:3]))
        without = "" if with_lab else "; without the lab, which is in the extra [lab]"
        yield Finding("installation", OK, f"Python {version}, {len(wanted)} requirements looked at{without}")


def _requirements(lines: Sequence[str], extra: str = "") -> list[Requirement]:
    """What is asked for here, with an extra or without one."""
    found = map(Requirement, lines)
    return [one for one in found if one.marker is None or one.marker.evaluate({"extra": extra})]


def _version(requirement: Requirement) -> str:
    """The version that is installed; empty if none is."""
    try:
        return importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _plugins() -> Iterator[Finding]:
    """Plug-ins by entry point; without one nothing is imported."""
    count = 0
    for group in GROUPS:
        if not (entries := entry_points(group)):
            continue
        problems = registry(group).problems
        count += len(entries) - len(problems)
        for line in problems:
            yield Finding("plugins", PROBLEM, line, "mend, upgrade or uninstall that package")
    yield Finding("plugins", OK, f"{count} in use" if count else "none installed")


def _workspace() -> Iterator[Finding]:
    home = workspace.home()
    there = next(path for path in (home, *home.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Finding(
            "workspace", PROBLEM, f"{there} cannot be written", "use another with LVCNET_HOME=FOLDER"
        )
        return
    closed = [path for path in home.glob("*") if path.is_dir() and not os.access(path, os.W_OK | os.X_OK)]
    for path in closed:
        yield Finding("workspace", PROBLEM, f"{path} cannot be written", f"chmod u+rwx {path}")
    free = shutil.disk_usage(there).free
    little = free < LITTLE_BYTES
    used = format_size(folder_size(home)) if home.exists() else "nothing yet"
    do = "free some, e.g. with `lvcnet trash empty`" if little else ""
    yield Finding(
        "workspace", WARNING if little else OK, f"{home}: {used} used, {format_size(free)} free", do
    )


def _contents() -> Iterator[Finding]:
    damaged = [*damaged_datasets(), *damaged_runs(), *damaged_corrections()]
    for one in damaged:
        what, end, do = one.problem.partition("): ")  # as DamagedError says it
        yield Finding(
            "contents", PROBLEM, f"{one.kind} {one.name}: {what}{end and ')'}", do or "see the message"
        )
    for folder in without_checksum():
        what = f"data set {folder.name} has no checksum, so that changed pixels would not be noticed"
        yield Finding("contents", WARNING, what, "lvcnet doctor --mend", True)
    lost = [(run.name, note) for run in list_runs() if (note := lost_epochs_note(run))]
    for name, note in lost:
        do = "put back a copy of it; without one only the curves have a gap"
        yield Finding("contents", WARNING, f"run {name}: {note}", do)
    if not damaged:
        yield Finding("contents", OK, "every data set, label set, run and correction can be opened")


def _queue() -> Iterator[Finding]:
    path = daemon.queue_dir() / "queue.db"
    if path.exists():
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
                said = connection.execute("PRAGMA quick_check").fetchone()[0]
        except sqlite3.Error as error:
            said = str(error)
        if said != "ok":
            do = f"stop the worker, delete {path}; `lvcnet queue --recover` queues the waiting runs again"
            yield Finding("queue", PROBLEM, f"{path} is damaged: {said}", do)
            return
    waiting, worker = queue.waiting_runs(), daemon.worker_pid()
    stuck = [
        run.name
        for run in list_runs(demo=False)
        if _lost(run.status(), run.trainer_alive(), worker is not None or run.name in waiting)
    ]
    for name in stuck:
        yield Finding(
            "queue", PROBLEM, f"run {name} is active, and nobody trains it", "lvcnet doctor --mend", True
        )
    if waiting and worker is None:
        yield Finding("queue", PROBLEM, f"{len(waiting)} waiting and no worker", "lvcnet doctor --mend", True)
    elif not stuck:
        yield Finding(
            "queue", OK, f"{len(waiting)} waiting, {f'worker {worker}' if worker else 'no worker needed'}"
        )


def _lost(status: dict[str, object], alive: bool, cared_for: bool) -> bool:
    """Whether a run calls itself active though no process has it and it waits for none."""
    in_hand = status["state"] == "queued" and (cared_for or status.get("launcher") != "queue")
    return status["state"] in ACTIVE and not alive and not in_hand


def _leftovers() -> Iterator[Finding]:
    left = workspace_orphans()
    for path in left:
        yield Finding(
            "leftovers", WARNING, f"{path} was left by a killed process", "lvcnet doctor --mend", True
        )
    if not left:
        yield Finding("leftovers", OK, "killed processes left nothing")


def _clock() -> Iterator[Finding]:
    limit = time.time() + FUTURE_SECONDS
    late = [path for path in _files(workspace.home()) if path.lstat().st_mtime > limit]
    if late:
        yield Finding(
            "clock", WARNING, f"{len(late)} files are from the future, as {late[0]}", "set the clock right"
        )
    else:
        yield Finding("clock", OK, "no file is from the future")


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _machine() -> Iterator[Finding]:
    if importlib.util.find_spec("torch") is None:
        yield Finding("machine", WARNING, f"{cores()} CPU cores; torch is missing", "pip install torch")
        return
    import torch  # it takes seconds

    from lvcnet.training.device import available_devices

    features = torch.backends.cpu.get_cpu_capability()
    devices = ", ".join(available_devices())
    what = f"{cores()} CPU cores ({features}), {torch.get_num_threads()} threads; devices: {devices}"
    yield Finding("machine", OK, what)
