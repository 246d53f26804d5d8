import json

import numpy as np
import pytest

from lvcnet import jobs
from lvcnet.data.dataset import Dataset, LabelSet
from lvcnet.errors import LvcnetError
from lvcnet.files import digest, read_json, write_json
from lvcnet.jobs import launch
from lvcnet.jobs.foreground import progress, queue_sweep, run_sweep
from lvcnet.jobs.sweep import NOT_IN_DIGEST, plan_sweep
from lvcnet.runs.directory import RunDirectory
from lvcnet.training.config import build_config
from lvcnet.training.plan import start_settings
from lvcnet.training.run import create_run
from tests.evaluations import noise_manifest
from tests.jobs.helpers import make_dataset

TINY = {"width": 4, "depth": 2, "epochs": 2}
pytestmark = pytest.mark.usefixtures("fake_trainer", "no_worker")


@pytest.fixture(autouse=True)
def discs() -> Dataset:
    return make_dataset()


def plan(*, methods=("fcn", "unet"), levels=("clean", "3"), seeds=(0,), settings=TINY, retry_failed=False):
    return plan_sweep("discs", list(methods), list(levels), list(seeds), settings, retry_failed)


def test_names_follow_from_what_the_runs_do():
    default = [cell.name for cell in plan(settings=start_settings("auto", "discs", "clean"))]
    assert default == [
        "discs-fcn-clean-s0",
        "discs-unet-clean-s0",
        "discs-fcn-level3-s0",
        "discs-unet-level3-s0",
    ]
    tiny = [cell.name for cell in plan()]
    assert tiny == [cell.name for cell in plan(settings={**TINY, "device": "cpu", "threads": 1})]
    assert len({name.removeprefix(short) for name, short in zip(tiny, default, strict=True)}) == 1
    assert not {*tiny} & {cell.name for cell in plan(settings={**TINY, "epochs": 3})}


def test_a_run_of_before_there_were_steps_and_losses_is_found_by_its_name():
    """What its name was made of then: the settings of then."""
    (cell,) = plan(methods=("unet",), levels=("3",))
    younger = {"steps", "epoch_steps", "loss", "jitter"}
    then = cell.config.model_dump(exclude={*NOT_IN_DIGEST, *younger})
    assert cell.name.endswith(digest([json.dumps(then, sort_keys=True).encode()])[:6])
    (other,) = plan(methods=("unet",), levels=("3",), settings={**TINY, "loss": "ce+dice"})
    assert other.name != cell.name


def test_a_cell_named_twice_is_one_run():
    assert len(plan(methods=("unet", "unet"), levels=("3", "level3"))) == 1


def test_a_number_is_a_noise_level_and_no_name(discs: Dataset):
    old = discs.labels("level3")
    discs.add_labels(LabelSet("level2", old.masks, old.covered, {"kind": "import", "file": "second.json"}))
    with pytest.raises(LvcnetError, match="'level2' of data set 'discs' is not noise level 2: give its name"):
        plan(levels=("2", "3"))
    assert [cell.config.labels for cell in plan(methods=("unet",), levels=("level2", "3"))] == [
        "level2",
        "level3",
    ]


def test_run_made_by_train_with_the_same_settings_is_found_but_not_one_with_others():
    same = create_run(build_config(TINY, {"dataset": "discs", "method": "unet"}))
    other = create_run(build_config({**TINY, "width": 8}, {"dataset": "discs", "method": "fcn"}))
    fcn, unet = plan(levels=("clean",))
    assert (unet.name, unet.action) == (same.name, "leave")
    assert fcn.action == "train"
    assert fcn.name != other.name


@pytest.mark.parametrize(
    ("state", "action", "action_with_retry"),
    [
        ("done", "skip", "skip"),
        ("failed", "skip", "resume"),
        ("cancelled", "resume", "resume"),
        ("interrupted", "resume", "resume"),
        ("queued", "leave", "leave"),
        ("running", "leave", "leave"),
    ],
)
def test_what_is_left_to_do(state: str, action: str, action_with_retry: str):
    (cell,) = plan(methods=("unet",), levels=("3",))
    assert (cell.state, cell.action) == (None, "train")
    cell.prepare().update_status(state=state)
    (cell,) = plan(methods=("unet",), levels=("3",))
    assert (cell.state, cell.action) == (state, action)
    (cell,) = plan(methods=("unet",), levels=("3",), retry_failed=True)
    assert cell.action == action_with_retry


def test_all_unknown_names_are_reported_at_once_and_nothing_is_created():
    with pytest.raises(LvcnetError, match=r"method 'vnet'.*label set 'level9'.*lvcnet noise discs"):
        plan(methods=("unet", "vnet"), levels=("3", "9"))
    with pytest.raises(LvcnetError, match="has no options"):
        plan(settings={**TINY, "options": {"warps": 2}})


def test_runs_on_labels_that_changed_since_are_not_counted_as_done(discs: Dataset):
    (cell,) = plan(methods=("unet",), levels=("3",))
    cell.prepare().update_status(state="done")
    old = discs.labels("level3")
    discs.add_labels(
        LabelSet(
            "level3", old.masks, old.covered, noise_manifest(3, note="the same masks are the same labels")
        )
    )
    assert plan(methods=("unet",), levels=("3",))[0].action == "skip"
    moved = np.roll(old.masks, 1, axis=-1)
    discs.add_labels(LabelSet("level3", moved, old.covered, old.manifest))  # also under the same manifest
    with pytest.raises(LvcnetError, match=rf"changed since {cell.name} was made"):
        plan(methods=("unet",), levels=("3",))


def test_sweep_trains_all_and_the_next_one_nothing(workspace_home):
    reports = []
    assert run_sweep(plan(), workers=2, evaluate=False, report=reports.append) == {}
    assert {cell.run.status()["state"] for cell in plan()} == {"done"}
    assert {cell.action for cell in plan()} == {"skip"}
    assert reports[0].runs == 4
    assert progress(plan(), 2).epochs_done == 8
    assert run_sweep(plan(), workers=2, evaluate=False) == {}


def test_one_failed_run_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch):
    bad, good = plan(methods=("unet",))
    bad.run.create({**bad.config.model_dump(), "data": {}, "options": {"behaviour": "crash"}})
    bad.run.update_status(state="interrupted")
    problems = run_sweep(
        [type(bad)(bad.name, bad.config, "interrupted", "resume"), good], workers=1, evaluate=False
    )
    assert list(problems) == [bad.name]
    assert "no such device" in problems[bad.name]
    assert good.run.status()["state"] == "done"


def test_time_left_counts_each_methods_own_epochs():
    fcn, unet, _, _ = cells = plan(levels=("clean", "3"), settings={**TINY, "epochs": 10})
    assert progress(cells, 1).seconds_left is None
    fcn.prepare().update_status(state="done", epoch=10, seconds_per_epoch=1.0)
    assert progress(cells, 1).seconds_left == pytest.approx(10 + 10 + 10)
    unet.prepare().update_status(state="running", epoch=4, seconds_per_epoch=3.0)
    now = progress(cells, 1)
    assert now.seconds_left == pytest.approx(6 * 3 + 10 * 1 + 10 * 3)
    assert (now.runs_done, now.runs, now.epochs_done, now.epochs) == (1, 4, 14, 40)
    assert now.running == [unet.name]
    assert progress(cells, 2).seconds_left == pytest.approx(30), "not sooner than the longest run"
    unet.run.update_status(epoch=9)
    assert progress(cells * 3, 2).seconds_left == pytest.approx(3 * (3 + 10 + 30) / 2)


def test_queue_takes_what_is_left(monkeypatch: pytest.MonkeyPatch):
    first, second = plan(methods=("unet",))
    first.prepare().update_status(state="cancelled", pid=1)
    assert queue_sweep(plan(methods=("unet",))) == [first.name, second.name]
    assert [jobs.position(cell.run) for cell in (first, second)] == [1, 2]
    assert queue_sweep(plan(methods=("unet",))) == []


@pytest.mark.parametrize("stop", [KeyboardInterrupt, LvcnetError])
def test_ctrl_c_and_a_report_that_wants_no_more_stop_the_trainers_and_leave_resumable_runs(
    stop: type[BaseException],
):
    cells = plan(settings={**TINY, "epochs": 100_000, "batch_size": 2})
    calls = []

    def interrupt_when_running(now) -> None:
        calls.append(now)
        if len(now.running) == 2:
            raise stop

    with pytest.raises(stop):
        run_sweep(cells, workers=2, evaluate=False, report=interrupt_when_running)
    states = [cell.run.status()["state"] if cell.run.exists() else None for cell in cells]
    assert states == ["interrupted", "interrupted", None, None]
    assert not any(RunDirectory(cell.run.path).trainer_alive() for cell in cells[:2])
    assert launch.start_trainer(cells[0].run, 1) is None


def test_networks_are_runs_of_their_own_and_runs_of_before_there_was_a_choice_are_found_again():
    (usual,) = plan(methods=("unet",), levels=("3",))
    (segnet,) = plan(methods=("unet",), levels=("3",), settings={**TINY, "network": "segnet"})
    assert segnet.name == usual.name.replace("discs-unet", "discs-unet-segnet")
    run = usual.prepare()
    run.update_status(state="done")
    stored = read_json(run.path / "config.json")
    del stored["network"]
    write_json(run.path / "config.json", stored)
    assert [cell.action for cell in plan(methods=("unet",), levels=("3",))] == ["skip"]
    assert plan(methods=("unet",), levels=("3",), settings={**TINY, "network": "segnet"})[0].action == "train"
    with pytest.raises(LvcnetError, match="method 'fcn' trains a network of its own"):
        plan(settings={**TINY, "network": "segnet"})
