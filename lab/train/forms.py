"""The forms of the train page: one run, or a sweep of methods x label sets x seeds."""

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from lab.train.settings import asked_run, settings_fields
from lab.ui.escaping import code, plain
from lab.ui.navigation import link_to
from lab.ui.tables import counted
from lab.ui.training_plan import show_plan, show_size_note
from lab.ui.widgets import (
    Stamp,
    command_line,
    dataset_stamp,
    load_dataset,
    pick,
    pick_labels,
    show_table,
    shown_errors,
)
from lvcnet import jobs
from lvcnet.data.dataset import CLEAN, Dataset, find_dataset, list_datasets
from lvcnet.data.naming import is_paper_noise
from lvcnet.errors import LvcnetError
from lvcnet.jobs.estimate import SAME_PACE, expected_seconds, step_seconds, timed_seconds
from lvcnet.jobs.foreground import WORK, progress, queue_sweep
from lvcnet.jobs.launch import slots
from lvcnet.jobs.requests import SweepRequest, TrainRequest
from lvcnet.jobs.sweep import Action, PlannedRun
from lvcnet.jobs.sweep_config import parse_seeds
from lvcnet.methods import COMPARED, METHODS, method_title
from lvcnet.noise.levels import levels_in_words
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.summary import format_seconds
from lvcnet.trained import METHOD
from lvcnet.training.config import TrainConfig, build_config
from lvcnet.training.device import resolve_device
from lvcnet.training.plan import TrainingPlan, plan_training

ACTION_TITLES: dict[Action, str] = {
    "train": "to train",
    "resume": "to resume",
    "skip": "there already",
    "leave": "waiting or running",
}
STARTED = "started-runs"


def run_form(dataset: Dataset) -> None:
    """One run: labels, method, seed, settings; its command and YAML; start in the background."""
    like = asked_run()
    if like:
        copied_settings(like, dataset)
    with st.container(border=True):
        left, middle, right = st.columns([2, 2, 1])
        with left:
            labels = pick_labels(dataset, label="Labels to learn from", default=CLEAN)
        with middle:
            help_text = "; ".join(f"{spec.title} {spec.summary}" for spec in METHODS.values())
            method = pick("method", "Method", list(METHODS), plain(f"{help_text}."), method_title, METHOD)
        seed = right.number_input(
            "Seed",
            0,
            None,
            like.config().get("seed", 0) if like else 0,
            key="run-seed",
            help="Keys initial weights, order of images and augmentation.",
        )
        plan = plan_training(dataset, labels)
        start, length, changes = settings_fields("run", plan, [method], like)
        request = TrainRequest(
            dataset.name,
            method,
            labels=labels,
            **start,
            seed=int(seed),
            **length,
            settings=changes,
            queue=True,
        )
        config = request.settled()
        show_size_note(plan)
        name = st.text_input(
            "Run name (optional)",
            key="run-name",
            placeholder=config.run_name(),
            help="By default made from what the run is; a number is added where it is taken.",
        ).strip()
        request = replace(request, name=name or None)
        command_line(request)
        yaml_file("All settings as YAML", config.to_yaml(), f"{name or config.run_name()}.yaml", "train")
        what_to_expect(config, dataset)
        if st.button(
            "Start training",
            key="run-start",
            type="primary",
            icon=":material/play_arrow:",
            help="Trains in the background; closing this page or the lab does not stop it.",
        ):
            with shown_errors():
                run = request.create()
                st.session_state[STARTED] = [run.name]
        show_reasons(plan, config)  # below the button, which a table would push off a phone's screen


def show_reasons(plan: TrainingPlan, config: TrainConfig) -> None:
    """Each choice of the plan with its reason, and what the form does otherwise."""
    with st.expander("Training plan: each choice and its reason", icon=":material/checklist:", expanded=True):
        show_plan(plan.record(config.model_dump()))


def what_to_expect(config: TrainConfig, dataset: Dataset) -> None:
    """Before a run is started: how long it takes, on which device, and how many are before it."""
    queue = jobs.queue_state()
    text = _time_of([config], dataset)
    device = (
        f"the best device there is ({resolve_device('auto')})" if config.device == "auto" else config.device
    )
    text += f" It trains on {device}"
    if len(queue.running) < queue.slots and not queue.queued:
        text += " and starts at once."
    else:
        text += (
            f" and waits: {len(queue.running)} running and {len(queue.queued)} waiting before it,"
            f" {queue.slots} at a time."
        )
    st.markdown(text)


def copied_settings(run: RunDirectory, dataset: Dataset) -> None:
    """Say whose settings the form holds, and what of them cannot be had."""
    config = run.config()
    st.info(
        f"Filled in with every setting of {plain(run.name)}. What you change here is all that will differ.",
        icon=":material/content_copy:",
    )
    if config["dataset"] not in list_datasets():
        st.warning(f"Its data set {plain(config['dataset'])} is no longer there.", icon=":material/info:")
    elif config["dataset"] == dataset.name and config["labels"] not in dataset.label_names():
        st.warning(f"Its labels {plain(config['labels'])} are no longer there.", icon=":material/info:")


def sweep_form(dataset: Dataset) -> None:
    """A grid: how many runs it has is said before it starts."""
    with st.container(border=True):
        left, right = st.columns(2)
        methods = left.multiselect(
            "Methods",
            list(METHODS),
            list(COMPARED),
            format_func=method_title,
            key="sweep-methods",
            help="Every method is trained on every label set with every seed.",
        )
        names = dataset.opinions()
        labels = right.multiselect(
            "Labels to learn from",
            names,
            [name for name in names if name != CLEAN and is_paper_noise(name, dataset.manifest(name))]
            or names[:1],
            key="sweep-levels",
            help=f"Noise levels, clean labels or other annotators. {levels_in_words()}",
        )
        seeds = st.multiselect(
            "Seeds",
            [str(number) for number in range(5)],
            ["0"],
            accept_new_options=True,
            key="sweep-seeds",
            help="Three seeds or more tell chance from effect; type a number to add another one.",
        )
        # as the command does: all runs have the plan of the first label set
        plan = plan_training(dataset, labels[0] if labels else CLEAN)
        start, length, changes = settings_fields("sweep", plan, methods)
        retry = st.checkbox(
            "Try failed runs again", key="sweep-retry", help="They continue from their last checkpoint."
        )
        request = SweepRequest(
            dataset.name,
            methods=tuple(methods),
            labels=tuple(labels),
            seeds=tuple(parse_seeds(seeds)),
            preset=start["preset"],
            **length,
            settings=changes,
            queue=True,
            retry_failed=retry,
        )
        offer_sweep(request, "Queue", key="sweep-start", icon=":material/playlist_play:")


def yaml_file(title: str, text: str, file_name: str, command: str) -> None:
    """A configuration to copy or download, and the command of `lvcnet` that reads it."""
    with st.expander(title, icon=":material/description:"):
        st.code(text, language="yaml", wrap_lines=True)
        st.download_button(
            "Download",
            text,
            file_name,
            "application/yaml",
            key=f"download-{title}",
            icon=":material/download:",
            help=f"Save it as {plain(file_name)}.",
            on_click="ignore",
        )
        st.caption(
            f"Saved as a file, {code(f'lvcnet {command} --config {shlex.quote(file_name)}')} reads it."
        )


def offer_sweep(request: SweepRequest, verb: str, key: str, icon: str) -> None:
    """What a sweep amounts to, its command and file, and the button that queues it."""
    sweep = request.settled()
    plan = sweep.plan(request.retry_failed)
    count = plan_summary(plan, load_dataset(sweep.dataset))
    command_line(request)
    yaml_file("The sweep as YAML", sweep.to_yaml(), f"{sweep.dataset}-sweep.yaml", "sweep")
    if st.button(
        f"{verb} {counted(count, 'run')}",
        key=key,
        type="primary",
        icon=icon,
        disabled=count == 0,
        help="They train one after the other in the background, and each is evaluated when it is done.",
    ):
        with st.spinner("Queueing"):
            st.session_state[STARTED] = queue_sweep(plan, request.evaluate)


def show_started() -> None:
    """What was started last, and the way to it."""
    names: list[str] = st.session_state.get(STARTED, [])
    if names:
        text = names[0] if len(names) == 1 else f"{counted(len(names), 'run')}, first {names[0]}"
        st.success(
            f"In the queue: {plain(text)}. Training goes on when this page is closed.",
            icon=":material/check_circle:",
        )
        link_to("runs", "Watch it train", query={"run": names[0]})


def _time_of(configs: Sequence[TrainConfig], dataset: Dataset) -> str:
    """How long trainings take, by earlier ones like them or by steps that are timed now, in a sentence."""
    many = f", {slots()} at a time" if len(configs) > 1 else ""
    if (known := expected_seconds(configs)) is not None:
        return f"About {format_seconds(known)} of training{many}, judged by earlier runs like it."
    try:
        seconds = expected_seconds(configs, timed=lambda config: timed_here(config, dataset))
    except LvcnetError as error:  # what cannot be trained here is said when it is started, too
        return f"How long it takes is not known: {plain(error)}."
    return f"About {format_seconds(seconds)} of training{many}, judged by steps timed just now."


def timed_here(config: TrainConfig, dataset: Dataset) -> float:
    """Seconds of a training by the time of a step, which is taken once for all trainings of its pace."""
    return timed_seconds(config, dataset, _step_of_its_pace)


def _step_of_its_pace(config: TrainConfig, dataset: Dataset) -> float:
    pace = {"labels": config.labels, **{name: getattr(config, name) for name in SAME_PACE}}
    settings = {**pace, "options": config.options, "device": config.device}
    return _step_here(dataset.name, dataset_stamp(find_dataset(dataset.name)), settings)


@st.cache_data(max_entries=64, show_spinner="Timing a step")
def _step_here(name: str, stamp: Stamp, settings: dict[str, Any]) -> float:
    return step_seconds(build_config(settings), load_dataset(name))


def plan_summary(plan: Sequence[PlannedRun], dataset: Dataset) -> int:
    """Say how many runs a plan has and how long they take, if that is known; returns how many are left to do."""
    actions = Counter(cell.action for cell in plan)
    parts = [f"{actions[action]} {title}" for action, title in ACTION_TITLES.items() if actions[action]]
    left = sum(actions[action] for action in WORK)
    estimate = progress(list(plan), slots())
    text = f"**{counted(len(plan), 'run')}**: {', '.join(parts)}."
    if left:
        if (seconds := estimate.seconds_left) is not None:
            text += f" About {format_seconds(seconds)} for what is left, {slots()} at a time, judged by earlier epochs."
        else:
            text += f" {_time_of([cell.config for cell in plan if cell.action in WORK], dataset)}"
    st.markdown(text)
    with st.expander("The runs by name", icon=":material/list:"):
        show_table(
            [
                {"Run": cell.name, "Now": cell.state or "new", "Then": ACTION_TITLES[cell.action]}
                for cell in plan
            ]
        )
    return left
