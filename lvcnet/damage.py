"""What is damaged in a workspace: one broken file costs its own item only, which is named with what to do about it.

Readers raise `DamagedError` (through `reading`); whoever lists things takes the sound ones and names the others.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lvcnet.errors import DamagedError, LvcnetError, said

LARGEST = 1e11
"""Of all numbers in a workspace's JSON files; as seconds, the year 5138."""


@dataclass(frozen=True)
class Damaged:
    """One item that cannot be used.

    Attributes:
        kind: data set, label set, run or correction.
        name: its name.
        problem: what is wrong with which file, and what to do.
    """

    kind: str
    name: str
    problem: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}: {self.problem}"


@contextmanager
def reading(path: Path, do: str) -> Iterator[None]:
    """Whatever goes wrong inside, of any library, is damage of a file; a user's error and a disk's refusal stay theirs.

    Args:
        path: the file.
        do: what its owner can do about it.

    Raises:
        DamagedError: for everything else.
    """
    try:
        yield
    except DamagedError as error:
        raise DamagedError(error.path, error.reason, do) from error
    except (LvcnetError, PermissionError):
        raise
    except Exception as error:
        raise DamagedError(path, said(error), do) from error


def check_types(
    value: Any, needed: Collection[str] = (), /, **types: type | tuple[type, ...]
) -> dict[str, Any]:
    """A JSON object that has the keys it needs, and whose values, where they are there, are of these types.

    Numbers are finite and smaller than `LARGEST`.

    Raises:
        TypeError: naming what is not; to be used inside `reading`.
        KeyError: for what is missing.
    """
    if not isinstance(value, dict):
        raise TypeError(f"{type(value).__name__} instead of an object")
    for name in needed:
        value[name]
    for name, kind in types.items():
        if name not in value:
            continue
        given = value[name]
        if not isinstance(given, kind) or isinstance(given, bool):
            raise TypeError(f"{name} is {type(given).__name__}")
        if isinstance(given, int | float) and not is_number(given):
            raise TypeError(f"{name} is not finite or too large")
    return value


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number that can be worked with: finite, and no larger than any this project has."""
    return type(value) in (int, float) and -LARGEST < value < LARGEST


def problem_of(kind: str, name: str, use: Callable[[], object]) -> Damaged | None:
    """Use an item; what is wrong with it, or None."""
    try:
        use()
    except LvcnetError as error:
        return Damaged(kind, name, str(error))
    return None
