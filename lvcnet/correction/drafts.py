"""Drawings that nobody has accepted yet: one draft an image, category and reviewer, in `decisions.sqlite`.

Every stroke writes the draft anew and counts its revision up. Who writes names the revision they saw, so that two
windows of one reviewer never overwrite each other unknowingly. A draft is never deleted: it is closed by being
discarded or by its reviewer's decision about the image, and reopened by taking that back.

Symbols: see `lvcnet.correction`.
"""

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.correction.database import FILE_NAME, check_reviewer, has_drafts, reading, writing
from lvcnet.errors import LvcnetError
from lvcnet.masks.rle import encode_run_lengths, parse_run_lengths

BoolArray = NDArray[np.bool_]
DISCARDED = 0
"""`closed_by` of a draft that no decision closed."""
STROKE = re.compile(r"[0-9a-z]{1,32}-[0-9]{1,9}")
COLUMNS = "key, category, reviewer, revision, time, stroke, mask, closed_by"


class NewerDraftError(LvcnetError):
    """A draft was written meanwhile that the writer has not seen."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """One drawing.

    Attributes:
        key: of the image.
        category: its name.
        reviewer: who drew it.
        revision: counts up with everything that happens to it, from 1.
        time: UTC in ISO format.
        stroke: `WINDOW-NUMBER`, which window's stroke it is; empty where it was no stroke.
        mask: COCO run lengths.
        closed_by: None while it is open, `DISCARDED`, or the id of the event that closed it.
    """

    key: str
    category: str
    reviewer: str
    revision: int
    time: str
    stroke: str
    mask: Mapping[str, Any]
    closed_by: int | None

    @property
    def is_open(self) -> bool:
        """Whether it waits for a decision."""
        return self.closed_by is None

    def raster(self, height: int, width: int) -> BoolArray:
        """(H, W) bool.

        Raises:
            LvcnetError: if it was drawn at another size.
        """
        return parse_run_lengths(dict(self.mask), height, width).raster(height, width)


class Drafts:
    """The drafts of one correction. Any number of processes may read and write them at the same time.

    Args:
        folder: where `decisions.sqlite` is, or will be.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME

    def listed(self, key: str | None = None, reviewer: str | None = None) -> list[Draft]:
        """All drafts, closed ones included, of one image or one reviewer if asked for."""
        with reading(self.path) as connection:
            return [] if connection is None else _select(connection, key, reviewer)

    def open(self, key: str | None = None, reviewer: str | None = None) -> list[Draft]:
        """The drafts that wait for a decision."""
        return [draft for draft in self.listed(key, reviewer) if draft.is_open]

    def save(
        self,
        key: str,
        category: str,
        reviewer: str,
        mask: BoolArray | None,
        based_on: int = 0,
        stroke: str = "",
    ) -> Draft | None:
        """Write what is drawn by now. The same stroke twice, or an earlier one of its window, changes nothing.

        Args:
            key: the image.
            category: its name.
            reviewer: a name.
            mask: (H, W); None discards the draft, as undoing every stroke does.
            based_on: the revision that was seen; 0 if there was none.
            stroke: see `Draft`.

        Returns:
            The draft as it is now; None where there is none to be discarded.

        Raises:
            NewerDraftError: if another window wrote one meanwhile.
            LvcnetError: if no name is given, or the stroke is none.
        """
        name = check_reviewer(reviewer)
        if stroke and not STROKE.fullmatch(stroke):
            raise LvcnetError(f"stroke {stroke[:40]!r} is not of the form WINDOW-NUMBER")
        with writing(self.path) as connection:
            before = next((one for one in _select(connection, key, name) if one.category == category), None)
            encoded: Mapping[str, Any] | None = None if mask is None else encode_run_lengths(mask)
            if before is None and encoded is None:
                return None
            if before is not None:
                if _follows(before.stroke, stroke) or (before.is_open and before.mask == encoded):
                    return before
                if not _follows(stroke, before.stroke) and before.revision != based_on:
                    raise NewerDraftError(_newer(before))
                encoded = before.mask if encoded is None else encoded
            assert encoded is not None
            return _write(
                connection,
                Draft(
                    key=key,
                    category=category,
                    reviewer=name,
                    revision=before.revision + 1 if before else 1,
                    time=datetime.now(UTC).isoformat(timespec="milliseconds"),
                    stroke=stroke,
                    mask=encoded,
                    closed_by=DISCARDED if mask is None else None,
                ),
            )

    def discard(self, key: str, reviewer: str, seen: Mapping[str, int]) -> list[Draft]:
        """Close one's drafts of an image; `restore` brings them back.

        Args:
            key: the image.
            reviewer: a name.
            seen: revisions by category.

        Returns:
            What was discarded.

        Raises:
            NewerDraftError: if there are others than those that were seen.
        """
        with writing(self.path) as connection:
            return close_drafts(connection, key, check_reviewer(reviewer), DISCARDED, seen)

    def restore(self, key: str, reviewer: str) -> list[Draft]:
        """Bring back what the reviewer discarded of an image."""
        with writing(self.path) as connection:
            discarded = [
                draft
                for draft in _select(connection, key, check_reviewer(reviewer))
                if draft.closed_by == DISCARDED
            ]
            return [_set(connection, draft, None) for draft in discarded]


def close_drafts(
    connection: sqlite3.Connection, key: str, reviewer: str, closed_by: int, seen: Mapping[str, int]
) -> list[Draft]:
    """Close the open drafts of a reviewer's image, in a transaction.

    Raises:
        NewerDraftError: if their revisions are others than those that were seen.
    """
    drafts = [draft for draft in _select(connection, key, reviewer) if draft.is_open]
    for draft in drafts:
        if seen.get(draft.category) != draft.revision:
            raise NewerDraftError(_newer(draft))
    if gone := sorted(set(seen) - {draft.category for draft in drafts}):
        raise NewerDraftError(
            f"the drawing of {gone[0]} in image {key!r} was discarded or decided about in another window:"
            " look at it again"
        )
    return [_set(connection, draft, closed_by) for draft in drafts]


def reopen_drafts(connection: sqlite3.Connection, key: str, event: int) -> None:
    """Open again what an event closed, in a transaction; a draft that was drawn on since stays as it is."""
    for draft in _select(connection, key, None):
        if draft.closed_by == event:
            _set(connection, draft, None)


def drawn_masks(masks: BoolArray, drafts: Iterable[Draft], categories: Sequence[str]) -> BoolArray:
    """The (C, H, W) masks with every category that was drawn as it was drawn.

    Raises:
        LvcnetError: if a draft is of another category or size.
    """
    result = masks.copy()
    for draft in drafts:
        if draft.category not in categories:
            raise LvcnetError(
                f"{draft.reviewer} drew {draft.category!r} in image {draft.key!r}, but the data set has"
                f" {', '.join(categories)}"
            )
        result[categories.index(draft.category)] = draft.raster(*masks.shape[1:])
    return result


def revisions(drafts: Iterable[Draft]) -> dict[str, int]:
    """Revisions by category: what a decision about these drafts has seen."""
    return {draft.category: draft.revision for draft in drafts}


def _newer(draft: Draft) -> str:
    return (
        f"{draft.reviewer} drew {draft.category} in image {draft.key!r} at {draft.time[11:19]} UTC in another window,"
        " after this one looked: nothing is stored, so that neither drawing is lost; look at it again"
    )


def _follows(stroke: str, other: str) -> bool:
    """Whether a stroke is `other` itself or a later one of the same window."""
    (window, _, number), (other_window, _, other_number) = stroke.partition("-"), other.partition("-")
    return bool(window) and window == other_window and int(number) >= int(other_number)


def _set(connection: sqlite3.Connection, draft: Draft, closed_by: int | None) -> Draft:
    """Close or open a draft."""
    changes = {"revision": draft.revision + 1, "stroke": "", "closed_by": closed_by}
    return _write(connection, Draft(**{**vars(draft), **changes}))


def _write(connection: sqlite3.Connection, draft: Draft) -> Draft:
    values = {**vars(draft), "mask": json.dumps(draft.mask)}
    named = ", ".join(f":{name}" for name in values)
    connection.execute(f"INSERT OR REPLACE INTO drafts ({', '.join(values)}) VALUES ({named})", values)
    return draft


def _select(connection: sqlite3.Connection, key: str | None, reviewer: str | None) -> list[Draft]:
    if not has_drafts(connection):
        return []
    found = connection.execute(
        # COLUMNS is a constant; values are bound
        f"SELECT {COLUMNS} FROM drafts"  # nosec B608
        " WHERE key = ifnull(?, key) AND reviewer = ifnull(?, reviewer)"
        " ORDER BY key, category, reviewer",
        (key, reviewer),
    )
    names = COLUMNS.split(", ")
    rows = [dict(zip(names, row, strict=True)) for row in found]
    return [Draft(**{**row, "mask": json.loads(row["mask"])}) for row in rows]
