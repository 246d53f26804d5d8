"""The list that a reviewer works through: labels, worst first, with what was decided. Symbols: see `lvcnet.correction`."""

from collections import Counter
from collections.abc import Mapping, Sequence

from lvcnet.correction.apply import UNDECIDED
from lvcnet.correction.database import check_reviewer
from lvcnet.correction.decisions import DECISIONS, Event, Standing, Verdict
from lvcnet.correction.drafts import drawn_masks, revisions
from lvcnet.correction.reviewed import encode_masks, reviewed_masks
from lvcnet.correction.store import Correction, worst_first
from lvcnet.data.dataset import Dataset
from lvcnet.errors import LvcnetError
from lvcnet.files import Row

ALL = "all"
DECIDED = "decided"
DRAFT = "draft"
SHOWN = (UNDECIDED, ALL, DECIDED, *DECISIONS, DRAFT)
MEASURES = ("quality", "confident", "iou", "disagreement_px", "missing", "extra")
DRAFT_CHOICES = ("ignore", "use")


def review_rows(correction: Correction, standings: Mapping[str, Standing] | None = None) -> list[Row]:
    """All judged images, worst label first.

    Args:
        correction: the judgement.
        standings: what was decided, if it is known already.

    Returns:
        JSON-able: `rank` from 1, `key`, the measures of `judge.judge_batch`, `decision` (`undecided` where there is
        none), `reviewer` and `time` of it, `event`, the id of the image's latest event, and `drafts`, who drew
        in it and has not decided yet.
    """
    drawn = open_drafts(correction)
    known = correction.decisions.standings() if standings is None else standings
    return [
        {**_row(rank, row, known.get(row["key"])), "drafts": drawn.get(row["key"], [])}
        for rank, row in enumerate(worst_first(correction.rows), start=1)
    ]


def filter_rows(rows: Sequence[Row], show: str = ALL, below: float = 1.0) -> list[Row]:
    """Rows in a state and of a quality of at most `below`.

    Args:
        rows: from `review_rows`.
        show: undecided, all, decided, one decision, or draft.
        below: quality.

    Raises:
        LvcnetError: for another state.
    """
    if show not in SHOWN:
        raise LvcnetError(f"there is no state {show!r}: choose one of {', '.join(SHOWN)}")
    return [row for row in rows if row["quality"] <= below and _is_shown(row, show)]


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


def open_drafts(correction: Correction) -> dict[str, list[str]]:
    """Who drew in which image and has neither accepted nor discarded it, by image."""
    found: dict[str, set[str]] = {}
    for draft in correction.decisions.drafts.open():
        found.setdefault(draft.key, set()).add(draft.reviewer)
    return {key: sorted(names) for key, names in found.items()}


def accept_drafts(correction: Correction, dataset: Dataset, key: str, reviewer: str) -> Event:
    """Decide that an image becomes what a reviewer drew; categories that were not drawn become what was decided about
    the image, else the proposal.

    Raises:
        LvcnetError: if the reviewer drew nothing there, or the data set is another one.
    """
    decisions = correction.decisions
    drafts = decisions.drafts.open(key, check_reviewer(reviewer))
    if not drafts:
        raise LvcnetError(
            f"{reviewer} has no draft of image {key!r}: `--show draft` lists those that there are"
        )
    standing = decisions.standing(key)
    before = standing.verdict if standing is not None else None
    base = (
        before if before is not None and before.decision in ("part", "edited") else Verdict(decision="accept")
    )
    label = dataset.labels(correction.head["labels"]).masks[dataset.index(key)]
    masks = drawn_masks(reviewed_masks(label, correction.proposal(key), base), drafts, dataset.categories)
    details = {"masks": encode_masks(masks)}
    based_on = standing.latest.id if standing is not None else None
    return decisions.decide(key, "edited", drafts[0].reviewer, based_on, details, revisions(drafts))


def settle_drafts(correction: Correction, dataset: Dataset, drafts: str | None) -> list[Event]:
    """What becomes of drawings that nobody accepted, before a label set is made of the decisions.

    Args:
        correction: the judgement.
        dataset: the data set it is about.
        drafts: `use` accepts them all, each in its reviewer's name; `ignore` leaves them as they are.

    Raises:
        LvcnetError: naming the images, if there are any and nothing is said about them; for `use`, if two drew in one
            image or somebody decided about it since.
    """
    drawn = open_drafts(correction)
    if drafts not in (None, *DRAFT_CHOICES):
        raise LvcnetError(f"drafts {drafts!r} does not exist: choose one of {', '.join(DRAFT_CHOICES)}")
    if not drawn or drafts == "ignore":
        return []
    if drafts is None:
        raise LvcnetError(
            f"there are drawings that nobody accepted yet: {drafts_in_words(drawn)}. Say what becomes of them:"
            f" drafts `use` accepts them all, `ignore` goes on without them; or decide first (`lvcnet review"
            f" {correction.name} --show draft`)"
        )
    decided = correction.decisions.verdicts()
    for draft in correction.decisions.drafts.open():
        event = decided.get(draft.key)
        if len(drawn[draft.key]) > 1 or (event is not None and event.time > draft.time):
            who = " and ".join(drawn[draft.key]) + " drew"
            since = f"{who}, and {event} since" if len(drawn[draft.key]) == 1 else f"both {who}"
            raise LvcnetError(f"image {draft.key!r} needs a look, {since}: decide about it, then go on")
    return [accept_drafts(correction, dataset, key, names[0]) for key, names in drawn.items()]


def drafts_in_words(drawn: Mapping[str, Sequence[str]], most: int = 5) -> str:
    """Images with drafts and who drew.

    >>> drafts_in_words({"a": ["anna"], "b": ["anna", "ben"], "c": ["ben"]}, most=2)
    'a (anna), b (anna, ben) and 1 more'
    """
    named = [f"{key} ({', '.join(names)})" for key, names in drawn.items()]
    return ", ".join(named[:most]) + (f" and {len(named) - most} more" if len(named) > most else "")


def decide_unseen(
    correction: Correction,
    key: str,
    verdict: Verdict | None,
    reviewer: str,
    replace: bool = False,
    discard_draft: bool = False,
) -> Event:
    """Decide without having looked at the latest decision, as a command does.

    Args:
        correction: the judgement.
        key: the image.
        verdict: decision and details; None takes the last decision back.
        reviewer: who decides.
        replace: also if somebody else has decided.
        discard_draft: also if the reviewer has a draft of the image, which is put away; undoing brings it back.

    Raises:
        LvcnetError: if the image or region was not judged, somebody else has decided and `replace` is not set, or the
            reviewer drew there and `discard_draft` is not set.
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
    drafts = revisions(correction.decisions.drafts.open(key, check_reviewer(reviewer)))
    if drafts and not discard_draft:
        raise LvcnetError(
            f"{reviewer} drew in image {key!r} and has not accepted it yet: --decide draft accepts the drawing,"
            " --discard-draft puts it away"
        )
    return correction.decisions.decide(key, verdict.decision, reviewer, based_on, verdict.details, drafts)


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


def _is_shown(row: Row, show: str) -> bool:
    decision = row["decision"]
    if show == DRAFT:
        return bool(row["drafts"])
    return show == ALL or decision == show or (show == DECIDED and decision != UNDECIDED)
