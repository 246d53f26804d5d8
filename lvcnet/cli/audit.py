"""The command that audits the labels of a data set as they are: audit."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from lvcnet.cli.jobs import report_recovered
from lvcnet.cli.options import Json
from lvcnet.cli.output import interruptible, print_json, print_table, progress_stages, screen, write_text
from lvcnet.cli.requests import takes
from lvcnet.correction.audit_words import verdict
from lvcnet.figures.audit import audit_report, sections
from lvcnet.jobs.audit_request import AuditRequest


@takes
def audit(
    request: AuditRequest,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Also write the report to this HTML file, which opens without a network.", metavar="FILE"
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Trainings at a time (default: LVCNET_WORKERS, or by cores).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what the labels of a data set are worth, which images to look at first, and whether repair would help.

    U-Net and LVC-Net plus train on the labels as they are and judge images that they left out; no clean label takes part.
    Runs are kept: after Ctrl-C the same command goes on. "Leave them" is a result.

    Example: `lvcnet audit hips --labels dentist2 --output audit.html`
    """
    report_recovered()
    with interruptible("the same command continues"), progress_stages() as stage:
        found = request.run(stage, workers)
    said = verdict(found)
    if output is not None:
        write_text(output, audit_report(found))
    if as_json:
        html = {} if output is None else {"html": str(output)}
        print_json({"verdict": asdict(said), **found.as_json(), **html})
        return
    _say(f"{said.sentence} {said.sure}")
    for section in sections(found):
        _say(f"\n{section.title}", "bold")
        for text in section.sentences:
            _say(text)
        for table in section.tables:
            print_table(table.title, table.header, table.rows)
    if output is not None:
        _say(f"\nWrote {output}")


def _say(text: str, style: str | None = None) -> None:
    screen.print(text, style=style, highlight=False, markup=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Add this module's command to `app`."""
    app.command()(audit)
