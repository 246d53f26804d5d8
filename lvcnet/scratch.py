"""One private folder a process for what must not outlive it: uploads, answers, unpacked zips, exports on their way out.

Only its owner can read it (mode 700). It goes when the process ends, also by SIGTERM or SIGHUP. Where a process was killed, the
next one that needs such a folder sweeps it: a lock that the system gives back with the process tells the dead from the living.
"""

import atexit
import os
import shutil
import signal
import tempfile
import threading
from functools import lru_cache
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout

PREFIX = "lvcnet-scratch-"
LOCK = ".lock"


def scratch_folder() -> Path:
    """This process's folder; made, and those of dead processes swept, when it is first asked for."""
    return _folder(os.getpid())


def sweep() -> list[Path]:
    """Delete the folders of processes that are no more.

    Returns:
        What was deleted.
    """
    gone = []
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            if not _is_own(folder):
                continue
            with FileLock(folder / LOCK, timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
        except (Timeout, OSError):
            continue  # its process lives, or has just deleted it
        gone.append(folder)
    return gone


def delete_scratch() -> None:
    """Delete this process's folder now: for a server that handles signals itself."""
    _delete(os.getpid(), scratch_folder())


@lru_cache(maxsize=1)
def _folder(process: int) -> Path:
    """The folder of a process; a fork is another process and makes one of its own."""
    sweep()
    # made under a name that no sweep looks for: until it is locked, another process would take it for a dead one's
    made = Path(tempfile.mkdtemp(prefix=f".{PREFIX}"))
    lock = FileLock(made / LOCK, timeout=0)
    lock.acquire()
    folder = made.rename(made.with_name(made.name.removeprefix(".")))
    _LOCKS.append(lock)
    atexit.register(_delete, process, folder)
    _delete_at_signals(process, folder)
    return folder


_LOCKS: list[FileLock] = []
"""Held as long as the process lives."""


def _delete(process: int, folder: Path) -> None:
    if os.getpid() == process:  # and not a fork of it
        shutil.rmtree(folder, ignore_errors=True)


def _delete_at_signals(process: int, folder: Path) -> None:
    """Where a signal would end the process at once, delete the folder first."""
    if threading.current_thread() is not threading.main_thread():
        return

    def end(number: int, _: FrameType | None) -> None:
        _delete(process, folder)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, end)


def _is_own(folder: Path) -> bool:
    return not folder.is_symlink() and (os.name != "posix" or folder.stat().st_uid == os.getuid())
