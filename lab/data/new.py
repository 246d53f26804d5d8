"""What the forms of the data page share: make a data set in the background, and show it."""

from collections.abc import Callable
from contextlib import suppress

import streamlit as st

from lab.ui.background import Task
from lab.ui.widgets import leave_note, remember
from lvcnet import workspace
from lvcnet.data.dataset import Dataset, check_free
from lvcnet.data.importing.annotated import import_warnings
from lvcnet.errors import LvcnetError
from lvcnet.files import check_name
from lvcnet.progress import Report
from lvcnet.training.plan import plan_training

MOST_WARNINGS = 5


def new_dataset(task: Task, name: str, title: str, make: Callable[[Report], Dataset]) -> Dataset:
    """Make a data set and save it; cancelled, it leaves nothing.

    Raises:
        LvcnetError: if the name is taken or not usable, or what `make` says.
    """
    check_free(workspace.datasets_dir() / check_name(name, "data set"))
    dataset = make(task.stage(title))
    dataset.save(report=task.stage(f"Saving label sets of {name}"))
    return dataset


def show_new(dataset: Dataset) -> None:
    """Show a new data set on the browse view."""
    warnings = import_warnings(dataset.source)
    note = f"Data set {dataset.name}: {len(dataset)} images."
    with suppress(LvcnetError):  # without training images there is nothing to plan
        plan = plan_training(dataset)
        note += f"\nTraining plan: {plan.settings['steps']} steps at {dataset.size} px; its reasons are under Statistics."
    for warning in warnings[:MOST_WARNINGS]:
        note += f"\nWarning: {warning}"
    if len(warnings) > MOST_WARNINGS:
        note += f"\n{len(warnings) - MOST_WARNINGS} more warnings: see Statistics."
    leave_note(note)
    remember("dataset", dataset.name)
    remember("view", "browse")
    st.rerun()
