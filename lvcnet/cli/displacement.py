"""The command that says how far outlines lie beside edges, and moves them back: displacement."""

import typer

from lvcnet.cli.options import Json
from lvcnet.cli.output import print_json, screen
from lvcnet.cli.requests import takes
from lvcnet.data.requests import DisplacementRequest


@takes
def displacement(request: DisplacementRequest, as_json: Json = False) -> None:
    """Say how far the outlines of a label set lie beside the edges they follow, and with --move make one that lies on them.

    From images and these labels alone: no clean label, no training. Only what no convention explains is moved, unless
    --belong-on-edges says that outlines belong on edges; where no one edge explains outlines, they stay.

    Example: `lvcnet displacement chests --labels dentist --move dentist-on-edges`
    """
    found = request.run()
    if as_json:
        print_json(found.as_json())
        return
    says = [f"Outlines of {found.labels}, in pixels of the working grid ({found.grid[1]} x {found.grid[0]}):"]
    says += [one["sentence"] for one in found.displacement.values()]
    moved = ", ".join(found.moved)
    if not moved:
        says.append("Nothing is to be moved" + (", so no label set was made." if request.move else "."))
    elif found.made is None:
        says.append(f"To be moved: {moved}; --move NAME makes a label set of it.")
    else:
        says.append(f"Label set {found.made}: moved {moved}.")
    says += [f"Attention: {one['caution']}." for one in found.displacement.values() if one["caution"]]
    for text in says:
        screen.print(text, highlight=False, markup=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Add this module's command to `app`."""
    app.command()(displacement)
