"""Drafts: every stroke is kept, none is overwritten or closed unseen, and files of earlier versions are read."""

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lvcnet.correction.decisions import Decisions
from lvcnet.correction.drafts import DISCARDED, NewerDraftError, drawn_masks, revisions
from lvcnet.correction.review import settle_drafts
from lvcnet.correction.reviewed import decode_masks
from lvcnet.correction.store import Correction
from lvcnet.data.dataset import Dataset
from lvcnet.errors import LvcnetError
from tests.correction.conftest import SIZE, square

OLD_FILE = Path(__file__).parent / "files" / "decisions-0.sqlite"


@pytest.fixture
def decisions(tmp_path: Path) -> Decisions:
    return Decisions(tmp_path / "mine")


def test_the_latest_stroke_is_the_draft_and_counts_the_revision_up(decisions: Decisions) -> None:
    drafts = decisions.drafts
    assert drafts.open() == []
    assert not decisions.path.parent.exists()
    first = drafts.save("a", "hip", " Anna ", square(), 0, "w-1")
    second = drafts.save("a", "hip", "Anna", square(6), 1, "w-2")
    assert (first.revision, second.revision) == (1, 2)
    assert Decisions(decisions.path.parent).drafts.open("a", "Anna") == [second]
    np.testing.assert_array_equal(second.raster(SIZE, SIZE), square(6))
    drafts.save("a", "hip", "Ben", square(2))
    drafts.save("a", "femur", "Anna", square(3))
    drafts.save("b", "hip", "Anna", square(4))
    found = [(draft.key, draft.category, draft.reviewer) for draft in drafts.open()]
    assert found == [("a", "femur", "Anna"), ("a", "hip", "Anna"), ("a", "hip", "Ben"), ("b", "hip", "Anna")]
    assert revisions(drafts.open("a", "Anna")) == {"femur": 1, "hip": 2}
    assert decisions.history() == [], "a draft is no decision"


def test_a_stroke_sent_twice_or_late_changes_nothing(decisions: Decisions) -> None:
    """The browser sends again what was not confirmed, on the revision that it knew then."""
    drafts = decisions.drafts
    drafts.save("a", "hip", "anna", square(), 0, "w-1")
    assert drafts.save("a", "hip", "anna", square(), 0, "w-1").revision == 1
    later = drafts.save("a", "hip", "anna", square(6), 0, "w-3")
    assert later.revision == 2, "the window's own strokes follow each other"
    assert drafts.save("a", "hip", "anna", square(5), 0, "w-2") == later
    assert drafts.save("a", "hip", "anna", square(6), 0, "other-1") == later, "just the same is drawn there"


def test_another_window_is_not_overwritten(decisions: Decisions) -> None:
    drafts = decisions.drafts
    theirs = drafts.save("a", "hip", "anna", square(), 0, "one-1")
    with pytest.raises(NewerDraftError, match=r"anna drew hip in image 'a' at .* UTC in another window"):
        drafts.save("a", "hip", "anna", square(6), 0, "two-1")
    assert drafts.open() == [theirs]
    mine = drafts.save("a", "hip", "anna", square(6), theirs.revision, "two-2")
    with pytest.raises(NewerDraftError):
        drafts.save("a", "hip", "anna", square(7), theirs.revision, "one-2")
    assert drafts.open() == [mine]


def test_undoing_every_stroke_discards_and_drawing_goes_on_from_there(decisions: Decisions) -> None:
    drafts = decisions.drafts
    assert drafts.save("a", "hip", "anna", None, 0, "w-1") is None
    drafts.save("a", "hip", "anna", square(), 0, "w-2")
    closed = drafts.save("a", "hip", "anna", None, 1, "w-3")
    assert (drafts.open(), closed.closed_by) == ([], DISCARDED)
    (back,) = drafts.restore("a", "anna")
    np.testing.assert_array_equal(back.raster(SIZE, SIZE), square())
    with pytest.raises(NewerDraftError):
        drafts.discard("a", "anna", {"hip": 2})
    drafts.discard("a", "anna", {"hip": 3})
    assert drafts.open() == []
    assert drafts.save("a", "hip", "anna", square(6), 4, "w-4").is_open


def test_a_decision_closes_the_drafts_that_it_saw_and_undoing_opens_them(decisions: Decisions) -> None:
    draft = decisions.drafts.save("a", "hip", "anna", square())
    bens = decisions.drafts.save("a", "hip", "ben", square(6))
    for seen in (None, {"hip": 2}, {"hip": 1, "femur": 1}):
        with pytest.raises(NewerDraftError):
            decisions.decide("a", "reject", "anna", drafts=seen)
    assert decisions.history() == []
    event = decisions.decide("a", "reject", "anna", drafts=revisions([draft]))
    assert decisions.drafts.open() == [bens]
    assert decisions.drafts.listed("a", "anna")[0].closed_by == event.id
    assert decisions.drafts.restore("a", "anna") == [], "that is for what was discarded"
    undone = decisions.undo("a", "anna", event.id)
    (again,) = decisions.drafts.open("a", "anna")
    np.testing.assert_array_equal(again.raster(SIZE, SIZE), square())
    other = decisions.decide("a", "accept", "anna", undone.id, drafts=revisions([again]))
    newer = decisions.drafts.save("a", "hip", "anna", square(7), again.revision + 1)
    decisions.undo("a", "anna", other.id)
    assert decisions.drafts.open("a", "anna") == [newer], "what was drawn since stays"


def test_masks_of_categories_that_were_drawn_are_replaced(decisions: Decisions) -> None:
    draft = decisions.drafts.save("a", "femur", "anna", square(6))
    base = np.stack([square(), square(3)])
    masks = drawn_masks(base, [draft], ["hip", "femur"])
    np.testing.assert_array_equal(masks, np.stack([square(), square(6)]))
    with pytest.raises(LvcnetError, match="drew 'femur' in image 'a', but the data set has hip"):
        drawn_masks(base[:1], [draft], ["hip"])
    with pytest.raises(LvcnetError, match="size"):
        drawn_masks(base[:, :9], [draft], ["hip", "femur"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("ABC"), st.booleans(), st.integers(0, 11)), max_size=15))
def test_no_window_ever_replaces_a_drawing_that_it_has_not_seen(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, bool, int]]
) -> None:
    """Windows A, B and C draw in any order, and look at what is stored when they like."""
    drafts = Decisions(tmp_path_factory.mktemp("any")).drafts
    seen = dict.fromkeys("ABC", 0)
    stored = None
    for number, (window, looks, left) in enumerate(steps, start=1):
        if looks:
            seen[window] = stored.revision if stored else 0
        try:
            now = drafts.save("a", "hip", "anna", square(left), seen[window], f"{window.lower()}-{number}")
        except NewerDraftError:
            assert stored.revision != seen[window]
            assert not stored.stroke.startswith(window.lower())
            assert drafts.open() == [stored]
            continue
        own = stored is not None and stored.stroke.startswith(window.lower())
        same = stored is not None and now == stored
        assert own or same or seen[window] == (stored.revision if stored else 0)
        stored = now
        np.testing.assert_array_equal(stored.raster(SIZE, SIZE), square(left))


def test_a_killed_process_loses_no_stroke_that_it_reported(decisions: Decisions) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from lvcnet.correction.decisions import Decisions\n"
        "from tests.correction.conftest import square\n"
        "drafts = Decisions(Path(sys.argv[1])).drafts\n"
        "for n in range(1, 100000):\n"
        "    drafts.save('a', 'hip', 'anna', square(n % 12), n - 1, f'w-{n}')\n"
        "    print(n, flush=True)\n"
    )
    for _ in range(3):
        folder = decisions.path.parent
        shutil.rmtree(folder, ignore_errors=True)
        with subprocess.Popen(
            [sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True
        ) as process:
            reported = [int(process.stdout.readline()) for _ in range(10)][-1]
            process.kill()
            reported = max([reported, *(int(line) for line in process.stdout.read().split())])
        (draft,) = decisions.drafts.open()
        assert draft.revision in (reported, reported + 1)
        np.testing.assert_array_equal(draft.raster(SIZE, SIZE), square(draft.revision % 12))


def test_a_file_of_version_0_is_read_as_it_is_and_upgraded_by_writing(decisions: Decisions) -> None:
    decisions.path.parent.mkdir()
    shutil.copy(OLD_FILE, decisions.path)
    before = decisions.history()
    assert [(event.key, event.decision, event.reviewer) for event in before] == [
        ("image-0", "accept", "Anna"),
        ("image-1", "part", "Ben"),
        ("image-0", "reject", "Ben"),
        ("image-0", "undo", "Ben"),
        ("image-2", "edited", "Anna"),
    ]
    assert decisions.drafts.listed() == []
    assert version(decisions.path) == 0, "reading changes nothing"
    decisions.drafts.save("image-0", "square", "Anna", square())
    assert version(decisions.path) == 1
    assert decisions.history() == before
    assert len(decisions.drafts.open()) == 1
    assert {key: event.decision for key, event in decisions.verdicts().items()} == {
        "image-0": "accept",
        "image-1": "part",
        "image-2": "edited",
    }


def test_a_file_of_a_newer_version_is_refused(decisions: Decisions) -> None:
    decisions.decide("a", "accept", "anna")
    with sqlite3.connect(decisions.path) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    for use in (decisions.history, decisions.drafts.open, lambda: decisions.decide("b", "accept", "anna")):
        with pytest.raises(LvcnetError, match="has format 2: this version reads up to 1; upgrade lvcnet"):
            use()


@pytest.mark.parametrize("stroke", ["w", "w-", "-1", "w-x", "W-1", "w-1;", "w" * 40 + "-1"])
def test_what_is_no_stroke_is_refused(decisions: Decisions, stroke: str) -> None:
    with pytest.raises(LvcnetError, match="not of the form WINDOW-NUMBER"):
        decisions.drafts.save("a", "hip", "anna", square(), 0, stroke)
    with pytest.raises(LvcnetError, match="signed"):
        decisions.drafts.save("a", "hip", " ", square(), 0, "w-1")
    assert decisions.drafts.listed() == []


def version(path: Path) -> int:
    connection = sqlite3.connect(path)
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return int(found)


def test_drafts_are_listed_accepted_and_settled_by_command(
    lvcnet, correction: Correction, dataset: Dataset
) -> None:
    def answer(*arguments: str) -> tuple[int, str, str]:
        return lvcnet(*arguments)

    drafts = correction.decisions.drafts
    for key, reviewer in (("image-0", "anna"), ("image-1", "ben"), ("image-2", "anna")):
        drafts.save(key, "square", reviewer, square(6))
    _, out, _ = answer("review", "mine", "--show", "draft", "--json")
    listed = json.loads(out)["images"]
    assert [(row["key"], row["drafts"]) for row in listed] == [
        ("image-1", ["ben"]),
        ("image-2", ["anna"]),
        ("image-0", ["anna"]),
    ]
    words = " ".join(answer("review", "mine")[1].split())
    assert "drawn and not accepted yet: image-1 (ben), image-2 (anna), image-0 (anna)" in words

    me = ("--key", "image-0", "--reviewer", "anna")
    status, _, err = answer("review", "mine", *me, "--decide", "accept")
    assert (status, err.count("\n"), "--discard-draft" in err) == (2, 1, True)
    assert answer("review", "mine", *me, "--decide", "accept", "--discard-draft")[0] == 0
    assert answer("review", "mine", *me, "--undo")[0] == 0
    assert answer("review", "mine", *me, "--decide", "draft")[0] == 0
    event = correction.decisions.verdicts()["image-0"]
    np.testing.assert_array_equal(decode_masks(event.details["masks"], (1, SIZE, SIZE))[0], square(6))
    status, _, err = answer("review", "mine", *me, "--decide", "draft")
    assert (status, "has no draft" in err) == (2, True)

    make = ("correct-apply", "mine", "--as", "better", "--accept", "reviewed")
    status, _, err = answer(*make)
    assert (status, err.count("\n"), "image-1 (ben), image-2 (anna)" in err) == (2, 1, True)
    assert answer(*make, "--drafts", "maybe")[0] == 2
    status, _, err = answer(*make[:-1], "all", "--drafts", "use")
    assert (status, "which count only where accept has 'reviewed', not 'all'" in err) == (2, True)
    assert answer(*make, "--drafts", "ignore")[0] == 0
    assert len(drafts.open()) == 2, "they stay drafts"
    assert answer(*make, "--drafts", "use", "--overwrite")[0] == 0
    assert drafts.open() == []
    masks = Dataset.load("squares").labels("better").masks
    for row in range(3):
        np.testing.assert_array_equal(masks[row, 0], square(6))
    assert {key: event.reviewer for key, event in correction.decisions.verdicts().items()} == {
        "image-0": "anna",
        "image-1": "ben",
        "image-2": "anna",
    }


def test_drafts_that_need_a_look_are_not_accepted_in_one_go(correction: Correction, dataset: Dataset) -> None:
    drafts = correction.decisions.drafts
    drafts.save("image-0", "square", "anna", square(6))
    event = correction.decisions.decide("image-0", "reject", "ben")
    with pytest.raises(
        LvcnetError, match=r"image 'image-0' needs a look, anna drew, and ben decided reject on .* since"
    ):
        settle_drafts(correction, dataset, "use")
    correction.decisions.undo("image-0", "ben", event.id)
    drafts.save("image-0", "square", "ben", square(7))
    with pytest.raises(LvcnetError, match="needs a look, both anna and ben drew"):
        settle_drafts(correction, dataset, "use")
    assert len(drafts.open()) == 2
