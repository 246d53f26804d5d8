"""A form that unites label sets into a new one: majority vote or STAPLE."""

import streamlit as st

from lab.ui import tables
from lab.ui.background import Task, background_button
from lab.ui.widgets import command_line, leave_note, show_note, shown_errors
from lvcnet import workspace
from lvcnet.correction.consensus import MOST_ANNOTATORS, VOTES
from lvcnet.correction.requests import ConsensusRequest
from lvcnet.data.dataset import Dataset


def consensus_form(dataset: Dataset, first: str, second: str) -> None:
    """Choose label sets, vote and name; what is made, and how reliable each annotator seems, is told by the note."""
    st.header("Consensus", anchor=False)
    own = dataset.folder is not None and workspace.datasets_dir() in dataset.folder.parents
    with st.container(border=True):
        chosen = st.multiselect(
            "Label sets to unite",
            dataset.opinions(),
            [first, second],
            max_selections=MOST_ANNOTATORS,
            key=f"consensus-sets-{dataset.name}-{first}-{second}",
            help="Two or more annotators; the new label set covers the images that all of them cover.",
        )
        left, right = st.columns(2, vertical_alignment="bottom")
        vote = left.segmented_control(
            "Vote",
            list(VOTES),
            default="majority" if len(chosen) == 2 else "staple",
            required=True,
            format_func=VOTES.__getitem__,
            key=f"consensus-vote-{len(chosen) == 2}",
            help="Majority: more than half; ties go to the nearer side. STAPLE weighs annotators by how reliable they"
            " seem; with two it can only take over one of them, what both drew, or what either drew.",
        )
        name = right.text_input(
            "Name",
            "consensus",
            key="consensus-name",
            help="Of the new label set; training can learn from it.",
        )
        request = ConsensusRequest(dataset.name, tuple(chosen), name, str(vote))
        command_line(request)
        show_note("consensus")
        with shown_errors():
            made = background_button(
                "Make label set",
                f"consensus-{dataset.name}",
                ":material/join:",
                "Estimates how reliable each annotator is, too."
                if own
                else "This data set ships with the lab and stays as it is: make or import your own.",
                lambda task: _make(task, request),
                nothing_done="no label set was made",
                about=request,
                disabled=not own or len(chosen) < 2,
            )
            if made is not None:
                leave_note(made, place="consensus")
                st.rerun()


def _make(task: Task, request: ConsensusRequest) -> str:
    """Unite label sets; returns what to say about it."""
    found = request.run(task.stage("Uniting outlines"))
    reliability = "; ".join(
        f"{one}: sensitivity {tables.number(part['sensitivity'][one])}, specificity"
        f" {tables.number(part['specificity'][one])}"
        for part in found["per_category"].values()
        for one in request.labels
    )
    return f"Made {request.name} for {found['images']} images by {VOTES[request.vote]}. {reliability}."
