"""Folders that appear whole or not at all, and what writers that were killed leave behind.

A folder is written under a hidden name that no other process uses, and renamed when everything is in it. Renaming is the
claim: one of two processes that want a name has it, and the other is told, be it that makes, replaces or restores a thing
(`name_lock`). Meanwhile the writer
holds a lock inside the folder, which the operating system frees when the writer dies, so that `sweep` can tell what is
abandoned from what is being written.

    .NAME.TOKEN.unfinished/   being written; its lock is `.writer.lock`
    .NAME.TOKEN.replaced/     what stood under the name before, for the moment in which another takes its place
    .FILE.TOKEN               a file being written (lvcnet.files.write_atomic)
"""

import errno
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from lvcnet.errors import LvcnetError

LOCK = ".writer.lock"
TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)
"""What systems say where a folder would be renamed onto something."""
LOCK_SECONDS = 30.0
STARTING_SECONDS = 10.0
"""A younger folder may belong to a writer that is about to lock it."""
FORGOTTEN_SECONDS = 3600.0
"""What has no lock and was not touched for so long belongs to nobody."""
UNFINISHED = re.compile(r"\.(?P<name>.+?)(\.(?P<token>[0-9a-f]{32}))?\.(unfinished|replaced)")
TEMPORARY_FILE = re.compile(r"\..+\.[0-9a-f]{32}")


class TakenError(LvcnetError):
    """Another process made a thing of this name meanwhile; nothing was written."""


def name_lock(target: Path) -> FileLock:
    """Held by who gives a name in a folder to a thing or takes it away: makes, replaces, deletes or restores it."""
    return FileLock(target.with_name(".lock"), timeout=LOCK_SECONDS)


class UnfinishedFolder:
    """A hidden folder that becomes `target` by `finish`; until then nobody sees it.

    Args:
        target: where it will be.
        what: it is, for messages: data set, correction.
        replace: what stands there now goes then; else what stands there then is an error.
    """

    def __init__(self, target: Path, what: str, replace: bool = False) -> None:
        self.target, self.what = target, what
        self._old = _inode(target) if replace else None
        sweep(target.parent)
        token = uuid.uuid4().hex
        self.path = target.with_name(f".{target.name}.{token}.unfinished")
        self._replaced = target.with_name(f".{target.name}.{token}.replaced")
        self.path.mkdir(parents=True)
        self._lock = FileLock(self.path / LOCK)
        self._lock.acquire()

    def finish(self) -> None:
        """Put the folder in place.

        Raises:
            TakenError: if the name was taken meanwhile; nothing is left of this folder then.
        """
        with name_lock(self.target):
            if self._old is not None and _inode(self.target) == self._old:
                self.target.rename(self._replaced)
            placed = _renamed(self.path, self.target)
        if not placed:
            self.discard()
            raise TakenError(
                f"{self.what} {self.target.name!r} was made meanwhile by another process, and stays:"
                " look at that one, or choose another name and do it again"
            )
        self._lock.release()
        (self.target / LOCK).unlink(missing_ok=True)
        shutil.rmtree(self._replaced, ignore_errors=True)

    def discard(self) -> None:
        """Leave nothing of it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release()


@contextmanager
def whole_folder(target: Path, what: str) -> Iterator[Path]:
    """The folder to write to, which becomes `target` once everything is in it; an error or Ctrl-C leaves nothing behind.

    Raises:
        TakenError: if another process made one of that name meanwhile.
    """
    unfinished = UnfinishedFolder(target, what)
    try:
        yield unfinished.path
        unfinished.finish()
    except BaseException:
        unfinished.discard()
        raise


def sweep(folder: Path, forgotten: float = FORGOTTEN_SECONDS) -> list[Path]:
    """Remove what killed writers left in a folder, and put back what they were about to replace; what was removed.

    Nothing of a living process is touched.

    Args:
        folder: to be swept.
        forgotten: seconds after which a file without a lock is nobody's; 0 for who alone may write there.
    """
    restore(folder)
    removed = orphans(folder, forgotten)
    for path in removed:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink(missing_ok=True)
    return removed


def orphans(folder: Path, forgotten: float = FORGOTTEN_SECONDS) -> list[Path]:
    """What killed writers left in a folder: hidden files and folders that nobody writes any more."""
    found = []
    for path in sorted(folder.glob(".*")):
        if UNFINISHED.fullmatch(path.name):
            if _abandoned(path):
                found.append(path)
        elif TEMPORARY_FILE.fullmatch(path.name) and age(path) >= forgotten:
            found.append(path)
    return found


def restore(folder: Path) -> None:
    """Put back what a killed writer had moved aside for its successor, which never came."""
    for replaced in folder.glob(".*.replaced"):
        match = UNFINISHED.fullmatch(replaced.name)
        successor = replaced.with_name(f"{replaced.name.removesuffix('replaced')}unfinished")
        if match is None or not _free(successor):
            continue
        with suppress(OSError):  # a folder that may only be read, or somebody else was quicker
            target = folder / match["name"]
            if not target.exists():
                replaced.rename(target)


def _renamed(source: Path, target: Path) -> bool:
    """Rename a folder, unless something stands there; whether it was done."""
    try:
        source.rename(target)
    except OSError as error:
        if error.errno in TAKEN:
            return False
        raise
    return True


def _inode(path: Path) -> int | None:
    """Tells one folder from another of the same name; None where there is none."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _abandoned(path: Path) -> bool:
    """Whether nobody writes a hidden folder any more; only tried once a writer had time to lock it."""
    if path.name.endswith(".replaced"):
        return _free(path.with_name(f"{path.name.removesuffix('replaced')}unfinished"))
    if (path / LOCK).exists():
        return age(path) > STARTING_SECONDS and _free(path)
    return age(path) > FORGOTTEN_SECONDS


def _free(path: Path) -> bool:
    """Whether no living process holds the lock in a folder."""
    if not (path / LOCK).exists():
        return True
    lock = FileLock(path / LOCK)
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError):
        return False
    lock.release()
    return True


def age(path: Path) -> float:
    """Seconds since it was changed; 0 of what is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
