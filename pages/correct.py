"""Correct: review labels that look wrong, worst first, and make a repaired label set of the decisions."""

from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lab.correct.review import Review, ask_about_drawing, pick_reviewer, show_image
from lab.correct.review_list import filters, show_history, show_list, show_progress
from lab.correct.start import show_requests, show_start
from lab.correct.state import current_key, is_stale, look_at
from lab.correct.use import show_use
from lab.ui.damage_notes import show_damage, sound_corrections
from lab.ui.escaping import plain
from lab.ui.loaded import load_correction
from lab.ui.mask_editor import WEB
from lab.ui.navigation import page_frame
from lab.ui.tables import counted
from lab.ui.trash import delete_button, show_trash, show_undo
from lab.ui.widgets import load_dataset, pick, pick_view, remember, show_note, shown_errors
from lvcnet.correction.review import review_rows
from lvcnet.correction.store import Correction
from lvcnet.data.dataset import Dataset
from lvcnet.deleting import plan_correction
from lvcnet.noise.levels import levels_in_words

VIEWS = {"review": "Review", "use": "Use the result", "new": "New correction"}


def pick_correction(names: list[str]) -> Correction:
    """The chosen correction; the workspace's own come first."""
    found = {name: load_correction(name) for name in names}
    order = sorted(names, key=lambda name: (found[name].is_demo, name))
    return found[
        pick(
            "correction",
            "Correction",
            order,
            f"One judgement of a label set. {levels_in_words()}",
            lambda name: f"{name} (demo)" if found[name].is_demo else name,
        )
    ]


def review(correction: Correction, dataset: Dataset, who: DeltaGenerator, tools: DeltaGenerator) -> None:
    """Reviewer and filter in one line with the correction, progress, the image with its decisions, the list."""
    decisions = correction.decisions
    standings, events = decisions.standings(), decisions.history()
    rows = review_rows(correction, standings)
    with who:
        reviewer = pick_reviewer(decisions.reviewers(), rows)
    with tools, st.container(horizontal=True, key="filter-and-history"):
        shown = filters(rows)
        key = current_key(rows, shown)
        show_history(events, key)
    show_progress(rows)
    if all(row["decision"] != "undecided" for row in rows):
        drafts = sum(bool(row["drafts"]) for row in rows)
        st.success(
            "Everything is decided: make a label set of it."
            + (f" {counted(drafts, 'image')} with a draft not accepted yet." if drafts else ""),
            icon=":material/task_alt:",
        )
        st.button(
            "Use the result",
            key="go-use",
            icon=":material/arrow_forward:",
            on_click=remember,
            args=("view", "use"),
        )
    if not shown:
        st.info("No image passes this filter: choose another one.", icon=":material/filter_alt_off:")
    if key is None:
        return
    remember("image", key)
    state = Review(correction, dataset, rows, shown, reviewer)
    look = look_at(correction, dataset, key, standings, reviewer)
    ask_about_drawing(state, look)
    show_image(state, look)
    show_list(shown, key)


st.html(WEB / "correct.css")
with st.container(key="correct-head"):
    page_frame(
        "Correct",
        "Labels that look wrong, worst first: what a method that never saw them proposes, and what you make of it.",
    )
show_note()
show_damage("data", "corrections")
show_undo()
names = sound_corrections()
view = pick_view(
    "view", "Part", list(VIEWS), VIEWS.__getitem__, "Decide, use what was decided, or judge other labels."
)
if view == "new":
    show_start()
elif not names:
    show_requests()
    st.info(
        "There is no correction yet. Have a label set judged first: methods that never saw a label say where it looks"
        " wrong and propose another one.",
        icon=":material/info:",
    )
    st.button(
        "Judge a label set", key="go-new", icon=":material/gavel:", on_click=remember, args=("view", "new")
    )
else:
    with shown_errors():
        with st.container(key="correct-controls"):  # one line: the image is what counts
            left, who, tools = st.columns([3, 2, 3], vertical_alignment="bottom")
        with left:
            correction = pick_correction(names)
        dataset = load_dataset(correction.head["dataset"])
        if is_stale(correction):
            st.warning(
                f"The labels {plain(correction.head['labels'])} of {plain(dataset.name)} changed since they were"
                " judged: decisions can be seen, but no label set can be made of them. Judge the labels again.",
                icon=":material/warning:",
            )
        if view == "use":
            show_use(correction, dataset, review_rows(correction))
            st.header("Delete this correction", anchor=False)
            shipped = "This correction ships with the lab and cannot be deleted."
            why_not = shipped if correction.is_demo else None
            delete_button(partial(plan_correction, correction.name), "correction", correction.name, why_not)
        else:
            review(correction, dataset, who, tools)
if view != "review":
    show_trash(["correction"])
