"""Commands for several annotators: consensus, siding."""

from typing import Annotated, Any

import typer

from lvcnet.claims import using
from lvcnet.cli.options import DatasetName, Json
from lvcnet.cli.output import print_json, print_table, progress_bar, screen
from lvcnet.correction.consensus import VOTES, consensus
from lvcnet.correction.edge_support import SIDES, edge_support
from lvcnet.data.dataset import Dataset
from lvcnet.runs.store import find_run


def register(app: typer.Typer) -> None:
    """Add this module's commands to `app`."""
    app.command("consensus")(unite)
    app.command("siding")(side)


def unite(
    dataset: DatasetName,
    labels: Annotated[list[str], typer.Argument(help="Two or more label sets of the same images.")],
    name: Annotated[str, typer.Option("--as", help="Name of the label set to make, e.g. consensus.")],
    vote: Annotated[str, typer.Option(help="staple or majority.")] = "staple",
    method: Annotated[str | None, typer.Option(hidden=True, help="What --vote was called before.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier consensus of that name.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make one label set from the outlines of several annotators, and estimate how reliable each of them is.

    Majority vote: ties go to the side whose undisputed pixels are nearer. STAPLE weighs annotators by reliability; two
    are too few to tell them apart well.

    Example: `lvcnet consensus jaws dentist1 dentist2 dentist3 --vote staple --as consensus`
    """
    vote, data = method or vote, Dataset.load(dataset)
    what = f"label set {name} is being made of it"
    with using("data set", data.folder, what, labels), progress_bar("Uniting outlines") as report:
        united, found = consensus(data, labels, vote, name, overwrite, report)
        data.add_labels(united)
    if as_json:
        print_json({"dataset": dataset, "labels": name, **found})
        return
    rows = [
        [category, one, part["sensitivity"][one], part["specificity"][one]]
        for category, part in found["per_category"].items()
        for one in labels
    ]
    print_table(
        f"{VOTES[vote]} over {found['images']} images of {dataset}",
        ("Category", "Annotator", "Sensitivity", "Specificity"),
        rows,
    )
    disputed = sum(part["disputed_px"] for part in found["per_category"].values())
    screen.print(
        f"label set {name}: {disputed} pixels were disputed; {found['left_out']} images that not all of them cover are"
        " left out. Specificity is measured near the outlines.",
        highlight=False,
        soft_wrap=True,
    )


def side(
    dataset: DatasetName,
    first: Annotated[str, typer.Argument(help="A label set.")],
    second: Annotated[str, typer.Argument(help="Another label set of the same images.")],
    split: Annotated[str | None, typer.Option(help="Only this split: train or test.")] = None,
    run: Annotated[
        str | None,
        typer.Option(help="A finished run: ask the boundary it predicts instead of the image's edges."),
    ] = None,
    top: Annotated[
        int, typer.Option(min=1, help="How many images the table shows, most disputed first.")
    ] = 10,
    as_json: Json = False,
) -> None:
    """Ask the image whom it sides with: which of two outlines lies on stronger edges where they differ.

    A hint, not truth: the outline on stronger edges is not always the right one.

    Example: `lvcnet siding jaws dentist1 dentist2`
    """
    with progress_bar("Comparing with edges") as report:
        found = edge_support(
            Dataset.load(dataset), first, second, split, find_run(run) if run else None, report
        )
    if as_json:
        print_json(found)
        return
    titles = [f"{first} (%)", f"{second} (%)", "Undecided (%)"]
    groups = [("all", found), *found["per_category"].items()]
    rows = [[title, group["area_px"], *_percents(group["share"])] for title, group in groups]
    print_table(
        f"Area on which {first} and {second} differ in {found['images']} images, and whom it goes to by the"
        f" {found['evidence']}",
        ("Category", "Area (px)", *titles),
        rows,
    )
    rows = [
        [image["key"], image["area_px"], *(image[side] for side in SIDES)]
        for image in found["per_image"][:top]
    ]
    print_table(
        "Images, most disputed first",
        ("Image", "Area (px)", f"{first} (px)", f"{second} (px)", "Undecided (px)"),
        rows,
    )
    screen.print(found["note"])


def _percents(share: dict[str, float | None]) -> list[Any]:
    return [None if value is None else f"{100 * value:.1f}" for value in share.values()]
