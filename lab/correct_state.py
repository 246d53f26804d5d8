"""What the correct page works on: the chosen correction, the list, the image that is looked at, and decisions.

The page remembers which event it showed; a decision is based on it, so nobody overwrites what they have not seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab.overlays import Mask
from lab.widgets import Stamp, dataset_stamp, leave_note, load_dataset, remember
from lvcnet.correction.decisions import Event, Standing, Verdict
from lvcnet.correction.judge import suspicion
from lvcnet.correction.review import Row, after, review_rows
from lvcnet.correction.reviewed import reviewed_masks
from lvcnet.correction.store import Correction, correction_folder
from lvcnet.data.dataset import Dataset, find_dataset, labels_digest
from lvcnet.errors import LvcnetError

DECISION_TITLES: dict[str, str] = {
    "undecided": "Undecided",
    "all": "All",
    "decided": "Decided",
    "accept": "Accepted",
    "reject": "Rejected",
    "part": "Taken in part",
    "edited": "Edited by hand",
}


@dataclass(frozen=True, eq=False)
class Look:
    """One image as the reviewer sees it.

    Attributes:
        key: of the image.
        judged: its row in the correction: measures and regions.
        image: (S, S) uint8.
        label: (C, S, S) bool, what was judged.
        proposal: (C, S, S) bool.
        probability: (C, S, S) of the foreground, by a method that never saw the label.
        suspicion: (C, S, S), 0 to 1.
        standing: what was decided; None if nothing ever was.
    """

    key: str
    judged: dict[str, Any]
    image: NDArray[np.uint8]
    label: Mask
    proposal: Mask
    probability: NDArray[np.floating]
    suspicion: NDArray[np.floating]
    standing: Standing | None

    @property
    def event(self) -> int | None:
        """What a decision now would be based on."""
        return self.standing.latest.id if self.standing else None

    @property
    def verdict(self) -> Verdict | None:
        """The decision in force."""
        return self.standing.verdict if self.standing else None

    def result(self, verdict: Verdict | None) -> Mask:
        """(C, S, S): the masks that a verdict would make."""
        return reviewed_masks(self.label, self.proposal, verdict)


def load_correction(name: str) -> Correction:
    """A correction; kept in memory until its file changes.

    Raises:
        LvcnetError: if there is none of that name.
    """
    folder = correction_folder(name)
    return _load_correction(str(folder), (folder / "correction.json").stat().st_mtime_ns)


def look_at(correction: Correction, dataset: Dataset, key: str, standings: Mapping[str, Standing]) -> Look:
    """One image with all that is known about it.

    Raises:
        LvcnetError: if it was not judged, or is no longer in the data set.
    """
    row = dataset.index(key)
    label, probability = dataset.labels(correction.head["labels"]).masks[row], correction.probability(key)
    return Look(
        key=key,
        judged=correction.rows[correction.number(key)],
        image=dataset.images[row],
        label=label,
        proposal=correction.proposal(key),
        probability=probability,
        suspicion=suspicion(probability, label),
        standing=standings.get(key),
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
    """A button's callback: store a decision and go to the next undecided image."""
    correction = load_correction(name)
    try:
        correction.decisions.decide(look.key, verdict.decision, reviewer, look.event, verdict.details)
    except LvcnetError as error:
        leave_note(f"{str(error)[0].upper()}{str(error)[1:]}.", failed=True)
        remember("image", look.key)
        return
    following = after(review_rows(correction), look.key)
    remember("image", following or look.key)


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


@st.cache_resource(max_entries=4, show_spinner="Loading the correction")
def _load_correction(folder: str, stamp: int) -> Correction:
    return Correction(Path(folder))


@st.cache_data(max_entries=8, show_spinner=False)
def _digest(dataset: str, labels: str, stamp: Stamp) -> str:
    return labels_digest(load_dataset(dataset).labels(labels))
