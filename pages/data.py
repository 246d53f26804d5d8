"""Data: browse data sets, create phantom radiographs, import annotated images."""

import io
from math import ceil

import streamlit as st

from lab import pictures, tables
from lab.data_forms import import_form, phantom_form
from lab.downloads import coco_file
from lab.navigation import link_to, page_frame
from lab.palette import category_colours
from lab.widgets import (
    command_line,
    dataset_summary,
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

VIEWS = {"browse": "Browse", "phantom": "Create phantom", "import": "Import"}
SHOWN = {"all": "All images", "train": "Training images", "test": "Test images"}
PAGE = 15
WIDTH = 170  # of a picture in pixels: five in a row, two on a phone


def statistics(dataset: Dataset) -> None:
    """Counts, sizes, categories and label sets."""
    summary = dataset_summary(dataset.name)
    (low_width, low_height), (high_width, high_height) = summary["original_sizes"]
    same = (low_width, low_height) == (high_width, high_height)
    sizes = f"{low_width} x {low_height}" + ("" if same else f" to {high_width} x {high_height}")
    with st.container(horizontal=True):
        st.metric("Training images", summary["train"], border=True, help="Images that methods learn from.")
        st.metric("Test images", summary["test"], border=True, help="Images that only measure.")
        st.metric(
            "Working size (px)",
            f"{summary['size']} x {summary['size']}",
            border=True,
            help="Grid of the networks.",
        )
        st.metric(
            "Original size (px)",
            sizes,
            border=True,
            help="Width x height of the files; results are exported at it.",
        )
        for name, share in summary["foreground"].items():
            st.metric(
                f"Foreground, {name}",
                tables.percent(share, 1),
                border=True,
                help="Mean share of an image, clean labels.",
            )
    st.table(tables.label_rows(summary), hide_index=True)
    st.caption(
        f"Fingerprint {summary['fingerprint']}: equal data, equal digits. A run remembers the one it was trained on."
    )


def gallery(dataset: Dataset) -> None:
    """A grid of images with the outlines of a label set, a page at a time."""
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    with left:
        labels = dataset.labels(pick_labels(dataset))
    with right:
        split = st.segmented_control(
            "Images",
            list(SHOWN),
            default="all",
            required=True,
            format_func=SHOWN.__getitem__,
            key="gallery-split",
            help="Which images the grid shows.",
        )
    rows = [row for row, item in enumerate(dataset.items) if split in ("all", item.split)]
    if not rows:
        st.info("No image in this split.", icon=":material/info:")
        return
    entries = list(zip(dataset.categories, category_colours(len(dataset.categories)), strict=True))
    st.html(f"<small>{pictures.legend(entries)}</small>")
    pages = ceil(len(rows) / PAGE)
    number = st.session_state.get(f"gallery-page-{dataset.name}-{split}", 1)
    with st.container(horizontal=True, key="gallery"):
        for row in rows[(number - 1) * PAGE : number * PAGE]:
            item = dataset.items[row]
            note = "" if labels.covered[row] else ", not labelled"
            st.image(
                pictures.with_outlines(dataset, labels, row),
                caption=f"{item.key} ({item.split}{note})",
                width=WIDTH,
                alt=f"Radiograph {item.key} with {labels.name} outlines",
            )
    if pages > 1:
        st.pagination(pages, key=f"gallery-page-{dataset.name}-{split}")


def manage(dataset: Dataset) -> None:
    """Export and delete."""
    st.subheader("Export and delete", anchor=False)
    labels = pick_labels(dataset, "export", "Label set to export")
    content = coco_file(dataset, labels)
    st.download_button(
        "Download COCO",
        io.BytesIO(content),
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
        help="Asks once more." if own else "This data set ships with the lab.",
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
            statistics(chosen)
            link_to("noise", "Make its labels worse on purpose", query={"dataset": name})
            gallery(chosen)
            manage(chosen)
