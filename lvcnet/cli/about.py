"""Commands that say something about a run: rename, note."""

from dataclasses import asdict
from typing import Annotated

import typer

from lvcnet.cli.options import Json, RunName
from lvcnet.cli.output import print_json, screen
from lvcnet.runs.about import write_about
from lvcnet.runs.store import find_run


def register(app: typer.Typer) -> None:
    """Add this module's commands to `app`."""
    for command in (rename, note):
        app.command()(command)


def rename(
    run: RunName,
    title: Annotated[str, typer.Argument(help='What lists show beside its name; "" removes it.')],
    as_json: Json = False,
) -> None:
    """Give a run a title. Its name, which is its folder, stays: links, sweeps and the queue know the run by it.

    Example: `lvcnet rename hips-unet-level3-s0 "U-Net, rough labels"`
    """
    _write(run, as_json, title=title)


def note(
    run: RunName,
    text: Annotated[str, typer.Argument(help='Any text, instead of the note it has; "" removes it.')],
    as_json: Json = False,
) -> None:
    """Write down something about a run, e.g. why it was made. `lvcnet runs --json` and the lab show it.

    Example: `lvcnet note hips-unet-level3-s0 "Baseline of the second figure"`
    """
    _write(run, as_json, note=text)


def _write(run: str, as_json: bool, **changes: str) -> None:
    about = write_about(find_run(run), **changes)
    if as_json:
        print_json({"run": run, **asdict(about)})
        return
    title = f"the title {about.title!r}" if about.title else "no title"
    screen.print(
        f"{run} has {title} and {'a note' if about.note else 'no note'}.", highlight=False, markup=False
    )
