"""Title and note of a run on the runs page: shown, and changed in place."""

import streamlit as st

from lab.ui.escaping import code, plain
from lab.ui.widgets import leave_note
from lvcnet.errors import LvcnetError
from lvcnet.runs.about import NOTE_LENGTH, TITLE_LENGTH, read_about, write_about
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import is_demo

OPEN = "run-about-open"
READ_ONLY = "This run ships with the lab and is read-only. Clone its configuration to get one of your own."


def shown_about(run: RunDirectory) -> None:
    """Title and note, if there are any. As plain text: what somebody wrote is not markup."""
    about = read_about(run)
    if about.title:
        st.header(plain(about.title), anchor=False)
    if about.note:
        st.text(about.note)


def edit_about(run: RunDirectory) -> None:
    """A popover with title and note; it closes when they are saved."""
    about, demo = read_about(run), is_demo(run)
    with st.popover(
        "Title and note",
        icon=":material/edit_note:",
        disabled=demo,
        key=OPEN,
        on_change="rerun",
        help=READ_ONLY
        if demo
        else f"{code(f'lvcnet rename {run.name} TITLE')}, {code(f'lvcnet note {run.name} TEXT')}",
    ):
        title, note = f"run-title-{run.name}", f"run-note-{run.name}"
        with st.form(f"run-about-{run.name}", border=False, enter_to_submit=False):
            st.text_input(
                "Title",
                about.title,
                TITLE_LENGTH,
                key=title,
                placeholder=run.name,
                help="Shown in lists beside the name. The name, which is the folder, stays: links and sweeps use it.",
            )
            st.text_area(
                "Note",
                about.note,
                max_chars=NOTE_LENGTH,
                key=note,
                placeholder="Why this run was made, what it showed",
                help="For yourself and whoever gets the folder.",
            )
            st.form_submit_button("Save", type="primary", on_click=_save, args=(run, title, note))


def _save(run: RunDirectory, title: str, note: str) -> None:
    st.session_state[OPEN] = False
    try:
        write_about(run, st.session_state[title], st.session_state[note])
    except LvcnetError as error:
        leave_note(str(error), failed=True)
