"""Runs: what trains, what waits, what came out; curves and log while it happens."""

import streamlit as st

from lab.runs import views as run_view
from lab.runs.about import shown_about
from lab.runs.outlines import moved_outlines
from lab.ui import tables
from lab.ui.announce import SOON, anything_to_wait_for, awaits_evaluation, states
from lab.ui.damage_notes import show_damage
from lab.ui.escaping import plain
from lab.ui.navigation import page_frame
from lab.ui.trash import show_trash, show_undo
from lab.ui.widgets import empty_state, pick_run, remember, show_note, shown_errors
from lvcnet import jobs
from lvcnet.noise.levels import levels_in_words
from lvcnet.runs.store import find_run, list_runs
from lvcnet.runs.summary import collapse_notes

COLUMNS = {
    tables.SHOWN: st.column_config.TextColumn("", width=30, help="The run that is shown below"),
    "Run": st.column_config.TextColumn("Run", width=250),
    "State": st.column_config.TextColumn(
        "State", width=105, help="In brackets: a waiting run's place in the queue"
    ),
    "Labels": st.column_config.TextColumn("Labels", help=levels_in_words()),
    "Progress": st.column_config.ProgressColumn(
        "Progress", format="%d %%", min_value=0, max_value=100, width=90, help="Share of the epochs"
    ),
    "Time left": st.column_config.TextColumn("Time left", width=115),
    "Title": st.column_config.TextColumn("Title", width=135),
    "Note": st.column_config.TextColumn("Note", width="medium"),
    "IoU": st.column_config.TextColumn("IoU", help="Foreground IoU with the clean test labels"),
    "Started": st.column_config.TextColumn("Started", width=135),
}


def choose(names: list[str], key: str) -> None:
    """A click on a row chooses its run: by name, as rows move while runs start and end."""
    if cells := st.session_state[key].selection.cells:
        remember("run", names[cells[0][0]])


def forget_click(key: str, row: int | None) -> None:
    """Once another run was chosen elsewhere, e.g. in the list of runs, the cell that was clicked can be clicked again."""
    if key in st.session_state and any(
        clicked != row for clicked, _ in st.session_state[key].selection.cells
    ):
        st.session_state[key] = {"selection": {"cells": []}}


page_frame("Runs", "Trainings in the background: active ones first, with live curves, log and results.")
show_note()
show_damage("runs")
show_undo()
with shown_errors():
    jobs.recover()
runs = list_runs()
if not runs:
    empty_state("There is no run yet. Start one; it trains in the background.", "train", "Start a training")
    show_trash(["run"])
    st.stop()
shown = states(runs)
poll = SOON if anything_to_wait_for(runs) else None
above = st.container()
run = pick_run(runs)


@st.fragment(run_every=poll)
def table() -> None:
    """All runs, that of the page marked; when another is chosen or one changes its state, the page is drawn again."""
    current = list_runs()
    if states(current) != shown or st.query_params.get("run") != run.name:
        st.rerun()
    queue = jobs.queue_state()
    waiting = f", {len(queue.queued)} waiting" if queue.queued else ""
    st.caption(
        f"{len(queue.running)} running{waiting}, {queue.slots} at a time;"
        f" {'a worker is there' if queue.worker else 'no worker needed now'}. Click a row to see the run."
    )
    summaries = tables.readable(current)
    names = [one.run for one in summaries]
    # another order is another table: a click on a row that has moved must not become another run
    key = f"runs-table-{hash(tuple(names))}"
    forget_click(key, names.index(run.name) if run.name in names else None)
    for note in collapse_notes(summaries):
        st.caption(plain(note))
    evaluating = {one.name for one in current if awaits_evaluation(one)}
    st.dataframe(
        tables.marked(tables.run_rows(summaries, queue.queued, evaluating), names, run.name),
        key=key,
        hide_index=True,
        height=min(38 + 35 * len(names), 320),
        on_select=lambda: choose(names, key),
        selection_mode="single-cell",
        column_config=COLUMNS,
        alt=f"All runs with state, method, labels, progress and IoU; {run.name} is marked",
    )


with shown_errors():
    with above:
        table()
    shown_about(run)
    run_view.actions(run)

    @st.fragment(run_every=poll)
    def state() -> None:
        """The chosen run as it is now."""
        with shown_errors():
            run_view.progress(find_run(run.name))

    @st.fragment(run_every=poll)
    def curves_and_log() -> None:
        """What it has written so far."""
        with shown_errors():
            now = find_run(run.name)
            run_view.curves(now, weight, beside)
            run_view.log(now)

    state()
    weight, beside = run_view.curve_choices(run, runs)
    curves_and_log()
    run_view.evaluation(run)
    moved_outlines(run)
    run_view.configuration(run)
show_trash(["run"])
