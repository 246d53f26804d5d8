"""`lvcnet ...`: everything the lab does, without the lab."""

import sys

import typer

from lvcnet import __version__
from lvcnet.cli import data, evaluate, jobs, noise, train
from lvcnet.errors import LvcnetError

app = typer.Typer(
    help="Measure what sloppy outlines cost, train LVC-Net and its rivals, and repair labels.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
data.register(app)
noise.register(app)
train.register(app)
evaluate.register(app)
jobs.register(app)


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
        app()
    except LvcnetError as error:
        sys.stderr.write(f"lvcnet: {error}\n")
        sys.exit(2)
