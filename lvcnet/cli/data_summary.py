"""The summary of a data set on the terminal."""

from typing import Any

from lvcnet.cli.output import format_cell, print_damaged, print_json, print_table
from lvcnet.damage import Damaged
from lvcnet.data.dataset import Dataset
from lvcnet.data.summary import grid_in_words, summarise


def present_dataset(dataset: Dataset, as_json: bool) -> None:
    """The summary of a data set, as JSON or as two tables."""
    summary = summarise(dataset)
    if as_json:
        print_json(summary)
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
