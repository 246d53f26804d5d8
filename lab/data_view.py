"""What the data page shows of a data set: its figures, and a gallery with outlines."""

from math import ceil

import streamlit as st

from lab import pictures, tables
from lab.palette import category_colours
from lab.widgets import dataset_summary, pick_labels
from lvcnet.data.dataset import Dataset

SHOWN = {"all": "All images", "train": "Training images", "test": "Test images"}
PAGE = 15
WIDTH = 170
"""Of a picture in pixels: five in a row, two on a phone."""


def statistics(dataset: Dataset) -> None:
    """Counts, sizes, categories and label sets."""
    summary = dataset_summary(dataset.name)
    (low_width, low_height), (high_width, high_height) = summary["original_sizes"]
    same = (low_width, low_height) == (high_width, high_height)
    sizes = f"{low_width} x {low_height}" + ("" if same else f" to {high_width} x {high_height}")
    with st.container(horizontal=True):
        st.metric(
            "Training images",
            summary["train"],
            border=True,
            width="content",
            help="Images that methods learn from.",
        )
        st.metric(
            "Test images", summary["test"], border=True, width="content", help="Images that only measure."
        )
        st.metric(
            "Working size (px)",
            f"{summary['size']} x {summary['size']}",
            border=True,
            width="content",
            help="Grid of the networks.",
        )
        st.metric(
            "Original size (px)",
            sizes,
            border=True,
            width="content",
            help="Width x height of the files; results are exported at it.",
        )
        for name, share in summary["foreground"].items():
            st.metric(
                f"Foreground, {name}",
                tables.percent(share, 1),
                border=True,
                width="content",
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
            wrap=True,
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
