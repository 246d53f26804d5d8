"""What a disk refuses, in words: it is full, read-only, or does not let this user write.

Raised by many libraries in many forms; the command line and the lab both say it in one line.
"""

import errno
import sqlite3

from lvcnet import workspace

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
CLOSED = {errno.EROFS, errno.EACCES, errno.EPERM}
SQLITE = {"is full": FULL, "readonly": CLOSED, "unable to open": CLOSED, "disk i/o": {errno.EIO}}


def unwritable(error: BaseException) -> bool:
    """Whether a disk that is full or must not be written is behind an error: what only reads goes on."""
    return bool(_numbers(error) & (FULL | CLOSED))


def storage_problem(error: BaseException) -> str | None:
    """An error of the operating system or of SQLite as one line: what was refused, and what to do; None for others.

    >>> storage_problem(OSError(errno.ENOSPC, "No space left on device", "/data/a.json"))
    'there is no space left to write /data/a.json: free some and do it again; what was there before is still there'
    """
    if not isinstance(error, OSError | sqlite3.Error) or isinstance(error, BrokenPipeError):
        return None
    filename = getattr(error, "filename", None)
    numbers, where = _numbers(error), filename or workspace.home()
    if numbers & FULL:
        return f"there is no space left to write {where}: free some and do it again; what was there before is still there"
    reason = getattr(error, "strerror", None) or str(error)
    if numbers & CLOSED and filename is None:
        return f"{where} cannot be written ({reason}): use a workspace that can, with LVCNET_HOME=FOLDER"
    return f"{where} cannot be used: {reason}"


def _numbers(error: BaseException) -> set[int]:
    """The numbers of the operating system that an error stands for."""
    if isinstance(error, sqlite3.Error):
        return set[int]().union(
            *(numbers for words, numbers in SQLITE.items() if words in str(error).lower())
        )
    return {error.errno} if isinstance(error, OSError) and error.errno is not None else set()
