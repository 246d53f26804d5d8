"""`lvcnet audit`, with real trainings of a second or two, and its verdicts."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lvcnet.correction.audit import Audit, CategoryAudit, Repair
from lvcnet.correction.audit_words import verdict
from lvcnet.correction.quality import Quality
from lvcnet.correction.store import find_correction
from lvcnet.data.dataset import Dataset
from lvcnet.data.phantom.make import make_phantom
from lvcnet.evaluation.statistics import Interval
from lvcnet.figures.audit import audit_report
from lvcnet.jobs.audit_request import AuditRequest
from lvcnet.masks.displacement import Displacement, Verdict
from lvcnet.progress import Report
from lvcnet.runs.store import list_runs
from lvcnet.training.plan import plan_of

TINY = ["--set", "width=4", "--set", "depth=2", "--steps", "3", "--folds", "2", "--device", "cpu"]
SECTIONS = [
    "Data and plan",
    "How well two methods agree with the labels that they did not see",
    "Label quality",
    "Images to look at first",
    "Would repair help here?",
]


class Enough(Exception):
    """What a person who cancels raises."""


def until_judging(title: str) -> Report:
    """Progress of somebody who cancels when the folds are trained."""
    if title.startswith("Judging"):
        raise Enough
    return lambda done, total: None


def test_labels_are_audited_and_the_same_command_goes_on(lvcnet, pelves: Dataset, tmp_path: Path) -> None:
    settings = {"width": 4, "depth": 2}
    with pytest.raises(Enough):
        AuditRequest("pelves", "level3", 2, steps=3, settings=settings, device="cpu").run(until_judging)
    updated = {run.name: run.status()["updated"] for run in list_runs("pelves")}
    assert len(updated) == 4
    report = tmp_path / "audit.html"
    command = ["audit", "pelves", "--labels", "3", *TINY]
    status, out, err = lvcnet(*command, "--output", str(report), "--json")
    assert status == 0, err
    found: dict[str, Any] = json.loads(out)
    assert set(found) >= {
        "verdict",
        "categories",
        "quality",
        "ranked",
        "repair",
        "plan",
        "corrections",
        "html",
    }
    assert (found["dataset"], found["labels"], found["images"], found["folds"]) == ("pelves", "level3", 12, 2)
    assert found["methods"] == ["unet", "lvcnet-plus"]
    assert sorted(row["key"] for row in found["ranked"]) == sorted(
        pelves.items[row].key for row in pelves.indices("train")
    )
    assert found["verdict"]["kind"] in ("leave", "repair", "move", "unknown")
    for one in found["categories"].values():
        for value in one["agreement"].values():
            assert 0 <= value["low"] <= value["mean"] <= value["high"] <= 1
    page = report.read_text()
    assert found["verdict"]["sentence"].split(".")[0].split(":")[0] in page
    places = [page.index(title) for title in SECTIONS]
    assert places == sorted(places)

    judged = find_correction(found["corrections"][1]).folder.stat().st_ctime_ns
    status, out, err = lvcnet(*command)
    assert status == 0, err
    assert all(title in out for title in SECTIONS)
    assert found["ranked"][0]["key"] in out
    assert {run.name: run.status()["updated"] for run in list_runs("pelves")} == updated, "trained once"
    assert find_correction(found["corrections"][1]).folder.stat().st_ctime_ns == judged, "judged once"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nothing"], "nothing"),
        (["pelves", "--labels", "dentist"], "dentist"),
        (["pelves", "--labels", "3", "--folds", "1"], "1 folds are too few"),
    ],
)
def test_what_cannot_be_audited_is_said_in_a_line(
    lvcnet, pelves: Dataset, arguments: list[str], problem: str
) -> None:
    status, out, err = lvcnet("audit", *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert problem in err
    assert pelves.label_names() == ["clean", "level3"]


def test_one_image_makes_no_folds(lvcnet) -> None:
    make_phantom("one", train=1, test=1, size=32).save()
    status, _, err = lvcnet("audit", "one")
    assert (status, err.count("\n")) == (2, 1)
    assert "label more images" in err


ON = Displacement(0.2, 0.0, 0.4, 1.5, Verdict.ON, 40)
BESIDE = Displacement(5.5, 5.1, 5.9, 1.5, Verdict.BESIDE, 40)


def audit_of(quality: Quality | None, repair: Repair, found: Displacement = ON) -> Audit:
    """An audit that found this of one category, lungs."""
    agreement = {"unet": Interval(0.9, 0.8, 0.95), "lvcnet-plus": Interval(0.9, 0.8, 0.95)}
    lungs = CategoryAudit(agreement, Interval(0.9, 0.8, 0.95), 40, found, "lungs: on their edge", quality)
    row = {"key": "a", "surely_wrong": False, "category": "lungs", "category_iou": 0.5, "worst_px": 3.0}
    row |= {"quality": 0.1, "iou": 0.5, "disagreement_px": 1.0, "missing": 0, "extra": 0}
    about = ("chests", "drawn", "f" * 40, 40, 3, 0, 800, ("unet", "lvcnet-plus"), ("one", "two"))
    return Audit(*about, plan_of({"steps": 800}), {"lungs": lungs}, quality, [row], repair, [])


GOOD = Quality(0.97, 0.94, 1.0, 40, 0.4, 0.3, 0.6, 0.3)
WIDE = Quality(0.8, 0.6, 1.0, 40, 0.5, 0.4, 0.6, 0.5)
NONE = Repair([], Interval(-0.2, -0.4, 0.1), 0.1)


@pytest.mark.parametrize(
    ("audit", "kind", "sentence"),
    [
        (audit_of(GOOD, NONE), "leave", "Your outlines are good: leave them."),
        (
            audit_of(replace(WIDE, against_labels=0.01), NONE),
            "leave",
            "Leave them: where methods disagree with your outlines, the images side with your outlines.",
        ),
        (
            audit_of(WIDE, Repair(["a", "b"], Interval(0.4, 0.3, 0.5), 1.0)),
            "repair",
            "Repair the 2 images listed first.",
        ),
        (
            audit_of(WIDE, Repair(["a"], Interval(0.1, -0.3, 0.5), 0.7)),
            "unknown",
            "Cannot tell: the methods are sure about 1 label, but the edges of the images do not clearly side with them"
            " (in 70% of the resampled sets of images).",
        ),
        (
            audit_of(WIDE, NONE),
            "unknown",
            "Cannot tell: label quality may lie anywhere from 0.60 to 1.00, and no single label is surely wrong.",
        ),
        (audit_of(None, NONE), "unknown", "Cannot tell: lungs was not learned."),
        (
            audit_of(GOOD, NONE, BESIDE),
            "move",
            "Move outlines of lungs by 5.5 px inwards (5.1 to 5.9).",
        ),
        (
            audit_of(GOOD, NONE, replace(BESIDE, px=-5.5, low=-5.9, high=-5.2)),
            "move",
            "Move outlines of lungs by 5.5 px outwards (5.2 to 5.9).",
        ),
    ],
)
def test_the_verdict_is_one_sentence(audit: Audit, kind: str, sentence: str) -> None:
    found = verdict(audit)
    assert (found.kind, found.sentence) == (kind, sentence)
    page = audit_report(audit)
    assert found.sure.split("%")[0] in page
    assert "lvcnet review two" in page
    assert json.loads(json.dumps(audit.as_json()))["labels"] == "drawn"
    assert ("may lie below the middle" in page) == (kind == "move")
