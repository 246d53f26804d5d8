"""A run trained again: nothing differs on the same CPU, and whatever does is named."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from lvcnet import cli
from lvcnet.data.dataset import Dataset
from lvcnet.evaluation.protocol import evaluate_run
from lvcnet.files import read_json, write_json
from lvcnet.jobs.reproduce import differences, environment_changes, reproduce
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import find_run
from lvcnet.training.environment import recorded
from lvcnet.training.run import create_run, train
from tests.jobs.helpers import make_dataset
from tests.tiny import tiny_config


@pytest.fixture
def run() -> RunDirectory:
    """Two epochs of LVC-Net plus with augmentation on noisy labels, evaluated."""
    make_dataset()
    config = tiny_config(
        "discs", labels="level3", method="lvcnet-plus", epochs=2, batch_size=2, snapshot_images=1
    )
    made = create_run(config, "a")
    assert train(made) == "done"
    evaluate_run(made, device="cpu")
    return made


def call(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["lvcnet", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code or 0, *capsys.readouterr()


def test_a_run_records_on_what_it_was_trained_and_from_what(run: RunDirectory) -> None:
    (noted,) = recorded(run)
    assert noted["torch"] == torch.__version__.partition("+")[0] or noted["torch"] == torch.__version__
    assert noted["numpy"] == np.__version__
    assert noted["threads"] == torch.get_num_threads()
    assert {"python", "system", "cpu", "cpu_instructions", "gpu", "commit", "deterministic"} <= noted.keys()
    assert len(run.config()["data"]["labels_digest"]) == len(run.config()["data"]["fingerprint"]) == 12
    assert environment_changes(run) == {}


def test_on_the_same_cpu_nothing_differs(run: RunDirectory, monkeypatch, capsys) -> None:
    status, out, err = call(monkeypatch, capsys, "reproduce", "a")
    assert status == 0, out
    assert "same data and environment as when a was trained" in err
    assert out.splitlines() == [
        "Environment: equal",
        "Data: equal",
        "Settings: equal",
        "Curves: equal",
        "Weights: equal to the bit",
        "Evaluation: equal",
        "a-again reproduces a bit for bit.",
    ]
    again = find_run("a-again")
    first, second = (load_file(one.checkpoints / "last.safetensors") for one in (run, again))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_what_differs_is_named(run: RunDirectory, monkeypatch, capsys) -> None:
    assert call(monkeypatch, capsys, "reproduce", "a", "--name", "b")[0] == 0
    other = find_run("b")
    weights = load_file(other.checkpoints / "last.safetensors")
    name = next(name for name, value in weights.items() if value.is_floating_point() and value.numel() > 1)
    weights[name] = weights[name].clone()
    weights[name].view(-1)[0] += 0.25
    save_file(weights, other.checkpoints / "last.safetensors")
    rows = [json.loads(line) for line in (other.path / "metrics.jsonl").read_text().splitlines()]
    rows[1]["loss"] += 1.0
    (other.path / "metrics.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    evaluation = other.evaluation()
    assert evaluation is not None
    other.write_evaluation({**evaluation, "iou": 0.125})
    write_json(other.path / "environment.json", [{**recorded(other)[0], "cpu": "another one"}])
    config = other.config()
    write_json(other.path / "config.json", {**config, "ema": 0.5})
    found = differences(run, other)
    assert not found.equal
    assert found.environment is not None
    assert found.environment["cpu"][1] == "another one"
    assert found.config == {"ema": (0.99, 0.5)}
    assert found.curves is not None
    assert (found.curves.epoch, list(found.curves.columns)) == (2, ["loss"])
    assert found.weights == pytest.approx(0.25)
    assert found.evaluation is not None
    assert found.evaluation["iou"][1] == 0.125
    status, out, _ = call(monkeypatch, capsys, "reproduce", "a", "--with", "b", "--json")
    said = json.loads(out)
    assert (status, said["equal"], said["curves"]["epoch"]) == (1, False, 2)
    status, out, _ = call(monkeypatch, capsys, "reproduce", "a", "--with", "b")
    assert status == 1
    assert "Curves: differ from epoch 2 on: loss" in out
    assert "Weights: differ by at most 0.25" in out
    assert out.endswith("b does not reproduce a.\n")


def test_data_that_changed_are_said_before_anything_is_trained(
    run: RunDirectory, workspace_home: Path, monkeypatch, capsys
) -> None:
    dataset = Dataset.load("discs")
    labels = dataset.labels("level3")
    dataset.add_labels(replace(labels, masks=np.roll(labels.masks, 1, axis=-1)))  # same name, same manifest
    status, out, err = call(monkeypatch, capsys, "reproduce", "a")
    assert (status, out) == (2, "")
    assert "label set 'level3' of data set 'discs' was made again since run 'a' was trained" in err
    dataset.add_labels(labels)
    clean = dataset.labels("clean")
    dataset.add_labels(replace(clean, masks=~clean.masks))
    assert "changed since run 'a' was trained" in call(monkeypatch, capsys, "reproduce", "a")[2]
    (workspace_home / "datasets" / "discs").rename(workspace_home / "gone")
    assert "there is no data set 'discs'" in call(monkeypatch, capsys, "reproduce", "a")[2]
    assert [path.name for path in (workspace_home / "runs").glob("[!.]*")] == ["a"]


def test_only_a_run_that_is_done_is_reproduced_and_unknown_is_not_equal(
    run: RunDirectory, monkeypatch, capsys
) -> None:
    (run.path / "environment.json").write_text("torn")
    assert environment_changes(run) is None
    (run.checkpoints / "last.safetensors").unlink()
    found = differences(run, run)
    assert (found.weights, found.environment, found.equal) == (None, None, False)
    run.update_status(state="cancelled")
    assert "only a run that is done can be reproduced" in call(monkeypatch, capsys, "reproduce", "a")[2]


def test_the_same_environment_is_noted_once(run: RunDirectory) -> None:
    run.update_status(state="interrupted")
    assert train(run, resume=True) == "done"
    assert len(read_json(run.path / "environment.json")) == 1


def test_a_reproduction_can_be_cancelled_resumed_and_then_compared(
    run: RunDirectory, monkeypatch, capsys
) -> None:
    def cancel(done: int, total: int) -> None:
        if done == 3:
            find_run("a-again").request_cancel()

    again, state = reproduce(run, report=cancel)
    assert (again.name, state) == ("a-again", "cancelled")
    assert call(monkeypatch, capsys, "resume", "a-again")[0] == 0
    evaluate_run(again, device="cpu")
    assert call(monkeypatch, capsys, "reproduce", "a", "--with", "a-again")[0] == 0
