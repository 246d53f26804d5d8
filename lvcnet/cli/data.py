"""`lvcnet data ...`: make, import, look at, export and delete data sets."""

from dataclasses import asdict
from typing import Annotated

import typer

from lvcnet import workspace
from lvcnet.cli.data_import import import_data
from lvcnet.cli.data_summary import present_dataset
from lvcnet.cli.images import images as images_command
from lvcnet.cli.options import DatasetName, Json
from lvcnet.cli.output import interruptible, print_damaged, print_json, print_table, progress_bar, screen
from lvcnet.cli.requests import takes
from lvcnet.cli.trash import carry_out
from lvcnet.data.dataset import Dataset, check_free, list_datasets
from lvcnet.data.naming import chosen
from lvcnet.data.outlines.layers import count_outlines
from lvcnet.data.requests import ExportRequest, PhantomRequest, ShowRequest
from lvcnet.data.summary import damaged_datasets, overview
from lvcnet.deleting import plan_dataset, plan_labels
from lvcnet.files import check_name

HELP = "Make, import, look at, export and delete data sets."
commands = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


def register(app: typer.Typer) -> None:
    """Add this module's commands to `app`."""
    commands.command("import")(import_data)
    commands.command("images")(images_command)
    app.add_typer(commands, name="data")


@commands.command()
@takes
def phantom(request: PhantomRequest, as_json: Json = False) -> None:
    """Render procedural hip radiographs with exact masks of the innominate bones.

    Example: `lvcnet data phantom hips --train 300 --test 100`
    """
    check_free(workspace.datasets_dir() / check_name(request.name, "data set"))
    with interruptible("nothing was created"), progress_bar("Rendering radiographs") as report:
        dataset = request.run(report)
        dataset.save()
    present_dataset(dataset, as_json)


@commands.command("list")
def list_data(as_json: Json = False) -> None:
    """List the data sets of the workspace and those that ship with the project.

    Example: `lvcnet data list`
    """
    damaged = damaged_datasets()
    broken = {one.name for one in damaged if one.kind == "data set"}
    rows = [overview(Dataset.load(name)) for name in list_datasets() if name not in broken]
    if as_json:
        print_json({"datasets": rows, "damaged": [asdict(one) for one in damaged]})
        return
    print_damaged(damaged)
    if not rows:
        screen.print("no data set yet: make one with `lvcnet data phantom hips`")
    else:
        columns = ["name", "train", "test", "size", "categories", "labels"]
        print_table("Data sets", columns, [[_flat(row[column]) for column in columns] for row in rows])


@commands.command()
@takes
def show(request: ShowRequest, as_json: Json = False) -> None:
    """Show sizes, splits, categories, foreground share and label sets of a data set, its traits and its training plan.

    Example: `lvcnet data show hips`, or about what is learned from other labels: `lvcnet data show hips --labels level3`
    """
    dataset = Dataset.load(request.name)
    present_dataset(dataset, as_json, chosen(dataset, request.labels))


@commands.command()
@takes
def export(request: ExportRequest, as_json: Json = False) -> None:
    """Write a label set at the size of the original images; outlines that nobody changed come out as they were imported.

    Example: `lvcnet data export hips --labels level3 --output level3.json`
    """
    count = request.run()
    kept, anew = count_outlines(Dataset.load(request.name), request.labels, request.split)
    outlines = {"as_imported": kept, "drawn_anew": anew}
    if as_json:
        about = {"dataset": request.name, "labels": request.labels, "format": request.format}
        print_json({**about, "output": str(request.output), "images": count, "outlines": outlines})
    else:
        screen.print(f"wrote {request.labels} of {count} images to {request.output}")
        screen.print(f"outlines: {kept} as they were imported, {anew} drawn anew from the working grid")


@commands.command()
def delete(
    name: DatasetName,
    labels: Annotated[str | None, typer.Option(help="Only this label set.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Really delete it.")] = False,
    as_json: Json = False,
) -> None:
    """Move a data set with all its label sets, or one of these, to the trash; runs trained on it stay.

    Example: `lvcnet data delete hips --yes`, or of one label set: `lvcnet data delete hips --labels level3 --yes`
    """
    carry_out(plan_dataset(name) if labels is None else plan_labels(name, labels), yes, as_json)


def _flat(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
