"""`lvcnet noise`: label sets with a known amount of noise."""

from pathlib import Path
from typing import Annotated, Any

import typer

from lvcnet.claims import using
from lvcnet.cli.output import interruptible, print_json, print_table, progress_bar
from lvcnet.data.dataset import Dataset, LabelSet
from lvcnet.data.formats.coco import write_coco
from lvcnet.errors import LvcnetError
from lvcnet.noise import FAMILIES
from lvcnet.noise.calibrate import make_noisy_labels
from lvcnet.noise.levels import LEVEL_TARGETS
from lvcnet.planner.clicks import not_counted, outlines_of

FAMILY_HELP = "How the labels get worse: " + "; ".join(
    f"{name} ({f.summary})" for name, f in FAMILIES.items()
)


def noise(
    name: Annotated[str, typer.Argument(help="Data set; `lvcnet data list` shows them.")],
    levels: Annotated[
        str | None, typer.Option(help="Noise levels, separated by commas. [default: all, 1,2,3,4]")
    ] = None,
    target: Annotated[float | None, typer.Option(help="A mean IoU to reach, instead of levels.")] = None,
    family: Annotated[str, typer.Option(help=FAMILY_HELP + ".")] = "polygon",
    seed: Annotated[int, typer.Option(help="Seed of all draws.")] = 0,
    bias: Annotated[
        float, typer.Option(help="-1 makes objects smaller, 1 larger, 0 neither on average.")
    ] = 0.0,
    fraction: Annotated[float, typer.Option(help="Share of the images that get noise.")] = 1.0,
    include_test: Annotated[
        bool, typer.Option("--include-test", help="Cover test images too (the paper tests on level 1).")
    ] = False,
    export: Annotated[
        Path | None, typer.Option(help="Folder for one COCO file a label set, at the images' own size.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Calibrate and tell what it gives, but add nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Add noisy label sets, calibrated to the IoU of each level with the clean labels.

    Example: `lvcnet noise hips --levels 3,4 --family morphology --seed 1`
    """
    if dry_run and export is not None:
        raise LvcnetError("--dry-run adds nothing that --export could write: drop one")
    dataset = Dataset.load(name)
    wanted: list[int | None] = [None] if target is not None else [*_parse_levels(levels)]
    if target is not None and levels is not None:
        raise LvcnetError("--levels and --target were both given: choose one of them")
    made = []
    with (
        using("data set", dataset.folder, "noisy labels are being made of it"),
        interruptible("no label set was added"),
    ):
        for level in wanted:
            title = f"Calibrating level {level}" if level is not None else f"Calibrating to IoU {target:g}"
            with progress_bar(title) as report:
                labels = make_noisy_labels(
                    dataset, level, target, family, seed, bias, fraction, include_test, report=report
                )
            made.append(labels)
        if not dry_run:
            for labels in made:  # only now: an unreachable target leaves the data set as it was
                dataset.add_labels(labels)
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


def _parse_levels(text: str | None) -> list[int]:
    if text is None:
        return list(LEVEL_TARGETS)
    try:
        levels = [int(part) for part in text.split(",")]
    except ValueError:
        raise LvcnetError(f"--levels {text!r} is not a list of numbers: write for example 1,2,3,4") from None
    return list(dict.fromkeys(levels))


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
