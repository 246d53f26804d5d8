"""The correct page's editor: draw the outline by hand, one category at a time; every stroke is kept as a draft."""

from collections.abc import Sequence

import streamlit as st

from lab.correct import state as correct_state
from lab.correct.drafts import Canvas, keep_sent, keep_stroke, kept, mark_seen, watch
from lab.correct.state import Look
from lab.ui.loaded import load_correction
from lab.ui.mask_editor import edit_mask
from lab.ui.widgets import has_note, pick
from lvcnet.correction.decisions import Decisions, Verdict
from lvcnet.correction.drafts import Draft


@st.fragment
def show_editor(name: str, look: Look, categories: Sequence[str], start: Verdict, reviewer: str) -> None:
    """The editor; "Use this outline" accepts what is drawn and goes on to the next undecided image.

    Args:
        name: of the correction.
        look: the image.
        categories: C names.
        start: what the drawing begins with, unless the image was edited before.
        reviewer: who draws; drafts are signed.
    """
    decisions = load_correction(name).decisions
    category = categories[0]
    if len(categories) > 1:
        category = pick("category", "Category", categories, "Each category has an outline of its own.")
    number, canvas = categories.index(category), Canvas(name, look.key, category, reviewer)
    keep = watch(canvas, decisions, look.image)
    keep_sent()
    drafts = decisions.drafts.listed(look.key, reviewer)
    drawn = edit_mask(
        look.image,
        look.result(look.base(start))[number],
        key=canvas.widget,
        proposal=look.proposal[number],
        label=look.label[number],
        title=f"Radiograph {look.key}, {category}",
        draft=kept(canvas, next((one for one in drafts if one.category == category), None), look.image.shape),
        on_stroke=keep,
    )
    mark_seen(name, look.key, reviewer, [draft for draft in drafts if draft.is_open])
    if drawn is not None:
        if keep_stroke(canvas, decisions, drawn.id, drawn.based_on, drawn.mask):
            correct_state.accept(name, look, start, reviewer, categories)
        st.rerun()
    if _page_is_outdated(look, decisions, drafts):
        st.rerun()


def _page_is_outdated(look: Look, decisions: Decisions, drafts: Sequence[Draft]) -> bool:
    """Whether the page around the editor says something else by now.

    Only the editor is drawn anew after a stroke, also where the browser sends a button's click along with it.
    """
    if st.query_params.get("image") != look.key or correct_state.ASKED in st.session_state:
        return True
    standing = decisions.standing(look.key)
    if (standing.latest.id if standing else None) != look.event or has_note():
        return True
    return {draft.category for draft in drafts if draft.is_open} != {draft.category for draft in look.drafts}
