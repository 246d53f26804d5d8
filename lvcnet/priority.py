"""Stepping back behind other work on this machine, and starting processes that do not step back.

Niceness is inherited, and nobody but root takes it back. On Linux it belongs to a thread, so one thread that keeps its
priority can start processes for one that gave it up (sched(7), nice(2)). Where the kernel groups processes by session
("autogroup"), niceness counts within a session only, and the session has one of its own.
"""

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

AUTOGROUP = Path("/proc/self/autogroup")
_keeps: ThreadPoolExecutor | None = None
"""One thread with the priority that this process had before it stepped back."""
T = TypeVar("T")


def step_back(by: int, starts_others: bool = True) -> None:
    """Make this thread, and the threads and processes it starts from now on, nicer; `at_full` is left out.

    Args:
        by: niceness to add, 0 to 19; nothing happens at 0, and nothing on other systems than Linux, where all threads of a
            process are as nice as one.
        starts_others: whether something is to be started `at_full` later; else no thread is kept for that.
    """
    global _keeps
    if by <= 0 or sys.platform != "linux":
        return
    if _keeps is None and starts_others:
        _keeps = ThreadPoolExecutor(1, "keeps-priority")
        _keeps.submit(int).result()  # the thread lives from now on, as nice as its maker is now
    os.nice(by)
    # A session's first process speaks for the session; a terminal's is a shell, whose other commands are none of our business.
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # no such file where the kernel does not group
            AUTOGROUP.write_text(str(by))


def at_full(start: Callable[[], T]) -> T:
    """Do something with the priority that this process had before it stepped back, such as starting another one."""
    return start() if _keeps is None else _keeps.submit(start).result()
