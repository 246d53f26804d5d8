"""What killed processes left anywhere in the workspace, found and removed in one go.

Each folder is swept by the next who writes there anyway (see `lvcnet.folders`); this is for who wants to see or do it now.
"""

from collections.abc import Iterator
from pathlib import Path

from lvcnet import workspace
from lvcnet.folders import orphans, sweep
from lvcnet.runs.store import abandoned_runs, sweep_runs


def workspace_orphans() -> list[Path]:
    """Hidden files and folders that nobody writes any more, and runs that were never written whole."""
    return [path for folder in _written_folders() for path in orphans(folder)] + abandoned_runs()


def sweep_workspace() -> list[Path]:
    """Remove all of `workspace_orphans`; what was removed. Nothing of a living process is touched."""
    return sweep_runs() + [path for folder in _written_folders() for path in sweep(folder)]


def _written_folders() -> Iterator[Path]:
    """The folders of a workspace in which files and folders are written under hidden names."""
    home = workspace.home()
    for pattern in ("*", "datasets/*/labels", "runs/*", "runs/*/*", "corrections/*", "corrections/*/changes"):
        yield from (path for path in sorted(home.glob(pattern)) if path.is_dir() and not _hidden(path, home))
    yield from [home] if home.is_dir() else []


def _hidden(path: Path, home: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(home).parts)
