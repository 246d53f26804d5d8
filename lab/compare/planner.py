"""The planner of the compare page: how carefully to outline, from the runs that were measured."""

from math import ceil

import streamlit as st

from lab.compare import loading
from lab.compare.results import show_excluded
from lab.ui.charts import show_chart
from lab.ui.escaping import plain, sentence
from lab.ui.tables import unbroken
from lab.ui.widgets import command_line, empty_state
from lvcnet.comparison.cells import BASELINE, Comparison
from lvcnet.comparison.where import Where
from lvcnet.errors import LvcnetError
from lvcnet.figures.differences import plan_curve
from lvcnet.methods import method_title
from lvcnet.noise.levels import levels_in_words
from lvcnet.planner.curve import Plan
from lvcnet.planner.plan_text import (
    budget_sentences,
    by_saving,
    equivalence_sentence,
    plan_csv,
    plan_table,
)
from lvcnet.planner.request import PlanRequest

STEP = 500
"""Budgets go up and down by so many clicks."""


def show_planner(comparison: Comparison) -> None:
    """Clicks against IoU, equal outlines in words, a budget, the table; or what to do to get them."""
    try:
        plan = loading.load_plan(comparison.dataset, comparison.where)
    except LvcnetError as error:
        text = str(error)
        query = {"dataset": comparison.dataset}
        show_excluded(comparison)
        empty_state(f"{text[0].upper()}{text[1:]}.", "train", "Train on this data set", query)
        return
    st.header("How carefully must we outline?", anchor=False)
    show_excluded(comparison)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _show_curve(plan, comparison.metric)
    with right:
        _show_sentences(plan)
    _show_budget(plan, comparison.where)
    _show_table(plan)
    if plan.notes:
        with st.expander(f"Notes ({len(plan.notes)})", icon=":material/info:"):
            st.markdown("\n".join(f"- {plain(note[0].upper() + note[1:])}." for note in plan.notes))


def _show_curve(plan: Plan, metric: str) -> None:
    show_chart(
        plan_curve(plan),
        "plan-curve",
        "IoU of every method against the clicks an image's outlines take; the table has the numbers",
        f"{plan.dataset}-clicks",
    )
    baseline = method_title(BASELINE)
    dotted = f" Dotted: how many clicks {baseline} takes for the same IoU." if plan.equivalences else ""
    only = " The planner is about foreground IoU, whatever the metric above." if metric != "iou" else ""
    st.caption(f"Higher and further left is better. Bars: 95 % intervals.{dotted}{only} {levels_in_words()}")


def _show_sentences(plan: Plan) -> None:
    """The method that saves most in full, the others folded."""
    baseline = method_title(BASELINE)
    if not plan.equivalences:
        st.markdown(
            f"No outlines can be called equal: that needs {baseline} and another method, both measured, trained alike and"
            " not collapsed."
        )
    for number, (method, found) in enumerate(by_saving(plan).items()):
        text = unbroken(sentence("\n\n".join(equivalence_sentence(one, plan) for one in found)))
        if number == 0:
            st.markdown(text)
        else:
            with st.expander(f"{plain(method_title(method))} against {baseline}"):
                st.markdown(text)
    if plan.caveat:
        st.caption(plain(plan.caveat))


def _show_budget(plan: Plan, where: Where) -> None:
    st.header("Click budget", anchor=False)
    middle = plan.outlines[len(plan.outlines) // 2].clicks * plan.images
    left, right = st.columns([1, 3], gap="large")
    with left:
        budget = st.number_input(
            "Clicks in all",
            min_value=1,
            value=STEP * ceil(middle / STEP),
            step=STEP,
            key=f"plan-budget-{plan.dataset}",
            help=f"Vertices that people can set in all {plan.images} training images together.",
        )
    request = PlanRequest(plan.dataset, budget=float(budget), where=where)
    spent = request.spend(plan)
    with right:
        st.markdown(unbroken(sentence("\n\n".join(budget_sentences(plan, spent) if spent else []))))
    command_line(request)


def _show_table(plan: Plan) -> None:
    table = plan_table(plan)
    st.header(plain(table.title), anchor=False)
    st.dataframe(
        [dict(zip(table.header, row, strict=True)) for row in table.rows],
        hide_index=True,
        height="content",
        key="plan-table",
    )
    st.caption(plain(table.note))
    st.download_button(
        "Download CSV",
        lambda: plan_csv(plan),
        f"{plan.dataset}-plan.csv",
        "text/csv",
        key="plan-csv",
        icon=":material/download:",
        help="One row a method and label set, with all intervals.",
    )
