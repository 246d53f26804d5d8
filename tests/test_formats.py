"""Files kept as earlier versions of the project wrote them, read by this one.

fixtures/workspace-1: before files had a version. fixtures/workspace-2: runs of format 1, whose methods had variants.
"""

import json
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from lvcnet import formats, former, jobs
from lvcnet.comparison.collect import collect
from lvcnet.correction.apply import made_labels, read_report
from lvcnet.correction.store import find_correction
from lvcnet.data.dataset import Dataset
from lvcnet.data.upkeep import without_checksum
from lvcnet.doctor import mend
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.protocol import evaluate_run
from lvcnet.formats import Format, unchanged
from lvcnet.jobs import queue
from lvcnet.jobs.correct import list_requests
from lvcnet.jobs.like import settings_like
from lvcnet.jobs.sweep_config import build_sweep
from lvcnet.runs.about import About, read_about
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.snapshots import read_snapshot, snapshot_epochs
from lvcnet.runs.store import find_run, list_runs
from lvcnet.training.checkpoint import load_method
from lvcnet.training.config import read_yaml
from lvcnet.training.run import train

KEPT = Path(__file__).with_name("fixtures") / "workspace-1"
VARIANTS = KEPT.with_name("workspace-2") / "runs"


@pytest.fixture
def kept(workspace_home: Path, no_demo: None) -> Path:
    """A workspace as it was written before files had versions."""
    shutil.copytree(KEPT, workspace_home)
    return workspace_home


def test_data_set_and_label_sets(kept: Path) -> None:
    dataset = Dataset.load("hips")
    assert set(dataset.label_names()) == {"clean", "careful", "level3", "repaired"}
    assert dataset.labels("clean").masks.any(axis=(1, 2, 3)).all()
    assert dataset.manifest("level3")["level"] == 3
    ignored = dataset.labels("careful").ignored
    assert ignored is not None
    assert ignored.sum() == 4 * 32
    # unchanged masks, unchanged fingerprint: the run of that time still fits
    assert dataset.fingerprint() == find_run("plus").config()["data"]["fingerprint"]


def test_images_get_a_checksum_when_they_are_saved_again_or_mended(kept: Path) -> None:
    folder, dataset = kept / "datasets" / "hips", Dataset.load("hips")
    before = dataset.fingerprint()
    assert without_checksum() == [folder]
    again = json.loads((dataset.save(kept / "datasets" / "again") / "dataset.json").read_text())
    assert "noted the checksum of data set hips" in mend()
    mended = json.loads((folder / "dataset.json").read_text())
    assert mended["format"] == again["format"] == 3
    assert mended["images_crc32"] == again["images_crc32"] == f"{zlib.crc32(dataset.images.tobytes()):08x}"
    assert without_checksum() == []
    assert Dataset.load("hips").fingerprint() == before


def test_a_label_set_written_anew_is_of_this_version(kept: Path) -> None:
    dataset = Dataset.load("hips")
    before = dataset.labels("level3")
    dataset.add_labels(before)
    again = Dataset.load("hips").labels("level3")
    assert again.manifest == before.manifest
    np.testing.assert_array_equal(again.masks, before.masks)
    assert not (kept / "datasets" / "hips" / "labels" / "level3.json").exists()


def test_run(kept: Path) -> None:
    assert {run.name for run in list_runs()} == {"plus", "waiting"}
    run = find_run("plus")
    assert run.status()["state"] == "done"
    assert [row["epoch"] for row in run.metrics()] == [1, 2]
    assert read_about(run) == About("A title", "a note")
    assert snapshot_epochs(run.snapshots) == [0, 2]
    assert read_snapshot(run.snapshots, 2).prediction.shape == (1, 1, 32, 32)


def test_weights_predict_what_was_measured_then(kept: Path) -> None:
    run = find_run("plus")
    then = run.evaluation()
    assert then is not None
    assert evaluate_run(run)["iou"] == pytest.approx(then["iou"], abs=2e-3)
    assert load_method(run, "best") is not None


def test_training_goes_on_from_the_state_of_that_time(kept: Path) -> None:
    run = find_run("plus")
    config = json.loads((run.path / "config.json").read_text())
    (run.path / "config.json").write_text(json.dumps({**config, "epochs": 3}))
    torch.set_num_threads(1)
    assert train(run, resume=True) == "done"
    assert [row["epoch"] for row in run.metrics()] == [1, 2, 3]


@pytest.fixture
def variants(kept: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With two runs of `lvcnet` more: `printed`, of variant paper, and `stray`, with a setting that is gone."""
    monkeypatch.setattr(former, "GENERATOR", {"lvcnet": True, "lvcnet-plus": True})
    shutil.copytree(VARIANTS, kept / "runs", dirs_exist_ok=True)
    return kept


def test_a_variant_of_then_is_the_method_that_it_is_now_and_predicts_the_same(variants: Path) -> None:
    run = find_run("printed")
    stored = json.loads((run.path / "config.json").read_text())
    assert (stored["method"], stored["options"]["variant"]) == ("lvcnet", "paper")
    config = run.config()
    assert (config["method"], config["options"]) == ("lvcnet-paper", {"warps": 2})  # normalised was as usual
    then = run.evaluation()
    assert then is not None
    assert then["iou"] > 0.6
    assert evaluate_run(run)["iou"] == pytest.approx(then["iou"], abs=2e-3)


def test_a_run_with_a_setting_that_is_gone_keeps_its_results_and_can_do_nothing_more(variants: Path) -> None:
    run = find_run("stray")
    assert run.config()["options"] == {"stray_weight": 0.1}  # 4 warps are as usual
    comparison = collect("hips", [run, find_run("printed")])
    assert comparison.methods() == ["lvcnet stray_weight=0.1", "lvcnet-paper warps=2"]
    cell = comparison.cell("lvcnet stray_weight=0.1", "level3")
    assert cell is not None
    assert cell.mean("iou") == pytest.approx(0.596, abs=5e-4)
    for action in (load_method, settings_like, lambda run: train(run, resume=True)):
        with pytest.raises(
            LvcnetError, match=r"options\.stray_weight is gone from lvcnet: leave it out.*keeps its"
        ):
            action(run)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("lvcnet", {}), ("lvcnet", {})),
        (("lvcnet", {"training": "joint", "settle": 2, "warps": 3}), ("lvcnet", {"warps": 3})),
        (
            ("lvcnet", {"training": "joint", "offsets": "learned"}),
            ("lvcnet", {"training": "joint", "offsets": "learned"}),
        ),
        (("lvcnet", {"cue": "sobel"}), ("lvcnet", {"generator": False})),
        (("lvcnet", {"cue": "edges"}), ("lvcnet", {"cue": "edges"})),
        (("lvcnet", {"variant": "plus", "evidence": 2}), ("lvcnet-plus", {})),
        (("lvcnet", {"variant": "paper", "cue": "sobel"}), ("lvcnet-paper", {"cue": "sobel"})),
        (("lvcnet-plus", {"variant": "plus", "cue": "sobel"}), ("lvcnet-plus", {"generator": False})),
        (("lvcnet-plus", {"training": "alternate"}), ("lvcnet-plus", {"training": "alternate"})),
        (("lvcnet", {"variant": "never"}), ("lvcnet", {"variant": "never"})),
        (("mine", {"variant": "paper"}), ("mine", {"variant": "paper"})),
    ],
)
def test_settings_of_then(
    before: tuple[str, Any], after: tuple[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(former, "GENERATOR", {"lvcnet": True, "lvcnet-plus": True})
    old = {"format": 1, "method": before[0], "options": before[1], "seed": 3}
    new = formats.CONFIG.current(old, Path("config.json"))
    assert (new["method"], new["options"], new["seed"]) == (*after, 3)
    assert formats.CONFIG.current(new, Path("config.json")) == new
    assert old["options"] is before[1]


def test_a_run_of_then_keeps_its_generator_whatever_is_usual_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(former.GENERATOR, "lvcnet", False)
    for options, now in (
        ({}, {"generator": True}),
        ({"cue": "sobel"}, {}),
        ({"cue": "edges"}, {"cue": "edges"}),
    ):
        old = {"format": 1, "method": "lvcnet", "options": options, "data": {}}
        assert formats.CONFIG.current(old, Path("config.json"))["options"] == now
    written = {"method": "lvcnet", "options": {"warps": 2}}  # settings, not a run
    assert formats.CONFIG.current(written, Path("mine.yaml"))["options"] == {"warps": 2}


def test_a_file_of_settings_of_then_trains_the_same(tmp_path: Path) -> None:
    path = tmp_path / "old.yaml"
    path.write_text("dataset: hips\nmethod: lvcnet\noptions: {variant: paper, step: 1.5}\n")
    assert read_yaml(path) == {"dataset": "hips", "method": "lvcnet-paper", "options": {"step": 1.5}}


@pytest.mark.parametrize(
    ("methods", "options", "now", "left"),
    [
        (["lvcnet"], {"variant": "paper", "warps": 2}, ["lvcnet-paper"], {"warps": 2}),
        (["lvcnet", "lvcnet-plus"], {"cue": "sobel"}, ["lvcnet", "lvcnet-plus"], {"generator": False}),
        (["lvcnet"], {"training": "joint"}, ["lvcnet"], {}),
        (["lvcnet-plus", "lvcnet"], {"variant": "plus"}, ["lvcnet-plus"], {}),
        (["lvcnet-plus"], {"attention": "product"}, ["lvcnet-plus"], {"attention": "product"}),
        (["lvcnet-paper"], {"training": "joint"}, ["lvcnet-paper"], {"training": "joint"}),
        (["lvcnet", "lvcnet-paper"], {"warps": 4}, ["lvcnet", "lvcnet-paper"], {"warps": 4}),
    ],
)
def test_a_sweep_of_then_trains_the_same(
    tmp_path: Path, methods: list[str], options: dict[str, Any], now: list[str], left: dict[str, Any]
) -> None:
    path = tmp_path / "sweep.yaml"
    old = {"format": 1, "dataset": "hips", "methods": methods, "settings": {"epochs": 3, "options": options}}
    path.write_text(yaml.safe_dump(old))
    sweep = build_sweep(read_yaml(path, formats.SWEEP))
    assert (sweep.methods, sweep.settings) == (now, {"epochs": 3, "options": left})
    path.write_text(sweep.to_yaml())
    assert build_sweep(read_yaml(path, formats.SWEEP)).methods == now


def test_a_sweep_of_then_with_an_option_that_is_gone_says_what_to_do(kept: Path, tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(
        "dataset: hips\nmethods: [lvcnet]\nlabels: [level3]\nsettings: {options: {stray_weight: 0.1}}\n"
    )
    sweep = build_sweep(read_yaml(path, formats.SWEEP))
    with pytest.raises(LvcnetError, match=r"options\.stray_weight is gone from lvcnet: leave it out"):
        sweep.plan()


def test_a_correction_that_was_wished_for_then_keeps_its_name_and_file(kept: Path) -> None:
    settings = {"epochs": 1, "options": {"variant": "paper", "warps": 2}}
    old = {"dataset": "hips", "labels": "level3", "method": "lvcnet", "folds": 2, "seed": 1, "name": ""}
    path = kept / "corrections" / "hips-level3-lvcnet-s1.request.json"
    path.write_text(json.dumps({"format": 1, **old, "settings": settings}))
    (request,) = list_requests()
    assert (request.method, request.settings["options"]) == ("lvcnet-paper", {"warps": 2})
    assert (request.correction, request.path) == ("hips-level3-lvcnet-s1", path)


def test_correction_decisions_and_report(kept: Path) -> None:
    correction = find_correction("judged")
    assert len(correction.rows) == 5
    verdicts = correction.decisions.verdicts()
    assert sorted(verdict.decision for verdict in verdicts.values()) == ["accept", "reject"]
    assert made_labels(correction, Dataset.load("hips")) == ["repaired"]
    assert read_report(correction, Dataset.load("hips"), "repaired")["reviewers"] == ["anna", "ben"]


def test_queue(kept: Path) -> None:
    assert queue.waiting_runs() == ["waiting"]
    assert jobs.position(find_run("waiting")) == 1


def test_sweep_and_configuration_without_a_version(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text("dataset: hips\nmethods: [unet]\nseeds: [0, 1]\nsettings:\n  epochs: 3\n")
    sweep = build_sweep(read_yaml(path, formats.SWEEP))
    assert (sweep.seeds, sweep.settings["epochs"]) == ([0, 1], 3)
    path.write_text(sweep.to_yaml())
    assert yaml.safe_load(path.read_text())["format"] == formats.SWEEP.version
    assert build_sweep(read_yaml(path, formats.SWEEP)).seeds == [0, 1]


def raised(path: Path) -> None:
    """Say in a JSON file that it is of a version to come."""
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))


READERS: dict[str, Callable[[Path], object]] = {
    "datasets/hips/dataset.json": lambda home: Dataset.load("hips"),
    "runs/plus/config.json": lambda home: RunDirectory(home / "runs" / "plus").config(),
    "runs/plus/status.json": lambda home: RunDirectory(home / "runs" / "plus").status(),
    "runs/plus/evaluation.json": lambda home: RunDirectory(home / "runs" / "plus").evaluation(),
    "runs/plus/checkpoints/last.json": lambda home: load_method(find_run("plus")),
    "corrections/judged/correction.json": lambda home: find_correction("judged"),
    "corrections/judged/changes/repaired.json": lambda home: read_report(
        find_correction("judged"), Dataset.load("hips"), "repaired"
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_files_of_a_newer_version_are_refused_in_words(kept: Path, name: str) -> None:
    raised(kept / name)
    with pytest.raises(LvcnetError, match=r"has format 99: this version reads up to \d; upgrade lvcnet"):
        READERS[name](kept)


@pytest.mark.parametrize("content", [None, [], "text", {"format": "1"}, {"format": -1}, {"format": True}])
def test_what_says_no_usable_version_is_damaged(content: Any) -> None:
    with pytest.raises(LvcnetError, match=r"status\.json is damaged"):
        formats.STATUS.current(content, Path("status.json"))


@pytest.mark.parametrize("kind", formats.FORMATS, ids=lambda kind: kind.what)
def test_every_earlier_version_has_its_upgrade(kind: Format) -> None:
    assert sorted(kind.upgrades) == list(range(kind.version))


def test_upgrades_follow_one_another() -> None:
    steps = {0: unchanged, 1: lambda old: {"b": old["a"] + 1}, 2: lambda old: {"c": old["b"] * 10}}
    kind = Format("a number", 3, steps)
    assert kind.current({"a": 1}, Path("x")) == {"format": 3, "c": 20}
    assert kind.current({"format": 2, "b": 5}, Path("x")) == {"format": 3, "c": 50}
    assert kind.stamped({"format": 1, "c": 2}) == {"format": 3, "c": 2}
