"""A toast when a training ends, on whatever page of the lab is open, once a session."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import streamlit as st

from lab.ui.escaping import plain
from lvcnet.errors import LvcnetError
from lvcnet.jobs.daemon import worker_pid
from lvcnet.runs.directory import ACTIVE, RunDirectory
from lvcnet.runs.store import list_runs

SEEN = "announced-states"
EVALUATED = " evaluated"
SOON, LATER = 2.0, 20.0
"""Seconds between two looks: while something trains or waits, and otherwise (a terminal may have started it)."""
TOASTS: dict[str, tuple[str, str]] = {
    "done": ("is done", ":material/check_circle:"),
    "failed": ("failed", ":material/error:"),
    "cancelled": ("is cancelled and can be resumed", ":material/stop_circle:"),
    "interrupted": ("was interrupted and can be resumed", ":material/pause_circle:"),
}


def watch() -> None:
    """Say what ended since the last look and, while the page is open, look again and again."""
    _say_news()
    pause = SOON if anything_to_wait_for(list_runs()) else LATER
    st.fragment(_look, run_every=pause)()


def states(runs: Sequence[RunDirectory]) -> dict[str, str]:
    """What a page has to notice when it changes: every run's state, and whether it is evaluated."""
    found = {}
    for run in runs:
        try:
            evaluated = run.has_evaluation()
            found[run.name] = run.status()["state"] + (EVALUATED if evaluated else "")
        except LvcnetError:  # it is being deleted
            continue
    return found


def anything_to_wait_for(runs: Sequence[RunDirectory]) -> bool:
    """Whether a run waits, trains, or is about to be evaluated."""
    for run in runs:
        try:
            if run.status()["state"] in ACTIVE or awaits_evaluation(run):
                return True
        except LvcnetError:  # it is being deleted
            continue
    return False


def awaits_evaluation(run: RunDirectory) -> bool:
    """Whether a worker evaluates a run that is done, or is about to."""
    return run.to_evaluate() and worker_pid() is not None


def news(before: Mapping[str, str], now: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Run, words and icon of every run that ended or was evaluated between two looks.

    >>> news({"a": "running", "b": "done"}, {"a": "failed", "b": "done evaluated"})
    [('a', 'failed', ':material/error:'), ('b', 'is evaluated', ':material/check_circle:')]
    >>> news({"a": "done", "b": "cancelled"}, {"a": "done", "b": "queued"})
    []
    """
    found = []
    for name, state in now.items():
        was, ended = before.get(name, ACTIVE[0]), state.removesuffix(EVALUATED)
        if was.removesuffix(EVALUATED) in ACTIVE and ended in TOASTS:
            found.append((name, *TOASTS[ended]))
        elif was == "done" and state == "done" + EVALUATED:
            found.append((name, "is evaluated", ":material/check_circle:"))
    return found


def _look() -> None:
    """Draw the page anew when there is news. A toast of this fragment itself could be wiped out by a page that does so."""
    now = states(list_runs())
    if news(st.session_state.get(SEEN, now), now):
        st.rerun(scope="app")


def _say_news() -> None:
    """Compare with the last look. What was seen once stays seen: a file that is just being replaced is no news."""
    now = states(list_runs())
    before: dict[str, str] = st.session_state.get(SEEN, now)
    for name, words, icon in news(before, now):
        link = f"[Show the run](runs?{urlencode({'run': name})})"
        st.toast(f"**{plain(name)}** {words}. {link}", icon=icon, duration="long")
    st.session_state[SEEN] = {**before, **now}
