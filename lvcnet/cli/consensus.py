"""Commands for several annotators: consensus, edge-support."""

from typing import Annotated, Any

import typer

from lvcnet.cli.options import Json
from lvcnet.cli.output import print_json, print_table, progress_bar, screen
from lvcnet.cli.requests import takes
from lvcnet.correction.consensus import VOTES
from lvcnet.correction.edge_support import SIDES
from lvcnet.correction.requests import ConsensusRequest, EdgeSupportRequest


def register(app: typer.Typer) -> None:
    """Add this module's commands to `app`."""
    app.command("consensus")(unite)
    app.command("edge-support")(edge_support)


@takes
def unite(request: ConsensusRequest, as_json: Json = False) -> None:
    """Make one label set from the outlines of several annotators, and estimate how reliable each of them is.

    Majority vote: ties go to the side whose undisputed pixels are nearer. STAPLE weighs annotators by reliability; two
    are too few to tell them apart well.

    Example: `lvcnet consensus jaws dentist1 dentist2 dentist3 --vote staple --as consensus`
    """
    with progress_bar("Uniting outlines") as report:
        found = request.run(report)
    if as_json:
        print_json({"dataset": request.dataset, "labels": request.name, **found})
        return
    rows = [
        [category, one, part["sensitivity"][one], part["specificity"][one]]
        for category, part in found["per_category"].items()
        for one in request.labels
    ]
    print_table(
        f"{VOTES[request.vote]} over {found['images']} images of {request.dataset}",
        ("Category", "Annotator", "Sensitivity", "Specificity"),
        rows,
    )
    disputed = sum(part["disputed_px"] for part in found["per_category"].values())
    screen.print(
        f"label set {request.name}: {disputed} pixels were disputed; {found['left_out']} images that not all of them cover are"
        " left out. Specificity is measured near the outlines.",
        highlight=False,
        soft_wrap=True,
    )


@takes
def edge_support(
    request: EdgeSupportRequest,
    top: Annotated[
        int, typer.Option(min=1, help="How many images the table shows, most disputed first.")
    ] = 10,
    as_json: Json = False,
) -> None:
    """Edge support: which of two outlines lies on stronger edges of the image where they differ.

    A hint, not truth: the outline on stronger edges is not always the right one.

    Example: `lvcnet edge-support jaws dentist1 dentist2`
    """
    with progress_bar("Comparing with edges") as report:
        found = request.run(report)
    first, second = request.first, request.second
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
