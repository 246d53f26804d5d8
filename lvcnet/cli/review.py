"""The command that decides about proposals: review."""

from typing import Annotated

import typer

from lvcnet.cli.options import Json
from lvcnet.cli.output import print_json, print_table, screen
from lvcnet.correction.apply import UNDECIDED
from lvcnet.correction.decisions import Event, Verdict
from lvcnet.correction.review import (
    ALL,
    DRAFT,
    SHOWN,
    accept_drafts,
    count_decisions,
    decide_unseen,
    drafts_in_words,
    filter_rows,
    review_rows,
)
from lvcnet.correction.store import Correction, find_correction
from lvcnet.data.dataset import Dataset
from lvcnet.errors import LvcnetError
from lvcnet.text import split_list

COLUMNS = ("key", "quality", "iou", "disagreement_px", "decision", "reviewer", "drafts")
TITLES = ("Image", "Quality", "IoU", "Distance (px)", "Decision", "Reviewer", "Draft of")


def register(app: typer.Typer) -> None:
    """Add this module's command to `app`."""
    app.command()(review)


def review(
    name: Annotated[str, typer.Argument(help="Name of a correction; `lvcnet corrections` lists them.")],
    show: Annotated[str, typer.Option(help=f"Which images to list: {', '.join(SHOWN)}.")] = ALL,
    below: Annotated[float, typer.Option(help="Only labels of a quality up to this.")] = 1.0,
    top: Annotated[int, typer.Option(min=1, help="How many images the table shows, worst first.")] = 20,
    decide: Annotated[
        str | None,
        typer.Option(
            help="Decide about --key: accept the proposal, reject it, or draft: accept what you drew."
        ),
    ] = None,
    blend: Annotated[
        float | None,
        typer.Option(help="Take part of the change: 0 is the old outline, 1 the new one.", metavar="F"),
    ] = None,
    regions: Annotated[
        str | None, typer.Option(help="Take these regions only: 0,2 (numbers as --json lists them).")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take back the last decision about --key.")] = False,
    key: Annotated[str | None, typer.Option(help="The image.")] = None,
    reviewer: Annotated[str | None, typer.Option(help="Who decides; decisions are signed.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Decide otherwise than another reviewer did.")
    ] = False,
    discard_draft: Annotated[
        bool, typer.Option("--discard-draft", help="Decide although you drew there; --undo brings it back.")
    ] = False,
    history: Annotated[
        bool, typer.Option("--history", help="Show who decided what and when, of --key or all images.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List labels worst first with what was decided, or decide: accept, reject, take part, undo.

    Example: `lvcnet review hips-level3-lvcnet-plus-s0 --show undecided`

    Example: `lvcnet review hips-level3-lvcnet-plus-s0 --key train-0007 --blend 0.5 --reviewer anna`
    """
    correction = find_correction(name)
    if key is not None:
        correction.number(key)
    accepts_draft = decide == DRAFT and blend is None and regions is None
    verdict = Verdict(decision="edited") if accepts_draft else _verdict(decide, blend, regions)
    if verdict is None and not undo:
        if history:
            _present_history(correction, key, as_json)
        else:
            _present_list(correction, show, below, top, as_json)
        return
    if key is None or reviewer is None or (verdict is not None and undo):
        raise LvcnetError(
            "a decision needs --key IMAGE, --reviewer NAME and one of --decide, --blend, --regions or --undo"
        )
    if accepts_draft:
        event = accept_drafts(correction, Dataset.load(correction.head["dataset"]), key, reviewer)
    else:
        event = decide_unseen(correction, key, verdict, reviewer, replace, discard_draft)
    if as_json:
        print_json(_row(event))
    else:
        left = count_decisions(review_rows(correction))[UNDECIDED]
        screen.print(f"{key}: {event.decision} by {event.reviewer}; {left} images left", highlight=False)


def _verdict(decide: str | None, blend: float | None, regions: str | None) -> Verdict | None:
    """What the options decide; None if nothing.

    Raises:
        LvcnetError: if they contradict each other.
    """
    if blend is None and regions is None:
        if decide not in (None, "accept", "reject"):
            raise LvcnetError(f"--decide {decide!r} does not exist: accept, reject or draft")
        return None if decide is None else Verdict(decision=decide)
    if decide is not None:
        raise LvcnetError("--decide does not go with --blend and --regions: these take part of the proposal")
    numbers = split_list(regions or "")
    if not all(number.isdigit() for number in numbers):
        raise LvcnetError(f"--regions {regions!r} is not a list of numbers like 0,2")
    details = ({} if regions is None else {"regions": [int(number) for number in numbers]}) | (
        {} if blend is None else {"blend": blend}
    )
    return Verdict(decision="part", details=details)


def _present_list(correction: Correction, show: str, below: float, top: int, as_json: bool) -> None:
    rows = review_rows(correction)
    drawn = {row["key"]: row["drafts"] for row in rows if row["drafts"]}
    counts, shown = count_decisions(rows), filter_rows(rows, show, below)
    if as_json:
        regions = {row["key"]: row["regions"] for row in correction.rows}
        images = [{**row, "regions": regions[row["key"]]} for row in shown]
        print_json({"correction": correction.name, "counts": counts, "images": images})
        return
    table = [
        [", ".join(row[name]) if name == "drafts" else row[name] for name in COLUMNS] for row in shown[:top]
    ]
    print_table(f"Worst {len(table)} of {len(shown)} images ({show})", TITLES, table)
    screen.print(
        f"{len(rows) - counts[UNDECIDED]} of {len(rows)} decided: "
        + ", ".join(f"{count} {decision}" for decision, count in counts.items())
        + (f"; drawn and not accepted yet: {drafts_in_words(drawn)}" if drawn else ""),
        highlight=False,
    )


def _present_history(correction: Correction, key: str | None, as_json: bool) -> None:
    events = [_row(event) for event in correction.decisions.history(key)]
    if as_json:
        print_json({"correction": correction.name, "events": events})
    elif not events:
        screen.print("nothing was decided yet")
    else:
        columns = ("id", "time", "reviewer", "key", "decision")
        titles = ("Event", "Time (UTC)", "Reviewer", "Image", "Decision")
        print_table("History, oldest first", titles, [[row[column] for column in columns] for row in events])


def _row(event: Event) -> dict[str, object]:
    return {
        "id": event.id,
        "time": event.time,
        "reviewer": event.reviewer,
        "key": event.key,
        "decision": event.decision,
        "details": dict(event.details),
    }
