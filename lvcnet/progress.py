"""How long work tells whoever waits for it how far it is."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Report = Callable[[int, int], None]
"""Called with (done, total); what it raises stops the work."""
Stages = Callable[[str], Report]
"""Called with the title of the next part of the work; gives what that part calls."""
Thing = TypeVar("Thing")


def reported(things: Sequence[Thing], report: Report | None) -> Iterator[Thing]:
    """The things one by one, with `report(done, total)` after each.

    >>> list(reported("ab", lambda done, total: print(done, "of", total)))
    1 of 2
    2 of 2
    ['a', 'b']
    """
    for number, thing in enumerate(things, start=1):
        yield thing
        if report is not None:
            report(number, len(things))


def part_of(report: Report | None, start: int, total: int) -> Report | None:
    """What a part of the work calls: its own `done` comes after `start`, and it is `total` in all.

    >>> part_of(lambda done, total: print(done, "of", total), 10, 30)(2, 5)
    12 of 30
    """
    return None if report is None else lambda done, _: report(start + done, total)
