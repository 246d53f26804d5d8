"""Deleting in the lab: a question that says what depends on a thing, Undo right after, and the trash."""

from collections.abc import Callable, Sequence
from datetime import datetime

import streamlit as st

from lab.ui.escaping import code, plain
from lab.ui.identity import user
from lab.ui.tables import counted
from lab.ui.widgets import forget, leave_note, remember, shown_errors
from lvcnet.deleting import Deletion
from lvcnet.errors import LvcnetError
from lvcnet.trash import Entry, empty, find_entry, format_size, list_trash, restore

UNDO = "undo-deletion"
SHOWN_BY = {"run": "run", "data set": "dataset", "correction": "correction"}
"""Parameter of the address that says which one is shown: that which was just put back."""
DANGER = """<style>
[class*="st-key-danger-"] button:not(:disabled) { background: #B3261E; border-color: #B3261E; color: #FFFFFF; }
[class*="st-key-danger-"] button:not(:disabled):hover { background: #8C1D18; border-color: #8C1D18; color: #FFFFFF; }
</style>"""
"""Buttons after which something is gone look like that; white on this red has a contrast of 6.5:1 in both themes."""


def delete_button(
    plan: Callable[[], Deletion], kind: str, name: str, why_not: str | None = None, label: str = "Delete"
) -> None:
    """A button that asks before it deletes.

    Args:
        plan: finds out what the deletion means; called once the button is pressed.
        kind: of the thing, see `lvcnet.trash.KINDS`.
        name: of the thing.
        why_not: why it cannot be deleted, if so.
        label: of the button.
    """
    pressed = st.button(
        label,
        key=f"delete-{kind}-{name}".replace(" ", "-"),
        icon=":material/delete:",
        disabled=why_not is not None,
        help=why_not or f"Asks first, and can be undone: {plain(name)} goes to the trash.",
    )
    if pressed:
        st.dialog(f"Delete {kind} {plain(name)}?", icon=":material/delete:")(_ask)(
            plan, f"sure-{kind}-{name}".replace(" ", "-")
        )


def show_undo() -> None:
    """What was deleted last in this session, until it is put back or dismissed."""
    entry = next((one for one in list_trash() if one.id == st.session_state.get(UNDO)), None)
    if entry is None:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="undo"):
        st.markdown(
            f":material/delete: {entry.kind.capitalize()} **{plain(entry.name)}** is in the trash.",
            width="content",
        )
        st.button("Undo", key=f"undo-{entry.id}", icon=":material/undo:", on_click=_restore, args=(entry,))
        st.button("Dismiss", key=f"dismiss-{entry.id}", type="tertiary", on_click=_dismiss)


def show_trash(kinds: Sequence[str]) -> None:
    """What of these kinds was deleted: put it back, or remove it for good."""
    entries = list_trash(kinds)
    if not entries:
        return
    with st.expander(f"Trash ({counted(len(entries), 'item')})", icon=":material/delete:", key="trash"):
        st.html(DANGER)
        for entry in entries:
            _show_entry(entry)
        size = format_size(sum(entry.size for entry in entries))
        sure = st.checkbox(
            f"Remove these for good: frees {size}, and cannot be undone",
            key="trash-sure",
            help=f"The trash is never emptied by itself. {code('lvcnet trash empty --yes')}",
        )
        with st.container(key="danger-empty-trash"):
            st.button(
                f"Empty the trash ({counted(len(entries), 'item')})",
                key="trash-empty",
                icon=":material/delete_forever:",
                disabled=not sure,
                on_click=_empty,
                args=(entries,),
            )


def _ask(plan_of: Callable[[], Deletion], sure: str) -> None:
    """The question.

    Args:
        plan_of: as in `delete_button`.
        sure: key of the button that deletes; the name is in it, too: a press means what was written on the button.
    """
    if st.session_state.get(sure):  # pressed, and carried out before the dialog is drawn again
        st.rerun()
    st.html(DANGER)
    with shown_errors():
        plan = plan_of()
        if plan.users:
            st.error(f"It is in use, and stays: {plain('; '.join(plan.users))}.", icon=":material/block:")
            return
        st.markdown(
            f"**{plain(plan.name)}** ({format_size(plan.size)}) goes to the trash, from where it can be put back."
        )
        for sentence in plan.dependents:
            st.markdown(f"- {plain(sentence)}")
        with st.container(horizontal=True):
            with st.container(key=f"danger-{plan.kind}".replace(" ", "-"), width="content"):
                st.button(
                    f"Delete {plan.name}",
                    key=sure,
                    icon=":material/delete:",
                    on_click=_delete,
                    args=(plan,),
                )
            if st.button("Keep it", key="delete-not"):
                st.rerun()


def _show_entry(entry: Entry) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        when = datetime.fromtimestamp(entry.time).strftime("%d %b %Y, %H:%M")
        st.markdown(
            f"{entry.kind.capitalize()} **{plain(entry.name)}**  \n:gray[deleted {when} by {plain(entry.by)},"
            f" {format_size(entry.size)}]",
            width="content",
        )
        st.button(
            "Restore",
            key=f"restore-{entry.id}",
            icon=":material/restore_from_trash:",
            on_click=_restore,
            args=(entry,),
            help=f"Exactly as it was. {code(f'lvcnet trash restore {entry.id}')}",
        )


def _delete(plan: Deletion) -> None:
    try:
        st.session_state[UNDO] = plan.carry_out(by=user()).id
        if plan.kind in SHOWN_BY:
            forget(SHOWN_BY[plan.kind])
    except LvcnetError as error:
        leave_note(str(error), failed=True)


def _restore(entry: Entry) -> None:
    try:
        name = restore(find_entry(entry.id))
        if entry.kind in SHOWN_BY:
            remember(SHOWN_BY[entry.kind], name)
        leave_note(f"{entry.kind.capitalize()} {name} is back.")
    except LvcnetError as error:
        leave_note(str(error), failed=True)


def _dismiss() -> None:
    st.session_state.pop(UNDO, None)


def _empty(entries: list[Entry]) -> None:
    st.session_state["trash-sure"] = False
    leave_note(f"The trash is empty: {format_size(empty(entries))} freed.")
