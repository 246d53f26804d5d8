"""The list that a reviewer works through: labels, worst first, with what was decided. Symbols: see `lvcnet.correction`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lvcnet.correction.apply import UNDECIDED
from lvcnet.correction.database import check_reviewer
from lvcnet.correction.decisions import DECISIONS, Event, Standing, Verdict
from lvcnet.correction.store import Correction, worst_first
from lvcnet.errors import LvcnetError

ALL = "all"
DECIDED = "decided"
SHOWN = (UNDECIDED, ALL, DECIDED, *DECISIONS)
MEASURES = ("quality", "confident", "iou", "disagreement_px", "missing", "extra")
Row = dict[str, Any]


def review_rows(correction: Correction, standings: Mapping[str, Standing] | None = None) -> list[Row]:
    """All judged images, worst label first.

    Args:
        correction: the judgement.
        standings: what was decided, if it is known already.

    Returns:
        JSON-able: `rank` from 1, `key`, the measures of `judge.judge_batch`, `decision` (`undecided` where there is
        none), `reviewer` and `time` of it, and `event`, the id of the image's latest event.
    """
    known = correction.decisions.standings() if standings is None else standings
    return [
        _row(rank, row, known.get(row["key"]))
        for rank, row in enumerate(worst_first(correction.rows), start=1)
    ]


def filter_rows(rows: Sequence[Row], show: str = ALL, below: float = 1.0) -> list[Row]:
    """Rows in a state and of a quality of at most `below`.

    Args:
        rows: from `review_rows`.
        show: undecided, all, decided, or one decision.
        below: quality.

    Raises:
        LvcnetError: for another state.
    """
    if show not in SHOWN:
        raise LvcnetError(f"there is no state {show!r}: choose one of {', '.join(SHOWN)}")
    return [row for row in rows if row["quality"] <= below and _is_shown(row["decision"], show)]


def count_decisions(rows: Sequence[Row]) -> dict[str, int]:
    """How many images have which decision; `undecided` and all decisions are always there."""
    counted = Counter(row["decision"] for row in rows)
    return {name: counted[name] for name in (UNDECIDED, *DECISIONS)}


def after(rows: Sequence[Row], key: str) -> str | None:
    """The next undecided image behind `key`, else the first one at all; None if all are decided."""
    rank = next((row["rank"] for row in rows if row["key"] == key), 0)
    left = [row for row in rows if row["decision"] == UNDECIDED and row["key"] != key]
    behind = [row for row in left if row["rank"] > rank]
    return (behind or left or [{"key": None}])[0]["key"]


def decide_unseen(
    correction: Correction, key: str, verdict: Verdict | None, reviewer: str, replace: bool = False
) -> Event:
    """Decide without having looked at the latest decision, as a command does.

    Args:
        correction: the judgement.
        key: the image.
        verdict: decision and details; None takes the last decision back.
        reviewer: who decides.
        replace: also if somebody else has decided.

    Raises:
        LvcnetError: if the image or region was not judged, or somebody else has decided and `replace` is not set.
    """
    known = len(correction.rows[correction.number(key)].get("regions", []))
    unknown = [
        number for number in (verdict.details if verdict else {}).get("regions", []) if number >= known
    ]
    if unknown:
        raise LvcnetError(f"image {key!r} has no region {unknown[0]}: it has {known}, numbered from 0")
    standing = correction.decisions.standing(key)
    theirs = standing.verdict if standing is not None else None
    if theirs is not None and theirs.reviewer != check_reviewer(reviewer) and not replace:
        raise LvcnetError(
            f"{theirs} about image {key!r}: look at it with `lvcnet review {correction.name} --history --key {key}`"
            " and add --replace to decide otherwise"
        )
    based_on = standing.latest.id if standing is not None else None
    if verdict is None:
        return correction.decisions.undo(key, reviewer, based_on)
    return correction.decisions.decide(key, verdict.decision, reviewer, based_on, verdict.details)


def _row(rank: int, row: Row, standing: Standing | None) -> Row:
    verdict = standing.verdict if standing is not None else None
    return {
        "rank": rank,
        "key": row["key"],
        **{name: row.get(name) for name in MEASURES},
        "decision": verdict.decision if verdict else UNDECIDED,
        "reviewer": verdict.reviewer if verdict else None,
        "time": verdict.time if verdict else None,
        "event": standing.latest.id if standing else None,
    }


def _is_shown(decision: str, show: str) -> bool:
    return show == ALL or decision == show or (show == DECIDED and decision != UNDECIDED)
