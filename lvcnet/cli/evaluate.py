"""Commands that measure and use finished runs: evaluate, predict."""

from pathlib import Path
from typing import Annotated, Any

import typer

from lvcnet.api import predict as predict_files
from lvcnet.cli.options import Json
from lvcnet.cli.output import print_json, print_table, progress_bar, screen
from lvcnet.data.dataset import CLEAN
from lvcnet.evaluation.protocol import evaluate_run
from lvcnet.inference.export import DEFAULT_FORMATS
from lvcnet.inference.export import FORMATS as FILE_FORMATS
from lvcnet.masks.metrics import METRICS, ROUND_METRICS
from lvcnet.runs.diagnosis import collapse_sentence, diagnose, length_of
from lvcnet.runs.store import find_run
from lvcnet.runs.summary import moved_in_words
from lvcnet.text import split_list
from lvcnet.thresholds import THRESHOLD

Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Checkpoint = Annotated[str, typer.Option(help="Checkpoint: last or best (by held-out noisy labels).")]


def evaluate(
    run: Annotated[str, typer.Argument(help="Name of a finished run; `lvcnet runs` lists them.")],
    checkpoint: Checkpoint = "last",
    against: Annotated[
        str, typer.Option(help="Label set that counts as truth: clean, or level1 as in the paper.")
    ] = CLEAN,
    split: Annotated[str, typer.Option(help="Images to measure on: test or train.")] = "test",
    device: Device = "auto",
    outlines: Annotated[
        str | None,
        typer.Option(
            help="Measure at the images' own size, on their files: full, with outlines at the edges there, or grid, upsampled"
            " only. Default: on the working grid."
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            help="With --outlines: folder of the image files, if not where they were imported from."
        ),
    ] = None,
    per_image: Annotated[
        bool, typer.Option("--per-image", help="With --json: the metrics of every image, too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Measure a run on the test images: all metrics, and the paper's 5 rounds of 50 images.

    Example: `lvcnet evaluate hips-lvcnet-level3-s0 --json`
    """
    with progress_bar(f"Predicting and measuring with {run}") as report:
        found = find_run(run)
        result = evaluate_run(found, checkpoint, against, split, device, report, outlines, images)
    kept = found.config(), found.status(), found.metrics()
    collapsed = collapse_sentence(length_of(*kept, result), result)
    diagnoses = diagnose(*kept, result)
    if as_json:
        shown = {key: value for key, value in result.items() if per_image or key != "per_image"}
        more = {"collapsed": collapsed, "diagnoses": diagnoses, "displacement": found.displacement()}
        print_json({**shown, **more})
        return
    _print_evaluation(result)
    if moved := moved_in_words(found.displacement()):
        screen.print(f"Before it was trained, {moved}.", highlight=False, markup=False)
    for sentence in [*([f"{found.name} {collapsed}"] if collapsed else []), *diagnoses]:
        screen.print(f"Attention: {sentence}.", highlight=False, markup=False, soft_wrap=True)


def _print_evaluation(result: dict[str, Any]) -> None:
    columns = (
        ["Metric", "Mean", *result["categories"]] if len(result["categories"]) > 1 else ["Metric", "Mean"]
    )
    rows = [
        [
            metric.titled(result["unit"]),
            result[name],
            *(result["per_category"][category][name] for category in columns[2:]),
        ]
        for name, metric in METRICS.items()
    ]
    screen.print(
        f"{result['run']}: {result['images']} {result['split']} images against {result['against']} labels{_where(result)}",
        highlight=False,
    )
    print_table("All images", columns, rows)
    rounds = result["rounds"]
    print_table(
        f"{rounds['rounds']} rounds of {rounds['images']} random images",
        ["Metric", "Mean", "SD"],
        [[METRICS[name].title, rounds[name]["mean"], rounds[name]["sd"]] for name in ROUND_METRICS],
    )
    if "note" in rounds:
        screen.print(f"Note: {rounds['note']}", highlight=False)


def _where(result: dict[str, Any]) -> str:
    kind = result.get("outlines")
    return f", at the images' own size, outlines {kind}" if kind else ""


def predict(
    run: Annotated[str, typer.Argument(help="Name of a run with a checkpoint; `lvcnet runs` lists them.")],
    images: Annotated[
        list[Path], typer.Argument(help="PNG, JPEG, TIFF or DICOM files, or folders that hold some.")
    ],
    output: Annotated[Path, typer.Option(help="Folder for the results; made if it does not exist.")],
    threshold: Annotated[
        float, typer.Option(help="Probability from which on a pixel is foreground.")
    ] = THRESHOLD,
    formats: Annotated[str, typer.Option(help=f"With commas, from {', '.join(FILE_FORMATS)}.")] = ",".join(
        DEFAULT_FORMATS
    ),
    anonymise: Annotated[
        bool,
        typer.Option("--anonymise", help="Leave patient data out of DICOM SEG; no other format holds any."),
    ] = False,
    outlines: Annotated[
        str, typer.Option(help="full: at edges that the image shows at its own size; grid: upsampled only.")
    ] = "full",
    checkpoint: Checkpoint = "last",
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Segment and measure radiographs, at their own size.

    For each image: NAME_overlay.png, and for each category NAME_CATEGORY_mask.png (255 inside) and
    NAME_CATEGORY_probability.png (16 bit, 65535 is 1); labelme: NAME.json; dicom-seg: NAME_seg.dcm. For all together:
    predictions.json (COCO) and measurements.csv (px, and mm where the spacing is known). A file that cannot be read, or a
    format of it that cannot be written, is reported, the others go on, and the exit status is 1. Results of earlier
    predictions, and DICOM objects that are no radiographs, are left out and named.

    Example: `lvcnet predict hips-lvcnet-level3-s0 radiographs hip2.dcm --output results --formats masks,dicom-seg,csv`
    """
    chosen = split_list(formats)
    with progress_bar(f"Segmenting with {run}") as report:
        written = predict_files(
            run,
            images,
            output,
            threshold=threshold,
            formats=chosen,
            anonymise=anonymise,
            outlines=outlines,
            checkpoint=checkpoint,
            device=device,
            report=report,
        )
    if as_json:
        print_json(
            {"run": run, "checkpoint": checkpoint, "outlines": outlines, "directory": str(output), **written}
        )
    else:
        _print_predictions(written, chosen, output)
    if written["problems"]:
        raise typer.Exit(1)


def _print_predictions(written: dict[str, Any], formats: list[str], output: Path) -> None:
    rows = [row for prediction in written["predictions"] for row in prediction["measurements"]]
    columns = {
        "Image": "image",
        "Category": "category",
        "Area (px)": "area_px",
        "Area (mm2)": "area_mm2",
        "Perimeter (mm)": "perimeter_mm",
        "Longest (px)": "longest_px",
        "Longest (mm)": "longest_mm",
    }
    if rows:
        print_table("Measurements", list(columns), [[row[key] for key in columns.values()] for row in rows])
    for prediction in written["predictions"]:
        for note in prediction["notes"]:
            screen.print(f"Note: {prediction['image']}: {note}", highlight=False, markup=False)
    for problem in written["problems"]:
        screen.print(f"Problem: {problem['problem']}", highlight=False, markup=False)
    for left in written["left_out"]:
        screen.print(f"Left out: {left['image']} is {left['reason']}", highlight=False, markup=False)
    done = len(written["predictions"])
    screen.print(f"Wrote {', '.join(formats)} of {done} images to {output}", highlight=False)


def register(app: typer.Typer) -> None:
    """Add this module's commands to `app`."""
    for command in (evaluate, predict):
        app.command()(command)
