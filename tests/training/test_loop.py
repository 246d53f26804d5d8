"""The loop: what it leaves behind, and that a resumed run equals an uninterrupted one."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file

from lvcnet.errors import LvcnetError
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.snapshots import read_snapshot, snapshot_epochs
from lvcnet.training import checkpoint
from lvcnet.training.run import create_run, train


def _same(first: RunDirectory, second: RunDirectory, name: str) -> None:
    a, b = (load_file(run.checkpoints / name) for run in (first, second))
    assert a.keys() == b.keys()
    for key, value in a.items():
        assert torch.equal(value, b[key]), key


def _without_times(rows):
    changing = ("seconds", "images_per_second", "memory_mb")
    return [{key: value for key, value in row.items() if key not in changing} for row in rows]


def test_a_run_leaves_everything_the_run_directory_promises(squares, tiny):
    run = create_run(tiny)
    assert run.name == "squares-lvcnet-level3-s0"
    assert run.status()["state"] == "queued"
    reported = []
    assert train(run, report=lambda done, total: reported.append((done, total))) == "done"
    status = run.status()
    assert (status["state"], status["epoch"], status["epochs"], status["device"]) == ("done", 3, 3, "cpu")
    assert run.config()["data"]["fingerprint"] == squares.fingerprint()
    assert [row["epoch"] for row in run.metrics()] == [1, 2, 3]
    assert {"loss", "label", "validation_iou", "test_iou", "seconds"} <= run.metrics()[-1].keys()
    (column,) = set(run.metrics()[-1]) & {f"validation_iou/{name}" for name in squares.categories}
    assert run.metrics()[-1][column] == run.metrics()[-1]["validation_iou"]  # the held-out image shows it
    assert sorted(path.name for path in run.checkpoints.iterdir()) == [
        "best.json", "best.safetensors", "last.json", "last.safetensors", "last.state.safetensors",
    ]  # fmt: skip
    assert snapshot_epochs(run.snapshots) == [0, 2, 3]
    assert reported[-1] == (9, 9)  # 12 training images, one held out: three steps of three
    assert "done" in run.log_tail()


def test_best_is_the_epoch_with_the_highest_score_on_held_out_noisy_labels(squares, tiny):
    run = create_run(tiny.model_copy(update={"epochs": 6, "validation": 0.3}))
    train(run)
    scores = [row["validation_iou"] for row in run.metrics()]
    best = checkpoint.read_json(run.checkpoints / "best.json")
    assert best["validation_iou"] == max(scores)
    assert best["epoch"] == scores.index(max(scores)) + 1


def test_without_held_out_images_best_is_last(squares, tiny):
    run = create_run(tiny.model_copy(update={"validation": 0.0}))
    train(run)
    _same(run, run, "best.safetensors")
    assert checkpoint.read_json(run.checkpoints / "best.json")["epoch"] == 3
    assert run.metrics()[-1]["validation_iou"] is None


def test_the_same_seed_gives_the_same_weights_and_another_seed_does_not(squares, tiny):
    first, second, other = (create_run(tiny.model_copy(update={"seed": seed})) for seed in (0, 0, 1))
    for run in (first, second, other):
        train(run)
    _same(first, second, "last.safetensors")
    assert second.name == "squares-lvcnet-level3-s0-2"
    a, b = (load_file(run.checkpoints / "last.safetensors") for run in (first, other))
    assert any(not torch.equal(a[key], b[key]) for key in a)


class _CancelAt:
    """Asks a run to stop after a number of steps, as the lab would."""

    def __init__(self, run: RunDirectory, step: int) -> None:
        self.run, self.step = run, step

    def __call__(self, done: int, total: int) -> None:
        if done == self.step:
            self.run.request_cancel()


@pytest.mark.parametrize("stop", [2, 3, 7])
@pytest.mark.parametrize("method", ["unet", "lvcnet"])
def test_a_cancelled_and_resumed_run_equals_an_uninterrupted_one(squares, tiny, method, stop):
    """In the middle of an epoch, at its end, and in a later one: equal to the last bit."""
    config = tiny.model_copy(update={"method": method})
    whole, parts = create_run(config), create_run(config)
    train(whole)
    assert train(parts, report=_CancelAt(parts, stop)) == "cancelled"
    assert parts.status()["state"] == "cancelled"
    parts.clear_cancel()
    assert train(parts, resume=True) == "done"
    _same(whole, parts, "last.safetensors")
    _same(whole, parts, "last.state.safetensors")
    assert _without_times(whole.metrics()) == _without_times(parts.metrics())


def _in_steps(tiny, steps, epoch):
    """The same training with a length in steps; a pass over the images is three of them."""
    return tiny.model_copy(update={"epochs": None, "steps": steps, "epoch_steps": epoch})


@pytest.mark.parametrize("method", ["lvcnet", "lvcnet-plus"])
@pytest.mark.parametrize("epoch", [2, 4, 9, 50])
def test_a_length_in_steps_learns_what_as_many_epochs_do(squares, tiny, epoch, method):
    """Nine steps are three passes, however often they are interrupted by a check; only the checks are elsewhere."""
    tiny = tiny.model_copy(update={"method": method})
    passes, steps = create_run(tiny), create_run(_in_steps(tiny, 9, epoch))
    train(passes)
    train(steps)
    _same(passes, steps, "last.safetensors")
    assert [row["step"] for row in steps.metrics()] == [*range(epoch, 9, epoch), 9]
    assert steps.status()["epoch"] == steps.status()["epochs"] == len(steps.metrics())
    assert (steps.status()["step"], steps.status()["steps"]) == (9, 9)


@pytest.mark.parametrize(
    "method", ["lvcnet", "lvcnet-plus"]
)  # LVC-Net plus repairs its labels before the third step
@pytest.mark.parametrize("stop", [1, 2, 3, 4, 6, 8])
def test_a_run_in_steps_is_resumed_to_the_same_weights(squares, tiny, stop, method):
    """Within an epoch and at its end, before and behind the end of a pass, in the last and shorter epoch."""
    config = _in_steps(tiny, 8, 4).model_copy(update={"method": method})
    whole, parts = create_run(config), create_run(config)
    train(whole)
    assert train(parts, report=_CancelAt(parts, stop)) == "cancelled"
    parts.clear_cancel()
    assert train(parts, resume=True) == "done"
    _same(whole, parts, "last.state.safetensors")
    assert _without_times(whole.metrics()) == _without_times(parts.metrics())


def test_a_step_of_few_images_is_no_check(squares, tiny):
    """A pass of one step: 60 of them are two epochs, not 60 checks and checkpoints."""
    config = _in_steps(tiny, 60, 50).model_copy(update={"method": "unet", "batch_size": 11})
    run = create_run(config)
    train(run)
    assert [row["step"] for row in run.metrics()] == [50, 60]
    assert snapshot_epochs(run.snapshots) == [0, 2]


def test_resuming_a_run_without_a_saved_state_starts_it(squares, tiny):
    run = create_run(tiny)
    assert train(run, resume=True) == "done"
    assert len(run.metrics()) == 3


def test_ctrl_c_saves_the_state_and_leaves_a_resumable_run(squares, tiny):
    run = create_run(tiny.model_copy(update={"epochs": 2000}))
    command = [sys.executable, "-m", "lvcnet.training", str(run.path)]
    process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 120
    while run.status()["epoch"] < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    status = run.status()
    assert status["state"] == "interrupted"
    assert (run.checkpoints / "last.state.safetensors").exists()


def test_a_broken_training_is_marked_failed_with_its_reason(squares, tiny, monkeypatch):
    run = create_run(tiny.model_copy(update={"learning_rate": 1e6}))
    with pytest.raises(FloatingPointError, match="lower the learning rate"):
        train(run)
    status = run.status()
    assert status["state"] == "failed"
    assert "lower the learning rate" in status["error"]
    assert "Traceback" in run.log_tail()


def test_a_run_whose_data_changed_is_refused(squares, tiny, workspace_home):
    run = create_run(tiny)
    path = workspace_home / "datasets" / "squares" / "images.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(LvcnetError, match="its pixels are not those that were saved"):
        train(run)
    head = path.with_name("dataset.json")
    head.write_text(head.read_text().replace('"images_crc32"', '"unknown"'))  # as if it were made anew
    with pytest.raises(LvcnetError, match="changed since"):
        train(run)


def test_unknown_names_are_refused_before_a_run_exists(squares, tiny, workspace_home):
    for change, message in (
        ({"dataset": "rectangles"}, "no data set 'rectangles'"),
        ({"labels": "level9"}, "no label set 'level9'"),
        ({"method": "vnet"}, "choose one of"),
        ({"options": {"warp": 1}}, "options.warp"),
    ):
        with pytest.raises(LvcnetError, match=message):
            create_run(tiny.model_copy(update=change))
    assert not list((workspace_home / "runs").glob("*"))


@pytest.mark.parametrize("method", ["unet", "lvcnet-plus"])
def test_steps_of_one_image_need_more_than_a_pixel_in_the_coarsest_stage(squares, tiny, method):
    one = tiny.model_copy(update={"method": method, "batch_size": 1, "depth": 5, "epochs": 1})
    with pytest.raises(LvcnetError, match="32x32 are a single pixel in the coarsest stage of depth 5"):
        create_run(one)
    assert train(create_run(one.model_copy(update={"depth": 4}))) == "done"
    assert train(create_run(one.model_copy(update={"batch_size": 2}), "two")) == "done"


def test_snapshots_show_training_and_test_images_with_their_labels(squares, tiny):
    run = create_run(tiny)
    train(run)
    shot = read_snapshot(run.snapshots, 3)
    assert shot.keys == ["image-00", "image-01", "image-12"]
    assert shot.splits == ["train", "train", "test"]
    assert shot.covered.tolist() == [True, True, False]
    assert (shot.clean[0] == squares.labels("clean").masks[0]).all()
    assert (shot.labels[1] == squares.labels("level3").masks[1]).all()
    exact = checkpoint.load_method(run, "last", "cpu").predict(
        torch.from_numpy(shot.images).unsqueeze(1).float() / 255
    )
    assert abs(exact.prediction.numpy() - shot.prediction).max() <= 0.5 / 255 + 1e-6
    assert abs(exact.named["offsets"].numpy() - shot.maps["offsets"]).max() <= 1 / 16 + 1e-6
