"""Noise: make labels worse by a known amount, and look at what that means."""

import streamlit as st

from lab.noise.views import (
    label_clicks,
    levels_in_a_row,
    make_label_sets,
    noise_sets,
    pick_level,
    preview_panel,
    show_spread,
)
from lab.ui import tables
from lab.ui.background import background_button
from lab.ui.damage_notes import show_damage, show_left_out
from lab.ui.escaping import plain
from lab.ui.navigation import link_to, page_frame
from lab.ui.widgets import (
    command_line,
    leave_note,
    load_dataset,
    pick,
    pick_dataset,
    show_note,
    show_table,
    shown_errors,
)
from lvcnet.data.dataset import Dataset
from lvcnet.noise import FAMILIES
from lvcnet.noise.levels import LEVEL_TARGETS, default_levels
from lvcnet.noise.request import NoiseRequest


def make_form(name: str, family: str) -> tuple[int, float]:
    """Levels, seed and options; calibrates with progress. Returns seed and bias, for the preview."""
    with st.container(border=True):
        left, right = st.columns([3, 1])
        levels = left.segmented_control(
            "Levels",
            list(LEVEL_TARGETS),
            selection_mode="multi",
            default=list(default_levels(family)),
            format_func=lambda level: f"{level}: IoU {LEVEL_TARGETS[level]:.2f}",
            key=f"noise-levels-{family}",
            wrap=True,
            help="Each level is a target: the mean IoU of the noisy with the clean training masks. 1 to 4 are the paper's.",
        )
        seed = right.number_input(
            "Seed", 0, None, 0, key="noise-seed", help="Another seed gives other mistakes."
        )
        bias, fraction, test = 0.0, 1.0, False
        with st.expander("Options", icon=":material/tune:"):
            columns = st.columns(2)
            bias = columns[0].slider(
                "Bias",
                -1.0,
                1.0,
                0.0,
                0.25,
                key="noise-bias",
                disabled=not FAMILIES[family].biasable,
                help="-1 always draws too small, 1 always too large, 0 neither on average.",
            )
            fraction = columns[1].slider(
                "Share of images with noise",
                0.1,
                1.0,
                1.0,
                0.1,
                key="noise-fraction",
                help="The others stay clean.",
            )
            test = st.checkbox(
                "Cover test images, too",
                key="noise-test",
                help="Test labels stay clean otherwise. The paper measured against level 1 labels.",
            )
        bias = bias if FAMILIES[family].biasable else 0.0
        request = NoiseRequest(
            name,
            tuple(sorted(levels)),
            family=family,
            seed=int(seed),
            bias=bias,
            fraction=fraction,
            include_test=test,
        )
        command_line(request)
        show_note("noise-make")
        with shown_errors():
            made = background_button(
                "Make label sets",
                "noise-make",
                ":material/gesture:",
                "Label sets of the same name are replaced.",
                lambda task: make_label_sets(task, request),
                nothing_done="no label set was added",
                about=request,
                disabled=not levels,
                alone=False,
            )
            if made is not None:
                leave_note(f"Made {', '.join(made)}.", place="noise-make")
                st.rerun()
    return int(seed), bias


def show_label_sets(dataset: Dataset, names: list[str], key: str) -> None:
    """What was made: target and achieved, one image at every level, the spread over the images."""
    st.header("Target and achieved", anchor=False)
    clicks = [label_clicks(dataset, one) for one in names]
    show_table(tables.manifest_rows(names, [dataset.manifest(one) for one in names], clicks))
    st.caption(
        "IoU is the mean ± SD over the training images. Strength is what the calibration chose. Clicks are the polygon"
        " vertices that such outlines take; only the polygon family has vertices to count."
    )
    st.header("The same image at every level", anchor=False)
    levels_in_a_row(dataset, names, key)
    st.header("How the images are spread", anchor=False)
    shown = pick("labels", "Label set", names, "Against the clean labels, image by image.", default="level3")
    show_spread(dataset, shown)
    query = {"dataset": dataset.name, "labels": shown}
    link_to("data", f"See all images of {shown}, the worst first", query={**query, "order": "worst"})
    link_to("train", f"Train on {shown}", query=query)


page_frame(
    "Noise",
    "Outlines made worse by a known amount. A family says how they go wrong, a level says how much: its strength is"
    " calibrated until the mean IoU with the clean labels meets the level's target.",
)
show_note()
show_damage("data")
show_left_out(FAMILIES)
with shown_errors():
    left, right = st.columns(2)
    with left:
        name = pick_dataset()
    if name is not None:
        with right:
            family = pick(
                "family",
                "Family",
                list(FAMILIES),
                "How the labels get worse. The paper's noise is polygon.",
                lambda key: f"{key}: {FAMILIES[key].summary}",
            )
        dataset = load_dataset(name)
        seed, bias = make_form(name, family)
        st.header("Preview", anchor=False)
        left, right = st.columns(2)
        with left:
            key = pick("image", "Image", [item.key for item in dataset.items], "Any image, here and below.")
        with right:
            level = pick_level()
        with shown_errors():
            preview_panel(dataset, key, level, family, seed, bias)
        names = noise_sets(dataset, family)
        if names:
            show_label_sets(dataset, names, key)
        else:
            st.info(
                f"{plain(name)} has no label set of family {family} yet. Make some above; it takes seconds.",
                icon=":material/info:",
            )
