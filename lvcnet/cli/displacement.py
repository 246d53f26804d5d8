"""The command that says how far outlines lie beside edges, and moves them back: displacement."""

import typer

from lvcnet.cli.options import Json
from lvcnet.cli.output import print_json, screen
from lvcnet.cli.requests import takes
from lvcnet.data.dataset import Dataset
from lvcnet.data.displacement import mm_a_pixel, sentence
from lvcnet.data.naming import chosen
from lvcnet.data.requests import DisplacementRequest


@takes
def displacement(request: DisplacementRequest, as_json: Json = False) -> None:
    """Say how far the outlines of a label set lie beside the edges they follow, and with --move make one that lies on them.

    From images and these labels alone: no clean label, no training. Only what no convention explains is moved, unless
    --belong-on-edges says that outlines belong on edges; where no one edge explains outlines, they stay.

    Example: `lvcnet displacement chests --labels dentist --move dentist-on-edges`
    """
    found, made = request.run()
    dataset = Dataset.load(request.dataset)
    labels, mm = chosen(dataset, request.labels), mm_a_pixel(dataset)
    sentences = {name: sentence(name, one, mm) for name, one in found.items()}
    shifts = {name: one.shift(request.belong_on_edges) for name, one in found.items()}
    if as_json:
        rows = {
            name: {**one.as_json(), "sentence": sentences[name], "moved_px": shifts[name]}
            for name, one in found.items()
        }
        about = {"dataset": dataset.name, "labels": labels, "mm_a_pixel": mm}
        print_json({**about, "displacement": rows, "made": None if made is None else made.name})
        return
    says = [f"Outlines of {labels}, in pixels of the working grid ({dataset.grid[1]} x {dataset.grid[0]}):"]
    says += sentences.values()
    moved = [name for name, shift in shifts.items() if shift]
    if not moved:
        says.append("Nothing is to be moved" + (", so no label set was made." if request.move else "."))
    elif made is None:
        says.append(f"To be moved: {', '.join(moved)}; --move NAME makes a label set of it.")
    else:
        says.append(f"Label set {made.name}: moved {', '.join(moved)}.")
    for text in says:
        screen.print(text, highlight=False, markup=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Add this module's command to `app`."""
    app.command()(displacement)
