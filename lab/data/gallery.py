"""The gallery of the data page: filters that the address remembers, and a grid of images to open.

Filters are bound to the address by Streamlit (`?search=07&order=worst`), so that a view can be linked and reloaded.
"""

from math import ceil

import streamlit as st

from lab.data.image import asked_image, open_image, show_image
from lab.draw import pictures
from lab.ui import tables
from lab.ui.escaping import plain
from lab.ui.loaded import load_facts
from lab.ui.widgets import command_line, pick, pick_labels, remember
from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.data.facts import ORDERS, Filters, ImageFacts, select, statistics
from lvcnet.data.requests import ImagesRequest
from lvcnet.drawing.palette import category_colours

SPLITS = {"all": "All images", "train": "Training images", "test": "Test images"}
LABELLED = {"all": "All images", "yes": "Labelled", "no": "Not labelled"}
PAGE = 18
WIDTH = 163
"""Of a picture in pixels: six in a row, two on a phone."""
TILES = """<style>
.st-key-gallery [class*="st-key-tile-"] { position: relative; }
.st-key-gallery [class*="st-key-tile-"] :not(button, button *) { position: static; }
.st-key-gallery [class*="st-key-open-"] button { position: static; min-height: 1.6rem; padding: 0; }
.st-key-gallery [class*="st-key-open-"] button::after { content: ""; position: absolute; inset: 0; cursor: zoom-in; }
.st-key-gallery [data-testid="stElementToolbar"] { display: none; }
.st-key-gallery [class*="st-key-tile-"]:hover img { opacity: 0.85; }
</style>"""
"""The button below a picture takes clicks on the whole tile."""


def gallery(dataset: Dataset) -> None:
    """Label set, filters, how many images pass, and the images, a page at a time."""
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    with left:
        labels = pick_labels(dataset)
    with middle:
        search = st.text_input(
            "Search",
            key="search",
            bind="query-params",
            icon=":material/search:",
            live=True,
            placeholder="part of an image's name",
            help="Images whose name holds this text.",
        )
    with right:
        orders = [order for order in ORDERS if order != "worst" or labels != CLEAN]
        order = pick(
            "order", "Order", orders, "Worst first needs labels other than clean.", ORDERS.__getitem__
        )
    facts = load_facts(dataset, labels)
    filters = _filters(facts, search or "", order)
    request = ImagesRequest(dataset.name, labels, **vars(filters))
    found = select(facts, request.filters)
    if any(one.ignored for one in facts):
        st.caption(plain(tables.ignored_note(labels, statistics(facts, dataset.categories)["ignored"])))
    _show_count(found, facts, labels)
    if found:
        _grid(dataset, labels, found, f"gallery-page-{dataset.name}-{labels}-{filters}")
    else:
        st.info("No image passes these filters.", icon=":material/filter_alt_off:")
        st.button(
            "Clear search and filters",
            key="clear-filters",
            icon=":material/filter_alt_off:",
            on_click=_clear,
            args=(_most_parts(facts),),
        )
    command_line(request)
    if asked_image(dataset) is not None:
        show_image(dataset, [one.key for one in found], labels)


def _most_parts(facts: list[ImageFacts]) -> int:
    return max(1, *(sum(one.components) for one in facts))


def _clear(parts: int) -> None:
    """Back to all images."""
    st.session_state.update({"search": "", "foreground": (0, 100), "components": (0, parts)})
    for parameter in ("split", "labelled"):
        remember(parameter, "all")


def _filters(facts: list[ImageFacts], search: str, order: str) -> Filters:
    """The widgets that narrow the selection; folded as long as none does."""
    most = _most_parts(facts)
    narrowed = {"split", "labelled", "foreground", "components"} & {
        name for name in st.query_params if st.query_params[name] != "all"
    }
    with st.expander("Filters", icon=":material/filter_alt:", expanded=bool(narrowed)):
        columns = st.columns(4)
        with columns[0]:
            split = pick(
                "split",
                "Split",
                list(SPLITS),
                "Images to learn from, or those that only measure.",
                SPLITS.__getitem__,
            )
        with columns[1]:
            labelled = pick(
                "labelled",
                "Labelled",
                list(LABELLED),
                "Whether the chosen label set covers the image.",
                LABELLED.__getitem__,
            )
        low, high = columns[2].slider(
            "Foreground",
            0,
            100,
            (0, 100),
            format="%d %%",
            key="foreground",
            bind="query-params",
            help="Share of the image that any category covers.",
        )
        least, largest = columns[3].slider(
            "Parts",
            0,
            most,
            (0, most),
            key="components",
            bind="query-params",
            help="Connected parts of all categories together.",
        )
    return Filters(
        split=None if split == "all" else split,
        labelled=None if labelled == "all" else labelled == "yes",
        text=search,
        foreground=(low / 100, high / 100),
        components=(least, None if largest == most else largest),
        order=order,
    )


def _grid(dataset: Dataset, labels: str, found: list[ImageFacts], key: str) -> None:
    """The pictures of one page, and the pages."""
    entries = list(zip(dataset.categories, category_colours(len(dataset.categories)), strict=True))
    st.html(f"{TILES}<small>{pictures.legend(entries)}</small>")
    pages = ceil(len(found) / PAGE)
    number = min(st.session_state.get(key, 1), pages)
    with st.container(horizontal=True, key="gallery"):
        for one in found[(number - 1) * PAGE : number * PAGE]:
            _tile(dataset, labels, one)
    if pages > 1:
        st.pagination(pages, key=key)


def _show_count(found: list[ImageFacts], facts: list[ImageFacts], labels: str) -> None:
    known = [one.iou for one in found if one.iou is not None and labels != CLEAN]
    mean = f", mean IoU with clean {tables.number(sum(known) / len(known))}" if known else ""
    total = tables.counted(len(facts), "image")
    st.markdown(f"**{len(found)} of {total}**{mean}" if len(found) < len(facts) else f"**{total}**{mean}")


def _tile(dataset: Dataset, labels: str, one: ImageFacts) -> None:
    """A picture, its name as the button that opens it, and its facts."""
    with st.container(key=f"tile-{one.row}", width=WIDTH, gap=None):
        st.image(
            pictures.with_outlines(dataset, dataset.labels(labels), one.row),
            width=WIDTH,
            alt=f"Radiograph {one.key} with {labels} outlines",
        )
        st.button(
            plain(one.key),
            key=f"open-{one.row}",
            type="tertiary",
            on_click=open_image,
            args=(one.key,),
            help=f"Open {plain(one.key)} with its label sets side by side.",
        )
        st.caption(_facts_line(one, labels))


def _facts_line(one: ImageFacts, labels: str) -> str:
    if not one.labelled:
        return f"{one.split}, not labelled"
    iou = f", IoU {one.iou:.2f}" if one.iou is not None and labels != CLEAN else ""
    return f"{one.split}, {tables.counted(sum(one.components), 'part')}{iou}"
