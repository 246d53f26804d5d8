"""Files that the lab offers for download."""

from collections.abc import Sequence

import streamlit as st

from lab.ui.widgets import Stamp, dataset_stamp, load_dataset
from lvcnet.data.dataset import Dataset, find_dataset
from lvcnet.data.exporter import exported_file
from lvcnet.data.importing.annotated import Problem, problems_csv


def labels_file(dataset: Dataset, labels: str, format: str = "coco") -> bytes:
    """A label set as the file that `lvcnet data export` writes: JSON (coco) or zip (labelme, masks)."""
    return _labels_file(dataset.name, labels, format, dataset_stamp(find_dataset(dataset.name)))


def offer_report(problems: Sequence[Problem], file_name: str) -> None:
    """A button for what an import found, as `lvcnet data import --report` writes it."""
    st.download_button(
        "Download the report",
        problems_csv(problems),
        file_name,
        "text/csv",
        key=f"report-{file_name}",
        icon=":material/download:",
        help="One line a problem as CSV: severity, image, where, what, fix.",
        on_click="ignore",
    )


@st.cache_data(max_entries=4, show_spinner="Writing the file")
def _labels_file(name: str, labels: str, format: str, stamp: Stamp) -> bytes:
    return exported_file(load_dataset(name), labels, format)[1]
