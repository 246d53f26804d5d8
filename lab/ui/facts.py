"""Facts about the images of a data set, kept until one of its files changes."""

import streamlit as st

from lab.ui.widgets import Stamp, dataset_stamp, load_dataset
from lvcnet.data.dataset import Dataset, find_dataset
from lvcnet.data.facts import ImageFacts, image_facts


def load_facts(dataset: Dataset, labels: str) -> list[ImageFacts]:
    """`lvcnet.data.facts.image_facts`; what it returns must not be changed."""
    return _load_facts(dataset.name, labels, dataset_stamp(find_dataset(dataset.name)))


@st.cache_resource(max_entries=32, show_spinner="Measuring the labels")
def _load_facts(name: str, labels: str, stamp: Stamp) -> list[ImageFacts]:
    return image_facts(load_dataset(name), labels)
