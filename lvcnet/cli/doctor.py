"""`lvcnet doctor`: is everything in order, and what to do where it is not."""

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from lvcnet.cli.options import Json
from lvcnet.cli.output import print_json, print_table, screen
from lvcnet.doctor import PROBLEM, examine, mend


def register(app: typer.Typer) -> None:
    """Add this module's command to `app`."""
    app.command()(doctor)


def doctor(
    mending: Annotated[
        bool,
        typer.Option(
            "--mend",
            help="Mend what is safe: leftovers of killed processes, run states, the queue, missing checksums.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Mend without asking.")] = False,
    as_json: Json = False,
) -> None:
    """Look at installation, workspace, queue and machine, and say what to do. Exit status 1 if a problem remains.

    Example: `lvcnet doctor --mend`
    """
    found, done = examine(), list[str]()
    if not as_json:
        print_table(
            "Doctor", ("Area", "State", "Found", "Do"), [(f.area, f.state, f.what, f.do) for f in found]
        )
    count = sum(finding.mendable for finding in found)
    if mending and count and (yes or _agreed(count)):
        done = mend()
        found = examine()
    left = sum(finding.state == PROBLEM for finding in found)
    if as_json:
        print_json({"findings": [asdict(finding) for finding in found], "mended": done, "problems": left})
    else:
        for line in done:
            screen.print(f"mended: {line}", highlight=False, soft_wrap=True)
        screen.print(
            "1 problem remains" if left == 1 else f"{left} problems remain" if left else "no problem"
        )
    raise typer.Exit(1 if left else 0)


def _agreed(count: int) -> bool:
    """Ask a person; a script says --yes."""
    return sys.stdin.isatty() and typer.confirm(f"Mend {count} of these?", err=True)
