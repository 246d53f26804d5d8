"""What the noise page does and shows: make label sets, find them, draw and measure them image by image."""

import streamlit as st

from lab.draw import pictures
from lab.draw.curves import area_histogram, iou_histogram
from lab.ui import tables
from lab.ui.background import Task
from lab.ui.escaping import plain
from lab.ui.loaded import load_facts
from lab.ui.widgets import Stamp, command_line, dataset_stamp, load_dataset, pick, pick_view
from lvcnet.data.dataset import CLEAN, Dataset, find_dataset
from lvcnet.data.facts import iou_and_area_change
from lvcnet.data.naming import NOISE
from lvcnet.data.requests import ImagesRequest
from lvcnet.drawing.palette import LABEL_COLOURS, LABEL_TITLES
from lvcnet.figures.layout import EXPORT
from lvcnet.noise.levels import LEVEL_TARGETS
from lvcnet.noise.preview import SAMPLE, Preview, preview
from lvcnet.noise.request import NoiseRequest
from lvcnet.planner.clicks import image_clicks, not_counted, outlines_of

IN_A_ROW = 5
PREVIEWED_LEVEL = "3"
DRAWN = {"outlines": "Outlines", "disagreement": "Disagreement"}
ESTIMATED = f"estimated from at most {SAMPLE} training images"


def make_label_sets(task: Task, request: NoiseRequest) -> list[str]:
    """Names of the label sets that were made; cancelled, or with an unreachable target, the data set stays as it was.

    Raises:
        LvcnetError: for settings out of range, or a level the family cannot reach.
    """
    return [labels.name for labels in request.run(task.stage)]


def noise_sets(dataset: Dataset, family: str | None = None) -> list[str]:
    """Names of the label sets with noise of a known amount (of one family), from mild to strong."""
    found = {name: dataset.manifest(name) for name in dataset.label_names()}
    names = [
        name
        for name, manifest in found.items()
        if manifest.get("kind") == NOISE and "target_iou" in manifest and family in (None, manifest["family"])
    ]
    return sorted(names, key=lambda name: (-found[name]["target_iou"], name))


def pick_level() -> int:
    """The level to preview."""
    titles = {str(level): f"Level {level}: IoU {target:.2f}" for level, target in LEVEL_TARGETS.items()}
    return int(
        pick("level", "Level", list(titles), "How much worse.", titles.__getitem__, default=PREVIEWED_LEVEL)
    )


def preview_panel(dataset: Dataset, key: str, level: int, family: str, seed: int, bias: float) -> None:
    """What these settings draw on an image: the outline and where it is wrong, before any label set is made.

    Raises:
        LvcnetError: for a level the family cannot reach here, or an image without clean label.
    """
    shown = _preview(dataset.name, dataset_stamp(find_dataset(dataset.name)), key, level, family, seed, bias)
    row = dataset.index(key)
    iou, change = iou_and_area_change(shown.masks, dataset.masks(CLEAN, row))
    countable = not_counted("preview", {"family": family, "strength": shown.strength, "bias": bias}) is None
    clicks = image_clicks(dataset.masks(CLEAN, row), shown.strength) if countable else None
    left, right = st.columns(2)
    with left:
        _legend("clean", "noisy")
        st.image(
            pictures.clean_and_noisy(dataset, shown.masks, row),
            width="stretch",
            alt=f"Radiograph {key} with its clean outline and a {family} outline of level {level}",
        )
    with right:
        _legend("clean", "missed", "extra")
        st.image(
            pictures.disagreement(dataset, shown.masks, row),
            width="stretch",
            alt=f"Radiograph {key}: areas that a {family} outline of level {level} misses and adds",
        )
    st.markdown(tables.unbroken(f"**{plain(key)} at level {level}**: {_numbers(iou, change, clicks)}."))
    st.caption(
        f"Strength {shown.strength:.2f} {shown.unit}"
        + (", that of the label set made with these settings." if shown.exact else f", {ESTIMATED}.")
        + " A level is a mean over the training images; a single image lies above or below its target."
    )


def levels_in_a_row(dataset: Dataset, names: list[str], key: str) -> None:
    """One image with clean and noisy outlines, from mild to strong, the paper's Fig. 3; or where they disagree."""
    draw = pick_view("draw", "Draw", list(DRAWN), DRAWN.__getitem__, "The outlines, or where they disagree.")
    _legend("clean", *(("noisy",) if draw == "outlines" else ("missed", "extra")))
    row = dataset.index(key)
    painted = pictures.clean_and_noisy if draw == "outlines" else pictures.disagreement
    for start in range(0, len(names), IN_A_ROW):
        for column, name in zip(st.columns(IN_A_ROW), names[start : start + IN_A_ROW], strict=False):
            facts = load_facts(dataset, name)[row]
            masks = dataset.masks(name, row) if facts.labelled else None
            column.image(
                painted(dataset, masks, row),
                caption=f"{plain(name)}: {_numbers(facts.iou, facts.area_change, _clicks_of(dataset, name, row))}"
                if facts.labelled
                else f"{plain(name)}: not labelled",
                width="stretch",
                alt=f"Radiograph {key}: {DRAWN[draw].lower()} of clean and {name}",
            )


def label_clicks(dataset: Dataset, name: str) -> float | None:
    """Clicks an image, mean over the training images; None where they cannot be counted."""
    if not_counted(name, dataset.manifest(name)) is not None:
        return None
    return _label_clicks(dataset.name, name, dataset_stamp(find_dataset(dataset.name)))


def show_spread(dataset: Dataset, name: str) -> None:
    """Histograms of IoU and change of area over the training images with clean foreground."""
    facts = [
        one
        for one in load_facts(dataset, name)
        if one.split == "train" and one.labelled and one.iou is not None
    ]
    left, right = st.columns(2)
    ious = [one.iou for one in facts if one.iou is not None]
    changes = [one.area_change for one in facts if one.area_change is not None]
    with left:
        st.plotly_chart(
            iou_histogram(ious, dataset.manifest(name)["target_iou"]),
            key="iou-histogram",
            config=EXPORT,
            alt=f"Histogram of the IoU of {name} with the clean labels over {len(facts)} training images",
        )
    with right:
        st.plotly_chart(
            area_histogram(changes),
            key="area-histogram",
            config=EXPORT,
            alt=f"Histogram of the change of area of {name} against the clean labels",
        )
    command_line(ImagesRequest(dataset.name, name, split="train", order="worst"))


def _numbers(iou: float | None, change: float | None, clicks: int | None) -> str:
    """IoU, change of area and clicks of one image, as far as they are known.

    >>> _numbers(0.8123, -0.034, 57), _numbers(None, None, None)
    ('IoU 0.812, area -3.4 %, 57 clicks', 'IoU —')
    """
    parts = [f"IoU {tables.number(iou)}"]
    if change is not None:
        parts.append(f"area {100 * change:+z.1f} %")
    if clicks is not None:
        parts.append(f"{clicks} clicks")
    return ", ".join(parts)


def _clicks_of(dataset: Dataset, name: str, row: int) -> int | None:
    manifest = dataset.manifest(name)
    if not_counted(name, manifest) is not None:
        return None
    return image_clicks(dataset.masks(CLEAN, row), float(manifest["strength"]))


def _legend(*names: str) -> None:
    entries = [(LABEL_TITLES[name], LABEL_COLOURS[name]) for name in names]
    st.html(f"<small>{pictures.legend(entries)}</small>")


@st.cache_data(max_entries=64, show_spinner="Finding the strength of the level")
def _preview(name: str, stamp: Stamp, key: str, level: int, family: str, seed: int, bias: float) -> Preview:
    return preview(load_dataset(name), key, level, family, seed, bias)


@st.cache_data(max_entries=32, show_spinner="Counting clicks")
def _label_clicks(dataset_name: str, name: str, stamp: Stamp) -> float:
    dataset = load_dataset(dataset_name)
    return outlines_of(dataset, name, dataset.manifest(name)).clicks
