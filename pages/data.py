"""Data: browse data sets, measure and export them, create phantom radiographs, import annotated images."""

from functools import partial

import streamlit as st

from lab.agreement_view import show_agreement
from lab.data_forms import import_form, phantom_form
from lab.data_statistics import show_statistics
from lab.data_view import gallery
from lab.downloads import labels_file
from lab.navigation import link_to, page_frame
from lab.widgets import (
    command_line,
    leave_note,
    load_dataset,
    pick_dataset,
    pick_labels,
    pick_view,
    show_note,
    shown_errors,
)
from lvcnet import workspace
from lvcnet.data.dataset import Dataset, delete_dataset

VIEWS = {
    "browse": "Browse",
    "statistics": "Statistics",
    "agreement": "Two label sets",
    "export": "Export",
    "import": "Import",
    "phantom": "Create phantom",
}


def manage(dataset: Dataset) -> None:
    """Export and delete."""
    labels = pick_labels(dataset, "export", "Label set to export")
    st.download_button(
        "Download COCO",
        partial(labels_file, dataset, labels),  # written only when it is asked for
        f"{dataset.name}-{labels}.json",
        "application/json",
        key="export-coco",
        icon=":material/download:",
        help="Polygons at the size of the original images.",
        on_click="ignore",
    )
    command_line(
        ["data", "export", dataset.name, "--labels", labels, "--output", f"{dataset.name}-{labels}.json"]
    )
    own = dataset.folder is not None and workspace.datasets_dir() in dataset.folder.parents
    with st.popover(
        "Delete data set",
        icon=":material/delete:",
        disabled=not own,
        help=None if own else "This data set ships with the lab and cannot be deleted.",
    ):
        st.markdown(
            f"Delete **{dataset.name}** with all its label sets? Runs trained on it stay. This cannot be undone."
        )
        if st.button("Delete for good", key="delete-dataset", type="primary", help="There is no way back."):
            delete_dataset(dataset.name)
            leave_note(f"Data set {dataset.name} is deleted.")
            st.rerun()


page_frame(
    "Data", "Radiographs and their outlines: what methods learn from, and the clean labels that judge them."
)
show_note()
view = pick_view("view", "View", list(VIEWS), VIEWS.__getitem__, "Browse what is there, or add to it.")
if view == "phantom":
    phantom_form()
elif view == "import":
    import_form()
else:
    with shown_errors():
        name = pick_dataset()
        if name is not None:
            chosen = load_dataset(name)
            {"statistics": show_statistics, "agreement": show_agreement, "export": manage}.get(view, gallery)(
                chosen
            )
            link_to("noise", "Make its labels worse on purpose", query={"dataset": name})
