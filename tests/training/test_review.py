"""What a first-time user ran into: settings of the wrong kind, runs that cannot start, early Ctrl-C and cancel."""

import json
import os
import signal
from functools import partial

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from lvcnet.data.dataset import LabelSet
from lvcnet.errors import LvcnetError
from lvcnet.training import checkpoint, loop
from lvcnet.training.config import build_config, parse_settings, read_yaml
from lvcnet.training.run import create_run, train


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"width: [1\n", "not valid YAML: line 2: expected"),
        (b"\xff\xfe\x00", "not valid YAML"),
    ],
)
def test_files_that_are_no_yaml_are_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "settings.yaml"
    path.write_bytes(content)
    with pytest.raises(LvcnetError, match=message) as error:
        read_yaml(path)
    assert "\n" not in str(error.value)


def test_a_folder_is_no_configuration_file(tmp_path):
    with pytest.raises(LvcnetError, match="cannot be read"):
        read_yaml(tmp_path)


def test_names_that_yaml_reads_as_numbers_are_unknown_settings(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("1: 2\n")
    with pytest.raises(LvcnetError, match="1: Extra inputs"):
        build_config(read_yaml(path), {"dataset": "hips"})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["width=8", "width.warps=2"], "value of its own"),
        (["options=3", "options.warps=2"], "value of its own"),
        (["options=3"], "write e.g. options.warps=2"),
        (["options.warps=[1"], "not valid YAML"),
        (["learning_rate=.inf"], "finite"),
    ],
)
def test_settings_of_the_wrong_kind_are_refused(settings, message):
    with pytest.raises(LvcnetError, match=message):
        build_config(parse_settings(settings), {"dataset": "hips"})


def test_allowed_settings_are_listed_only_where_one_is_unknown():
    with pytest.raises(LvcnetError) as error:
        build_config({"dataset": "hips", "width": 1})
    assert "settings:" not in str(error.value)


def test_a_run_that_could_not_start_is_not_made(squares, tiny, workspace_home):
    squares.add_labels(LabelSet("test-only", squares.labels("clean").masks, np.arange(16) >= 12))
    for change, message in (
        ({"device": "cuda:99"}, "not available"),
        ({"depth": 6}, "do not fit a network with stride 64"),
        ({"labels": "test-only"}, "covers no training image"),
    ):
        with pytest.raises(LvcnetError, match=message):
            create_run(tiny.model_copy(update=change))
    assert not list((workspace_home / "runs").glob("*"))


def test_ctrl_c_before_the_first_step_leaves_a_resumable_run(squares, tiny, monkeypatch):
    """While data are read and the first snapshot is taken."""
    whole, parts = create_run(tiny), create_run(tiny)
    train(whole)
    read = loop.Feed

    def pressed(*arguments):
        os.kill(os.getpid(), signal.SIGINT)
        return read(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "Feed", pressed)
        assert train(parts) == "interrupted"
    assert parts.status()["state"] == "interrupted"
    assert train(parts, resume=True) == "done"
    for name in ("last.safetensors", "last.state.safetensors"):
        assert (parts.checkpoints / name).read_bytes() == (whole.checkpoints / name).read_bytes()


def test_equal_trainings_write_equal_files(squares, tiny):
    """The header of a safetensors file has no order of its own; ten files would not agree by chance."""
    run = create_run(tiny.model_copy(update={"epochs": 1}))
    train(run)
    method = checkpoint.load_method(run, "last", "cpu")
    written = set()
    for _ in range(10):
        checkpoint.save_state(run.checkpoints, method, 1, best=0.5)
        written.add((run.checkpoints / "last.state.safetensors").read_bytes())
    assert len(written) == 1


def test_a_cancel_that_arrives_before_the_trainer_is_obeyed(squares, tiny):
    run = create_run(tiny)
    run.request_cancel()
    assert train(run) == "cancelled"
    assert run.status()["epoch"] == 0
    run.clear_cancel()
    assert train(run, resume=True) == "done"


def test_a_diverged_training_is_the_users_to_mend(squares, tiny):
    run = create_run(tiny.model_copy(update={"learning_rate": 1e6}))
    with pytest.raises(LvcnetError):
        train(run)
    assert run.status()["error"].startswith("loss")


@pytest.mark.parametrize("name", ["last.safetensors", "last.state.safetensors"])
def test_weights_of_another_network_are_refused_in_one_line(squares, tiny, name):
    run = create_run(tiny.model_copy(update={"epochs": 1}))
    train(run)
    path = run.checkpoints / name
    tensors = load_file(path)
    metadata = None
    if "state" in name:
        with path.open("rb") as stream:
            header = stream.read(int.from_bytes(stream.read(8), "little"))
        meta = json.loads(json.loads(header)["__metadata__"]["meta"])
        metadata = {"meta": json.dumps({name: value for name, value in meta.items() if name != "crc32"})}
    tensors.pop(
        next(key for key in sorted(tensors) if key.endswith("head.weight") and "optimizer" not in key)
    )
    save_file(tensors, path, metadata)
    use = (
        partial(train, run, resume=True) if metadata else partial(checkpoint.load_method, run, "last", "cpu")
    )
    with pytest.raises(LvcnetError, match="another version") as error:
        use()
    assert "\n" not in str(error.value)
