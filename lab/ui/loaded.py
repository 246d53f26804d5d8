"""Facts about images, and corrections, kept in memory until one of their files changes."""

from pathlib import Path

import streamlit as st

from lab.ui.widgets import Stamp, dataset_stamp, load_dataset
from lvcnet.correction.store import Correction, correction_folder
from lvcnet.data.dataset import Dataset, find_dataset
from lvcnet.data.facts import ImageFacts, image_facts


def load_facts(dataset: Dataset, labels: str) -> list[ImageFacts]:
    """`lvcnet.data.facts.image_facts`; what it returns must not be changed."""
    return _load_facts(dataset.name, labels, dataset_stamp(find_dataset(dataset.name)))


def load_correction(name: str) -> Correction:
    """A correction; kept in memory until its file changes.

    Raises:
        LvcnetError: if there is none of that name.
    """
    return _load_correction(str(correction_folder(name)), correction_stamp(name))


def correction_stamp(name: str) -> Stamp:
    """The files of a correction and when they were written: its arrays are mapped, and may not shrink unnoticed."""
    folder = correction_folder(name)
    files = [folder / file for file in ("correction.json", "proposals.npy", "probability.npy")]
    return tuple((file.name, file.stat().st_mtime_ns) for file in files if file.exists())


@st.cache_resource(max_entries=32, show_spinner="Measuring the labels")
def _load_facts(name: str, labels: str, stamp: Stamp) -> list[ImageFacts]:
    return image_facts(load_dataset(name), labels)


@st.cache_resource(max_entries=4, show_spinner="Loading the correction")
def _load_correction(folder: str, stamp: Stamp) -> Correction:
    return Correction(Path(folder))
