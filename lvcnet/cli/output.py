"""How every command speaks: results on stdout, progress on stderr, one JSON object with `--json`, errors on one line."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from lvcnet.errors import INTERRUPTED, LvcnetError
from lvcnet.progress import Report

HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""What a terminal obeys instead of showing it: escape sequences, and marks that turn the direction of text."""


def visible(text: str) -> str:
    r"""A text in which a name from data cannot command the terminal.

    >>> print(visible("jaw\x1b[2Ja"))
    jaw\x1b[2Ja
    """
    return HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class _Screen(Console):
    """Shows text as it is: brackets and colons of a name are no markup of rich's, control characters no commands."""

    def render_str(self, text: str, **style: Any) -> Text:
        """Text for a line or a table's cell."""
        return super().render_str(visible(text), **{**style, "markup": False, "emoji": False})


screen = _Screen(markup=False, emoji=False)
progress_screen = _Screen(stderr=True, markup=False, emoji=False)


def print_json(value: Any) -> None:
    """The one JSON object of a `--json` call, on stdout and alone."""
    sys.stdout.write(json.dumps(value) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A rich table on stdout."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(format_cell(cell) for cell in row))
    screen.print(table)


def print_damaged(damaged: Sequence[object]) -> None:
    """Name what cannot be listed, a line each, on stderr."""
    for one in damaged:
        sys.stderr.write(f"lvcnet: damaged: {visible(str(one))}\n")


def format_cell(value: object) -> str:
    """Numbers with sensible digits, None as a dash.

    >>> format_cell(0.81234), format_cell(None), format_cell(12)
    ('0.812', '—', '12')
    """
    if value is None:
        return "—"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


@contextmanager
def progress_bar(title: str, total: int | None = None) -> Iterator[Report]:
    """A progress bar on stderr; yields `report(done, total)`, the callback that library functions take."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    silent = not progress_screen.is_terminal
    with Progress(*columns, console=progress_screen, transient=True, disable=silent) as progress:
        task = progress.add_task(visible(title), total=total)

        def report(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield report


@contextmanager
def interruptible(outcome: str) -> Iterator[None]:
    """Ctrl-C ends the command with a line that says what came of it, and the exit status of an interrupted training."""
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write(f"lvcnet: interrupted; {outcome}\n")
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def progress_stages() -> Iterator[Callable[[str], Report]]:
    """Progress of work in parts: yields `stage(title)`, which gives the callback of the next part."""
    with ExitStack() as bars:

        def stage(title: str) -> Report:
            bars.close()
            return bars.enter_context(progress_bar(title))

        yield stage


def write_text(path: Path, text: str) -> None:
    """Write a file that a person named.

    Raises:
        LvcnetError: if that cannot be.
    """
    from lvcnet.files import write_atomic  # needs numpy, for which a list of commands should not wait

    if path.is_dir():
        raise LvcnetError(f"{path} is a folder: name the file to write")
    try:
        write_atomic(path, text.encode())
    except OSError as error:
        raise LvcnetError(f"{path} cannot be written: {error.strerror or error}") from None
