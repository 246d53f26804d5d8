"""`lvcnet ...`: everything the lab does, without the lab."""

import sqlite3
import sys
from typing import Any

import typer

from lvcnet import __version__
from lvcnet.cli.about import register as register_about
from lvcnet.cli.consensus import register as register_consensus
from lvcnet.cli.correct import register as register_correct
from lvcnet.cli.data import register as register_data
from lvcnet.cli.doctor import register as register_doctor
from lvcnet.cli.evaluate import register as register_evaluate
from lvcnet.cli.jobs import register as register_jobs
from lvcnet.cli.lab import register as register_lab
from lvcnet.cli.noise import register as register_noise
from lvcnet.cli.output import visible
from lvcnet.cli.plan import register as register_plan
from lvcnet.cli.reproduce import register as register_reproduce
from lvcnet.cli.review import register as register_review
from lvcnet.cli.sweep import register as register_sweep
from lvcnet.cli.train import register as register_train
from lvcnet.cli.trash import register as register_trash
from lvcnet.errors import LvcnetError
from lvcnet.storage import storage_problem

# What Typer raises for a wrong command line has no public name but this.
UsageError: type[Exception] = typer.BadParameter.__bases__[0]

app = typer.Typer(
    help="Measure what sloppy outlines cost, train LVC-Net and its rivals, and repair labels.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
for register in (
    register_lab,
    register_data,
    register_noise,
    register_train,
    register_reproduce,
    register_evaluate,
    register_plan,
    register_correct,
    register_review,
    register_consensus,
    register_jobs,
    register_sweep,
    register_trash,
    register_about,
    register_doctor,
):
    register(app)


def _version(value: bool) -> None:
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    pass


def main() -> None:
    """Entry point: user errors are one line on stderr and exit status 2."""
    try:
        sys.exit(app(prog_name="lvcnet", standalone_mode=False))
    except LvcnetError as error:
        problem = str(error)
    except UsageError as error:
        problem = _usage_problem(error)
    except (OSError, sqlite3.Error) as error:
        found = storage_problem(error)
        if found is None:
            raise
        problem = found
    sys.stderr.write(problem and f"lvcnet: {visible(problem)}\n")
    sys.exit(2)


def _usage_problem(error: Any) -> str:
    """What is wrong with the command line and where help is; nothing where Typer has already shown the help."""
    problem = " ".join(error.format_message().split()).rstrip(".")
    command = error.ctx.command_path if error.ctx is not None else "lvcnet"
    return problem and f"{problem} (see `{command} --help`)"
