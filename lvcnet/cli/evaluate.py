"""Commands that judge and use finished runs: evaluate, compare, predict."""

from typing import Annotated, Any

import typer

from lvcnet.cli.output import print_json, print_table, progress_bar
from lvcnet.data.dataset import CLEAN
from lvcnet.evaluation.metrics import METRICS
from lvcnet.evaluation.protocol import ROUND_METRICS, evaluate_run
from lvcnet.runs.store import find_run

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
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
    per_image: Annotated[
        bool, typer.Option("--per-image", help="With --json: the metrics of every image, too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Measure a run on the test images: all metrics, and the paper's 5 rounds of 50 images.

    Example: `lvcnet evaluate hips-lvcnet-level3-seed0 --json`
    """
    with progress_bar(f"Predicting with {run}") as report:
        result = evaluate_run(find_run(run), checkpoint, against, split, device, report)
    if as_json:
        print_json(
            result if per_image else {key: value for key, value in result.items() if key != "per_image"}
        )
        return
    _print_evaluation(result)


def _print_evaluation(result: dict[str, Any]) -> None:
    columns = (
        ["Metric", "Mean", *result["categories"]] if len(result["categories"]) > 1 else ["Metric", "Mean"]
    )
    rows = [
        [title, result[name], *(result["per_category"][category][name] for category in columns[2:])]
        for name, title in METRICS.items()
    ]
    print_table(
        f"{result['run']}: {result['images']} {result['split']} images against {result['against']} labels",
        columns,
        rows,
    )
    rounds = result["rounds"]
    print_table(
        f"{rounds['rounds']} rounds of {rounds['images']} random images, as in the paper",
        ["Metric", "Mean", "SD"],
        [[METRICS[name], rounds[name]["mean"], rounds[name]["sd"]] for name in ROUND_METRICS],
    )


def register(app: typer.Typer) -> None:
    """Add this module's commands to `app`."""
    app.command()(evaluate)
