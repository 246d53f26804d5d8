"""The manage view of the data page: label sets and the data set, what was made of them, and deleting them."""

from functools import partial

import streamlit as st

from lab.ui.escaping import plain
from lab.ui.tables import counted
from lab.ui.trash import delete_button, show_trash
from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.deleting import plan_dataset, plan_labels
from lvcnet.runs.store import list_runs

KINDS = ("data set", "label set")
SHIPPED = "This data set ships with the lab and cannot be deleted."


def manage_view(dataset: Dataset) -> None:
    """Every label set with the runs that learned from it, and the ways to delete."""
    why_not = SHIPPED if dataset.is_demo else None
    runs = [run.config().get("labels") for run in list_runs(dataset.name)]
    st.header("Label sets", anchor=False)
    for name in dataset.label_names():
        with st.container(
            horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", border=True
        ):
            kind = dataset.manifest(name).get("kind") or dataset.manifest(name).get("family") or "imported"
            trained = f"{counted(runs.count(name), 'run')} trained on it"
            st.markdown(f"**{plain(name)}**  \n:gray[{plain(kind)}, {trained}]", width="content")
            clean = "The clean labels judge every method: they go with the data set only."
            delete_button(
                partial(plan_labels, dataset.name, name),
                "label set",
                name,
                why_not or (clean if name == CLEAN else None),
            )
    st.header("Data set", anchor=False)
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", border=True
    ):
        about = f"{counted(len(dataset), 'image')}, {counted(len(runs), 'run')} trained on it"
        st.markdown(f"**{plain(dataset.name)}**  \n:gray[{about}]", width="content")
        delete_button(
            partial(plan_dataset, dataset.name), "data set", dataset.name, why_not, "Delete the data set"
        )
    show_trash(KINDS)
