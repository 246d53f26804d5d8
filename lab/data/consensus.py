"""A form that unites label sets into a new one: majority vote or STAPLE."""

import streamlit as st

from lab import commands
from lab.ui import tables
from lab.ui.background import Task, background_button
from lab.ui.widgets import command_line, leave_note, shown_errors
from lvcnet import workspace
from lvcnet.claims import using
from lvcnet.correction.consensus import MOST_ANNOTATORS, VOTES, consensus
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
        command_line(commands.consensus(dataset.name, chosen, str(vote), name))
        with shown_errors():
            made = background_button(
                "Make label set",
                f"consensus-{dataset.name}",
                ":material/join:",
                "Estimates how reliable each annotator is, too."
                if own
                else "This data set ships with the lab and stays as it is: make or import your own.",
                lambda task: _make(task, dataset.name, chosen, str(vote), name),
                nothing_done="no label set was made",
                about=(*chosen, vote, name),
                disabled=not own or len(chosen) < 2,
            )
            if made is not None:
                leave_note(made)
                st.rerun()


def _make(task: Task, dataset_name: str, names: list[str], vote: str, name: str) -> str:
    """Unite label sets; returns what to say about it."""
    dataset = Dataset.load(dataset_name)  # not the shared copy, which other sessions read
    with using("data set", dataset.folder, f"label set {name} is being made of it", names):
        united, found = consensus(dataset, names, vote, name, report=task.stage("Uniting outlines"))
        dataset.add_labels(united)
    reliability = "; ".join(
        f"{one}: sensitivity {tables.number(part['sensitivity'][one])}, specificity"
        f" {tables.number(part['specificity'][one])}"
        for part in found["per_category"].values()
        for one in names
    )
    return f"Made {name} for {found['images']} images by {VOTES[vote]}. {reliability}."
