"""What the correct page works on: the chosen correction, the list, the image that is looked at, and decisions.

The page remembers which event it showed; a decision is based on it, so nobody overwrites what they have not seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab.correct.drafts import keep_sent, mark_seen, revisions_seen
from lab.ui.loaded import load_correction
from lab.ui.widgets import Stamp, dataset_stamp, leave_note, load_dataset, remember
from lvcnet.correction.decisions import Event, Standing, Verdict
from lvcnet.correction.drafts import Draft, drawn_masks
from lvcnet.correction.judge import suspicion
from lvcnet.correction.review import after, review_rows
from lvcnet.correction.reviewed import encode_masks, reviewed_masks
from lvcnet.correction.store import Correction
from lvcnet.data.dataset import Dataset, find_dataset, labels_digest
from lvcnet.drawing.overlays import Mask
from lvcnet.errors import LvcnetError
from lvcnet.files import Row

ASKED = "asked-about-drawing"
"""Image and decision that would put a drawing away; the page asks."""
DECISION_TITLES: dict[str, str] = {
    "undecided": "Undecided",
    "all": "All",
    "decided": "Decided",
    "accept": "Accepted",
    "reject": "Rejected",
    "part": "Taken in part",
    "edited": "Edited by hand",
    "draft": "With a draft",
}


@dataclass(frozen=True, eq=False)
class Look:
    """One image as the reviewer sees it.

    Attributes:
        key: of the image.
        judged: its row in the correction: measures and regions.
        image: (H, W) uint8, without padding.
        label: (C, H, W) bool, what was judged.
        proposal: (C, H, W) bool.
        probability: (C, H, W) of the foreground, by a method that never saw the label.
        suspicion: (C, H, W), 0 to 1.
        standing: what was decided; None if nothing ever was.
        drafts: what the reviewer drew and nobody accepted yet.
    """

    key: str
    judged: dict[str, Any]
    image: NDArray[np.uint8]
    label: Mask
    proposal: Mask
    probability: NDArray[np.floating]
    suspicion: NDArray[np.floating]
    standing: Standing | None
    drafts: Sequence[Draft] = ()

    @property
    def event(self) -> int | None:
        """What a decision now would be based on."""
        return self.standing.latest.id if self.standing else None

    @property
    def verdict(self) -> Verdict | None:
        """The decision in force."""
        return self.standing.verdict if self.standing else None

    def base(self, start: Verdict) -> Verdict:
        """What a drawing begins with: what was drawn before, else `start`."""
        before = self.verdict
        return before if before is not None and before.decision == "edited" else start

    def result(self, verdict: Verdict | None) -> Mask:
        """(C, H, W): the masks that a verdict would make."""
        return reviewed_masks(self.label, self.proposal, verdict)


def look_at(
    correction: Correction, dataset: Dataset, key: str, standings: Mapping[str, Standing], reviewer: str
) -> Look:
    """One image with all that is known about it; what the reviewer drew counts as seen from now on.

    Raises:
        LvcnetError: if it was not judged, or is no longer in the data set.
    """
    row = dataset.index(key)
    drafts = correction.decisions.drafts.open(key, reviewer) if reviewer else []
    place = (slice(None), *dataset.place(row))
    label = dataset.masks(correction.head["labels"], row)
    probability, proposal = correction.probability(key)[place], correction.proposal(key)[place]
    return Look(
        key=key,
        judged=correction.rows[correction.number(key)],
        image=dataset.image(row),
        label=label,
        proposal=proposal,
        probability=probability,
        suspicion=suspicion(probability, label),
        standing=standings.get(key),
        drafts=mark_seen(correction.name, key, reviewer, drafts),
    )


def is_stale(correction: Correction) -> bool:
    """Whether the labels changed since they were judged."""
    name = correction.head["dataset"]
    digest = _digest(name, correction.head["labels"], dataset_stamp(find_dataset(name)))
    return digest != correction.head["labels_digest"]


def current_key(rows: list[Row], shown: list[Row]) -> str | None:
    """The image to show: the one in the address, else the first of the list."""
    asked = st.query_params.get("image")
    if any(row["key"] == asked for row in rows):
        return asked
    return shown[0]["key"] if shown else None


def neighbour(rows: list[Row], shown: list[Row], key: str, step: int) -> str | None:
    """The image before (-1) or behind (1) `key` among those shown; `key` itself need not be among them."""
    rank = next(row["rank"] for row in rows if row["key"] == key)
    ranks = {row["rank"]: row["key"] for row in shown}
    if step > 0:
        return next((ranks[other] for other in sorted(ranks) if other > rank), None)
    return next((ranks[other] for other in sorted(ranks, reverse=True) if other < rank), None)


def decide(name: str, look: Look, verdict: Verdict, reviewer: str) -> None:
    """A button's callback: store a decision and go to the next undecided image.

    Where the reviewer drew, they are asked first: the decision would put the drawing away.
    """
    keep_sent()
    correction = load_correction(name)
    if correction.decisions.drafts.open(look.key, reviewer):
        st.session_state[ASKED] = (look.key, verdict)
        remember("image", look.key)
    else:
        _decide(correction, look, verdict, reviewer)


def accept(name: str, look: Look, start: Verdict, reviewer: str, categories: Sequence[str]) -> None:
    """A button's callback: store what is on the screen, which is the reviewer's drawing if there is one.

    Args:
        name: of the correction.
        look: the image.
        start: what categories become that were not drawn.
        reviewer: who decides.
        categories: C names.
    """
    keep_sent()
    correction = load_correction(name)
    drafts = correction.decisions.drafts.open(look.key, reviewer)
    verdict = Verdict(decision="accept")
    if drafts:
        try:
            masks = drawn_masks(look.result(look.base(start)), drafts, categories)
        except LvcnetError as error:
            _refuse(look.key, error)
            return
        verdict = Verdict(decision="edited", details={"masks": encode_masks(masks)})
    _decide(correction, look, verdict, reviewer)


def decide_and_discard(name: str, look: Look, verdict: Verdict, reviewer: str) -> None:
    """A button's callback: decide although a drawing is put away by it; undoing the decision brings it back."""
    _decide(load_correction(name), look, verdict, reviewer)


def _decide(correction: Correction, look: Look, verdict: Verdict, reviewer: str) -> None:
    """Store a decision about what was seen and go to the next undecided image, or say what speaks against it."""
    try:
        seen = revisions_seen(correction.name, look.key, reviewer)
        correction.decisions.decide(
            look.key, verdict.decision, reviewer, look.event, verdict.details, drafts=seen
        )
    except LvcnetError as error:
        _refuse(look.key, error)
        return
    following = after(review_rows(correction), look.key)
    remember("image", following or look.key)


def _refuse(key: str, error: LvcnetError) -> None:
    leave_note(f"{str(error)[0].upper()}{str(error)[1:]}.", failed=True)
    remember("image", key)


def undo(name: str, reviewer: str) -> None:
    """A button's callback: take the reviewer's own last decision back and show its image."""
    correction = load_correction(name)
    event = last_own(correction, reviewer)
    if event is None:
        leave_note("You have not decided anything that could be undone.", failed=True)
        return
    standing = correction.decisions.standing(event.key)
    try:
        correction.decisions.undo(event.key, reviewer, standing.latest.id if standing else None)
    except LvcnetError as error:
        leave_note(f"{error}.", failed=True)
    remember("image", event.key)


def decision_text(verdict: Verdict) -> str:
    """A decision in words.

    >>> decision_text(Verdict(decision="part", details={"regions": [0, 2], "blend": 0.5}))
    'Taken in part: regions 1, 3, 50 % of the way'
    """
    parts = []
    if "regions" in verdict.details:
        numbers = ", ".join(str(number + 1) for number in verdict.details["regions"])
        parts.append(f"regions {numbers}" if numbers else "no region")
    if "blend" in verdict.details:
        parts.append(f"{verdict.details['blend']:.0%} of the way".replace("%", " %"))
    title = "Undone" if verdict.decision == "undo" else DECISION_TITLES[verdict.decision]
    return title + (f": {', '.join(parts)}" if parts else "")


def last_own(correction: Correction, reviewer: str) -> Event | None:
    """The latest decision in force that is the reviewer's; None if there is none."""
    own = [event for event in correction.decisions.verdicts().values() if event.reviewer == reviewer]
    return max(own, key=lambda event: event.id, default=None)


@st.cache_data(max_entries=8, show_spinner=False)
def _digest(dataset: str, labels: str, stamp: Stamp) -> str:
    return labels_digest(load_dataset(dataset).labels(labels))
