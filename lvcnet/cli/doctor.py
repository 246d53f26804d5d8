"""`lvcnet doctor` and `lvcnet next`: is everything in order, and what to do."""

import shlex
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from lvcnet.cli.options import Json
from lvcnet.cli.output import print_json, print_table, screen
from lvcnet.doctor import PROBLEM, examine, mend
from lvcnet.next_step import next_step


def register(app: typer.Typer) -> None:
    """Add this module's commands to `app`."""
    app.command()(doctor)
    app.command("next")(next_command)


def next_command(as_json: Json = False) -> None:
    """Say what to do next in this workspace, and the command that does it.

    Example: `lvcnet next`
    """
    step = next_step()
    command = shlex.join(["lvcnet", *step.command])
    if as_json:
        print_json({"step": step.kind, "why": step.why, "command": command, **step.about})
    else:
        screen.print(f"{step.why}\n{command}", highlight=False, soft_wrap=True)


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
        if not left:
            screen.print("`lvcnet next` says what to do next")
    raise typer.Exit(1 if left else 0)


def _agreed(count: int) -> bool:
    """Ask a person; a script says --yes."""
    return sys.stdin.isatty() and typer.confirm(f"Mend {count} of these?", err=True)
