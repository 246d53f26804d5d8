"""What the runs page shows of runs and does with them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import streamlit as st

from lab.draw.curves import iou_curves, loss_curves
from lab.runs.about import edit_about
from lab.ui import tables
from lab.ui.announce import awaits_evaluation
from lab.ui.background import background_button
from lab.ui.escaping import code, plain
from lab.ui.navigation import link_to
from lab.ui.tables import counted
from lab.ui.training_plan import show_plan
from lab.ui.trash import delete_button
from lab.ui.widgets import command_line, leave_note, run_title, show_table, shown_errors
from lvcnet import jobs
from lvcnet.comparison.tables import NOTHING
from lvcnet.deleting import plan_run
from lvcnet.errors import DamagedError, LvcnetError
from lvcnet.evaluation.protocol import evaluate_run
from lvcnet.jobs.launch import cores
from lvcnet.jobs.requests import ReproduceRequest
from lvcnet.jobs.usage import Reading, Usage, measure_usage, read_processors
from lvcnet.methods import method_title
from lvcnet.runs.directory import ACTIVE, RESUMABLE, RunDirectory
from lvcnet.runs.store import is_demo
from lvcnet.runs.summary import format_seconds, lost_epochs_note, summarise
from lvcnet.trained import trained
from lvcnet.training.plan import in_words

LOG_LINES = 40
MOST_BESIDE = 4
"""Runs drawn beside the chosen one: more cannot be told apart."""
READINGS = "processor-readings"
LEAST_SECONDS = 1.0
"""Between two readings: processor time is counted in steps of 10 ms."""
COPIED = ("dataset", "labels", "method")
"""Settings that are pickers of the train page, so that they travel in the address."""


def progress(run: RunDirectory) -> None:
    """State, epoch, time left, speed, processor and memory of one run, and why it stopped."""
    one, usage = summarise(run), _usage_now(run)
    state = one.state + (f", place {usage.position}" if usage.position else "")
    if one.state in ACTIVE and run.cancel_requested():
        state = "stopping"
    elif awaits_evaluation(run):
        state = tables.EVALUATING
    shown = {
        "State": (state, "A waiting run's place in the queue is counted from 1."),
        "Epoch": (f"{one.epoch} of {one.epochs}", "Lines of the learning curve, each after as many steps."),
    }
    if one.steps:
        shown["Step"] = (f"{one.step:,} of {one.steps:,}", "Batches that the network has learned from.")
    if one.state == "running":
        left = format_seconds(one.seconds_left) or NOTHING
        shown["Time left"] = (left, "If each epoch takes as long as the last one.")
    shown["Images per second"] = (
        tables.number(usage.images_per_second, 0),
        "Training speed in the last epoch.",
    )
    with st.container(horizontal=True, key="run-figures"):
        for label, (value, help_text) in (shown | _machine(run, usage)).items():
            st.metric(label, plain(value), border=True, width="content", help=help_text)
    device = run.status().get("device")
    st.progress(
        one.progress,
        text=f"{tables.percent(one.progress)} of the epochs{f', on {plain(device)}' if device else ''}",
    )
    if one.note and one.state == "failed":
        st.error(plain(one.note), icon=":material/error:")
    elif one.note and one.state != "done":
        st.warning(plain(f"{one.state.capitalize()}: {one.note}."), icon=":material/info:")
    elif one.note:
        st.warning(plain(f"Not evaluated: {one.note}"), icon=":material/info:")
    for sentence in one.diagnoses:
        st.warning(plain(f"{sentence}."), icon=":material/troubleshoot:")


def _usage_now(run: RunDirectory) -> Usage:
    """Usage since the page looked at this run last: nobody has to wait for it."""
    before: dict[str, Reading] = st.session_state.get(READINGS, {})
    now = read_processors([run])
    if (
        run.name in now
        and run.name in before
        and now[run.name].taken - before[run.name].taken < LEAST_SECONDS
    ):
        now = before  # drawn twice in a moment: wait for the next look
    st.session_state[READINGS] = now
    return measure_usage([run], before)[run.name]


def _machine(run: RunDirectory, usage: Usage) -> dict[str, tuple[str, str]]:
    """Processor and memory as they are now while it trains, else the memory of its last epoch; words and help."""
    if usage.memory_mb is None:
        last: dict[str, Any] = (run.metrics() or [{}])[-1]
        text = tables.number(last.get("memory_mb"), 0)
        return {
            "Memory (MB)": (
                text,
                "Of the training process in its last epoch, or of the GPU if it used one.",
            )
        }
    shown = {
        "CPU": (
            NOTHING if usage.cpu_percent is None else f"{usage.cpu_percent:.0f} %",
            f"Of the trainer and what it started, now; 100 % is one busy core, and {counted(cores(), 'core')} can be used.",
        ),
        "Memory (MB)": (tables.number(usage.memory_mb, 0), "Main memory of the same processes, now."),
    }
    if usage.gpu_memory_mb is not None:
        text = tables.number(usage.gpu_memory_mb, 0)
        shown["GPU memory (MB)"] = (text, "The most that the trainer has held of its GPU.")
    return shown


def curve_choices(run: RunDirectory, runs: Sequence[RunDirectory]) -> tuple[float, list[RunDirectory]]:
    """Smoothing of the curves, and the runs that are drawn beside this one."""
    left, right = st.columns([1, 2])
    weight = left.slider(
        "Smoothing",
        0.0,
        0.95,
        0.0,
        0.05,
        key="curve-smoothing",
        help="Weight of the epochs before, as in TensorBoard; what was measured stays visible behind the smooth line.",
    )
    others = {other.name: other for other in runs if other.name != run.name}
    chosen = right.multiselect(
        "Runs beside it",
        list(others),
        key="curve-runs",
        format_func=lambda name: run_title(others[name]),
        max_selections=MOST_BESIDE,
        placeholder="Choose runs",
        help="Their total loss and their agreement with clean labels, as broken lines.",
    )
    return weight, [others[name] for name in chosen]


def curves(run: RunDirectory, weight: float = 0.0, beside: Sequence[RunDirectory] = ()) -> None:
    """Loss terms and agreement with labels over the epochs; see `curve_choices`."""
    rows, config = run.metrics(), run.config()
    if not rows:
        active = run.status()["state"] in ACTIVE
        text = (
            "Curves appear when the first epoch is over." if active else "It stopped within its first epoch."
        )
        st.info(text, icon=":material/info:")
        return
    if lost := lost_epochs_note(run):
        st.warning(
            f"{lost}. The curves leave them out; the weights do not depend on them.",
            icon=":material/warning:",
        )
    label_iou = config.get("data", {}).get("labels", {}).get("mean_iou")
    others = {other.name: other.metrics() for other in beside}
    left, right = st.columns(2)
    with left:
        st.markdown("**IoU with labels**")
        st.plotly_chart(
            iou_curves(rows, config["labels"], label_iou, weight, others),
            key="iou-curves",
            alt="Foreground IoU with held-out noisy labels and with clean test labels over the epochs",
        )
    with right:
        st.markdown("**Loss terms**")
        st.plotly_chart(
            loss_curves(rows, weight, others), key="loss-curves", alt="Loss terms over the epochs"
        )
    st.caption(
        "The held-out images carry the labels the run learns from and choose its best checkpoint. The clean test labels"
        " choose nothing; a run sees them only here and in its evaluation."
    )


def log(run: RunDirectory) -> None:
    """The last lines of the trainer's log, and all of it as a file."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.header("Log, newest line first", anchor=False, width="content")
        st.download_button(
            "Download the log",
            partial(_log_file, run),  # read only when it is asked for
            f"{run.name}.log.txt",
            "text/plain",
            key="run-log-file",
            icon=":material/download:",
            type="tertiary",
            disabled=not run.log.exists(),
            help=f"All of it: {code(run.log)}",
            on_click="ignore",
        )
    lines = run.log_tail(LOG_LINES).splitlines()[::-1] or ["The trainer has not written anything yet."]
    st.code("\n".join(lines), language=None, wrap_lines=True, height=260)


def _log_file(run: RunDirectory) -> bytes:
    return run.log.read_bytes()


def actions(run: RunDirectory) -> None:
    """Cancel, resume, delete, copy, and where to go with the run.

    The keys hold its name: a press on a button of the run that was shown before must not act on this one.
    """
    state, demo = run.status()["state"], is_demo(run)
    with st.container(horizontal=True, vertical_alignment="center"):
        if state in ACTIVE:
            st.button(
                "Cancel",
                key=f"cancel-{run.name}",
                icon=":material/stop:",
                disabled=demo or run.cancel_requested(),
                on_click=_act,
                args=(jobs.cancel, run, f"{run.name} is asked to save its state and stop."),
                help=f"Stops after the current step and can be resumed. {code(f'lvcnet cancel {run.name}')}",
            )
        if state in RESUMABLE:
            st.button(
                "Resume",
                key=f"resume-{run.name}",
                type="primary",
                icon=":material/resume:",
                disabled=demo,
                on_click=_act,
                args=(jobs.resume, run, f"{run.name} is in the queue again."),
                help=f"Continues from the last checkpoint. {code(f'lvcnet resume {run.name} --queue')}",
            )
        edit_about(run)
        reasons = {
            demo: "This run ships with the lab and cannot be deleted.",
            state in ACTIVE: "An active run is cancelled first.",
        }
        delete_button(partial(plan_run, run.name), "run", run.name, reasons.get(True))
        config = run.config()
        link_to(
            "train",
            "Clone configuration",
            f"Opens the train page with every setting of this run. {code(f'lvcnet train --like {run.name}')}",
            query={"like": run.name, "form": "run", **{name: config[name] for name in COPIED}},
        )
        if state == "done":
            link_to("inspect", "Inspect its maps", query={"run": run.name})
            link_to("inference", "Segment with it", query={"run": run.name})


def evaluation(run: RunDirectory) -> None:
    """All metrics on the clean test labels; the button that measures them."""
    if run.status()["state"] in ACTIVE:
        return
    st.header("Evaluation", anchor=False)
    try:
        found = run.evaluation()
    except DamagedError as error:
        found = None
        st.warning(plain(error), icon=":material/broken_image:")
    if found:
        st.markdown(
            f"{found['images']} {plain(found['split'])} images against {plain(found['against'])} labels, epoch {found['epoch']},"
            f" {found['parameters']:,} parameters, {format_seconds(found['training_seconds'])} of training."
        )
        if collapsed := summarise(run).collapsed:
            st.warning(plain(f"It {collapsed}."), icon=":material/balance:")
        show_table(tables.evaluation_rows(found))
        if note := found["rounds"].get("note"):
            st.caption(plain(note[0].upper() + note[1:] + "."))
        link_to("compare", "Compare with other runs", query={"dataset": found["dataset"]})
    elif not run.has_evaluation():
        state = run.status()["state"]
        waits = awaits_evaluation(run)
        text = f"Not evaluated ({state}). Resume the run: it is evaluated when it is done."
        if state == "done":
            text = "It is being evaluated: the figures appear here." if waits else "Not evaluated yet."
        st.info(text, icon=":material/info:")
        if waits:
            return
    if run.status()["state"] == "done" and not is_demo(run):
        with shown_errors():
            measured = background_button(
                "Evaluate again" if run.has_evaluation() else "Evaluate",
                f"evaluate-{run.name}",
                ":material/straighten:",
                f"Measures the last checkpoint on the clean test labels. {code(f'lvcnet evaluate {run.name}')}",
                lambda task: evaluate_run(run, report=task.stage("Predicting and measuring, images")),
                nothing_done="nothing was measured",
                about=run.name,
                primary=False,
            )
            if measured is not None:
                leave_note(f"{run.name} is evaluated.")
                st.rerun()


def configuration(run: RunDirectory) -> None:
    """What was asked for, from which data, with which version."""
    config = run.config()
    data = config.get("data", {})
    created = datetime.fromtimestamp(run.status().get("created", 0)).strftime("%Y-%m-%d %H:%M")
    with st.expander("Configuration", icon=":material/description:"):
        st.markdown(
            plain(
                f"{method_title(trained(config))} on {config['labels']} labels of {config['dataset']}"
                f" (fingerprint {data.get('fingerprint', '–')}), created {created}, version {config.get('version', '–')},"
                f" commit {config.get('commit') or '–'}."
            )
            + f" Folder: {code(run.path)}"
        )
        show_run_plan(config)
        st.json({name: value for name, value in config.items() if name != "plan"}, expanded=1)
        if run.status()["state"] == "done":
            st.caption("Train it again and see what differs, to the bit:")
            command_line(ReproduceRequest(run.name))


def show_run_plan(config: Mapping[str, Any]) -> None:
    """The training plan of a run's data and what the run did otherwise; runs of before there were plans keep none."""
    plan = config.get("plan")
    if not plan:
        return
    st.markdown(f"**Training plan.** {plain(in_words(plan))}")
    show_plan(plan)


def _act(action: Callable[[RunDirectory], None], run: RunDirectory, note: str) -> None:
    """Do something with a run before the page is drawn again, and leave a note of how that went."""
    try:
        action(run)
        leave_note(note)
    except LvcnetError as error:
        leave_note(str(error), failed=True)
