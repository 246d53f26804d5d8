"""The overview: the right next step, the headline figures, the mechanism's pictures."""

import shutil
from pathlib import Path
from typing import get_args

import pytest

from lab.overview import guide
from lab.ui.tables import robustness
from lvcnet import workspace
from lvcnet.data.phantom.make import make_phantom
from lvcnet.errors import DamagedError
from lvcnet.evaluation.protocol import evaluate_run
from lvcnet.next_step import Kind, next_step
from lvcnet.noise.calibrate import make_noisy_labels
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.snapshots import read_snapshot, snapshot_epochs
from lvcnet.runs.store import find_run, is_demo, list_runs
from lvcnet.runs.summary import summarise
from lvcnet.training.config import TrainConfig
from lvcnet.training.run import create_run
from tests.app.conftest import OpenPage
from tests.evaluations import an_evaluation

TINY = {"epochs": 1, "width": 4, "depth": 2, "batch_size": 4, "device": "cpu"}


def test_an_empty_workspace_says_where_to_start(open_page: OpenPage) -> None:
    page = open_page("overview")
    text = [element.value for element in page.markdown]
    assert any("There is no data set yet" in value for value in text)
    assert "No run is evaluated yet" in page.info[0].value
    assert [metric.value for metric in page.metric][:2] == ["0", "0"]


@pytest.mark.usefixtures("no_demo")
def test_the_next_step_follows_the_work() -> None:
    seen = [next_step().kind]
    dataset = make_phantom("hips", 4, 1, 32)
    dataset.save()
    seen.append(next_step().kind)
    dataset.add_labels(make_noisy_labels(dataset, level=4))
    seen.append(next_step().kind)
    runs = [create_run(TrainConfig(dataset="hips", seed=seed, **TINY)) for seed in (0, 1)]
    seen.append(next_step().kind)
    for run in runs:
        run.update_status(state="done")
    assert next_step().command == ["evaluate", runs[1].name]
    assert guide.PLACES["evaluate"][:2] == ("runs", "Evaluate it")
    for run in runs:
        run.write_evaluation(an_evaluation())
        seen.append(next_step().kind)
    assert seen == ["make data", "make noise", "train", "watch", "train another", "compare"]
    assert guide.PLACES.keys() == set(get_args(Kind))


def test_the_demo_runs_are_the_first_thing_to_look_at(
    trained_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "assets_dir", lambda: trained_home)
    step = next_step()
    assert (step.kind, step.about, step.command) == ("see the demo", {"dataset": "hips"}, ["compare", "hips"])
    make_phantom("mine", 4, 1, 32).save()
    assert next_step().kind == "make noise"


def test_an_active_run_is_linked_by_name(trained_run: RunDirectory) -> None:
    trained_run.update_status(state="running")
    assert next_step([trained_run]).about == {"run": "tiny"}


def test_the_headline_is_the_runs_own_evaluation(trained_run: RunDirectory, open_page: OpenPage) -> None:
    assert guide.headline([trained_run]) is None
    result = evaluate_run(trained_run, device="cpu")
    comparison = guide.headline([trained_run])
    assert comparison is not None
    # one epoch is too little: the run predicts nothing, and that is said beside the figure
    assert robustness(comparison) == [{"Method": "LVC-Net", "Clean": f"{result['iou']:.3f} †"}]
    page = open_page("overview")
    assert any("nothing can be said about LVC-Net" in caption.value for caption in page.caption)
    assert f"{result['iou']:.3f}" in page.table[0].value.to_string()


def test_the_mechanism_is_shown_as_a_run_sees_it_that_did_not_collapse(trained_run: RunDirectory) -> None:
    assert guide.mechanism_pictures([trained_run]) is None  # one epoch is too little: it predicts nothing
    drawn = guide.mechanism_pictures([trained_run, *list_runs()])  # as if it were the newest
    assert drawn is not None
    name, pictures = drawn
    shown = find_run(name)
    assert is_demo(shown)
    assert not summarise(shown).collapsed
    assert len(pictures) == len(guide.MECHANISM) == 4
    assert {picture.shape for picture in pictures} == {(384, 384, 3)}
    copy = RunDirectory(trained_run.path.with_name("copy"))
    shutil.copytree(shown.path, copy.path)
    assert guide.mechanism_pictures([copy]) is not None
    (last := copy.snapshots / sorted(path.name for path in copy.snapshots.iterdir())[-1]).write_bytes(b"PK")
    with pytest.raises(DamagedError, match=last.name):
        read_snapshot(copy.snapshots, snapshot_epochs(copy.snapshots)[-1])
    assert guide.mechanism_pictures([copy]) is None
    copy.update_status(state="running")
    assert guide.mechanism_pictures([copy]) is None
