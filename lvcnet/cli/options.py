"""Arguments and options that several commands have."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
DatasetName = Annotated[str, typer.Argument(help="Name of the data set; `lvcnet data list` lists them.")]
RunName = Annotated[str, typer.Argument(help="Name of the run; `lvcnet runs` lists them.")]
NewName = Annotated[str, typer.Argument(help="Name of the new data set.")]
Size = Annotated[int, typer.Option(help="Side of the square working grid in pixels.")]
WhereOption = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="KEY=VALUE",
        help="Only runs with this setting, e.g. epochs=80 or options.warps=2; can be repeated. Without it, those that"
        " were trained like most.",
    ),
]
