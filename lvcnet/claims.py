"""Who works with a thing right now, so that nobody deletes it meanwhile: one mechanism for everything that takes a while.

Whoever trains on, evaluates, judges or repairs something says so by a claim, which the operating system frees when that
process ends, however it ends; so none is ever stale. Many may use a thing at once. Deleting asks who does.

    locks/KIND-NAME.lock           the guard: held for the moment in which a claim is made, or a thing deleted or restored
    locks/KIND-NAME.uses/TOKEN.*   one claim: a file that is locked, and what its process does as JSON
"""

import os
import uuid
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from lvcnet import workspace
from lvcnet.damage import check_types
from lvcnet.errors import LvcnetError
from lvcnet.files import json_bytes, read_json
from lvcnet.storage import unwritable

LOCK_SECONDS = 60.0
HEADS = {"run": "config.json", "data set": "dataset.json", "correction": "correction.json"}
"""What can be claimed, and the file that tells that it is there."""


@dataclass(frozen=True)
class Claim:
    """A process at work with a thing.

    Attributes:
        what: it does, e.g. `run a: it is being evaluated`.
        labels: of a data set: the label sets that it uses beside the clean one.
        pid: of the process.
    """

    what: str
    labels: tuple[str, ...] = ()
    pid: int = 0

    @property
    def subject(self) -> str:
        """Who or what is at work, without what is done.

        >>> Claim("run a: it is being evaluated").subject
        'run a'
        """
        return self.what.partition(":")[0]

    def __str__(self) -> str:
        return f"{self.what}{f' (process {self.pid})' if self.pid else ''}: wait until that is done"


@contextmanager
def guard(kind: str, name: str) -> Iterator[None]:
    """Between a look at who uses a thing and its deletion nobody begins to use it, and the other way round.

    Args:
        kind: run, data set, label set or correction.
        name: of the thing.
    """
    folder = workspace.home() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{_file_name(kind, name)}.lock", timeout=LOCK_SECONDS):
        yield


@contextmanager
def using(kind: str, path: Path | None, what: str, labels: Collection[str] = ()) -> Iterator[None]:
    """Use a thing: as long as this lasts it is not deleted.

    Nothing is claimed of what ships with the project or is not stored, nor where nothing can be written: none of that can
    be deleted.

    Args:
        kind: a key of `HEADS`.
        path: its folder.
        what: as in `Claim`.
        labels: as in `Claim`.

    Raises:
        LvcnetError: if it is gone.
    """
    if path is None or not _stored(path):
        yield
        return
    with ExitStack() as held:
        try:
            with guard(kind, path.name):
                if not (path / HEADS[kind]).exists():
                    raise LvcnetError(f"{kind} {path.name!r} no longer exists in {path.parent}")
                held.enter_context(_claimed(kind, path.name, Claim(what, tuple(labels), os.getpid())))
        except OSError as error:
            if not unwritable(error):
                raise
        yield


def claims(kind: str, name: str) -> list[Claim]:
    """What living processes do with a thing; certain only inside `guard`."""
    return [_read(lock) for lock in sorted(_folder(kind, name).glob("*.lock")) if _held(lock)]


@contextmanager
def _claimed(kind: str, name: str, claim: Claim) -> Iterator[None]:
    """Be one who uses it; to be entered inside `guard`. What those left who were killed goes."""
    folder = _folder(kind, name)
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("*.lock"):
        if not _held(left):
            _remove(left)
    path = folder / f"{uuid.uuid4().hex}.lock"
    with FileLock(path):
        try:
            path.with_suffix(".json").write_bytes(json_bytes(asdict(claim)))
            yield
        finally:
            _remove(path)


def _stored(path: Path) -> bool:
    """Whether a thing is part of the workspace, be this or the thing itself a link."""
    home = workspace.home()
    return path.is_relative_to(home) or path.parent.resolve().is_relative_to(home.resolve())


def _remove(lock: Path) -> None:
    for path in (lock.with_suffix(".json"), lock):
        with suppress(OSError):  # another process was quicker
            path.unlink()


def _held(lock: Path) -> bool:
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # where it cannot be written nobody deletes
        return False


def _read(lock: Path) -> Claim:
    try:
        said = check_types(read_json(lock.with_suffix(".json")), ("what", "labels", "pid"))
        return Claim(str(said["what"]), tuple(said["labels"]), int(said["pid"]))
    except (LvcnetError, TypeError, KeyError, ValueError):  # it is just being made, or given up
        return Claim("another process works with it")


def _folder(kind: str, name: str) -> Path:
    return workspace.home() / "locks" / f"{_file_name(kind, name)}.uses"


def _file_name(kind: str, name: str) -> str:
    return f"{kind.replace(' ', '-')}-{Path(name).name}"
