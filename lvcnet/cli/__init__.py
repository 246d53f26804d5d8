"""`lvcnet ...`: everything the lab does, without the lab.

A command's module is imported when the command is called: what a list of commands needs is read from its source, so that
`lvcnet --help` waits for no library.
"""

import ast
import importlib
import sqlite3
import sys
from functools import cache
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from lvcnet import __version__
from lvcnet.cli.output import visible
from lvcnet.errors import LvcnetError
from lvcnet.storage import storage_problem

# What Typer raises for a wrong command line has no public name but this.
UsageError: type[Exception] = typer.BadParameter.__bases__[0]

COMMANDS: dict[str, tuple[str, str]] = {
    "lab": ("lab", "lab"),
    "lab-user": ("lab", "USERS_HELP"),
    "data": ("data", "HELP"),
    "noise": ("noise", "noise"),
    "displacement": ("displacement", "displacement"),
    "training-plan": ("training_plan", "training_plan"),
    "train": ("train", "train"),
    "sweep": ("sweep", "sweep"),
    "runs": ("jobs", "runs"),
    "queue": ("jobs", "queue"),
    "cancel": ("jobs", "cancel"),
    "resume": ("jobs", "resume"),
    "delete": ("jobs", "delete"),
    "rename": ("about", "rename"),
    "note": ("about", "note"),
    "reproduce": ("reproduce", "reproduce_run"),
    "evaluate": ("evaluate", "evaluate"),
    "compare": ("compare", "compare"),
    "predict": ("evaluate", "predict"),
    "plan": ("plan", "plan"),
    "audit": ("audit", "audit"),
    "correct": ("correct", "correct"),
    "review": ("review", "review"),
    "correct-apply": ("correct", "correct_apply"),
    "corrections": ("correct", "corrections"),
    "agree": ("correct", "agree"),
    "consensus": ("consensus", "unite"),
    "edge-support": ("consensus", "edge_support"),
    "trash": ("trash", "HELP"),
    "next": ("doctor", "next_command"),
    "doctor": ("doctor", "doctor"),
}
"""Command -> its module in this package, and what explains it there: a function's docstring or a constant."""
FORMER = {"siding": "edge-support"}
"""What a command was called before, which still works and is listed nowhere."""


class _Commands(TyperGroup):
    """The commands of `COMMANDS`, each imported when it is called."""

    listing = False

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, or while the help lists them its name and explanation only."""
        cmd_name = FORMER.get(cmd_name, cmd_name)
        if cmd_name not in COMMANDS:
            return None
        module, place = COMMANDS[cmd_name]
        if self.listing:
            return TyperCommand(cmd_name, help=_explanation(module, place))
        app = typer.Typer(rich_markup_mode="markdown")
        importlib.import_module(f"lvcnet.cli.{module}").register(app)
        return typer.main.get_group(app).commands[cmd_name]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The list of commands."""
        self.listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self.listing = False


@cache
def _source(module: str) -> ast.Module:
    """A module of commands, read and not imported; once for all of its commands."""
    return ast.parse(Path(__file__).with_name(f"{module}.py").read_text(encoding="utf-8"))


def _explanation(module: str, place: str) -> str:
    """A docstring or constant of a module that is not imported."""
    for node in _source(module).body:
        if isinstance(node, ast.FunctionDef) and node.name == place:
            return ast.get_docstring(node) or ""
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == place:
            return str(ast.literal_eval(node.value))
    raise LookupError(f"{module}.py has no {place}")


app = typer.Typer(
    cls=_Commands,
    help="Measure what sloppy outlines cost, train LVC-Net and its rivals, and repair labels.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


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
