"""Commands that repair labels: correct, correct-apply, corrections, agree."""

from dataclasses import asdict
from typing import Annotated

import typer

from lvcnet.cli.jobs import report_recovered
from lvcnet.cli.options import Json
from lvcnet.cli.output import interruptible, print_damaged, print_json, print_table, progress_bar, screen
from lvcnet.cli.requests import takes
from lvcnet.cli.sweep import sweep_bar
from lvcnet.cli.trash import carry_out
from lvcnet.correction import store
from lvcnet.correction.agreement import MEASURES
from lvcnet.correction.apply import accepted_keys
from lvcnet.correction.requests import AgreeRequest, ApplyRequest
from lvcnet.correction.store import (
    damaged_corrections,
    find_correction,
    list_corrections,
    worst_first,
)
from lvcnet.deleting import plan_correction
from lvcnet.jobs.correct import judge, prepare, queue_request, train_folds
from lvcnet.jobs.requests import CorrectRequest

Top = Annotated[int, typer.Option(min=1, help="How many images the table shows, worst first.")]
MEASURE_TITLES = {"dice": "Dice", "iou": "IoU", "distance_px": "Distance of outlines (px)"}

LISTED = ("dataset", "labels", "method", "folds", "seed")


def register(app: typer.Typer) -> None:
    """Add this module's commands to `app`."""
    app.command()(correct)
    app.command("correct-apply")(correct_apply)
    app.command()(corrections)
    app.command()(agree)


@takes
def correct(
    request: CorrectRequest,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Trainings at a time (default: LVCNET_WORKERS, or by cores).")
    ] = None,
    top: Top = 20,
    as_json: Json = False,
) -> None:
    """Find labels that look wrong and propose others, by methods that never saw the label they judge.

    Trains once a fold (ordinary runs; Ctrl-C and the same command again continue) and ranks the labels, worst first.

    Example: `lvcnet correct hips --labels level3 --method lvcnet-plus --folds 5`
    """
    report_recovered()
    settled = request.settled()
    if request.queue:
        _present_queued(queue_request(settled, request.overwrite), as_json)
        return
    prepared = prepare(settled, request.overwrite)
    with interruptible("the same command continues"), sweep_bar("Training the folds") as bar:
        train_folds(prepared, workers, bar)
    with progress_bar("Judging labels") as report:
        correction = judge(prepared, request.device, request.overwrite, report)
    _present(correction, top, as_json)


@takes
def correct_apply(request: ApplyRequest, as_json: Json = False) -> None:
    """Make a label set in which accepted proposals replace the labels; the original stays as it is.

    Example: `lvcnet correct-apply hips-level3-lvcnet-plus-s0 --as corrected-level3 --accept reviewed`, or to repair
    nothing and only leave out what is in doubt: `... --as doubted-level3 --accept none --ignore-disputed`
    """
    correction, as_labels = find_correction(request.correction), request.labels
    report = request.run(correction)
    folder = correction.records / "changes"
    if as_json:
        print_json({**report, "report": str(folder / f"{as_labels}.json")})
        return
    kept = len(report["images"]) - len(report["accepted"])
    screen.print(
        f"label set {as_labels} of {report['dataset']}: {len(report['accepted'])} labels repaired, {kept} kept"
        + (f", {report['ignored_share']:.1%} of all pixels ignored" if report["ignored_share"] else "")
    )
    if report["emptied"]:
        screen.print(
            f"{len(report['emptied'])} repaired labels are empty and were not before: look at"
            f" {', '.join(report['emptied'][:5])}"
        )
    screen.print(f"what changed is in {folder / as_labels}.csv and .json", highlight=False, soft_wrap=True)


def corrections(
    delete: Annotated[
        str | None,
        typer.Option(help="Move this correction with all its decisions to the trash.", metavar="NAME"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Really delete it.")] = False,
    as_json: Json = False,
) -> None:
    """List the corrections of the workspace and those that ship with the project, or delete one.

    Example: `lvcnet corrections`
    """
    if delete is not None:
        carry_out(plan_correction(delete), yes, as_json)
        return
    rows, damaged = [], damaged_corrections()
    broken = {one.name for one in damaged}
    for name in list_corrections():
        if name in broken:
            continue
        correction = find_correction(name)
        head, decided = correction.head, len(correction.decisions.verdicts())
        rows.append(
            {"name": name, "images": len(correction.rows), "decided": decided}
            | {key: head.get(key) for key in LISTED}
        )
    if as_json:
        print_json({"corrections": rows, "damaged": [asdict(one) for one in damaged]})
        return
    print_damaged(damaged)
    if not rows:
        screen.print("no correction yet: make one with `lvcnet correct DATASET --labels level3`")
    else:
        titles = ("Correction", "Images", "Decided", "Data set", "Labels", "Method")
        print_table("Corrections", titles, [list(row.values())[: len(titles)] for row in rows])


@takes
def agree(request: AgreeRequest, top: Top = 10, as_json: Json = False) -> None:
    """Measure how well two annotators, or any two label sets, agree.

    Example: `lvcnet agree jaws clean dentist2`
    """
    with progress_bar("Comparing the outlines") as report:
        found = request.run(report)
    first, second = request.first, request.second
    if as_json:
        print_json(found)
        return
    groups = [("all", found), *found["per_category"].items()]
    rows = [
        [title, *(_mean_sd(group[measure]) for measure in MEASURES), _percent(group["area_bias"])]
        for title, group in groups
    ]
    titles = ["Category", *(MEASURE_TITLES[measure] for measure in MEASURES), "Area bias"]
    print_table(
        f"{first} and {second} on {found['images']} images of {request.dataset}, mean ± SD", titles, rows
    )
    rows = [
        [image["key"], *(image[measure] for measure in MEASURES), _percent(image["area_bias"])]
        for image in found["per_image"][:top]
    ]
    print_table("Images, worst first", ["Image", *titles[1:]], rows)
    screen.print(f"Area bias: how much larger {second} draws than {first}.")


def _present_queued(names: list[str], as_json: bool) -> None:
    if as_json:
        print_json({"queued": names})
    else:
        screen.print(
            f"{len(names)} runs queued; `lvcnet queue` shows them. When they are done, the same command without"
            " --queue judges the labels; so does the lab's page Correct."
        )


def _present(correction: store.Correction, top: int, as_json: bool) -> None:
    """A correction as JSON or as a table, worst first."""
    ranked = worst_first(correction.rows)
    if as_json:
        print_json(
            {
                "correction": correction.name,
                "folder": str(correction.folder),
                **correction.head,
                "images": ranked,
            }
        )
        return
    columns = ("key", "quality", "confident", "iou", "disagreement_px", "missing", "extra")
    titles = ("Image", "Quality", "Surely disputed", "IoU with proposal", "Distance (px)", "Missing", "Extra")
    table = [[row[column] for column in columns] for row in ranked[:top]]
    what = f"labels {correction.head['labels']} of {correction.head['dataset']}"
    print_table(f"Worst {len(table)} of {len(ranked)} {what}", titles, table)
    clean = correction.head["clean"]
    if clean:
        print_table("For information: against the clean labels", ("What", "Value"), _clean_rows(clean))
    screen.print(
        f"Correction {correction.name}: `lvcnet review {correction.name}` decides image by image (so does the lab's"
        f" review page); `lvcnet correct-apply {correction.name} --as corrected-{correction.head['labels']}` repairs"
        f" the {len(accepted_keys(correction, 'confident'))} labels that are surely wrong.",
        highlight=False,
        soft_wrap=True,
    )


def _clean_rows(clean: dict[str, float | None]) -> list[tuple[str, float | None]]:
    return [
        ("IoU of the labels", clean["label_iou"]),
        ("IoU of the proposals", clean["proposal_iou"]),
        ("IoU of the labels after repairing those that are surely wrong", clean["confident_iou"]),
        ("suspicious pixels, average precision for wrong ones", clean["suspicion_average_precision"]),
        (
            "of the pixels where label and proposal disagree, share that is wrong",
            clean["suspicion_precision"],
        ),
        ("of the wrong pixels, share where they disagree", clean["suspicion_recall"]),
    ]


def _mean_sd(value: dict[str, float | None]) -> str:
    mean, sd = value["mean"], value["sd"]
    return f"{mean:.3f}" if sd is None else f"{mean:.3f} ± {sd:.3f}"


def _percent(value: float | None) -> str | None:
    return f"{100 * value:+.1f} %" if value is not None else None
