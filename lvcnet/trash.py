"""The trash of a workspace: what was deleted waits there, whole, until somebody restores it or empties the trash.

    trash/ID/entry.json     what, when, from where, by whom
    trash/ID/NAME           the run, data set or correction as it was; of a label set its files

Things move in and out by one rename, so whoever is killed leaves the old state or the new one: an entry without its thing
was never deleted (or is restored) and is swept; what is emptied vanishes from the list first and from the disk then.
"""

import getpass
import shutil
import time
import uuid
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lvcnet import workspace
from lvcnet.claims import guard
from lvcnet.errors import LvcnetError
from lvcnet.files import check_name, read_json, write_json
from lvcnet.folders import name_lock

FORMAT_VERSION = 1
KINDS = ("run", "data set", "label set", "correction")
REMOVING = ".removing-"
LEFT_SECONDS = 3600.0
"""After which an entry without its thing is nobody's who is about to move that in."""


@dataclass(frozen=True)
class Entry:
    """One deleted thing.

    Attributes:
        id: name of its folder in the trash.
        kind: one of `KINDS`.
        name: what it was called.
        home: folder it lay in, relative to the workspace.
        file: file or folder name there.
        time: when it was deleted, in seconds since 1970.
        by: who did it, as the lab's login calls them, else the system.
    """

    id: str
    kind: str
    name: str
    home: str
    file: str
    time: float
    by: str

    @property
    def folder(self) -> Path:
        """Where it is now."""
        return trash_dir() / self.id

    @property
    def content(self) -> Path:
        """The thing itself."""
        return self.folder / self.file

    @property
    def origin(self) -> Path:
        """Where it was."""
        return workspace.home() / self.home / self.file

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return folder_size(self.folder)


def trash_dir() -> Path:
    """Folder that holds one folder a deleted thing."""
    return workspace.home() / "trash"


def discard(kind: str, name: str, path: Path, beside: Sequence[Path] = (), by: str | None = None) -> Entry:
    """Move a file or folder of the workspace into the trash.

    Args:
        kind: one of `KINDS`.
        name: of the thing.
        path: what is moved, in one rename.
        beside: small files that belong to it and mean nothing without it; kept in the trash, too.
        by: who deletes it; None: the system's user.

    Raises:
        LvcnetError: if the trash is on another file system, where nothing can be moved in one step.
    """
    stamp = time.time()
    day = time.strftime("%Y%m%d-%H%M%S", time.localtime(stamp))
    entry = Entry(
        f"{day}-{name}-{uuid.uuid4().hex[:6]}",
        kind,
        name,
        str(path.parent.relative_to(workspace.home())),
        path.name,
        stamp,
        by or _user(),
    )
    entry.folder.mkdir(parents=True)
    try:
        for extra in beside:
            shutil.copy2(extra, entry.folder / extra.name)
        write_json(entry.folder / "entry.json", {"format": FORMAT_VERSION, **asdict(entry)})
        with name_lock(path):
            _move(path, entry.content)
    except BaseException:
        if path.exists():
            shutil.rmtree(entry.folder, ignore_errors=True)
        raise
    for extra in beside:
        extra.unlink(missing_ok=True)
    return entry


def list_trash(kinds: Sequence[str] = KINDS) -> list[Entry]:
    """What is in the trash, the latest first. What only looks like an entry, after a kill, is left out."""
    found = [_read(path.parent) for path in trash_dir().glob("*/entry.json") if path.parent.name[0] != "."]
    return sorted(
        (entry for entry in found if entry and entry.kind in kinds and entry.content.exists()),
        key=lambda entry: -entry.time,
    )


def find_entry(which: str) -> Entry:
    """The entry of that id or, if only one has it, of that name.

    Raises:
        LvcnetError: if there is none, or several have the name.
    """
    entries = list_trash()
    found = [entry for entry in entries if entry.id == which] or [
        entry for entry in entries if entry.name == which
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise LvcnetError(
            f"{len(found)} things called {which!r} are in the trash: name one by its id,"
            f" {', '.join(entry.id for entry in found)}"
        )
    raise LvcnetError(f"nothing called {which!r} is in the trash: `lvcnet trash list` shows what is there")


def restore(entry: Entry, name: str | None = None) -> str:
    """Put a thing back where it was, exactly as it was; the name it has now.

    Args:
        entry: of the trash.
        name: another name, where its own is taken meanwhile.

    Raises:
        LvcnetError: if something of that name is there, or the data set of a label set is not.
    """
    new = check_name(name or entry.name, entry.kind)
    suffix = entry.file.removeprefix(entry.name)
    target = entry.origin.with_name(new + suffix)
    dataset = target.parent.parent if entry.kind == "label set" else None
    with ExitStack() as locks:
        if dataset is not None:
            locks.enter_context(guard("data set", dataset.name))
        locks.enter_context(guard(entry.kind, new))
        if not entry.content.exists():
            raise LvcnetError(f"{entry.kind} {entry.name!r} is no longer in the trash")
        if dataset is not None and not (dataset / "dataset.json").is_file():
            raise LvcnetError(
                f"the data set {dataset.name!r} of label set {entry.name!r} is gone: restore it first"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        locks.enter_context(name_lock(target))  # who makes one of that name waits, too, and is told then
        if target.exists():
            raise LvcnetError(
                f"there is a {entry.kind} {new!r} by now, which stays: restore under another name,"
                f" `lvcnet trash restore {entry.id} --as NAME`"
            )
        _tell_name(entry, new)
        for extra in _extras(entry):
            shutil.copy2(extra, target.with_name(extra.name.replace(entry.name, new, 1)))
        _move(entry.content, target)
    shutil.rmtree(entry.folder, ignore_errors=True)
    return new


def empty(entries: Sequence[Entry]) -> int:
    """Remove entries for good; the bytes that this frees. Leftovers of an emptying that was killed go, too."""
    freed = 0
    for entry in entries:
        freed += entry.size
        removing = trash_dir() / f"{REMOVING}{entry.id}"
        with suppress(FileNotFoundError):  # somebody else restored or removed it
            entry.folder.rename(removing)
    for leftover in trash_dir().glob(f"{REMOVING}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    for path in trash_dir().glob("*/entry.json"):
        left = _read(path.parent)
        if left and not left.content.exists() and time.time() - left.time > LEFT_SECONDS:
            shutil.rmtree(left.folder, ignore_errors=True)
    return freed


def folder_size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_size if path.is_file() else 0
    return total


def format_size(size: float) -> str:
    """Bytes in words.

    >>> format_size(512), format_size(1_500_000)
    ('512 bytes', '1.5 MB')
    """
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _tell_name(entry: Entry, name: str) -> None:
    """A data set says its name itself; the same again changes no byte."""
    head = entry.content / "dataset.json"
    if entry.kind == "data set" and (content := read_json(head))["name"] != name:
        write_json(head, {**content, "name": name})


def _extras(entry: Entry) -> list[Path]:
    return [path for path in entry.folder.iterdir() if path.name not in ("entry.json", entry.file)]


def _move(source: Path, target: Path) -> None:
    """One rename: a folder that is not empty is never replaced by it."""
    try:
        source.rename(target)
    except FileNotFoundError:
        raise LvcnetError(f"{source.name!r} is gone: somebody else moved it meanwhile") from None
    except OSError as error:
        raise LvcnetError(f"{source} cannot be moved to {target.parent}: {error.strerror}") from None


def _read(folder: Path) -> Entry | None:
    """An entry, or None where its file is torn."""
    try:
        stored: dict[str, Any] = read_json(folder / "entry.json")
        return Entry(
            **{**{key: value for key, value in stored.items() if key != "format"}, "id": folder.name}
        )
    except (LvcnetError, TypeError, AttributeError):
        return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without an entry for this user
        return "unknown"
