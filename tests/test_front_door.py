"""`import lvcnet as lv`: light, complete, and each call as the command of its name."""

import ast
import inspect
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import lvcnet as lv
from lvcnet import formats

TINY = {"epochs": 2, "width": 4, "depth": 2, "batch_size": 4, "device": "cpu", "threads": 1}
HEAVY = {"torch", "numpy", "pandas", "pydantic", "typer", "cv2", "scipy"}


@pytest.fixture
def hips(no_demo: None) -> lv.Dataset:
    """A phantom data set with labels of level 4."""
    data = lv.make_phantom("hips", 8, 4, 32)
    data.save()
    data.add_labels(lv.make_noisy_labels(data, level=4))
    return data


def test_importing_the_package_waits_for_no_library() -> None:
    script = f"import sys, lvcnet; dir(lvcnet); print(sorted({HEAVY!r} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.parametrize("name", lv.__all__)
def test_every_name_is_there_explained_and_the_one_that_editors_know(name: str) -> None:
    assert name in dir(lv)
    found = getattr(lv, name)
    assert inspect.getdoc(found)
    tree = ast.parse(Path(str(lv.__file__)).read_text(encoding="utf-8"))
    (known,) = [
        node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    places = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in known.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(places) == set(lv.__all__)
    module, attribute = places[name]
    if not inspect.ismodule(found):
        assert (found.__module__, found.__name__) == (module, attribute)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'lvcnet' has no attribute 'trian'"):
        lv.trian  # noqa: B018


def test_calls_do_what_the_commands_do(
    hips: lv.Dataset, lvcnet: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    run = lv.train(hips, "unet", labels=4, **TINY)
    assert run.config()["labels"] == "level4"
    assert [row["epoch"] for row in run.metrics()] == [1, 2]
    found = lv.evaluate(run.name)
    assert run.evaluation() == formats.EVALUATION.stamped(found)
    comparison = lv.compare("hips", where={"epochs": 2})
    assert comparison.table().splitlines()[0] == "| Method | level4 |"
    (row,) = comparison.frame().to_dict("records")
    assert row["iou"] == pytest.approx(found["iou"])
    assert lvcnet("compare", "hips", "--where", "epochs=2", "--format", "markdown")[1] == comparison.report()
    with pytest.raises(lv.LvcnetError, match="where epoch is no setting of a run"):
        lv.compare(hips, where={"epoch": 2})
    count = lv.export_labels(
        "hips", "clean", tmp_path / "clean.json", split="test", images=tmp_path / "images"
    )
    assert (count, len(json.loads((tmp_path / "clean.json").read_text())["images"])) == (4, 4)
    written = lv.predict(run, tmp_path / "images", str(tmp_path / "out"), formats=["masks"], device="cpu")
    assert [len(written[name]) for name in ("predictions", "problems", "left_out")] == [4, 0, 0]
    one = lv.segment_file(lv.Predictor(run.name, device="cpu"), str(tmp_path / "images" / "test-0001.png"))
    assert one.masks.shape == (1, 32, 32)


def test_labels_are_repaired_from_a_grid_of_trainings(hips: lv.Dataset) -> None:
    seen = []
    report = lambda done, total: seen.append((done, total))  # noqa: E731
    found = lv.correct(hips, "level4", "unet", folds=2, workers=2, report=report, **TINY)
    assert seen[-1] == (8, 8)
    assert list(found.frame()["quality"]) == sorted(found.frame()["quality"])
    with pytest.raises(lv.LvcnetError, match="exists"):
        lv.correct(hips, "level4", "unet", folds=2, **TINY)
    changed = found.apply(accept="worst=3")
    assert (changed["labels"], len(changed["accepted"])) == ("corrected-level4", 3)
    key = changed["accepted"][0]
    repaired = lv.Dataset.load("hips").labels("corrected-level4")
    np.testing.assert_array_equal(repaired.masks[hips.index(key)], found.proposal(key))
    assert repr(lv.find_correction(found.name)) == repr(found)


def test_a_sweep_is_done_once(hips: lv.Dataset) -> None:
    first = lv.sweep(hips, ["fcn", "unet"], labels=[4], workers=2, **{**TINY, "width": 8})
    assert [run.status()["state"] for run in first] == ["done", "done"]
    ended = [run.status()["ended"] for run in first]
    again = lv.sweep(hips, ["fcn", "unet"], labels=["level4"], **{**TINY, "width": 8})
    assert [run.status()["ended"] for run in again] == ended
    assert set(lv.compare(hips).methods()) == {"fcn", "unet"}


def test_ctrl_c_ends_a_script_and_the_training_can_be_resumed(hips: lv.Dataset) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 1:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match=r"lv.resume\('hips-lvcnet-plus-clean-s0'\) continues"):
        lv.train(hips, report=interrupt, **TINY)
    assert lv.find_run("hips-lvcnet-plus-clean-s0").status()["state"] == "interrupted"
    assert lv.resume("hips-lvcnet-plus-clean-s0").status()["state"] == "done"


def test_data_in_memory_are_to_be_saved_first_and_others_of_the_name_are_not_taken_for_them(
    hips: lv.Dataset, tmp_path: Path
) -> None:
    unsaved = lv.make_phantom("hips", 4, 1, 32, seed=1)
    with pytest.raises(lv.LvcnetError, match=r"in memory only.*call save\(\) first"):
        lv.train(unsaved, **TINY)
    unsaved.save(tmp_path / "elsewhere" / "hips")
    run = lv.train(unsaved, **{**TINY, "epochs": 1})
    assert run.config()["dataset"] == str(tmp_path / "elsewhere" / "hips")
    assert run.config()["data"]["fingerprint"] == unsaved.fingerprint()
