"""Files that the lab offers for download."""

import tempfile
from pathlib import Path

import streamlit as st

from lab.widgets import Stamp, dataset_stamp, load_dataset
from lvcnet.data.dataset import Dataset, find_dataset
from lvcnet.data.exporter import export_labels


def coco_file(dataset: Dataset, labels: str) -> bytes:
    """A label set as the COCO file that `lvcnet data export` writes."""
    return _coco_file(dataset.name, labels, dataset_stamp(find_dataset(dataset.name)))


@st.cache_data(max_entries=4, show_spinner="Writing COCO")
def _coco_file(name: str, labels: str, stamp: Stamp) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coco.json"
        export_labels(load_dataset(name), labels, path)
        return path.read_bytes()
