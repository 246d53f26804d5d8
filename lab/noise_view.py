"""What the noise page does and shows: make label sets, find them, draw and measure them image by image."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from lab import pictures, tables
from lab.palette import LABEL_COLOURS, LABEL_TITLES
from lab.widgets import Stamp, dataset_stamp, load_dataset, pick, progress_bar
from lvcnet.data.dataset import CLEAN, Dataset, find_dataset
from lvcnet.noise.calibrate import compare, make_noisy_labels

IN_A_ROW = 4


def make_label_sets(
    name: str, levels: Sequence[int], family: str, seed: int, bias: float, fraction: float, include_test: bool
) -> list[str]:
    """Calibrate all levels, then add them: an unreachable target leaves the data set as it was.

    Returns:
        names of the new label sets.

    Raises:
        LvcnetError: for settings out of range, or a level the family cannot reach.
    """
    dataset = Dataset.load(name)  # not the shared copy, which other sessions read
    made = []
    for level in levels:
        with progress_bar(f"Calibrating level {level}, try") as report:
            made.append(
                make_noisy_labels(
                    dataset, level, None, family, seed, bias, fraction, include_test, report=report
                )
            )
    for labels in made:
        dataset.add_labels(labels)
    return [labels.name for labels in made]


def noise_sets(dataset: Dataset, family: str | None = None) -> list[str]:
    """Names of the label sets with noise (of one family), from mild to strong."""
    found = {name: dataset.manifest(name) for name in dataset.label_names()}
    names = [
        name
        for name, manifest in found.items()
        if manifest.get("kind") == "noise" and family in (None, manifest["family"])
    ]
    return sorted(names, key=lambda name: (-found[name]["target_iou"], name))


def image_ious(dataset: Dataset, name: str) -> dict[str, float]:
    """IoU of noisy with clean labels for each training image with foreground: key to mean over its categories."""
    return _image_ious(dataset.name, name, dataset_stamp(find_dataset(dataset.name)))


def levels_in_a_row(dataset: Dataset, names: list[str]) -> None:
    """One image with clean and noisy outlines, from mild to strong: the paper's Fig. 3."""
    key = pick(
        "image",
        "Image",
        [dataset.items[row].key for row in dataset.indices("train")],
        "A training image; only training labels get noise.",
    )
    row = dataset.index(key)
    entries = [(LABEL_TITLES[which], LABEL_COLOURS[which]) for which in ("clean", "noisy")]
    st.html(f"<small>{pictures.legend(entries)}</small>")
    for start in range(0, len(names), IN_A_ROW):
        for column, name in zip(st.columns(IN_A_ROW), names[start : start + IN_A_ROW], strict=False):
            iou = image_ious(dataset, name).get(key)
            column.image(
                pictures.clean_and_noisy(dataset, dataset.labels(name), row),
                caption=f"{name}: IoU {tables.number(iou)} on this image",
                width="stretch",
                alt=f"Radiograph {key} with its clean outline and the outline of {name}",
            )


@st.cache_data(max_entries=32, show_spinner="Measuring the labels")
def _image_ious(dataset_name: str, name: str, stamp: Stamp) -> dict[str, float]:
    dataset = load_dataset(dataset_name)
    labels, clean = dataset.labels(name), dataset.labels(CLEAN)
    rows = dataset.indices("train")
    rows = rows[labels.covered[rows] & clean.covered[rows] & clean.masks[rows].any(axis=(1, 2, 3))]
    return {
        dataset.items[row].key: compare(clean.masks[row][np.newaxis], labels.masks[row][np.newaxis]).mean_iou
        for row in rows
    }
