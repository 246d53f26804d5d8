"""`lvcnet noise`: label sets with a known amount of noise."""

from pathlib import Path
from typing import Annotated, Any

import typer

from lvcnet.cli.options import Json
from lvcnet.cli.output import interruptible, print_json, print_table, progress_stages
from lvcnet.cli.requests import takes
from lvcnet.data.dataset import Dataset, LabelSet
from lvcnet.data.formats.coco import write_coco
from lvcnet.errors import LvcnetError
from lvcnet.noise.request import NoiseRequest
from lvcnet.planner.clicks import not_counted, outlines_of


@takes
def noise(
    request: NoiseRequest,
    export: Annotated[
        Path | None, typer.Option(help="Folder for one COCO file a label set, at the images' own size.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Calibrate and tell what it gives, but add nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Add noisy label sets, calibrated to the IoU of each level with the clean labels.

    Example: `lvcnet noise hips --levels 3,4 --family morphology --seed 1`
    """
    if dry_run and export is not None:
        raise LvcnetError("--dry-run adds nothing that --export could write: drop one")
    with interruptible("no label set was added"), progress_stages() as stage:
        made = request.run(stage, add=not dry_run)
    dataset = Dataset.load(request.dataset)
    summary: list[dict[str, Any]] = [
        {"name": labels.name, **labels.manifest, "clicks": _clicks(dataset, labels)} for labels in made
    ]
    if export is not None:
        for entry in summary:
            path = export / f"{dataset.name}-{entry['name']}.json"
            write_coco(dataset, entry["name"], path)
            entry["file"] = str(path)
    if as_json:
        print_json({"dataset": dataset.name, "labels": summary})
    else:
        _print_summary(dataset.name, summary)


def _clicks(dataset: Dataset, labels: LabelSet) -> float | None:
    """Polygon vertices an image, mean over the training images; None where they cannot be counted."""
    if not_counted(labels.name, labels.manifest) is not None:
        return None
    return outlines_of(dataset, labels.name, labels.manifest).clicks


def _print_summary(name: str, summary: list[dict[str, Any]]) -> None:
    rows = [
        [
            entry["name"],
            entry["target_iou"],
            f"{entry['mean_iou']:.3f} ± {entry['sd_iou']:.3f}",
            f"{entry['strength']:.3f} {entry['unit']}",
            f"{100 * entry['area_change']:+.1f} %",
            None if entry["clicks"] is None else f"{entry['clicks']:.0f}",
        ]
        for entry in summary
    ]
    title = f"Noisy label sets of {name}, {summary[0]['family']} noise"
    print_table(
        title, ["Label set", "Target IoU", "IoU, mean ± SD", "Strength", "Area change", "Clicks"], rows
    )
    for entry in summary:
        if "file" in entry:
            typer.echo(entry["file"])


def register(app: typer.Typer) -> None:
    """Add this module's commands to `app`."""
    app.command()(noise)
