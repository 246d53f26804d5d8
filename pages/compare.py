"""Compare: methods against label noise, from Table 1 down to the single image."""

from typing import Any

import streamlit as st

from lab.compare import loading
from lab.compare.images import PAIRS, SIDE_BY_SIDE, show_pairs, show_side_by_side
from lab.compare.planner import show_planner
from lab.compare.results import show_export, show_results, show_tables
from lab.ui.background import Task, background_button, own
from lab.ui.damage_notes import show_damage, show_left_out
from lab.ui.escaping import plain
from lab.ui.navigation import page_frame
from lab.ui.tables import counted
from lab.ui.widgets import empty_state, leave_note, pick, pick_view, show_note, shown_errors
from lvcnet.comparison.cells import Comparison
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.protocol import evaluate_run
from lvcnet.masks.metrics import METRICS
from lvcnet.methods import METHODS
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import not_evaluated
from lvcnet.training.config import as_yaml

AS_MOST = "most"  # no choice
VIEWS = {
    "results": ("Results", show_results),
    SIDE_BY_SIDE: ("Side by side", show_side_by_side),
    PAIRS: ("Image by image", show_pairs),
    "planner": ("Planner", show_planner),
    "tables": ("Tables", show_tables),
    "export": ("Export", show_export),
}


def evaluate(task: Task, runs: list[RunDirectory]) -> str:
    """Evaluate runs one after another; what fails does not keep the others from it. Returns what to say about it.

    Raises:
        LvcnetError: if every run failed.
    """
    failed: list[str] = []
    for number, run in enumerate(runs, start=1):
        report = task.stage(f"Evaluating {run.name} (run {number} of {len(runs)}), images")
        try:
            evaluate_run(run, report=report)
        except LvcnetError as error:
            failed.append(str(error))
    if len(failed) == len(runs):
        raise LvcnetError("; ".join(failed))
    return f"{counted(len(runs) - len(failed), 'run')} evaluated. {' '.join(failed)}".strip()


def offer_evaluation(dataset: str) -> None:
    """A button for runs that are done but were never measured."""
    waiting, key = not_evaluated(dataset), f"evaluate-runs-of-{dataset}"
    if not waiting and own(key) is None:
        return
    count = counted(len(waiting), "run")
    st.markdown(f"{count} finished but not measured yet: {plain(', '.join(run.name for run in waiting[:4]))}")
    with shown_errors():
        said = background_button(
            f"Evaluate {count}",
            key,
            ":material/straighten:",
            "Predict the test images and measure all metrics against the clean labels; seconds a run.",
            lambda task: evaluate(task, waiting),
            nothing_done="runs that were measured until then stay so",
            about=dataset,
            primary=False,
        )
        if said is not None:
            leave_note(said)
            st.rerun()


def pick_where(dataset: str) -> dict[str, Any]:
    """The settings that runs must have, where runs of the data set differ in some."""
    settings = loading.settings_to_choose(dataset)
    if not settings:
        return {}
    chosen: dict[str, Any] = {}
    with st.expander(
        f"Runs differ in {', '.join(settings)}: choose which are compared", icon=":material/filter_alt:"
    ):
        st.caption(
            "Runs that were trained differently are never pooled. Without a choice those count that were trained like"
            " most; the notes below the results name what was left out."
        )
        columns = st.columns(min(3, len(settings)))
        for number, (name, values) in enumerate(settings.items()):
            by_text = {as_yaml(value): value for value in values}
            with columns[number % len(columns)]:
                text = pick(
                    f"where-{name}",
                    name.replace("_", " ").capitalize(),
                    [AS_MOST, *by_text],
                    f"Only runs with this setting; on the command line --where {name}=VALUE.",
                    lambda text: "as most runs" if text == AS_MOST else text,
                )
            if text != AS_MOST:
                chosen[name] = by_text[text]
    return chosen


def load(dataset: str, metric: str, where: dict[str, Any]) -> Comparison | None:
    """The comparison, or what to do to get one."""
    try:
        return loading.load_comparison(dataset, metric, where)
    except LvcnetError as error:
        text = str(error)
        empty_state(f"{text[0].upper()}{text[1:]}.", "train", "Train on this data set", {"dataset": dataset})
        return None


page_frame(
    "Compare",
    "What label noise costs each method: scores against clean test labels, the same image under every method, and how"
    " certain the differences are.",
)
show_note()
show_damage("data", "runs")
show_left_out(METHODS, METRICS)
names = loading.data_sets()
if not names:
    empty_state(
        "There is no run yet. Train FCN, U-Net and LVC-Net on the same noisy labels, then compare them here.",
        "train",
        "Train a method",
    )
    st.stop()

left, right = st.columns(2)
with left:
    dataset = pick("dataset", "Data set", names, "Those with a measured run first.")
with right:
    metric = pick(
        "metric",
        "Metric",
        list(METRICS),
        "What curve, differences and ordering are about. The table always has precision, recall and mIoU.",
        lambda name: METRICS[name].title,
        "iou",
    )
offer_evaluation(dataset)
comparison = load(dataset, metric, pick_where(dataset))
if comparison is not None:
    view = pick_view("view", "Part", list(VIEWS), lambda name: VIEWS[name][0], "The parts of the comparison.")
    with shown_errors():
        VIEWS[view][1](comparison)
