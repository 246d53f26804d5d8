"""`lvcnet correct`, `correct-apply`, `corrections` and `agree`, with real trainings of a few seconds."""

import json
from typing import Any

import numpy as np
import pytest

from lvcnet.comparison.collect import collect
from lvcnet.correction.build import check_run
from lvcnet.correction.folds import split_folds
from lvcnet.correction.store import find_correction
from lvcnet.data.dataset import Dataset
from lvcnet.errors import LvcnetError
from lvcnet.runs.store import list_runs
from lvcnet.training.config import build_config
from lvcnet.training.run import create_run

TINY = ["--set", "width=4", "--set", "depth=2", "--epochs", "1", "--folds", "2", "--device", "cpu"]
NAME = "pelves-level3-unet-s0"


def answer(result: tuple[int, str, str]) -> Any:
    status, out, err = result
    assert status == 0, err
    assert out.count("\n") == 1, "one JSON object and nothing else"
    return json.loads(out)


def test_labels_are_judged_corrected_and_trained_on(lvcnet, pelves: Dataset) -> None:
    found = answer(lvcnet("correct", "pelves", "--labels", "3", "--method", "unet", *TINY, "--json"))
    assert (found["correction"], found["folds"]) == (NAME, 2)
    assert {row["key"] for row in found["images"]} == {
        pelves.items[row].key for row in pelves.indices("train")
    }
    qualities = [row["quality"] for row in found["images"]]
    assert qualities == sorted(qualities)
    assert all(0 <= row["quality"] <= 1 and 0 <= row["iou"] <= 1 for row in found["images"])
    assert found["clean"]["label_iou"] == pytest.approx(0.82, abs=0.005)
    _check_nobody_judges_what_it_learned(found)
    _compare_finds_nothing()

    runs = {run.name: run.status()["updated"] for run in list_runs("pelves")}
    status, _, err = lvcnet("correct", "pelves", "--labels", "level3", "--method", "unet", *TINY)
    assert (status, "exists" in err) == (2, True)
    status, out, _ = lvcnet(
        "correct", "pelves", "--labels", "level3", "--method", "unet", *TINY, "--overwrite", "--top", "3"
    )
    assert status == 0
    assert "Worst 3 of 12 labels level3 of pelves" in out
    assert {run.name: run.status()["updated"] for run in list_runs("pelves")} == runs, "trained only once"

    before = (pelves.folder / "labels" / "level3.npz").read_bytes()
    report = answer(
        lvcnet("correct-apply", NAME, "--as", "corrected-level3", "--accept", "worst=5", "--json")
    )
    assert report["accepted"] == [row["key"] for row in found["images"][:5]]
    assert (pelves.folder / "labels" / "level3.npz").read_bytes() == before
    stored = Dataset.load("pelves")
    for key in report["accepted"]:
        np.testing.assert_array_equal(
            stored.labels("corrected-level3").masks[stored.index(key)], find_correction(NAME).proposal(key)
        )
    trained = answer(
        lvcnet("train", "pelves", "--labels", "corrected-level3", "--method", "unet", *TINY[:6], "--json")
    )
    assert trained["state"] == "done"
    assert [row["name"] for row in answer(lvcnet("corrections", "--json"))["corrections"]] == [NAME]


def _check_nobody_judges_what_it_learned(found: dict[str, Any]) -> None:
    dataset = Dataset.load("pelves")
    runs = {run.name: run for run in list_runs("pelves")}
    assert set(found["runs"]) == {row["run"] for row in found["images"]}
    for row in found["images"]:
        learned = dataset.labels(runs[row["run"]].config()["labels"])
        assert not learned.covered[dataset.index(row["key"])]


def _compare_finds_nothing() -> None:
    """Fold runs are no rivals: they learned from fewer images."""
    with pytest.raises(LvcnetError, match="nothing to compare"):
        collect("pelves")


def test_a_run_that_saw_the_labels_may_not_judge_them(pelves: Dataset) -> None:
    run = create_run(build_config({"dataset": "pelves", "labels": "level3", "width": 4, "depth": 2}))
    fold = split_folds(pelves, "level3", 2)[0]
    with pytest.raises(LvcnetError, match="is queued"):
        check_run(run, pelves, fold)
    run.update_status(state="done")
    with pytest.raises(LvcnetError, match="learned from labels that it is to judge"):
        check_run(run, pelves, fold)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--labels", "level4"], "has no label set 'level4'"),
        (["--labels", "3", "--method", "magic"], "method 'magic' does not exist"),
        (["--labels", "3", "--folds", "1"], "1 folds are too few"),
        (["--labels", "3", "--set", "width=1"], "width"),
        (["--labels", "3", "--name", "../up"], "not a usable name"),
    ],
)
def test_wrong_requests_leave_the_data_set_as_it_was(
    lvcnet, pelves: Dataset, arguments: list[str], problem: str
) -> None:
    status, out, err = lvcnet("correct", "pelves", *arguments)
    assert (status, out) == (2, "")
    assert problem in err
    assert err.count("\n") == 1
    assert Dataset.load("pelves").label_names() == ["clean", "level3"]
    assert not list_runs("pelves")


def test_agree_measures_two_label_sets(lvcnet, pelves: Dataset) -> None:
    found = answer(lvcnet("agree", "pelves", "clean", "level3", "--json"))
    assert found["images"] == 12
    assert found["iou"]["mean"] == pytest.approx(0.82, abs=0.005)
    status, out, _ = lvcnet("agree", "pelves", "clean", "level3", "--top", "2")
    assert status == 0
    assert "Images, worst first" in out
    assert found["per_image"][0]["key"] in out


@pytest.mark.parametrize("command", ["correct", "correct-apply", "corrections", "agree"])
def test_help_has_an_example(lvcnet, command: str) -> None:
    assert f"lvcnet {command}" in lvcnet(command, "--help")[1]
