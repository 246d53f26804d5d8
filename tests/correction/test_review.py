"""Reviewing by list, rule and command, and what becomes of it."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from lvcnet import workspace
from lvcnet.correction.apply import apply_correction, verdicts_by
from lvcnet.correction.decisions import Decisions
from lvcnet.correction.review import after, count_decisions, filter_rows, review_rows
from lvcnet.correction.reviewed import encode_masks
from lvcnet.correction.store import Correction, find_correction, list_corrections
from lvcnet.data.dataset import Dataset
from lvcnet.data.exporter import export_labels
from lvcnet.data.importing.importer import import_coco
from lvcnet.data.upkeep import own_copy
from lvcnet.deleting import plan_correction
from lvcnet.errors import LvcnetError
from tests.correction.conftest import square


@pytest.fixture
def reviewed(correction: Correction) -> Correction:
    """image-1 accepted, image-2 taken by no region, image-0 edited, image-3 undecided."""
    decisions = correction.decisions
    decisions.decide("image-1", "accept", "anna")
    decisions.decide("image-2", "part", "ben", None, {"regions": []})
    decisions.decide("image-0", "edited", "anna", None, {"masks": encode_masks(square(2, 2, 3)[None])})
    return correction


def test_the_list_is_worst_first_with_decisions(reviewed: Correction) -> None:
    rows = review_rows(reviewed)
    assert [(row["rank"], row["key"], row["decision"], row["reviewer"]) for row in rows] == [
        (1, "image-1", "accept", "anna"),
        (2, "image-2", "part", "ben"),
        (3, "image-0", "edited", "anna"),
        (4, "image-3", "undecided", None),
    ]
    assert count_decisions(rows) == {"undecided": 1, "accept": 1, "reject": 0, "part": 1, "edited": 1}
    assert [row["key"] for row in filter_rows(rows, "undecided")] == ["image-3"]
    assert [row["key"] for row in filter_rows(rows, "decided", below=0.3)] == ["image-1", "image-2"]
    with pytest.raises(LvcnetError, match="no state 'maybe': choose one of undecided"):
        filter_rows(rows, "maybe")


def test_the_next_image_is_the_next_undecided_one_and_then_the_first(correction: Correction) -> None:
    """The ranking is image-1, image-2, image-0, image-3."""
    correction.decisions.decide("image-2", "reject", "anna")
    rows = review_rows(correction)
    assert after(rows, "image-1") == "image-0"
    assert after(rows, "image-3") == "image-1"
    for key in ("image-0", "image-3"):
        correction.decisions.decide(key, "reject", "anna")
    assert after(review_rows(correction), "image-3") == "image-1"
    correction.decisions.decide("image-1", "reject", "anna")
    assert after(review_rows(correction), "image-3") is None


def test_decisions_become_a_label_set_and_a_report(reviewed: Correction, dataset: Dataset) -> None:
    before = dataset.labels("second").masks.copy()
    report = apply_correction(reviewed, dataset, "better", verdicts_by(reviewed, "reviewed"), "reviewed")
    labels = Dataset.load("squares").labels("better")
    np.testing.assert_array_equal(labels.masks[1, 0], square())
    np.testing.assert_array_equal(labels.masks[0, 0], square(2, 2, 3))
    np.testing.assert_array_equal(labels.masks[2:], before[2:])
    assert labels.manifest["decisions"] == {"accept": 1, "part": 1, "edited": 1, "undecided": 1}
    assert labels.manifest["reviewers"] == ["anna", "ben"]
    with (reviewed.records / "changes" / "better.csv").open() as stream:
        rows = {row["key"]: row for row in csv.DictReader(stream)}
    assert [rows[key]["decision"] for key in ("image-1", "image-3")] == ["accept", "undecided"]
    assert [rows[key]["reviewer"] for key in ("image-2", "image-3")] == ["ben", ""]
    assert float(rows["image-0"]["area_change"]) == (9 - 64) / 64
    assert float(rows["image-0"]["clean_iou_new"]) == pytest.approx(1 / 72), "one pixel of 64 + 9 - 1"
    assert report["emptied"] == []


def test_reviewed_labels_survive_an_export_to_coco(
    correction: Correction, dataset: Dataset, tmp_path: Path
) -> None:
    """A ring with an island in its hole, several objects, an empty image and an unchanged one."""
    drawn = square(2, 2, 9) & ~square(4, 4, 5) | square(6, 6, 1) | square(14, 14, 3) | square(17, 17, 2)
    for key, mask in (("image-0", drawn), ("image-1", np.zeros_like(drawn))):
        correction.decisions.decide(key, "edited", "anna", None, {"masks": encode_masks(mask[None])})
    correction.decisions.decide("image-2", "part", "anna", None, {"blend": 0.4})
    apply_correction(correction, dataset, "better", verdicts_by(correction, "reviewed"))
    export_labels(dataset, "better", tmp_path / "better.json", images=tmp_path / "png")
    back = import_coco("back", tmp_path / "png", tmp_path / "better.json", size=dataset.size, test_fraction=0)
    rows = [back.index(item.key) for item in dataset.items[:4]]
    np.testing.assert_array_equal(back.labels("clean").masks[rows], dataset.labels("better").masks[:4])
    assert (dataset.labels("better").masks[0, 0] == drawn).all()


def test_undecided_images_can_be_refused(reviewed: Correction, correction: Correction) -> None:
    with pytest.raises(LvcnetError, match="1 of 4 images are undecided"):
        verdicts_by(reviewed, "reviewed", strict=True)
    reviewed.decisions.decide("image-3", "reject", "ben")
    assert len(verdicts_by(reviewed, "reviewed", strict=True)) == 4


def test_where_nothing_or_only_no_was_said_there_is_nothing_to_apply(
    correction: Correction, dataset: Dataset
) -> None:
    with pytest.raises(LvcnetError, match="nothing is decided"):
        verdicts_by(correction, "reviewed")
    correction.decisions.decide("image-1", "reject", "anna")
    with pytest.raises(LvcnetError, match="accept at least one"):
        apply_correction(correction, dataset, "better", verdicts_by(correction, "reviewed"))


def test_other_masks_of_the_same_decisions_are_other_labels(reviewed: Correction, dataset: Dataset) -> None:
    """A run on the first label set must be recognised as stale after the second."""
    verdicts = verdicts_by(reviewed, "reviewed")
    first = apply_correction(reviewed, dataset, "better", verdicts)
    reviewed.decisions.decide(
        "image-0", "edited", "anna", verdicts["image-0"].id, {"masks": encode_masks(square(2, 2, 4)[None])}
    )
    second = apply_correction(reviewed, dataset, "better", verdicts_by(reviewed, "reviewed"), overwrite=True)
    assert first["accepted"] == second["accepted"]
    assert first["masks"] != second["masks"]


def test_by_command(lvcnet, correction: Correction, dataset: Dataset) -> None:
    def answer(*arguments: str) -> dict[str, object]:
        status, out, err = lvcnet("review", "mine", *arguments, "--json")
        assert status == 0, err
        return json.loads(out)

    me = ("--reviewer", "anna")
    event = answer("--decide", "accept", "--key", "image-1", *me)
    assert (event["decision"], event["reviewer"]) == ("accept", "anna")
    answer("--blend", "0", "--regions", "0", "--key", "image-2", *me)
    status, _, err = lvcnet("review", "mine", "--decide", "reject", "--key", "image-2", "--reviewer", "ben")
    assert (status, "anna decided part" in err, "--replace" in err) == (2, True, True)
    answer("--decide", "reject", "--key", "image-2", "--reviewer", "ben", "--replace")
    answer("--undo", "--key", "image-2", "--reviewer", "ben")
    listed = answer("--show", "decided")
    assert [(row["key"], row["decision"]) for row in listed["images"]] == [
        ("image-1", "accept"),
        ("image-2", "part"),
    ]
    assert listed["counts"]["undecided"] == 2
    assert [row["decision"] for row in answer("--history", "--key", "image-2")["events"]] == [
        *("part", "reject", "undo")
    ]
    status, out, _ = lvcnet("review", "mine", "--show", "undecided")
    assert status == 0
    assert "2 of 4 decided" in out
    assert "image-1" not in out
    status, out, err = lvcnet("correct-apply", "mine", "--as", "better", "--accept", "reviewed", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out)["accepted"] == ["image-1", "image-2"]
    np.testing.assert_array_equal(
        Dataset.load("squares").labels("better").masks[2], dataset.labels("second").masks[2]
    )


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--key", "image-9"], "has not judged"),
        (["--decide", "accept", "--key", "image-1"], "--reviewer NAME"),
        (["--decide", "accept", "--reviewer", "a"], "--key IMAGE"),
        (["--decide", "maybe", "--key", "image-1", "--reviewer", "a"], "accept, reject or draft"),
        (["--decide", "accept", "--blend", "1", "--key", "image-1", "--reviewer", "a"], "does not go with"),
        (["--blend", "2", "--key", "image-1", "--reviewer", "a"], "from 0"),
        (["--regions", "7", "--key", "image-1", "--reviewer", "a"], "no region 7: it has 1"),
        (["--regions", "x", "--key", "image-1", "--reviewer", "a"], "not a list of numbers"),
        (["--undo", "--key", "image-1", "--reviewer", "a"], "nothing to undo"),
        (["--show", "good"], "no state 'good'"),
    ],
)
def test_wrong_commands_decide_nothing(
    lvcnet, correction: Correction, arguments: list[str], problem: str
) -> None:
    status, _, err = lvcnet("review", "mine", *arguments)
    assert (status, err.count("\n")) == (2, 1)
    assert problem in err
    assert correction.decisions.history() == []


def test_a_correction_is_deleted_with_its_decisions_and_drafts(lvcnet, reviewed: Correction) -> None:
    reviewed.decisions.drafts.save("image-3", "square", "ben", square(2, 2, 3))
    status, _, err = lvcnet("corrections", "--delete", "mine")
    assert (status, "decisions about 3 images are deleted with it" in err) == (2, True)
    assert "1 image (image-3) with a draft" in err
    assert lvcnet("corrections", "--delete", "mine", "--yes")[0] == 0
    assert list_corrections() == []


def test_who_would_replace_a_correction_learns_of_its_decisions(lvcnet, reviewed: Correction) -> None:
    status, _, err = lvcnet("correct", "squares", "--labels", "second", "--name", "mine", "--method", "unet")
    assert status == 2
    assert "its decisions about 3 images go with it" in err


def test_what_ships_stays_as_it_is(
    correction: Correction, dataset: Dataset, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decisions, changes and the corrected label set of demo data go to the workspace."""
    assets = tmp_path / "assets"
    assert dataset.folder is not None
    for folder in (correction.folder, dataset.folder):
        (assets / folder.parent.name).mkdir(parents=True)
        folder.rename(assets / folder.parent.name / folder.name)
    monkeypatch.setattr(workspace, "assets_dir", lambda: assets)
    before = {path: path.read_bytes() for path in assets.rglob("*") if path.is_file()}
    found, data = find_correction("mine"), Dataset.load("squares")
    assert (list_corrections(), found.is_demo, data.is_demo) == (["mine"], True, True)
    found.decisions.decide("image-1", "accept", "anna")
    apply_correction(found, data, "better", verdicts_by(found, "reviewed"))
    assert {path: path.read_bytes() for path in assets.rglob("*") if path.is_file()} == before
    stored = Dataset.load("squares")
    assert not stored.is_demo
    assert own_copy(stored) is stored
    assert (stored.labels("better").masks[1, 0] == square()).all()
    assert stored.fingerprint() == data.fingerprint()
    records = workspace.corrections_dir() / "mine"
    assert (records / "changes" / "better.csv").exists()
    assert len(Decisions(records).history()) == 1
    with pytest.raises(LvcnetError, match="ships with the project"):
        plan_correction("mine")
