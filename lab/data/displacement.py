"""How far outlines lie beside the edges of their images: measured on request, and a label set whose outlines lie on them."""

import streamlit as st

from lab.ui import tables
from lab.ui.background import background_button
from lab.ui.escaping import plain
from lab.ui.widgets import command_line, dataset_stamp, leave_note, show_note, show_table, shown_errors
from lvcnet.data.dataset import Dataset, find_dataset
from lvcnet.data.displacement import COSTS, told
from lvcnet.data.requests import DisplacementRequest, Outlines
from lvcnet.masks.displacement import Displacement

MEASURED = "measured-displacement"
"""Where a session keeps (about, result) of the outlines that it shows."""


def show_displacement(dataset: Dataset, labels: str) -> None:
    """What the images say about the outlines of a label set, and the way to move them back."""
    st.header("Outlines and edges", anchor=False)
    st.markdown(
        f"Do the outlines of {plain(labels)} all err to one side? How far they lie beside the edges that they follow is measured"
        " on the training images and these labels alone: no clean label takes part, and no training."
    )
    request = DisplacementRequest(dataset.name, labels)
    about = (dataset.name, labels, *_stamp(dataset, labels))
    known, found = st.session_state.get(MEASURED, (None, None))
    found = found if known == about else None
    with shown_errors():
        measured: Outlines | None = background_button(
            "Measure again" if found else "Measure outlines",
            f"displacement-{dataset.name}-{labels}",
            ":material/straighten:",
            "Takes a second for ten images or so; nothing is changed.",
            lambda task: request.run(task.stage("Measuring outlines, images")),
            nothing_done="nothing was measured",
            about=about,
            primary=False,
            alone=False,
        )
        if measured is not None:
            st.session_state[MEASURED] = (about, measured)
            st.rerun()
    if found is None:
        command_line(request)
        return
    _say(dataset, labels, found)


def _say(dataset: Dataset, labels: str, found: Outlines) -> None:
    """What was measured, and the form that moves it."""
    key = f"{dataset.name}-{labels}"
    with st.container(border=True):
        belong = st.checkbox(
            "Outlines belong on edges",
            key=f"belong-{key}",
            help=f"Moves what a convention may explain, too: {COSTS}.",
        )
        ones = {name: Displacement.from_json(one) for name, one in found.displacement.items()}
        said = told(ones, belong, found.mm_a_pixel)
        show_table(
            [
                {
                    "Category": name,
                    "What the images say": one["sentence"].removeprefix(f"{name}: "),
                    "Moves by (px)": tables.number(one["moved_px"], 1) if one["moved_px"] else "stays",
                }
                for name, one in said.items()
            ]
        )
        for one in said.values():
            if one["caution"]:
                st.warning(plain(f"{one['caution']}."), icon=":material/warning:")
        moves = any(one["moved_px"] for one in said.values())
        name = st.text_input(
            "Name of the new label set",
            f"{labels}-on-edges",
            key=f"displacement-name-{key}",
            disabled=not moves,
            help=f"{plain(labels)} stays as it is.",
        )
        request = DisplacementRequest(dataset.name, labels, name if moves else None, belong)
        command_line(request)
        show_note("displacement")
        with shown_errors():
            made: Outlines | None = background_button(
                "Make a label set that lies on edges",
                f"displacement-make-{key}",
                ":material/compress:",
                "Moves the outlines back where the images say so." if moves else "There is nothing to move.",
                lambda task: request.run(task.stage("Measuring and moving outlines, images")),
                nothing_done="no label set was made",
                about=request,
                disabled=not moves,
            )
            if made is not None:
                leave_note(f"Made {made.made}: moved {', '.join(made.moved)}.", place="displacement")
                st.rerun()
    st.caption(
        "In pixels of the working grid, with a 95 % interval; positive moves go inwards. Where no one edge explains outlines,"
        " they stay. A training of LVC-Net or LVC-Net plus moves by itself what no convention explains."
    )


def _stamp(dataset: Dataset, labels: str) -> list[tuple[str, int]]:
    """When the images and these labels were written: other label sets may come and go."""
    files = {"images.npy", f"{labels}.npz"}
    return [entry for entry in dataset_stamp(find_dataset(dataset.name)) if entry[0] in files]
