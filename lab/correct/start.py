"""The correct page's beginning: have labels judged by methods that never saw them, in the background."""

from dataclasses import replace

import streamlit as st

from lab.train.settings import PRESET_HELP, length_field
from lab.ui import tables
from lab.ui.background import background_button, elsewhere, outcome, own, own_keys
from lab.ui.escaping import plain
from lab.ui.navigation import link_to
from lab.ui.widgets import (
    command_line,
    leave_note,
    load_dataset,
    pick,
    pick_dataset,
    pick_labels,
    remember,
    shown_errors,
)
from lvcnet.correction.store import Correction
from lvcnet.errors import LvcnetError
from lvcnet.jobs.correct import (
    Request,
    cancel_request,
    judge,
    list_requests,
    prepare,
    queue_request,
    request_progress,
)
from lvcnet.jobs.requests import CorrectRequest
from lvcnet.methods import METHODS, method_title
from lvcnet.runs.summary import format_seconds
from lvcnet.trained import METHOD
from lvcnet.training.config import list_presets
from lvcnet.training.plan import plan_training

SECONDS = 2.0
JUDGING = "judge-"
NOT_JUDGED = "no label was judged; the folds stay trained"


def show_start() -> None:
    """The form, and what is on its way."""
    show_requests()
    st.header("Judge a label set", anchor=False)
    st.markdown(
        "Every image is left out of one training, and that training says where its label looks wrong: no label is judged"
        " by a method that learned from it."
    )
    name = pick_dataset()
    if name is not None:
        with shown_errors():
            _form(name)


def show_requests() -> None:
    """Fold trainings on their way, and labels that can be judged now."""
    requests = list_requests()
    for request in requests:
        with st.container(border=True), shown_errors():
            st.markdown(
                f"**{plain(request.correction)}**: {plain(request.labels)} of {plain(request.dataset)}, {request.folds} folds"
            )
            _follow(request)
    waiting = {_judging(request.correction) for request in requests}
    for key in [key for key in own_keys(JUDGING) if key not in waiting]:
        with shown_errors():  # a request ends with its judgement, before this page hears of it
            _show_judged(outcome(key, NOT_JUDGED))


def _follow(request: Request) -> None:
    """How far one request is, and what to do next."""
    now = request_progress(prepare(request, overwrite=True))
    if now.runs_done < now.runs:
        st.fragment(_watch, run_every=SECONDS)(request)
        return
    correction = background_button(
        "Judge the labels",
        _judging(request.correction),
        ":material/gavel:",
        "The trained folds look at the images they left out; seconds to a minute.",
        lambda task: judge(
            prepare(request, overwrite=True), overwrite=True, report=task.stage("Judging labels")
        ),
        nothing_done=NOT_JUDGED,
        about=request.correction,
    )
    _show_judged(correction)
    if own(_judging(request.correction)) is None and not elsewhere(_judging(request.correction)):
        _cancel_button(request)


def _judging(correction: str) -> str:
    """Key of the button and of the work that judges."""
    return f"{JUDGING}{correction}"


def _show_judged(correction: Correction | None) -> None:
    """Go to the review once labels are judged."""
    if correction is None:
        return
    leave_note(f"{tables.counted(len(correction.rows), 'label')} judged: the worst comes first.")
    remember("correction", correction.name)
    remember("view", "review")
    st.query_params.pop("image", None)
    st.rerun()


def _watch(request: Request) -> None:
    """Progress of the trainings; the page is drawn anew when they are done."""
    try:
        now = request_progress(prepare(request, overwrite=True))
    except LvcnetError as error:
        st.error(plain(error), icon=":material/error:")
        return
    if now.runs_done >= now.runs:
        st.rerun(scope="app")
    left = format_seconds(now.seconds_left)
    text = f"{now.runs_done} of {now.runs} folds trained, epoch {now.epochs_done} of {now.epochs}"
    st.progress(now.epochs_done / max(1, now.epochs), text=text + (f", about {left} left" if left else ""))
    with st.container(horizontal=True, vertical_alignment="center"):
        _cancel_button(request)
        link_to("runs", "Watch the trainings", query={"run": now.running[0]} if now.running else None)


def _cancel_button(request: Request) -> None:
    st.button(
        "Cancel",
        key=f"cancel-{request.correction}",
        icon=":material/stop_circle:",
        help="Trainings that wait or run are cancelled; finished ones stay, so the same request goes on from there.",
        on_click=_cancel,
        args=(request,),
    )


def _cancel(request: Request) -> None:
    try:
        cancel_request(request)
        leave_note(f"{request.correction} is cancelled; the same request goes on from its finished folds.")
    except LvcnetError as error:
        leave_note(str(error), failed=True)


def _form(name: str) -> None:
    """What to judge and by what; its command; start in the background."""
    dataset = load_dataset(name)
    with st.container(border=True):
        left, middle, right = st.columns([2, 2, 1])
        with left:
            labels = pick_labels(dataset, label="Labels to judge", default="level3")
        with middle:
            method = pick(
                "method",
                "Method that judges",
                list(METHODS),
                "LVC-Net plus repairs outlines best.",
                method_title,
                METHOD,
            )
        folds = right.number_input(
            "Folds", 2, 20, 5, key="correct-folds", help="Trainings; each judges the images that it left out."
        )
        left, middle, right = st.columns([2, 2, 1])
        preset = left.selectbox("Preset", list_presets(), key="start-preset", help=PRESET_HELP)
        with middle:
            length = length_field(
                preset, "start", plan_training(dataset, labels), "Of every fold's training."
            )
        seed = right.number_input(
            "Seed", 0, None, 0, key="start-seed", help="Keys initial weights and order."
        )
        request = CorrectRequest(
            name,
            labels,
            method,
            int(folds),
            int(seed),
            preset,
            queue=True,
            **length,
        )
        own = st.text_input(
            "Name (optional)",
            key="start-name",
            placeholder=request.settled().correction,
            help="Of the correction; by default made from what it is.",
        ).strip()
        request = replace(request, name=own or None)
        command_line(request)
        if dataset.is_demo:
            st.caption(f"Folds are label sets, so {plain(name)} is copied to your workspace first.")
        if st.button(
            "Train the judges",
            key="start-correct",
            type="primary",
            icon=":material/play_arrow:",
            help="Trains in the background; closing this page or the lab does not stop it.",
        ):
            with shown_errors():
                queue_request(request.settled())
                leave_note(
                    f"{tables.counted(folds, 'fold')} in the queue. When they are trained, judge the labels here."
                )
                st.rerun()
