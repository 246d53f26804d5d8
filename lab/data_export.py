"""The export view of the data page: a label set in any format, and deleting the data set."""

from functools import partial

import streamlit as st

from lab import commands
from lab.downloads import labels_file
from lab.escaping import plain
from lab.widgets import command_line, leave_note, pick, pick_labels
from lvcnet import workspace
from lvcnet.data.dataset import Dataset, delete_dataset
from lvcnet.data.exporter import exported_name

FORMATS = {"coco": "COCO JSON", "labelme": "Labelme, zip", "masks": "Mask images, zip"}
FORMAT_HELP = {
    "coco": "One file: polygons, or run lengths where a region has holes.",
    "labelme": "One JSON file an image, to lie beside the images.",
    "masks": "A folder a category of black and white PNG files named like the images.",
}


def export_view(dataset: Dataset) -> None:
    """Label set and format to download, and the way to delete the data set."""
    left, right = st.columns(2)
    with left:
        labels = pick_labels(dataset, "export", "Label set to export")
    with right:
        format = pick(
            "format", "Format", list(FORMATS), "At the size of the original images.", FORMATS.__getitem__
        )
    st.caption(FORMAT_HELP[format] + " Everything is at the size of the original images.")
    name = exported_name(dataset, labels, format)
    st.download_button(
        f"Download {plain(name)}",
        partial(labels_file, dataset, labels, format),  # written only when it is asked for
        name,
        "application/json" if format == "coco" else "application/zip",
        key="export-labels",
        type="primary",
        icon=":material/download:",
        help="Written when you press; a few hundred images take seconds.",
        on_click="ignore",
    )
    command_line(commands.export(dataset.name, labels, format, name))
    _delete(dataset)


def _delete(dataset: Dataset) -> None:
    own = dataset.folder is not None and workspace.datasets_dir() in dataset.folder.parents
    with st.popover(
        "Delete data set",
        icon=":material/delete:",
        disabled=not own,
        help=None if own else "This data set ships with the lab and cannot be deleted.",
    ):
        st.markdown(
            f"Delete **{plain(dataset.name)}** with all its label sets? Runs trained on it stay. This cannot be undone."
        )
        if st.button("Delete for good", key="delete-dataset", type="primary", help="There is no way back."):
            delete_dataset(dataset.name)
            leave_note(f"Data set {dataset.name} is deleted.")
            st.rerun()
