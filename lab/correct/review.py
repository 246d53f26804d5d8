"""The correct page's review: one image, what speaks for the proposal, and the buttons that decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from lab.correct import state as correct_state
from lab.correct.drafts import leave_editor, show_drafts
from lab.correct.edit import show_editor
from lab.correct.pictures import LEGEND, OPACITY, place, review_layers
from lab.correct.state import Look, decision_text
from lab.draw.pictures import legend
from lab.ui import tables
from lab.ui.escaping import plain
from lab.ui.identity import user
from lab.ui.viewer import Panel, Values, show_viewer, viewer_data
from lab.ui.widgets import leave_note, pick_view, remember
from lvcnet.correction.decisions import Verdict
from lvcnet.correction.store import Correction
from lvcnet.data.dataset import Dataset
from lvcnet.drawing.overlays import Mask
from lvcnet.files import Row
from lvcnet.masks.largest_error import largest_error

MODES = {"look": "Look", "edit": "Edit by hand"}
KIND_TITLES = {"both": "outline differs", "missing": "not in the label", "extra": "only in the label"}
BUTTONS: dict[str, tuple[str | None, str, str]] = {
    "Accept proposal": (None, "check", "Store the proposal."),
    "Reject": ("x", "close", "Keep the label as it is."),
    "Take this": ("t", "tune", "Store what the check boxes and the slider say: the purple outline."),
}
"""Key (Streamlit keeps R and C for itself), icon and explanation of every decision."""


@dataclass(frozen=True, eq=False)
class Review:
    """Everything the review works on."""

    correction: Correction
    dataset: Dataset
    rows: list[Row]
    shown: list[Row]
    reviewer: str

    @property
    def name(self) -> str:
        """The correction's name."""
        return self.correction.name


def pick_reviewer(known: Sequence[str], rows: Sequence[Row]) -> str:
    """Who decides; names that decided before are offered, and the address remembers the choice.

    Where there is a login, its name is there from the beginning.
    """
    asked = st.query_params.get("reviewer") or st.session_state.get("last-reviewer") or user()
    names = sorted({*known, *([asked] if asked else [])})
    if asked and "reviewer" not in st.session_state:
        st.session_state["reviewer"] = asked
    chosen = st.selectbox(
        "Reviewer",
        names,
        index=None,
        key="reviewer",
        accept_new_options=True,
        placeholder="Your name",
        help="Decisions are signed with it. Write a new name or choose one that decided before.",
        on_change=_say_what_waits,
        args=(rows,),
    )
    if chosen:
        remember("reviewer", chosen)
    return str(chosen or "")


def _say_what_waits(rows: Sequence[Row]) -> None:
    """Who takes over hears of the drafts that the one before leaves."""
    before = st.query_params.get("reviewer")
    left = sum(before in row["drafts"] for row in rows)
    if before and left and before != st.session_state["reviewer"]:
        leave_note(
            f"{before} leaves a draft of {tables.counted(left, 'image')}: the filter 'With a draft' shows them."
        )


def show_image(review: Review, look: Look) -> None:
    """Picture on the left, figures and decisions on the right."""
    left, right = st.columns([6, 5])
    categories = review.dataset.categories
    with right:
        _head(review, look)
        with st.container(key="decide"):  # a phone always shows it
            decide = st.container(horizontal=True)
            show_drafts(review.name, look.key, review.reviewer, review.correction.decisions, categories)
        with st.container(border=True):
            verdict = choose_part(review.name, look)
            whole = {"accept": "all of the proposal", "reject": "nothing, the label stays"}
            part = decision_text(verdict).removeprefix("Taken in part: ")
            st.caption(f"Take this: {whole.get(verdict.decision, part)}")
            _decision_button(review, look, "Take this", verdict)
        _move_buttons(review, look)
    with decide:
        _accept_button(review, look, verdict)
        if look.drafts:
            _decision_button(review, look, "Accept proposal", Verdict(decision="accept"))
        _decision_button(review, look, "Reject", Verdict(decision="reject"))
    with left:
        with st.container(horizontal=True, vertical_alignment="center", key="mode"):
            mode = pick_view(
                "mode", "Mode", list(MODES), MODES.__getitem__, "Look at the outlines, or draw one."
            )
            bare = mode == "look" and st.toggle(
                "Radiograph only",
                key="review-bare",
                help="Hide all outlines and marks to look at the image itself.",
            )
        if mode == "edit" and review.reviewer:
            show_editor(review.name, look, categories, verdict, review.reviewer)
            return
        leave_editor()
        if mode == "edit":
            st.info("Write your name under Reviewer: what you draw is kept under it.", icon=":material/edit:")
        edited = look.verdict is not None and look.verdict.decision == "edited"
        drawn = look.verdict if edited else verdict if verdict.decision == "part" else None
        _picture(review, look, None if drawn is None else look.result(drawn), bare)


def choose_part(name: str, look: Look) -> Verdict:
    """Check boxes for the regions and a slider between old and new outline; what they amount to."""
    regions, before = look.judged.get("regions", []), look.verdict
    details = before.details if before is not None and before.decision == "part" else {}
    suffix = f"{name}-{look.key}-{look.event}"
    several = len({region["category"] for region in regions}) > 1
    chosen = list(range(len(regions)))
    st.markdown("**Or part of the proposal**")
    if len(regions) > 1:
        taken = details.get("regions", chosen)
        chosen = [
            number
            for number, region in enumerate(regions)
            if st.checkbox(
                plain(region_title(region, look.image.shape, several)),
                number in taken,
                key=f"region-{suffix}-{number}",
                help=f"A connected region of label and proposal ({region['pixels']} px) and where it lies.",
            )
        ]
    percent = st.slider(
        "From old to new outline",
        0,
        100,
        round(100 * details.get("blend", 1.0)),
        5,
        format="%d %%",
        key=f"blend-{suffix}",
        help="0 % is the label, 100 % the proposal; in between, the outline lies between the two.",
    )
    return part_verdict(len(regions), chosen, percent)


def part_verdict(regions: int, chosen: Sequence[int], percent: int) -> Verdict:
    """What a choice of regions and a percentage amount to: accept, reject, or part.

    >>> part_verdict(2, [0, 1], 100).decision, part_verdict(2, [0], 0).decision, part_verdict(2, [], 50).decision
    ('accept', 'reject', 'reject')
    >>> part_verdict(2, [1], 50).details
    {'regions': [1], 'blend': 0.5}
    """
    everything = len(chosen) == regions
    if percent == 0 or (regions and not chosen):
        return Verdict(decision="reject")
    if everything and percent == 100:
        return Verdict(decision="accept")
    details: dict[str, Any] = {} if everything else {"regions": list(chosen)}
    return Verdict(decision="part", details=details | ({} if percent == 100 else {"blend": percent / 100}))


def region_title(region: dict[str, Any], size: tuple[int, ...], several: bool = False) -> str:
    """One region in words; with its category where there are several.

    >>> region = {"category": "femur", "kind": "missing", "quality": 0.2, "box": (0, 0, 9, 60)}
    >>> region_title(region, (64, 64), several=True)
    'Left: femur, not in the label, quality 0.20'
    """
    category = f"{region['category']}, " if several else ""
    where = place(region["box"], size).capitalize()
    return f"{where}: {category}{KIND_TITLES[region['kind']]}, quality {region['quality']:.2f}"


def _head(review: Review, look: Look) -> None:
    """Which image this is, how good its label looks, and what was decided about it."""
    rank = next(row["rank"] for row in review.rows if row["key"] == look.key)
    st.markdown(f"**{plain(look.key)}** · number {rank} of {len(review.rows)}, worst first")
    judged = look.judged
    st.markdown(
        f"Label quality **{tables.number(judged['quality'])}** · IoU with the proposal"
        f" **{tables.number(judged.get('iou'))}** · distance of outlines"
        f" **{tables.number(judged['disagreement_px'], 2)} px**",
        help="Label quality: cleanlab's score from 0 (certainly wrong somewhere) to 1. IoU: overlap of label and"
        " proposal. Distance: mean distance of their outlines, in pixels of the image.",
    )
    verdict = look.verdict
    if verdict is None:
        st.markdown(":gray-badge[:material/radio_button_unchecked: Undecided]")
    else:
        st.markdown(f":blue-badge[:material/check: {decision_text(verdict)}] by {plain(verdict.reviewer)}")
    if not review.reviewer:
        st.info("Write your name under Reviewer: decisions are signed.", icon=":material/edit:")


def ask_about_drawing(review: Review, look: Look) -> None:
    """Ask, if a decision was made that would put a drawing away."""
    asked = st.session_state.pop(correct_state.ASKED, None)
    if asked is not None and asked[0] == look.key and look.drafts:
        _ask_about_drawing(review, look, asked[1])


@st.dialog("You drew here")
def _ask_about_drawing(review: Review, look: Look, verdict: Verdict) -> None:
    whole = {"accept": "take the proposal", "reject": "keep the label"}
    what = whole.get(verdict.decision, "take part of the proposal")
    st.markdown(f"To {what}, your drawing of **{plain(look.key)}** has to be put away. Undo brings it back.")
    with st.container(horizontal=True):
        if st.button("Keep my drawing", key="ask-keep", icon=":material/draw:", type="primary"):
            st.rerun()
        if st.button(f"Discard it and {what}", key="ask-discard", icon=":material/delete:"):
            correct_state.decide_and_discard(review.name, look, verdict, review.reviewer)
            st.rerun()


def _accept_button(review: Review, look: Look, start: Verdict) -> None:
    """Stores what is on the screen, and goes on to the next undecided image."""
    what = ("my outline", "what you drew") if look.drafts else ("", "the proposal")
    st.button(
        f"Accept {what[0]}".strip(),
        key="decide-Accept",
        shortcut="a",
        icon=":material/check:",
        type="primary",
        help=f"Store {what[1]}. Then the next undecided image.",
        disabled=not review.reviewer,
        on_click=correct_state.accept,
        args=(review.name, look, start, review.reviewer, review.dataset.categories),
    )


def _decision_button(review: Review, look: Look, label: str, verdict: Verdict) -> None:
    """Decides, and goes on to the next undecided image."""
    shortcut, icon, help_text = BUTTONS[label]
    st.button(
        label,
        key=f"decide-{label}",
        shortcut=shortcut,
        icon=f":material/{icon}:",
        help=f"{help_text} Then the next undecided image.",
        disabled=not review.reviewer,
        on_click=correct_state.decide,
        args=(review.name, look, verdict, review.reviewer),
    )


def _move_buttons(review: Review, look: Look) -> None:
    """To the neighbours in the list, and back from one's last decision."""
    with st.container(horizontal=True, key="move"):
        for label, shortcut, icon, step in (
            ("Back", "b", "arrow_back", -1),
            ("Skip", "s", "arrow_forward", 1),
        ):
            other = correct_state.neighbour(review.rows, review.shown, look.key, step)
            st.button(
                label,
                key=f"move-{label}",
                shortcut=shortcut,
                icon=f":material/{icon}:",
                disabled=other is None,
                help="The image before this one." if step < 0 else "The next image, deciding nothing.",
                on_click=remember,
                args=("image", other or look.key),
            )
        own = correct_state.last_own(review.correction, review.reviewer)
        st.button(
            "Undo",
            key="undo",
            shortcut="u",
            icon=":material/undo:",
            disabled=own is None,
            help="Take your last decision back"
            + (f" ({plain(own.key)}: {decision_text(own).lower()})." if own else "; there is none yet."),
            on_click=correct_state.undo,
            args=(review.name, review.reviewer),
        )


def _picture(review: Review, look: Look, result: Mask | None, bare: bool) -> None:
    """The radiograph with everything that helps to decide, to be zoomed; or the radiograph alone."""
    drawn = [draft.raster(*look.image.shape) for draft in look.drafts]
    layers = [] if bare else review_layers(look.label, look.proposal, look.suspicion, result, drawn)
    shown = [
        title
        for name, title in LEGEND.items()
        if (name != "result" or result is not None) and (name != "draft" or drawn)
    ]
    with st.container(key="review-legend"):
        st.html(f"<small>{legend(shown)}</small>")
    names = review.dataset.categories
    what = f"Radiograph {look.key} with the outlines of label and proposal and suspicious pixels"
    data = viewer_data(
        look.image,
        [Panel(look.key, "", what, layers)],
        [
            Values("label", names, "mask", look.label),
            Values("method that never saw it", names, "probability", look.probability),
        ],
        f"{review.name}-{look.key}",
        OPACITY,
        largest_error(look.label, [look.proposal]),
        fit=True,
    )
    show_viewer(data, "review")
