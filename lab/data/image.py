"""One image of a data set, large: its label sets side by side, each with the clean outline and what it scores."""

import streamlit as st

from lab.draw.map_figures import Line, labelled_figure
from lab.ui import tables
from lab.ui.escaping import plain
from lab.ui.loaded import load_facts
from lab.ui.widgets import remember
from lvcnet.comparison.tables import NOTHING
from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.data.facts import ImageFacts
from lvcnet.drawing.palette import LABEL_COLOURS
from lvcnet.figures.layout import EXPORT

PARAMETER = "image"
LARGE, SMALL = 500, 380
"""Height of a picture in screen pixels: alone, or beside others."""
MOST = 4


def open_image(key: str) -> None:
    """Show an image from the next run on; the address remembers it."""
    remember(PARAMETER, key)


def close_image() -> None:
    """Forget the image that is shown."""
    st.query_params.pop(PARAMETER, None)


def asked_image(dataset: Dataset) -> str | None:
    """The image that the address asks for, if the data set has it."""
    asked = st.query_params.get(PARAMETER)
    return asked if asked in {item.key for item in dataset.items} else None


@st.dialog("Image", width="large", on_dismiss=close_image)
def show_image(dataset: Dataset, keys: list[str], shown: str) -> None:
    """The image of the address with some label sets side by side, and the way to its neighbours.

    Args:
        dataset: where it is.
        keys: images to go through, in order.
        shown: label set to start with.
    """
    key = asked_image(dataset)
    if key is None:
        return
    item = dataset.items[dataset.index(key)]
    _neighbours(key, keys, f"**{plain(key)}**, {item.split}, {item.width} x {item.height} px")
    names = st.multiselect(
        "Label sets",
        dataset.opinions(),
        default=[shown],
        max_selections=MOST,
        key="beside",
        bind="query-params",
        help=f"Up to {MOST}, side by side.",
    )
    for column, name in zip(st.columns(max(1, len(names))), names, strict=False):
        with column:
            _show_labels(dataset, name, key, LARGE if len(names) == 1 else SMALL)
    st.caption("Point at a pixel for its grey value and category. Drag to zoom, double click to zoom out.")


def _neighbours(key: str, keys: list[str], what: str) -> None:
    """Buttons to the image before and after, which the arrow keys press, too."""
    keys = keys if key in keys else [key]
    place = keys.index(key)
    with st.container(horizontal=True, vertical_alignment="center", key="neighbours"):
        for label, icon, shortcut, step in (
            ("Previous", ":material/chevron_left:", "Left", -1),
            ("Next", ":material/chevron_right:", "Right", 1),
        ):
            other = place + step
            inside = 0 <= other < len(keys)
            st.button(
                label,
                icon=icon,
                shortcut=shortcut,
                disabled=not inside,
                key=f"go-{label}",
                on_click=open_image,
                args=(keys[other] if inside else key,),
                help=f"{label} image of the gallery.",
            )
        st.markdown(f"{what}, {place + 1} of {len(keys)}")


def _show_labels(dataset: Dataset, name: str, key: str, height: int) -> None:
    """One label set over the image, the clean outline below it, and its numbers."""
    row = dataset.index(key)
    facts = load_facts(dataset, name)[row]
    st.markdown(f"**{plain(name)}**")
    st.plotly_chart(
        labelled_figure(
            dataset.image(row),
            outlines(dataset, name, row),
            dict(zip(dataset.categories, dataset.masks(name, row), strict=True)),
            height,
        ),
        key=f"image-{name}",
        config=EXPORT,
        alt=f"Radiograph {key} with the outlines of {name}{'' if name == CLEAN else ' and clean'}",
    )
    st.caption(plain(facts_text(facts, dataset.categories, name)))


def outlines(dataset: Dataset, name: str, row: int) -> list[Line]:
    """Outlines of the clean labels and, dashed over them, of another label set, category by category."""
    lines = []
    for which, colour, dash in ((CLEAN, "clean", "solid"), (name, "noisy", "dash")):
        if not dataset.labels(which).covered[row] or (which == CLEAN and colour == "noisy"):
            continue
        for category, mask in zip(dataset.categories, dataset.masks(which, row), strict=True):
            title = which if len(dataset.categories) == 1 else f"{which}: {category}"
            lines.append(Line(title, mask, LABEL_COLOURS[colour], dash))
    return lines


def facts_text(facts: ImageFacts, categories: list[str], name: str) -> str:
    """What is known about an image under a label set, in words."""
    if not facts.labelled:
        return "Not labelled."
    parts = [] if name == CLEAN else [f"IoU with clean {tables.number(facts.iou)}"]
    if name != CLEAN and facts.area_change is not None:
        parts.append(f"area {100 * facts.area_change:+z.1f} %")
    for category, share, count in zip(categories, facts.shares, facts.components, strict=True):
        known = NOTHING if share is None else tables.percent(share, 1)
        parts.append(f"{category} {known} in {tables.counted(count, 'part')}")
    if facts.ignored:
        parts.append(f"without the {tables.percent(facts.ignored, 1)} of the pixels that are ignored")
    return ", ".join(parts) + "."
