"""`lvcnet data import`: annotated images from other tools."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from lvcnet import workspace
from lvcnet.cli.data_summary import present_dataset
from lvcnet.cli.options import Json
from lvcnet.cli.output import interruptible, print_table, progress_bar, visible
from lvcnet.cli.requests import takes
from lvcnet.data.dataset import check_free
from lvcnet.data.import_request import ImportRequest
from lvcnet.data.importing.annotated import ImportProblems, Problem, import_warnings, problems_csv
from lvcnet.data.importing.archive import inspect_zip
from lvcnet.errors import LvcnetError
from lvcnet.files import check_name, write_atomic


@takes
def import_data(
    request: ImportRequest,
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
    request.check()
    check_free(workspace.datasets_dir() / check_name(request.name, "data set"))
    with interruptible("nothing was imported"), _reported(report):
        if request.zip is not None and not as_json:
            rows = inspect_zip(request.zip).rows
            print_table(f"In {request.zip.name}", list(rows[0]), [list(row.values()) for row in rows])
        with progress_bar("Importing") as progress:
            dataset = request.run(progress)
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
