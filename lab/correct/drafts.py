"""Drafts on the correct page: every stroke is kept, a decision takes what is on the screen, and none is lost unasked.

The session remembers which revisions it has shown; a decision is about these, so a drawing of another window is never
accepted or put away unseen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab.ui.escaping import plain
from lab.ui.mask_editor import Kept, sent_stroke
from lab.ui.widgets import leave_note
from lvcnet.correction.decisions import Decisions
from lvcnet.correction.drafts import DISCARDED, Draft, NewerDraftError, revisions
from lvcnet.drawing.overlays import Mask
from lvcnet.errors import LvcnetError
from lvcnet.files import digest

SEEN, RECEIPTS, EDITOR, PROBLEMS, TWO = (
    "drafts-seen",
    "draft-receipts",
    "draft-editor",
    "draft-problems",
    "two-drawings",
)
MOST_RECEIPTS = 50


@dataclass(frozen=True)
class Canvas:
    """What one editor draws on: an image's category, by a reviewer."""

    correction: str
    key: str
    category: str
    reviewer: str

    @property
    def widget(self) -> str:
        """Key of the editor; a digest, since Streamlit allows no `__` in it, which names may have."""
        return f"edit-{digest([part.encode() for part in vars(self).values()])}"


def mark_seen(name: str, key: str, reviewer: str, drafts: Sequence[Draft]) -> Sequence[Draft]:
    """The reviewer's open drafts of an image, which are shown by now."""
    st.session_state.setdefault(SEEN, {})[name, key, reviewer] = revisions(drafts)
    return drafts


def revisions_seen(name: str, key: str, reviewer: str) -> dict[str, int]:
    """Revisions, by category, of the drafts that a decision now would be about.

    Raises:
        LvcnetError: if another one is on the screen than the one that is stored.
    """
    if st.session_state.get(TWO) == (name, key, reviewer):
        raise LvcnetError(
            "there are two drawings of this image, and another window stored the newer one: choose one in the editor"
        )
    seen: dict[str, int] = st.session_state.get(SEEN, {}).get((name, key, reviewer), {})
    return seen


def kept(canvas: Canvas, draft: Draft | None, shape: tuple[int, int]) -> Kept:
    """What the editor is told about its draft, open or not."""
    state = st.session_state
    told = {
        "receipts": tuple(state.get(RECEIPTS, [])),
        "problem": state.get(PROBLEMS, {}).get(canvas.widget, ""),
    }
    if draft is None:
        return Kept(**told)
    mask = draft.raster(*shape) if draft.is_open else None
    return Kept(mask=mask, revision=draft.revision, stroke=draft.stroke, time=draft.time, **told)


def watch(canvas: Canvas, decisions: Decisions, image: NDArray[np.uint8]) -> Callable[[], None]:
    """What keeps the strokes of an editor; buttons call it first, as their click may come with a stroke."""
    keep = partial(_keep_sent, canvas, decisions, image)
    st.session_state[EDITOR] = keep
    return keep


def keep_sent() -> None:
    """Keep what the editor on the screen sent."""
    if EDITOR in st.session_state:
        st.session_state[EDITOR]()


def leave_editor() -> None:
    """No editor is on the screen: nothing is drawn there that is not stored."""
    st.session_state.pop(EDITOR, None)
    st.session_state.pop(TWO, None)


def keep_stroke(canvas: Canvas, decisions: Decisions, stroke: str, based_on: int, mask: Mask | None) -> bool:
    """Store a stroke; what speaks against it is shown at the editor. Whether it is stored."""
    state = st.session_state
    problems = state.setdefault(PROBLEMS, {})
    place = (canvas.correction, canvas.key, canvas.reviewer)
    try:
        draft = decisions.drafts.save(canvas.key, canvas.category, canvas.reviewer, mask, based_on, stroke)
    except NewerDraftError:
        state[TWO] = place  # the editor sees the newer one and asks
        return False
    except LvcnetError as error:
        problems[canvas.widget] = str(error)
        return False
    problems.pop(canvas.widget, None)
    if state.get(TWO) == place:
        del state[TWO]
    state[RECEIPTS] = [*state.get(RECEIPTS, []), stroke][-MOST_RECEIPTS:]
    seen = state.setdefault(SEEN, {}).setdefault(place, {})
    seen.pop(canvas.category, None)
    if draft is not None and draft.is_open:
        seen[canvas.category] = draft.revision
    return True


def discard(name: str, key: str, reviewer: str, decisions: Decisions) -> None:
    """A button's callback: put the drawing away."""
    keep_sent()
    try:
        decisions.drafts.discard(key, reviewer, revisions_seen(name, key, reviewer))
    except LvcnetError as error:
        leave_note(f"{error}.", failed=True)


def restore(key: str, reviewer: str, decisions: Decisions) -> None:
    """A button's callback: bring back what was put away."""
    try:
        decisions.drafts.restore(key, reviewer)
    except LvcnetError as error:
        leave_note(f"{error}.", failed=True)


def show_drafts(name: str, key: str, reviewer: str, decisions: Decisions, categories: Sequence[str]) -> None:
    """What is drawn of an image and not accepted, by whom, and the buttons that put it away and bring it back."""
    listed = decisions.drafts.listed(key)
    own = [draft for draft in listed if draft.reviewer == reviewer]
    others = sorted({draft.reviewer for draft in listed if draft.is_open and draft.reviewer != reviewer})
    if others:
        st.markdown(f":gray-badge[:material/draw: {plain(', '.join(others))} drew here, not accepted yet]")
    if drawn := [draft for draft in own if draft.is_open]:
        what = f" {plain(', '.join(draft.category for draft in drawn))}" if len(categories) > 1 else ""
        with st.container(horizontal=True, vertical_alignment="center", key="draft"):
            st.markdown(f":orange-badge[:material/draw: Draft, not accepted yet]{what}", width="content")
            st.button(
                "Discard my drawing",
                key="discard-draft",
                icon=":material/delete:",
                type="tertiary",
                help="Put it away; it can be brought back.",
                on_click=discard,
                args=(name, key, reviewer, decisions),
            )
    elif any(draft.closed_by == DISCARDED for draft in own):
        st.button(
            "Bring my drawing back",
            key="restore-draft",
            icon=":material/restore:",
            type="tertiary",
            help="You drew here and discarded it.",
            on_click=restore,
            args=(key, reviewer, decisions),
        )


def _keep_sent(canvas: Canvas, decisions: Decisions, image: NDArray[np.uint8]) -> None:
    try:
        stroke = sent_stroke(canvas.widget, image)
    except LvcnetError as error:
        st.session_state.setdefault(PROBLEMS, {})[canvas.widget] = str(error)
        return
    if stroke is not None and stroke.id not in st.session_state.get(RECEIPTS, []):
        keep_stroke(canvas, decisions, stroke.id, stroke.based_on, stroke.mask)
