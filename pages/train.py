"""Train: one run, or a sweep, in the background."""

import streamlit as st

from lab.train.forms import run_form, show_started, sweep_form
from lab.ui.damage_notes import show_damage, show_left_out
from lab.ui.escaping import plain
from lab.ui.navigation import link_to, page_frame
from lab.ui.widgets import load_dataset, pick_dataset, pick_view, shown_errors
from lvcnet.data.dataset import CLEAN
from lvcnet.methods import METHODS
from lvcnet.models import NETWORKS

VIEWS = {"run": "One run", "sweep": "Sweep"}

page_frame(
    "Train",
    "Train one method on one label set, or many methods on many. It happens in the background, and each run is measured"
    " against clean labels when it is done.",
)
show_damage("data")
show_left_out(METHODS, NETWORKS)
with shown_errors():
    view = pick_view("form", "Form", list(VIEWS), VIEWS.__getitem__, "Train one run, or a grid of them.")
    name = pick_dataset()
    if name is not None:
        dataset = load_dataset(name)
        if dataset.opinions() == [CLEAN]:
            st.info(
                f"{plain(name)} has clean labels only. Training works; noise makes it interesting.",
                icon=":material/info:",
            )
            link_to("noise", "Make noisy labels", query={"dataset": name})
        if view == "run":
            run_form(dataset)
        else:
            sweep_form(dataset)
        show_started()
