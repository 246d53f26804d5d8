"""The training plan on screen: every choice with its reason, and what a run does otherwise."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from lab.ui.escaping import plain
from lab.ui.widgets import show_table
from lvcnet.training.config import as_yaml
from lvcnet.training.plan import TrainingPlan

TITLES = {
    "size": "Working size (px)",
    "batch_size": "Images a step",
    "steps": "Steps",
    "epoch_steps": "Steps between checks",
    "width": "Width",
    "depth": "Depth",
    "loss": "Loss",
    "augment": "Augmentation",
    "flip": "Mirroring",
    "jitter": "How far it moves",
}
"""Of the choices."""
OTHERWISE = "This run"


def show_plan(plan: Mapping[str, Any]) -> None:
    """A plan as `TrainingPlan.as_json` or, with what a run does otherwise, as `TrainingPlan.record` gives it."""
    overridden: Mapping[str, Any] = plan.get("overridden", {})
    rows = []
    for one in (plan["size"], *plan["choices"]):
        row = {"Setting": TITLES.get(one["name"], one["name"]), "Plan": shown(one["value"])}
        if overridden:
            row[OTHERWISE] = _otherwise(one["name"], overridden)
        rows.append({**row, "Why": f"{one['reason'][:1].upper()}{one['reason'][1:]}"})
    show_table(rows)


def _otherwise(name: str, overridden: Mapping[str, Any]) -> str:
    """The value of a setting that is another one; a length in epochs stands beside the steps."""
    if name == "steps" and "epochs" in overridden:
        return f"{overridden['epochs']} epochs"
    return shown(overridden[name]) if name in overridden else ""


def shown(value: object) -> str:
    """A value as a person reads it.

    >>> shown(True), shown(1600), shown("ce+dice"), shown(1.5)
    ('yes', '1600', 'ce+dice', '1.5')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    return as_yaml(value)


def show_size_note(plan: TrainingPlan) -> None:
    """Say that the working grid is too small, where it is."""
    if plan.import_again:
        st.warning(
            plain(f"{plan.dataset} was {plan.import_again}. {plan.size.reason}"), icon=":material/zoom_in:"
        )
