"""`lvcnet data images`: facts about single images, and choosing among them."""

from dataclasses import asdict

from lvcnet.cli.options import Json
from lvcnet.cli.output import print_json, print_table
from lvcnet.cli.requests import takes
from lvcnet.data.facts import ImageFacts
from lvcnet.data.requests import ImagesRequest


@takes
def images(request: ImagesRequest, as_json: Json = False) -> None:
    """List images with foreground, components and IoU to the clean labels; choose among them.

    Pixels that the label set leaves to be ignored are neither foreground nor background.

    Example: `lvcnet data images hips --labels level3 --split train --order worst`
    """
    found, name, labels = request.run(), request.name, request.labels
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
