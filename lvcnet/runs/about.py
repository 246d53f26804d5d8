"""What somebody says about a run: a title to show and a note, in about.json.

The folder's name stays what it was: links, sweeps, exports and the queue know a run by it.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

from filelock import FileLock

from lvcnet import formats
from lvcnet.errors import LvcnetError
from lvcnet.files import read_json, write_json
from lvcnet.runs.directory import STATUS_LOCK_SECONDS, RunDirectory
from lvcnet.runs.store import is_demo

TITLE_LENGTH = 80
NOTE_LENGTH = 4000


@dataclass(frozen=True)
class About:
    """Title and note of a run; empty where nobody gave one."""

    title: str = ""
    note: str = ""


def read_about(run: RunDirectory) -> About:
    """Title and note. A file that cannot be read counts as none: words must not hide a run."""
    path = run.path / "about.json"
    if not path.exists():
        return About()
    try:
        stored = formats.ABOUT.current(read_json(path), path)
    except LvcnetError:
        return About()
    return About(*(_text(stored, name) for name in ("title", "note")))


def write_about(run: RunDirectory, title: str | None = None, note: str | None = None) -> About:
    """Change the title, the note, or both; empty text removes one, None leaves it. Returns what holds now.

    Raises:
        LvcnetError: for a run that ships with the project or is gone, and for text that is too long.
    """
    if is_demo(run):
        raise LvcnetError(
            f"run {run.name!r} ships with the project and is read-only: train one like it instead"
        )
    if not run.exists():
        raise LvcnetError(f"run {run.name!r} no longer exists in {run.path.parent}")
    changes = {}
    if title is not None:
        changes["title"] = _checked(" ".join(title.split()), "title", TITLE_LENGTH)
    if note is not None:
        changes["note"] = _checked(note.strip(), "note", NOTE_LENGTH)
    with FileLock(run.path / ".about.lock", timeout=STATUS_LOCK_SECONDS):
        about = replace(read_about(run), **changes)
        write_json(run.path / "about.json", formats.ABOUT.stamped(asdict(about)))
    return about


def _text(stored: Any, name: str) -> str:
    value = stored.get(name) if isinstance(stored, dict) else None
    return value if isinstance(value, str) else ""


def _checked(text: str, what: str, longest: int) -> str:
    if len(text) > longest:
        raise LvcnetError(f"this {what} has {len(text)} characters: use {longest} at most")
    return text
