"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
DatasetName = Annotated[str, typer.Argument(help="Name of the data set; `lvcnet data list` lists them.")]
RunName = Annotated[str, typer.Argument(help="Name of the run; `lvcnet runs` lists them.")]
Html = Annotated[
    Path | None,
    typer.Option(
        help="Also write the report to this file: figures, sentences and tables, which open without a network.",
        metavar="FILE",
    ),
]
