"""Noise: make labels worse by a known amount, and look at what that means."""

import streamlit as st

from lab import commands, tables
from lab.curves import iou_histogram
from lab.navigation import link_to, page_frame
from lab.noise_view import image_ious, levels_in_a_row, make_label_sets, noise_sets
from lab.widgets import (
    command_line,
    leave_note,
    load_dataset,
    pick,
    pick_dataset,
    show_note,
    shown_errors,
)
from lvcnet.noise import FAMILIES
from lvcnet.noise.levels import LEVEL_TARGETS


def make_form(name: str, family: str) -> None:
    """Levels, seed and options; calibrates with progress."""
    with st.container(border=True):
        left, right = st.columns([3, 1])
        levels = left.segmented_control(
            "Levels",
            list(LEVEL_TARGETS),
            selection_mode="multi",
            default=list(LEVEL_TARGETS),
            format_func=lambda level: f"{level}: IoU {LEVEL_TARGETS[level]:.2f}",
            key="noise-levels",
            wrap=True,
            help="Each level is a target: the mean IoU of the noisy with the clean training masks, as in the paper.",
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
        command_line(commands.noise(name, sorted(levels), family, seed, bias, fraction, test))
        pressed = st.button(
            "Make label sets",
            key="noise-make",
            type="primary",
            icon=":material/gesture:",
            disabled=not levels,
            help="Label sets of the same name are replaced.",
        )
        if pressed:
            made = make_label_sets(name, sorted(levels), family, seed, bias, fraction, test)
            leave_note(f"Made {', '.join(made)}.")
            st.rerun()


page_frame(
    "Noise",
    "Outlines made worse by a known amount. A family says how they go wrong, a level says how much: its strength is"
    " calibrated until the mean IoU with the clean labels meets the level's target.",
)
show_note()
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
        make_form(name, family)
        names = noise_sets(dataset, family)
        if not names:
            st.info(
                f"{name} has no label set of family {family} yet. Make some above; it takes seconds.",
                icon=":material/info:",
            )
        else:
            st.subheader("Target and achieved", anchor=False)
            st.table(tables.manifest_rows(names, [dataset.manifest(one) for one in names]), hide_index=True)
            st.caption(
                "IoU is the mean ± SD over the training images. Strength is what the calibration chose."
            )
            st.subheader("The same image at every level", anchor=False)
            levels_in_a_row(dataset, names)
            st.subheader("How the images are spread", anchor=False)
            shown = pick(
                "labels",
                "Label set",
                names,
                "Its IoU with the clean labels, image by image.",
                default="level3",
            )
            ious = image_ious(dataset, shown)
            st.plotly_chart(
                iou_histogram(list(ious.values()), dataset.manifest(shown)["target_iou"]),
                key="iou-histogram",
                alt=f"Histogram of the IoU of {shown} with the clean labels over {len(ious)} training images",
            )
            link_to("train", f"Train on {shown}", query={"dataset": name, "labels": shown})
