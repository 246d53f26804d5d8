"""What reviewers decided: an append-only history in `decisions.sqlite` beside the correction.

A decision is one event: who, when, which image, what. Nothing is ever changed or deleted; the database itself refuses
to. Undoing appends an event that takes the last one back. Whoever decides names the event that was the image's latest
when they looked, so two reviewers never overwrite each other unknowingly.

Symbols: see `lvcnet.correction`.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lvcnet.correction.database import FILE_NAME, check_reviewer, reading, writing
from lvcnet.correction.drafts import Drafts, close_drafts, reopen_drafts
from lvcnet.errors import LvcnetError

DECISIONS = ("accept", "reject", "part", "edited")
UNDO = "undo"
DONE = {
    "accept": "accepted the proposal for",
    "reject": "rejected the proposal for",
    "part": "took part of the proposal for",
    "edited": "edited",
    UNDO: "took a decision back on",
}
"""What somebody did with an image, in words."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What becomes of one label.

    Attributes:
        decision: `accept` the proposal, `reject` it, take `part` of it, or `edited` by hand.
        reviewer: who said so; None if a rule did.
        details: of `part`: `regions`, numbers of the accepted ones in the image's row (absent: all of the image), and
            `blend`, how far the outline goes from old (0) to new (1); of `edited`: `masks`, C COCO run lengths.
    """

    decision: str
    reviewer: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Event(Verdict):
    """One line of the history; `time` is UTC in ISO format."""

    id: int
    time: str
    key: str

    def __str__(self) -> str:
        return f"{self.reviewer} decided {self.decision} on {self.time[:16].replace('T', ' ')} UTC"


@dataclass(frozen=True)
class Standing:
    """Where an image stands.

    Attributes:
        latest: its latest event, which a new decision is based on.
        verdict: the decision in force; None if all were undone.
    """

    latest: Event
    verdict: Event | None


class Decisions:
    """The decisions about one correction. Any number of processes may read and write them at the same time.

    Args:
        folder: where the database is, or will be with the first decision.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME

    @property
    def drafts(self) -> Drafts:
        """What was drawn and not decided yet."""
        return Drafts(self.path.parent)

    def decide(
        self,
        key: str,
        decision: str,
        reviewer: str,
        based_on: int | None = None,
        details: Mapping[str, Any] | None = None,
        drafts: Mapping[str, int] | None = None,
    ) -> Event:
        """Add a decision; it closes the reviewer's own drafts of the image.

        Args:
            key: the image.
            decision: see `Verdict`.
            reviewer: a name.
            based_on: id of the image's latest event when the reviewer looked; None if there was none.
            details: see `Verdict`.
            drafts: revisions, by category, of the reviewer's open drafts of the image; none if there was none.

        Raises:
            LvcnetError: for an unknown decision, details that do not fit it, no name, or if somebody decided meanwhile,
                or drew.
        """
        if decision not in DECISIONS:
            raise LvcnetError(f"decision {decision!r} does not exist: choose one of {', '.join(DECISIONS)}")
        chosen = dict(details or {})
        _check_details(decision, chosen)
        name = check_reviewer(reviewer)
        with self._write(key, based_on) as (connection, _):
            event = _append(connection, name, key, decision, chosen)
            close_drafts(connection, key, name, event.id, drafts or {})
            return event

    def undo(self, key: str, reviewer: str, based_on: int | None) -> Event:
        """Take back the decision in force; what was decided before it is in force again, and drafts are open again.

        Raises:
            LvcnetError: if there is none, no name is given, or somebody decided meanwhile.
        """
        name = check_reviewer(reviewer)
        with self._write(key, based_on) as (connection, events):
            stack = _in_force(events)
            if not stack:
                raise LvcnetError(f"image {key!r} is undecided: there is nothing to undo")
            reopen_drafts(connection, key, stack[-1].id)
            return _append(connection, name, key, UNDO, {"undone": stack[-1].id})

    def history(self, key: str | None = None) -> list[Event]:
        """All events, or those of one image, oldest first."""
        with reading(self.path) as connection:
            return [] if connection is None else _events(connection, key)

    def standings(self) -> dict[str, Standing]:
        """Where every image stands that anything was decided about."""
        by_key: dict[str, list[Event]] = {}
        for event in self.history():
            by_key.setdefault(event.key, []).append(event)
        return {key: _standing(events) for key, events in by_key.items()}

    def standing(self, key: str) -> Standing | None:
        """Where one image stands; None if nothing was ever decided about it."""
        events = self.history(key)
        return _standing(events) if events else None

    def verdicts(self) -> dict[str, Event]:
        """The decisions in force."""
        return {
            key: standing.verdict
            for key, standing in self.standings().items()
            if standing.verdict is not None
        }

    def reviewers(self) -> list[str]:
        """Everybody who decided anything, by name."""
        return sorted({str(event.reviewer) for event in self.history()})

    @contextmanager
    def _write(self, key: str, based_on: int | None) -> Iterator[tuple[sqlite3.Connection, list[Event]]]:
        """A transaction that nobody else can write into, with the events of an image.

        Raises:
            LvcnetError: if `based_on` is not the latest of them.
        """
        with writing(self.path) as connection:
            events = _events(connection, key)
            latest = events[-1].id if events else None
            if latest != based_on:
                raise LvcnetError(_conflict(self.path.parent.name, key, events, based_on))
            yield connection, events


def _check_details(decision: str, details: Mapping[str, Any]) -> None:
    allowed = {"part": {"regions", "blend"}, "edited": {"masks"}}.get(decision, set())
    if unknown := sorted(set(details) - allowed):
        raise LvcnetError(f"decision {decision!r} has no details {', '.join(unknown)}")
    if decision == "part" and not details:
        raise LvcnetError("decision 'part' needs regions, or blend from 0 (old outline) to 1 (new one)")
    if decision == "edited" and not details:
        raise LvcnetError("decision 'edited' needs the edited masks")
    regions = details.get("regions", [])
    if not isinstance(regions, list) or any(type(number) is not int for number in regions):
        raise LvcnetError(f"regions {regions!r} are not a list of numbers")
    blend = details.get("blend", 1.0)
    if isinstance(blend, bool) or not isinstance(blend, int | float) or not 0 <= blend <= 1:
        raise LvcnetError(f"blend {blend!r} is not a number from 0 (old outline) to 1 (new one)")


def _conflict(name: str, key: str, events: Sequence[Event], based_on: int | None) -> str:
    if not events:
        return f"image {key!r} has no event {based_on}: look at it again"
    latest = events[-1]
    when = latest.time[:19].replace("T", " ")
    return (
        f"{latest.reviewer} {DONE[latest.decision]} image {key!r} at {when} UTC, after you looked at it. Yours is not"
        f" stored: look at theirs, then decide again; `lvcnet review {name} --history --key {key}` tells the whole story"
    )


def _standing(events: Sequence[Event]) -> Standing:
    stack = _in_force(events)
    return Standing(events[-1], stack[-1] if stack else None)


def _in_force(events: Sequence[Event]) -> list[Event]:
    """Decisions that were not undone, the one in force last."""
    stack: list[Event] = []
    for event in events:
        if event.decision != UNDO:
            stack.append(event)
        elif stack:
            stack.pop()
    return stack


def _append(
    connection: sqlite3.Connection, reviewer: str, key: str, decision: str, details: dict[str, Any]
) -> Event:
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    cursor = connection.execute(
        "INSERT INTO events (time, reviewer, key, decision, details) VALUES (?, ?, ?, ?, ?)",
        (time, reviewer, key, decision, json.dumps(details)),
    )
    number = cursor.lastrowid
    assert number is not None
    return Event(id=number, time=time, reviewer=reviewer, key=key, decision=decision, details=details)


def _events(connection: sqlite3.Connection, key: str | None) -> list[Event]:
    query = "SELECT id, time, reviewer, key, decision, details FROM events"
    found = (
        connection.execute(f"{query} ORDER BY id")
        if key is None
        else connection.execute(f"{query} WHERE key = ? ORDER BY id", (key,))
    )
    return [
        Event(id=id, time=time, reviewer=reviewer, key=name, decision=decision, details=json.loads(details))
        for id, time, reviewer, name, decision, details in found
    ]
