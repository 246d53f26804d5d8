"""Files that the lab offers for download."""

import streamlit as st

from lab.widgets import Stamp, dataset_stamp, load_dataset
from lvcnet.data.dataset import Dataset, find_dataset
from lvcnet.data.exporter import exported_file


def labels_file(dataset: Dataset, labels: str, format: str = "coco") -> bytes:
    """A label set as the file that `lvcnet data export` writes: JSON (coco) or zip (labelme, masks)."""
    return _labels_file(dataset.name, labels, format, dataset_stamp(find_dataset(dataset.name)))


@st.cache_data(max_entries=4, show_spinner="Writing the file")
def _labels_file(name: str, labels: str, format: str, stamp: Stamp) -> bytes:
    return exported_file(load_dataset(name), labels, format)[1]
