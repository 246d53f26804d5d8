"""The export view of the data page: a label set in any format."""

from functools import partial
from pathlib import Path

import streamlit as st

from lab.ui.downloads import labels_file
from lab.ui.escaping import plain
from lab.ui.widgets import command_line, pick, pick_labels
from lvcnet.data.dataset import Dataset
from lvcnet.data.exporter import exported_name
from lvcnet.data.formats.specs import FORMATS, written
from lvcnet.data.requests import ExportRequest


def export_view(dataset: Dataset) -> None:
    """Label set and format to download."""
    left, right = st.columns(2)
    with left:
        labels = pick_labels(dataset, "export", "Label set to export")
    with right:
        format = pick("format", "Format", written(), "At the size of the original images.", _title)
    st.caption(
        plain(FORMATS[format].summary)
        + " Everything is at the size of the original images: outlines that nobody changed"
        " as they were imported, all others smooth."
    )
    name = exported_name(dataset, labels, format)
    st.download_button(
        f"Download {plain(name)}",
        partial(labels_file, dataset, labels, format),  # written only when it is asked for
        name,
        FORMATS[format].mime,
        key="export-labels",
        type="primary",
        icon=":material/download:",
        help="Written when you press; a few hundred images take seconds.",
        on_click="ignore",
    )
    command_line(ExportRequest(dataset.name, Path(name), labels, format))


def _title(format: str) -> str:
    spec = FORMATS[format]
    return f"{spec.title} {spec.suffix.removeprefix('.').upper()}" if spec.suffix else f"{spec.title}, zip"
