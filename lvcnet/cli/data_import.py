"""`lvcnet data import`: annotated images from other tools."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from lvcnet import workspace
from lvcnet.cli.data_summary import present_dataset
from lvcnet.cli.options import Json, NewName, Size
from lvcnet.cli.output import interruptible, print_table, progress_bar, visible
from lvcnet.data.dataset import check_free
from lvcnet.data.importing.annotated import ImportProblems, Problem, import_warnings, problems_csv
from lvcnet.data.importing.archive import import_zip, inspect_zip
from lvcnet.data.importing.importer import import_coco, import_from, import_labelme, import_masks
from lvcnet.data.importing.options import Options
from lvcnet.data.importing.options import Settings as ImportSettings
from lvcnet.errors import LvcnetError
from lvcnet.files import check_name, write_atomic
from lvcnet.text import split_list


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
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Annotations in a format that a plug-in reads: FORMAT=PATH.",
            metavar="FORMAT=PATH",
        ),
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
    report: Annotated[
        Path | None,
        typer.Option(
            help="Write all problems and warnings, image by image, to this CSV file.", metavar="FILE"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Import COCO, Labelme or mask annotations, by path or in a zip; all problems are listed and nothing is half imported,
    not even after Ctrl-C.

    Images: PNG, JPEG, TIFF, BMP and DICOM. Polygons are drawn at the original size and then reduced to the working grid.
    COCO regions marked `iscrowd` count as foreground of their category.

    Example: `lvcnet data import jaws --images png --train a.json --test b.json --labels dentist2=c.json,d.json`

    Example: `lvcnet data import knees --images xrays --masks masks --categories femur,tibia --size 256`

    Example: `lvcnet data import jaws --zip jaws.zip --report problems.csv`
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
    _check_sources(images, train, test, labelme, masks, zip, source)
    if zip is not None and extras:
        raise LvcnetError(
            "--labels goes with paths: put the second annotator's file into the zip, named after them"
        )
    check_free(workspace.datasets_dir() / check_name(name, "data set"))
    with interruptible("nothing was imported"), _reported(report):
        if zip is not None and not as_json:
            rows = inspect_zip(zip).rows
            print_table(f"In {zip.name}", list(rows[0]), [list(row.values()) for row in rows])
        with progress_bar("Importing") as progress:
            if zip is not None:
                dataset = import_zip(name, zip, progress, **settings)
            elif source is not None:
                format, _, path = source.partition("=")
                dataset = import_from(name, format, Path(path), extras, progress, **settings)
            elif labelme is not None:
                dataset = import_labelme(name, labelme, extras, progress, **settings)
            elif masks is not None and images is not None:
                dataset = import_masks(name, images, masks, extras, progress, **settings)
            else:
                assert images is not None
                assert train is not None
                dataset = import_coco(name, images, train, test, extras, progress, **settings)
            dataset.save()
    warnings = import_warnings(dataset.source)
    if report is not None:
        write_atomic(report, problems_csv(warnings).encode())
    for warning in warnings:
        sys.stderr.write(f"warning: {visible(str(warning))}\n")
    present_dataset(dataset, as_json)


@contextmanager
def _reported(path: Path | None) -> Iterator[None]:
    """Write what stops the import to the report, too."""
    try:
        yield
    except LvcnetError as error:
        problems = error.problems if isinstance(error, ImportProblems) else [Problem("", str(error))]
        if path is not None:
            write_atomic(path, problems_csv(problems).encode())
        raise


def _check_sources(*paths: Path | str | None) -> None:
    """Exactly one format, with all it needs.

    Raises:
        LvcnetError: otherwise.
    """
    images, train, test, labelme, masks, archive, source = paths
    kinds = {"--train": train, "--labelme": labelme, "--masks": masks, "--zip": archive, "--from": source}
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
    if source and (images or "=" not in str(source)):
        raise LvcnetError(
            f"--from {source!r}: write FORMAT=PATH, without --images: the annotations name them"
        )
    if not (labelme or archive or source or images):
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
