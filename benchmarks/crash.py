"""Kill a process just before the n-th change it makes to a folder: every point where it could die, one after the other.

Python's audit events say of every file that is opened for writing, renamed or removed and of every folder that is made or
removed, before it happens. A child process counts those below a folder and sends itself SIGKILL at the chosen one, so
nothing it would have done afterwards (no `finally`, no buffer) comes to pass.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

CHANGES = frozenset(
    {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
Action = Callable[[], object]


class Failed(Exception):
    """The action itself raised; its traceback is the message."""


def count_changes(action: Action, folder: Path) -> int:
    """How many changes an undisturbed run of the action makes below a folder; it runs in a child process.

    Raises:
        Failed: if the action raises.
    """
    status, said = _in_child(action, folder, die_at=0)
    if status != 0:
        raise Failed(said)
    return int(said)


def killed_at(action: Action, folder: Path, change: int) -> bool:
    """Run the action in a child that dies just before a change, counted from 1; whether it came that far.

    Raises:
        Failed: if the action raises.
    """
    status, said = _in_child(action, folder, die_at=change)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    if status != 0:
        raise Failed(said)
    return False


def start_child(action: Action) -> int:
    """Fork a process that runs the action; its pid. Its exit status is 0, or 1 after an exception."""
    child = os.fork()
    if child == 0:
        _run(action, lambda: None)
    return child


def _in_child(action: Action, folder: Path, die_at: int) -> tuple[int, str]:
    """Wait status, and what the child said: the number of its changes, or a traceback."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        seen = [0]
        sys.addaudithook(_counter(str(folder), seen, die_at))
        _run(action, lambda: os.write(writer, str(seen[0]).encode()), lambda text: os.write(writer, text))
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        said = stream.read().decode(errors="replace")
    return os.waitpid(child, 0)[1], said


def _run(action: Action, done: Action, failed: Callable[[bytes], object] | None = None) -> NoReturn:
    """The life of a child: never returns, and leaves without the parent's exit handlers."""
    try:
        action()
        done()
    except BaseException:
        text = traceback.format_exc()
        if failed is None:
            sys.stderr.write(text)
        else:
            failed(text.encode()[-60_000:])
        os._exit(1)
    os._exit(0)


def _counter(folder: str, seen: list[int], die_at: int) -> Callable[[str, tuple[Any, ...]], None]:
    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if not isinstance(flags, int) or not flags & WRITING:
                return
        elif event in CHANGES:
            path = arguments[0]
        else:
            return
        if not _below(path, folder):
            return
        seen[0] += 1
        if seen[0] == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    return hook


def _below(path: object, folder: str) -> bool:
    """Whether a change is one of the folder's; a relative path is one of `shutil.rmtree`, which opens folders first."""
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if not isinstance(path, str | os.PathLike):
        return False
    text = os.fspath(path)
    return text.startswith(folder) or not Path(text).is_absolute()
