"""The one error type that is meant for the person in front of the screen, and the boundary that turns others into it."""

from collections.abc import Iterator
from contextlib import contextmanager

LONGEST_REASON = 200
INTERRUPTED = 130
"""Exit status of a command or trainer that Ctrl-C or SIGTERM made leave."""


class LvcnetError(Exception):
    """Something the user can mend.

    The message says what was given, what is allowed and what to do. The CLI prints it on one line and exits
    with status 2; the lab shows it in place.
    """


class DamagedError(LvcnetError):
    """A file of the workspace that was cut off, overwritten or changed; it costs the item that it belongs to.

    Args:
        path: the file.
        reason: what is wrong with it.
        do: what its owner can do.
    """

    def __init__(self, path: object, reason: str, do: str) -> None:
        super().__init__(f"{path} is damaged ({reason}): {do}")
        self.path, self.reason, self.do = path, reason, do


@contextmanager
def foreign(problem: str, fix: str) -> Iterator[None]:
    """A boundary around other people's code at work on other people's files.

    Libraries raise what they like when a file is damaged, from KeyError to types of their own, and no list of them is ever
    complete. So whatever is raised inside is about that one file. Never call a progress report inside: what it raises is a
    wish to stop.

    Args:
        problem: names the file and what could not be done with it.
        fix: what to do about it.

    Raises:
        LvcnetError: in place of every other exception.

    >>> with foreign("hip.tif cannot be read", "save it as PNG"):
    ...     {}["offset"]
    Traceback (most recent call last):
    lvcnet.errors.LvcnetError: hip.tif cannot be read ('offset' is missing): save it as PNG
    """
    try:
        yield
    except LvcnetError:
        raise
    except Exception as error:
        raise LvcnetError(f"{problem} ({said(error)}): {fix}") from error


def said(error: Exception) -> str:
    """An exception in a few words, on one line."""
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    said = " ".join(str(error).split())[:LONGEST_REASON]
    if isinstance(error, KeyError):
        return f"{said} is missing"
    return said or type(error).__name__
