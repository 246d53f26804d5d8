"""`lvcnet data ...`: make, import, look at, export and delete data sets."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lvcnet import workspace
from lvcnet.cli.images import images as images_command
from lvcnet.cli.options import DatasetName, Json
from lvcnet.cli.output import format_cell, print_json, print_table, progress_bar, screen, split_list
from lvcnet.data.archive import import_zip, inspect_zip
from lvcnet.data.dataset import CLEAN, Dataset, check_free, delete_dataset, list_datasets
from lvcnet.data.exporter import WRITERS, export_labels
from lvcnet.data.importer import Options, import_coco, import_labelme, import_masks
from lvcnet.data.importer import Settings as ImportSettings
from lvcnet.data.phantom import make_phantom
from lvcnet.data.summary import overview, summarise
from lvcnet.errors import LvcnetError
from lvcnet.files import check_name

commands = typer.Typer(
    help="Make, import, look at, export and delete data sets.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

NewName = Annotated[str, typer.Argument(help="Name of the new data set.")]
Size = Annotated[int, typer.Option(help="Side of the square working grid in pixels.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands to `app`."""
    commands.command("images")(images_command)
    app.add_typer(commands, name="data")


@commands.command()
def phantom(
    name: NewName,
    train: Annotated[int, typer.Option(help="Training images.")] = 300,
    test: Annotated[int, typer.Option(help="Test images.")] = 100,
    size: Size = 128,
    seed: Annotated[int, typer.Option(help="Each image depends on it and on its own number alone.")] = 0,
    as_json: Json = False,
) -> None:
    """Render procedural hip radiographs with exact masks of the innominate bones.

    Example: `lvcnet data phantom hips --train 300 --test 100`
    """
    check_free(workspace.datasets_dir() / check_name(name, "data set"))
    with progress_bar("Rendering radiographs") as report:
        dataset = make_phantom(name, train, test, size, seed, report)
    dataset.save()
    _present(dataset, as_json)


@commands.command("import")
def import_data(
    name: NewName,
    images: Annotated[Path | None, typer.Option(help="Folder of the image files.", metavar="DIR")] = None,
    train: Annotated[
        Path | None, typer.Option(help="COCO file of the training images.", metavar="FILE")
    ] = None,
    test: Annotated[
        Path | None,
        typer.Option(help="COCO file of the test images; else a share is set aside.", metavar="FILE"),
    ] = None,
    labelme: Annotated[
        Path | None, typer.Option(help="Folder of Labelme files beside their images.", metavar="DIR")
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(
            help="Folder of mask images named like the images, or one subfolder a category.", metavar="DIR"
        ),
    ] = None,
    zip: Annotated[
        Path | None,
        typer.Option(help="A zip of images with COCO, Labelme or mask annotations.", metavar="FILE"),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            help="A further label set of the same images, NAME=PATH[,PATH]; can be repeated.",
            metavar="NAME=PATHS",
        ),
    ] = None,
    size: Size = 128,
    categories: Annotated[
        str | None, typer.Option(help="Categories to import, in this order: a,b. Default all.")
    ] = None,
    test_fraction: Annotated[
        float | None, typer.Option(help="Share set aside as test images without --test (default 0.25).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of that choice.")] = 0,
    accept_self_crossing: Annotated[
        bool,
        typer.Option(
            "--accept-self-crossing", help="Warn about outlines that cross themselves, do not stop."
        ),
    ] = False,
    ignore: Annotated[
        str | None,
        typer.Option(
            help="A category that marks pixels about which the annotation says nothing: no training and no metric sees"
            " them."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Import COCO, Labelme or mask annotations, by path or in a zip; all problems are listed and nothing is half imported.

    Images: PNG, JPEG, TIFF, BMP and DICOM. Polygons are drawn at the original size and then reduced to the working grid.
    COCO regions marked `iscrowd` count as foreground of their category.

    Example: `lvcnet data import jaws --images png --train a.json --test b.json --labels dentist2=c.json,d.json`

    Example: `lvcnet data import knees --images xrays --masks masks --categories femur,tibia --size 256`

    Example: `lvcnet data import jaws --zip jaws.zip`
    """
    settings: ImportSettings = {"size": size, "seed": seed, "accept_self_crossing": accept_self_crossing}
    settings["ignore"] = ignore
    if categories is not None:
        settings["categories"] = split_list(categories)
    if test_fraction is not None:
        settings["test_fraction"] = test_fraction
        if test is not None:
            raise LvcnetError("--test-fraction and --test exclude each other: drop one")
    Options(**settings).check()
    extras = _parse_labels(labels or [])
    _check_sources(images, train, test, labelme, masks, zip)
    if zip is not None and extras:
        raise LvcnetError(
            "--labels goes with paths: put the second annotator's file into the zip, named after them"
        )
    check_free(workspace.datasets_dir() / check_name(name, "data set"))
    if zip is not None and not as_json:
        rows = inspect_zip(zip).rows
        print_table(f"In {zip.name}", list(rows[0]), [list(row.values()) for row in rows])
    with progress_bar("Importing") as report:
        if zip is not None:
            dataset = import_zip(name, zip, report, **settings)
        elif labelme is not None:
            dataset = import_labelme(name, labelme, extras, report, **settings)
        elif masks is not None and images is not None:
            dataset = import_masks(name, images, masks, extras, report, **settings)
        else:
            assert images is not None
            assert train is not None
            dataset = import_coco(name, images, train, test, extras, report, **settings)
    dataset.save()
    for warning in dataset.source.get("warnings", []):
        sys.stderr.write(f"warning: {warning}\n")
    _present(dataset, as_json)


@commands.command("list")
def list_data(as_json: Json = False) -> None:
    """List the data sets of the workspace and those that ship with the project.

    Example: `lvcnet data list`
    """
    rows = [overview(Dataset.load(name)) for name in list_datasets()]
    if as_json:
        print_json({"datasets": rows})
    elif not rows:
        screen.print("no data set yet: make one with `lvcnet data phantom hips`")
    else:
        columns = ["name", "train", "test", "size", "categories", "labels"]
        print_table("Data sets", columns, [[_flat(row[column]) for column in columns] for row in rows])


@commands.command()
def show(name: DatasetName, as_json: Json = False) -> None:
    """Show sizes, splits, categories, foreground share and label sets of a data set.

    Example: `lvcnet data show hips`
    """
    _present(Dataset.load(name), as_json)


@commands.command()
def export(
    name: DatasetName,
    output: Annotated[
        Path, typer.Option(help="File (coco), or folder or .zip file (labelme, masks) to write.")
    ],
    labels: Annotated[str, typer.Option(help="Label set to export.")] = CLEAN,
    format: Annotated[str, typer.Option(help=f"One of {', '.join(WRITERS)}.")] = "coco",
    split: Annotated[str | None, typer.Option(help="Only this split: train or test.")] = None,
    images: Annotated[
        Path | None,
        typer.Option(help="Also write the images here as PNG, for data without image files.", metavar="DIR"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over what is there.")] = False,
    as_json: Json = False,
) -> None:
    """Write a label set at the size of the original images.

    Example: `lvcnet data export hips --labels level3 --output level3.json`
    """
    count = export_labels(Dataset.load(name), labels, output, format, split, images, overwrite)
    if as_json:
        print_json(
            {"dataset": name, "labels": labels, "format": format, "output": str(output), "images": count}
        )
    else:
        screen.print(f"wrote {labels} of {count} images to {output}")


@commands.command()
def delete(
    name: DatasetName,
    yes: Annotated[bool, typer.Option("--yes", help="Really delete it.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a data set with all its label sets; runs trained on it stay.

    Example: `lvcnet data delete hips --yes`
    """
    if not yes:
        raise LvcnetError(f"this deletes data set {name!r} with all its label sets: add --yes to do it")
    delete_dataset(name)
    if as_json:
        print_json({"deleted": name})
    else:
        screen.print(f"deleted {name}")


def _check_sources(*paths: Path | None) -> None:
    """Exactly one format, with all it needs.

    Raises:
        LvcnetError: otherwise.
    """
    images, train, test, labelme, masks, archive = paths
    kinds = {"--train": train, "--labelme": labelme, "--masks": masks, "--zip": archive}
    given = [option for option, path in kinds.items() if path]
    if len(given) > 1:
        raise LvcnetError(f"{' and '.join(given)} exclude each other: give one kind of annotation")
    if not given:
        raise LvcnetError(
            "no annotations given: add --train FILE (COCO), --labelme DIR, --masks DIR or --zip FILE"
        )
    if test and not train:
        raise LvcnetError(f"--test is a COCO file and does not go with {given[0]}: drop it")
    if archive and images:
        raise LvcnetError("--zip holds the images: drop --images")
    if labelme and images:
        raise LvcnetError("--labelme reads the images beside its files: drop --images")
    if not (labelme or archive or images):
        raise LvcnetError(f"{given[0]} needs --images DIR, the folder of the image files")


def _parse_labels(values: list[str]) -> dict[str, list[Path]]:
    """`dentist2=c.json,d.json` to name and files.

    Raises:
        LvcnetError: if a value has another form or repeats a name.
    """
    labels: dict[str, list[Path]] = {}
    for value in values:
        name, _, paths = value.partition("=")
        if not name or not split_list(paths):
            raise LvcnetError(f"--labels {value!r}: write NAME=PATH or NAME=PATH,PATH")
        if name in labels:
            raise LvcnetError(f"--labels gives {name!r} twice: join its files with a comma")
        labels[name] = [Path(path) for path in split_list(paths)]
    return labels


def _flat(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _present(dataset: Dataset, as_json: bool) -> None:
    """The summary of a data set, as JSON or as two tables."""
    summary = summarise(dataset)
    if as_json:
        print_json(summary)
        return
    (low_width, low_height), (high_width, high_height) = summary["original_sizes"]
    facts: list[tuple[str, Any]] = [
        ("images", f"{summary['images']} ({summary['train']} train, {summary['test']} test)"),
        ("working size", f"{summary['size']} x {summary['size']}"),
        ("original size", f"{low_width} x {low_height} to {high_width} x {high_height}"),
        *((f"foreground {name}", f"{share:.1%}") for name, share in summary["foreground"].items()),
        ("fingerprint", summary["fingerprint"]),
        ("folder", summary["folder"]),
    ]
    print_table(f"Data set {dataset.name}", ["what", "value"], facts)
    _print_spread(summary["statistics"])
    columns = ["name", "family", "covered_train", "covered_test", "iou_train", "iou_test"]
    rows = [[format_cell(row[column]) for column in columns] for row in summary["labels"]]
    titles = ["label set", "family", "train images", "test images", "IoU to clean, train", "test"]
    print_table("Label sets", titles, rows)


def _print_spread(statistics: dict[str, Any]) -> None:
    """Foreground and components of the clean labels, category by category."""
    rows: list[list[object]] = []
    for name, spread in statistics["foreground"].items():
        counts = ", ".join(f"{count} in {images}" for count, images in statistics["components"][name].items())
        shares = [f"{spread[key]:.1%}" for key in ("min", "median", "max")] if spread else [None] * 3
        rows.append([name, *shares, counts])
    titles = ["category", "least foreground", "median", "most", "components in images"]
    print_table(f"Clean labels of {statistics['labelled']} images", titles, rows)
