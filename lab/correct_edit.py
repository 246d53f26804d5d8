"""The correct page's editor: draw the outline by hand, one category at a time, and store it as a decision."""

import numpy as np
import streamlit as st

from lab import correct_state
from lab.correct_state import Look
from lab.mask_editor import edit_mask
from lab.widgets import pick
from lvcnet.correction.decisions import Verdict
from lvcnet.correction.reviewed import encode_masks


def show_editor(name: str, look: Look, categories: list[str], start: Verdict, reviewer: str) -> None:
    """The editor; "Use this outline" stores what was drawn and goes on to the next undecided image.

    Args:
        name: of the correction.
        look: the image.
        categories: C names.
        start: what the drawing begins with, unless the image was edited before.
        reviewer: who draws; without a name nothing is stored.
    """
    before = look.verdict
    edited = before is not None and before.decision == "edited"
    masks = look.result(before if edited else start)
    category = 0
    if len(categories) > 1:
        chosen = pick("category", "Category", categories, "Each category has an outline of its own.")
        category = categories.index(chosen)
    drawn = edit_mask(
        look.image,
        masks[category],
        key=f"edit-{name}-{look.key}-{category}",
        proposal=look.proposal[category],
        label=look.label[category],
        title=f"Radiograph {look.key}, {categories[category]}",
    )
    if drawn is None:
        return
    if not reviewer:
        st.warning(
            "Not stored: write your name under Reviewer, then use the outline.", icon=":material/edit:"
        )
        return
    result = np.array(masks)
    result[category] = drawn
    verdict = Verdict(decision="edited", details={"masks": encode_masks(result)})
    correct_state.decide(name, look, verdict, reviewer)
    st.rerun()
