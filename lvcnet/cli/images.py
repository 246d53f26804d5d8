"""`lvcnet data images`: facts about single images, and choosing among them."""

from dataclasses import asdict
from typing import Annotated

import typer

from lvcnet.cli.options import DatasetName
from lvcnet.cli.output import print_json, print_table
from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.data.facts import ORDERS, Filters, ImageFacts, image_facts, select
from lvcnet.errors import LvcnetError


def images(
    name: DatasetName,
    labels: Annotated[str, typer.Option(help="Label set that the facts are about.")] = CLEAN,
    split: Annotated[str | None, typer.Option(help="Only this split: train or test.")] = None,
    labelled: Annotated[
        bool | None,
        typer.Option("--labelled/--not-labelled", help="Only images that the label set covers, or does not."),
    ] = None,
    text: Annotated[str, typer.Option(help="Part of the image's key.")] = "",
    foreground: Annotated[
        str, typer.Option(help="Least and most share of foreground.", metavar="LOW-HIGH")
    ] = "0-1",
    components: Annotated[
        str, typer.Option(help="Least and most number of components; '2-' is open.", metavar="LOW-HIGH")
    ] = "0-",
    order: Annotated[str, typer.Option(help=f"One of {', '.join(ORDERS)}.")] = "stored",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """List images with foreground, components and IoU to the clean labels; choose among them.

    Pixels that the label set leaves to be ignored are neither foreground nor background.

    Example: `lvcnet data images hips --labels level3 --split train --order worst`
    """
    low, high = _parse_range(foreground, "--foreground")
    least, most = _parse_range(components, "--components")
    if any(end is not None and not end.is_integer() for end in (least, most)):
        raise LvcnetError(f"--components {components!r}: write whole numbers, for example 2-3")
    filters = Filters(
        split,
        labelled,
        text,
        (low or 0.0, 1.0 if high is None else high),
        (int(least or 0), None if most is None else int(most)),
        order,
    )
    found = select(image_facts(Dataset.load(name), labels), filters)
    if as_json:
        print_json({"dataset": name, "labels": labels, "images": [asdict(one) for one in found]})
        return
    silent = any(one.ignored for one in found)
    columns = [
        "image",
        "split",
        "labelled",
        "foreground",
        "parts",
        "IoU",
        "area",
        *(["ignored"] if silent else []),
    ]
    title = f"{len(found)} image{'' if len(found) == 1 else 's'} of {name}, {labels}"
    print_table(title, columns, [_cells(one)[: len(columns)] for one in found])


def _parse_range(text: str, option: str) -> tuple[float | None, float | None]:
    """`0.1-0.4`, `2-`, `-3` or `2` to ends; None is an open one.

    Raises:
        LvcnetError: if it has another form.

    >>> _parse_range("0.1-0.4", "--foreground"), _parse_range("2-", "--components"), _parse_range("2", "--components")
    ((0.1, 0.4), (2.0, None), (2.0, 2.0))
    """
    low, dash, high = text.partition("-")
    try:
        ends = [float(end) if end.strip() else None for end in (low, high if dash else low)]
    except ValueError:
        raise LvcnetError(f"{option} {text!r} is not a range: write LOW-HIGH, for example 2-3") from None
    return ends[0], ends[1]


def _cells(one: ImageFacts) -> list[object]:
    if not one.labelled:
        return [one.key, one.split, "no", None, None, None, None, None]
    change = None if one.area_change is None else f"{one.area_change:+.1%}"
    return [
        one.key,
        one.split,
        "yes",
        one.foreground,
        sum(one.components),
        one.iou,
        change,
        f"{one.ignored:.1%}",
    ]
