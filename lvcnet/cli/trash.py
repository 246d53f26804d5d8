"""`lvcnet trash ...`, and how the commands that delete say what they would do."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from lvcnet.cli.options import Json
from lvcnet.cli.output import print_json, print_table, screen
from lvcnet.deleting import Deletion
from lvcnet.errors import LvcnetError
from lvcnet.trash import Entry, empty, find_entry, format_size, list_trash, restore

HELP = "What was deleted: look at it, put it back, or remove it for good."
commands = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
Which = Annotated[str, typer.Argument(help="Id or name of what was deleted.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands to `app`."""
    app.add_typer(commands, name="trash")


@commands.command("list")
def list_entries(as_json: Json = False) -> None:
    """List what is in the trash, the latest first.

    Example: `lvcnet trash list`
    """
    entries = list_trash()
    if as_json:
        print_json({"trash": [_row(entry) for entry in entries]})
        return
    if not entries:
        screen.print("The trash is empty.")
        return
    rows = [
        [
            entry.kind,
            entry.name,
            datetime.fromtimestamp(entry.time).strftime("%Y-%m-%d %H:%M"),
            entry.by,
            format_size(entry.size),
            entry.id,
        ]
        for entry in entries
    ]
    print_table("Trash", ("What", "Name", "Deleted", "By", "Size", "Id"), rows)


@commands.command("restore")
def restore_entry(
    which: Which,
    name: Annotated[str | None, typer.Option("--as", help="Another name, where its own is taken.")] = None,
    as_json: Json = False,
) -> None:
    """Put something that was deleted back, exactly as it was.

    Example: `lvcnet trash restore hips-unet-level3-s0`
    """
    entry = find_entry(which)
    restored = restore(entry, name)
    if as_json:
        print_json({"restored": restored, "kind": entry.kind})
    else:
        screen.print(f"restored {entry.kind} {restored}", highlight=False, markup=False)


@commands.command("empty")
def empty_trash(
    which: Annotated[list[str] | None, typer.Argument(help="Only these, by id or name.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Really remove it for good.")] = False,
    as_json: Json = False,
) -> None:
    """Remove what is in the trash for good. It is never done by itself.

    Example: `lvcnet trash empty --yes`
    """
    entries = [find_entry(one) for one in which] if which else list_trash()
    size = sum(entry.size for entry in entries)
    if not yes and entries:
        raise LvcnetError(
            f"this removes {_things(entries)} for good and frees {format_size(size)}: add --yes to do it"
        )
    freed = empty(entries)
    if as_json:
        print_json({"removed": [entry.id for entry in entries], "freed_bytes": freed})
    else:
        screen.print(f"{_things(entries)} removed, {format_size(freed)} freed")


def carry_out(plan: Deletion, yes: bool, as_json: bool) -> None:
    """Delete what was asked for, or say what that would mean.

    Raises:
        LvcnetError: if it is used, or `yes` was not said.
    """
    about = "".join(f"; {sentence}" for sentence in plan.dependents)
    if not yes and not plan.users:
        raise LvcnetError(
            f"this moves {plan.kind} {plan.name!r} ({format_size(plan.size)}) to the trash{about}: add --yes to do it"
        )
    entry = plan.carry_out()
    if as_json:
        print_json(
            {"deleted": plan.name, "kind": plan.kind, "trash": entry.id, "dependents": plan.dependents}
        )
        return
    screen.print(
        f"deleted {plan.kind} {plan.name}{about}; `lvcnet trash restore {entry.id}` puts it back",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _things(entries: list[Entry]) -> str:
    return "1 thing" if len(entries) == 1 else f"{len(entries)} things"


def _row(entry: Entry) -> dict[str, Any]:
    return {**asdict(entry), "path": str(entry.content), "bytes": entry.size}
