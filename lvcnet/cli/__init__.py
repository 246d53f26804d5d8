"""`lvcnet ...`: everything the lab does, without the lab."""

import sys

import typer

from lvcnet import __version__
from lvcnet.cli.data import register as register_data
from lvcnet.cli.evaluate import register as register_evaluate
from lvcnet.cli.jobs import register as register_jobs
from lvcnet.cli.noise import register as register_noise
from lvcnet.cli.train import register as register_train
from lvcnet.errors import LvcnetError

app = typer.Typer(
    help="Measure what sloppy outlines cost, train LVC-Net and its rivals, and repair labels.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
for register in (register_data, register_noise, register_train, register_evaluate, register_jobs):
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
        app()
    except LvcnetError as error:
        sys.stderr.write(f"lvcnet: {error}\n")
        sys.exit(2)
