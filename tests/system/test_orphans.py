"""What killed processes left, anywhere in the workspace: swept, and nothing else."""

import os
import time
from pathlib import Path

import kills
import torch
from crash import killed_at

from lvcnet.folders import FORGOTTEN_SECONDS
from lvcnet.orphans import sweep_workspace, workspace_orphans
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import list_runs, new_run
from lvcnet.training.run import create_run, train

CONFIG = {"dataset": "hips", "labels": "clean", "method": "unet"}
TOKEN = "0123456789abcdef" * 2


def left(path: Path, seconds: float = 2 * FORGOTTEN_SECONDS) -> Path:
    """A file that was written a while ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half")
    then = time.time() - seconds
    for one in (path, path.parent):
        os.utime(one, (then, then))
    return path


def test_what_nobody_writes_any_more_is_found_everywhere_and_swept(workspace_home: Path) -> None:
    run = new_run("a", CONFIG)
    places = ("queue", "datasets/b/labels", "runs/a", "runs/a/checkpoints", "corrections/c/changes")
    old = {left(workspace_home / place / f".x.json.{TOKEN}") for place in places}
    young = left(workspace_home / "queue" / f".y.json.{TOKEN}", seconds=1)
    old.add(left(workspace_home / "runs" / "never" / "status.json").parent)
    assert set(workspace_orphans()) == old
    assert set(sweep_workspace()) == old
    assert not any(path.exists() for path in old)
    assert young.exists()
    assert run.config()["dataset"] == "hips"


def test_a_run_killed_while_it_is_made_does_not_keep_its_name(workspace_home: Path) -> None:
    change = 0
    while killed_at(lambda: new_run("a", CONFIG), workspace_home, change := change + 1):
        assert {run.name for run in list_runs(demo=False)} <= {"a"}
        if not (workspace_home / "runs" / "a").exists():
            assert new_run("a", CONFIG).name == "a"
        assert RunDirectory(workspace_home / "runs" / "a").config()["dataset"] == "hips"
        for path in (workspace_home / "runs" / "a").iterdir():
            path.unlink()
        (workspace_home / "runs" / "a").rmdir()
    assert change > 5


def test_names_that_a_former_version_left_without_a_run_are_free_again(workspace_home: Path) -> None:
    left(workspace_home / "runs" / "a" / "status.json")
    left(workspace_home / "runs" / "b" / "log.txt")  # of a run that lost its config.json: not ours to remove
    assert [new_run(name, CONFIG).name for name in ("a", "b")] == ["a", "b-2"]


def test_the_next_trainer_sweeps_what_the_killed_one_left(workspace_home: Path) -> None:
    torch.set_num_threads(1)
    kills.prepare(workspace_home)
    run = create_run(kills.config_of("unet", 1))
    temporary = left(run.checkpoints / f".last.safetensors.{TOKEN}", seconds=0)
    assert train(run) == "done"
    assert not temporary.exists()
