"""The append-only history: what is in force, undoing, and two reviewers at the same time."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lvcnet.correction.decisions import Decisions
from lvcnet.errors import DamagedError, LvcnetError


@pytest.fixture
def decisions(tmp_path: Path) -> Decisions:
    return Decisions(tmp_path / "mine")


def test_nothing_decided_is_no_file(decisions: Decisions) -> None:
    assert decisions.history() == []
    assert decisions.standings() == {}
    assert decisions.standing("a") is None
    assert not decisions.path.parent.exists()


def test_a_decision_is_kept_with_who_when_and_what(decisions: Decisions) -> None:
    event = decisions.decide("a", "part", " Anna  B ", None, {"regions": [1], "blend": 0.5})
    again = Decisions(decisions.path.parent).history("a")
    assert again == [event]
    assert (event.reviewer, event.details) == ("Anna B", {"regions": [1], "blend": 0.5})
    assert event.time.endswith("+00:00")
    assert decisions.reviewers() == ["Anna B"]


def test_undoing_brings_the_earlier_decision_back_and_deletes_nothing(decisions: Decisions) -> None:
    first = decisions.decide("a", "accept", "anna")
    second = decisions.decide("a", "reject", "anna", first.id)
    undone = decisions.undo("a", "anna", second.id)
    assert decisions.standing("a").verdict == first
    undone = decisions.undo("a", "anna", undone.id)
    standing = decisions.standing("a")
    assert (standing.latest, standing.verdict) == (undone, None)
    assert decisions.verdicts() == {}
    with pytest.raises(LvcnetError, match="nothing to undo"):
        decisions.undo("a", "anna", undone.id)
    third = decisions.decide("a", "accept", "anna", undone.id)
    assert [event.decision for event in decisions.history()] == ["accept", "reject", "undo", "undo", "accept"]
    assert decisions.verdicts() == {"a": third}


def test_who_did_not_see_the_others_decision_is_refused_and_told(decisions: Decisions) -> None:
    theirs = decisions.decide("a", "accept", "anna")
    with pytest.raises(
        LvcnetError,
        match=r"anna accepted the proposal for image 'a' at 20.* UTC.*not stored.*review mine .*--key a",
    ):
        decisions.decide("a", "reject", "ben", None)
    assert decisions.history() == [theirs]
    mine = decisions.decide("a", "reject", "ben", theirs.id)
    with pytest.raises(LvcnetError, match="ben rejected the proposal for image 'a'"):
        decisions.undo("a", "anna", theirs.id)
    assert decisions.verdicts() == {"a": mine}
    decisions.undo("a", "ben", mine.id)
    with pytest.raises(LvcnetError, match="ben took a decision back"):
        decisions.decide("a", "accept", "anna", mine.id)


def test_images_do_not_block_each_other(decisions: Decisions) -> None:
    decisions.decide("a", "accept", "anna")
    decisions.decide("b", "reject", "ben")
    assert {key: event.decision for key, event in decisions.verdicts().items()} == {
        "a": "accept",
        "b": "reject",
    }


def test_of_many_who_decide_at_once_one_is_first(decisions: Decisions) -> None:
    def decide(number: int) -> bool:
        try:
            Decisions(decisions.path.parent).decide("a", "accept", f"reviewer {number}")
        except LvcnetError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        first = sum(pool.map(decide, range(24)))
    assert first == 1
    assert len(decisions.history()) == 1


def test_two_processes_never_overwrite_each_other(decisions: Decisions) -> None:
    """Both decide about the same images as fast as they can; every image has exactly one decision in the end."""
    script = (
        "import sys; from pathlib import Path; from lvcnet.correction.decisions import Decisions;"
        "from lvcnet.errors import LvcnetError\n"
        "done = 0\n"
        "for n in range(40):\n"
        "    try:\n"
        "        Decisions(Path(sys.argv[1])).decide(f'image-{n}', sys.argv[3], sys.argv[2]); done += 1\n"
        "    except LvcnetError as error:\n"
        "        assert 'after you looked at it' in str(error), error\n"
        "print(done)"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(decisions.path.parent), name, decision],
            stdout=subprocess.PIPE,
            text=True,
        )
        for name, decision in (("anna", "accept"), ("ben", "reject"))
    ]
    done = [int(process.communicate()[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    events = decisions.history()
    assert sum(done) == len(events) == 40
    assert {event.key for event in events} == {f"image-{n}" for n in range(40)}
    assert [sum(event.reviewer == name for event in events) for name in ("anna", "ben")] == done


def test_the_database_itself_refuses_changes(decisions: Decisions) -> None:
    decisions.decide("a", "accept", "anna")
    for statement in ("DELETE FROM events", "UPDATE events SET reviewer = 'ben'"):
        connection = sqlite3.connect(decisions.path)
        with pytest.raises(sqlite3.IntegrityError, match="only ever added"):
            connection.execute(statement)
        connection.close()


@pytest.mark.parametrize("content", ["this is no database" * 100, "{"])
def test_a_file_that_is_no_database_is_named_with_what_to_do(decisions: Decisions, content: str) -> None:
    decisions.path.parent.mkdir()
    decisions.path.write_text(content)
    with pytest.raises(DamagedError, match=r"decisions\.sqlite is damaged .*put back a copy"):
        decisions.history()
    decisions.path.unlink()
    assert decisions.history() == []


@pytest.mark.parametrize(
    ("decision", "reviewer", "details", "problem"),
    [
        ("maybe", "anna", {}, "decision 'maybe' does not exist: choose one of accept"),
        ("accept", "  ", {}, "decisions are signed"),
        ("accept", "a" * 61, {}, "1 to 60 characters"),
        ("accept", "anna", {"blend": 1}, "has no details blend"),
        ("part", "anna", {}, "needs regions, or blend"),
        ("part", "anna", {"blend": 1.5}, "from 0"),
        ("part", "anna", {"blend": float("nan")}, "from 0"),
        ("part", "anna", {"regions": ["1"]}, "not a list of numbers"),
        ("edited", "anna", {}, "needs the edited masks"),
    ],
)
def test_what_is_no_decision_is_refused(
    decisions: Decisions, decision: str, reviewer: str, details: dict[str, object], problem: str
) -> None:
    with pytest.raises(LvcnetError, match=problem):
        decisions.decide("a", decision, reviewer, None, details)
    assert decisions.history() == []
