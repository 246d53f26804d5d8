"""The summary of a data set on the terminal."""

from typing import Any

from lvcnet.cli.output import format_cell, print_damaged, print_json, print_table, screen
from lvcnet.damage import Damaged
from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.data.displacement import displacements, mm_a_pixel, sentence
from lvcnet.data.summary import grid_in_words, summarise
from lvcnet.errors import LvcnetError
from lvcnet.masks.displacement import Displacement
from lvcnet.training.config import as_yaml
from lvcnet.training.plan import TrainingPlan, plan_training


def present_dataset(dataset: Dataset, as_json: bool, labels: str = CLEAN) -> None:
    """The summary of a data set, its traits and training plan under a label set, as JSON or as tables."""
    summary, plan = summarise(dataset), _planned(dataset, labels)
    beside, mm = _beside(dataset, labels), mm_a_pixel(dataset)
    if as_json:
        traits, planned = (plan.traits.as_json(), plan.as_json()) if plan else (None, None)
        found = {name: one.as_json() for name, one in beside.items()}
        more = {"traits": traits, "training_plan": planned, "displacement": found}
        print_json({**summary, **more, "mm_a_pixel": mm})
        return
    print_damaged([Damaged(**one) for one in summary["damaged"]])
    (low_width, low_height), (high_width, high_height) = summary["original_sizes"]
    facts: list[tuple[str, Any]] = [
        ("images", f"{summary['images']} ({summary['train']} train, {summary['test']} test)"),
        ("working grid", grid_in_words(summary)),
        ("original size", f"{low_width} x {low_height} to {high_width} x {high_height}"),
        *((f"foreground {name}", _percent(share)) for name, share in summary["foreground"].items()),
        ("fingerprint", summary["fingerprint"]),
        ("folder", summary["folder"]),
    ]
    print_table(f"Data set {dataset.name}", ["what", "value"], facts)
    _print_spread(summary["statistics"])
    columns = ["name", "family", "covered_train", "covered_test", "iou_train", "iou_test", "outlines"]
    rows = [[format_cell(row[column]) for column in columns] for row in summary["labels"]]
    titles = [
        "label set",
        "family",
        "train images",
        "test images",
        "IoU to clean, train",
        "test",
        "outlines kept",
    ]
    print_table("Label sets", titles, rows)
    print_table(
        f"Outlines of {labels} and the edges of the images, pixels of the working grid",
        ["what the images say"],
        [[sentence(name, one, mm)] for name, one in beside.items()],
    )
    if plan is not None:
        _print_plan(plan)


def _planned(dataset: Dataset, labels: str) -> TrainingPlan | None:
    """The plan; None where nothing can be learned from these labels, or a file of theirs is damaged."""
    try:
        return plan_training(dataset, labels)
    except LvcnetError:
        return None


def _beside(dataset: Dataset, labels: str) -> dict[str, Displacement]:
    """Where outlines lie beside their edges; of no category where a file of these labels is damaged."""
    try:
        return displacements(dataset, labels)
    except LvcnetError:
        return {}


def _print_plan(plan: TrainingPlan) -> None:
    traits = plan.traits
    rows = [
        [
            one.name,
            f"{one.presence:.0%}",
            _percent(one.area),
            *map(_number, (one.thickness, one.original_thickness, one.parts)),
        ]
        for one in traits.categories
    ]
    titles = ["category", "in images", "area there", "thickness px", "px of the original", "parts"]
    print_table(f"Traits of {traits.images} training images, labels {traits.labels}", titles, rows)
    choices = [[one.name, as_yaml(one.value), one.reason] for one in (plan.size, *plan.choices)]
    print_table("Training plan (preset auto)", ["setting", "value", "reason"], choices)
    if plan.import_again:
        screen.print(f"The data set was {plan.import_again}.", highlight=False, markup=False)


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.0f}"


def _print_spread(statistics: dict[str, Any]) -> None:
    """Foreground and components of the clean labels, category by category."""
    rows: list[list[object]] = []
    for name, spread in statistics["foreground"].items():
        counts = ", ".join(f"{count} in {images}" for count, images in statistics["components"][name].items())
        shares = [_percent(spread and spread[key]) for key in ("min", "median", "max")]
        rows.append([name, *shares, counts])
    titles = ["category", "least foreground", "median", "most", "components in images"]
    silent = f"; {statistics['ignored']:.1%} of all pixels ignored" if statistics["ignored"] else ""
    print_table(f"Clean labels of {statistics['labelled']} images{silent}", titles, rows)


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.1%}"
