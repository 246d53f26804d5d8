"""Runs: what trains, what waits, what came out; curves and log while it happens."""

import streamlit as st

from lab import run_view, tables
from lab.announce import SOON, anything_to_wait_for, states
from lab.navigation import page_frame
from lab.run_about import shown_about
from lab.widgets import empty_state, pick_run, remember, show_note, shown_errors
from lvcnet import jobs
from lvcnet.noise.levels import levels_in_words
from lvcnet.runs.store import find_run, list_runs


def choose(names: list[str], key: str) -> None:
    """A click on a row of the table chooses its run."""
    if rows := st.session_state[key].selection.rows:
        remember("run", names[rows[0]])


page_frame("Runs", "Trainings in the background: active ones first, with live curves, log and results.")
show_note()
with shown_errors():
    jobs.recover()
runs = list_runs()
if not runs:
    empty_state("There is no run yet. Start one; it trains in the background.", "train", "Start a training")
    st.stop()
shown = states(runs)
poll = SOON if anything_to_wait_for(runs) else None


@st.fragment(run_every=poll)
def table() -> None:
    """All runs; when one changes its state, the whole page is drawn again."""
    current = list_runs()
    if states(current) != shown:
        st.rerun()
    queue = jobs.queue_state()
    st.caption(
        f"{len(queue.running)} running, {len(queue.queued)} waiting, {queue.slots} at a time;"
        f" {'a worker is there' if queue.worker else 'no worker needed now'}. Click a row to see the run."
    )
    summaries = tables.readable(current)
    names = [one.run for one in summaries]
    key = f"runs-table-{hash(tuple(names))}"  # another order is another table: a selected row must not become another run
    st.dataframe(
        tables.run_rows(summaries, queue.queued),
        key=key,
        hide_index=True,
        height=min(38 + 35 * len(names), 320),
        on_select=lambda: choose(names, key),
        selection_mode="single-row",
        column_config={
            "Run": st.column_config.TextColumn("Run", width=245),
            "Labels": st.column_config.TextColumn("Labels", help=levels_in_words()),
            "Progress": st.column_config.ProgressColumn(
                "Progress", format="%d %%", min_value=0, max_value=100, width=100, help="Share of the epochs"
            ),
            "Time left": st.column_config.TextColumn("Time left", width=105),
            "Title": st.column_config.TextColumn("Title", width=150),
            "Note": st.column_config.TextColumn("Note", width="medium"),
            "IoU": st.column_config.TextColumn("IoU", help="Foreground IoU with the clean test labels"),
            "Started": st.column_config.TextColumn("Started", width=135),
        },
        alt="All runs with state, method, labels, progress and IoU",
    )


with shown_errors():
    table()
    run = pick_run(runs)
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
    run_view.configuration(run)
