"""`lvcnet doctor`: names what is wrong, mends what is safe, and leaves the rest alone."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lvcnet.data.phantom.make import make_phantom
from lvcnet.runs.store import find_run, new_run

Run = Callable[..., tuple[int, str, str]]
CONFIG = {"dataset": "small", "labels": "clean", "method": "unet"}


@pytest.fixture
def ill(workspace_home: Path) -> Path:
    """A workspace with one of each: damaged data, a run without its trainer, a leftover, a file from the future."""
    make_phantom("small", 3, 1, 32).save()
    new_run("dead", CONFIG).update_status(state="running", pid=2**22 + 1, pid_create_time=1.0)
    make_phantom("torn", 3, 1, 32).save()
    (workspace_home / "datasets" / "torn" / "images.npy").write_bytes(b"\x93NUMPY")
    leftover = workspace_home / "runs" / "dead" / f".status.json.{'0' * 32}"
    leftover.write_bytes(b"half")
    os.utime(leftover, (1.0, 1.0))
    late = workspace_home / "late.txt"
    late.touch()
    os.utime(late, (time.time() + 86_400,) * 2)
    return workspace_home


def states(out: str) -> set[tuple[str, str]]:
    return {(one["area"], one["state"]) for one in json.loads(out)["findings"] if one["state"] != "ok"}


def test_everything_wrong_is_named_and_the_safe_part_is_mended(lvcnet: Run, ill: Path) -> None:
    status, out, _ = lvcnet("doctor", "--json")
    assert status == 1
    wrong = {("contents", "problem"), ("queue", "problem"), ("leftovers", "warning"), ("clock", "warning")}
    assert wrong <= states(out)
    texts = " ".join(one["what"] for one in json.loads(out)["findings"])
    assert "data set torn" in texts
    assert "run dead is active, and nobody trains it" in texts
    (torn,) = [one for one in json.loads(out)["findings"] if one["area"] == "contents"]
    assert torn["what"].endswith(")")
    assert torn["do"].startswith("put back a copy of it, or delete the data set")
    before = (ill / "datasets" / "torn" / "images.npy").read_bytes()
    status, out, _ = lvcnet("doctor", "--mend", "--yes", "--json")
    assert status == 1  # torn data are for their owner to put back
    assert len(json.loads(out)["mended"]) == 2
    assert not {("queue", "problem"), ("leftovers", "warning")} & states(out)
    assert find_run("dead").status()["state"] == "interrupted"
    assert (ill / "datasets" / "torn" / "images.npy").read_bytes() == before


def test_a_damaged_line_of_a_learning_curve_is_a_warning(lvcnet: Run, workspace_home: Path) -> None:
    run = new_run("torn", CONFIG)
    for epoch in (1, 2, 3):
        run.append_metrics({"epoch": epoch, "loss": 0.5})
    path = run.path / "metrics.jsonl"
    path.write_text(path.read_text().replace('"epoch": 2', '"epoch: 2'))
    (found,) = [one for one in json.loads(lvcnet("doctor", "--json")[1])["findings"] if "torn" in one["what"]]
    assert found["state"] == "warning"
    assert "run torn: metrics.jsonl has no readable line of epoch 2" in found["what"]


def test_a_damaged_queue_is_a_problem(lvcnet: Run, workspace_home: Path) -> None:
    (workspace_home / "queue").mkdir(parents=True)
    (workspace_home / "queue" / "queue.db").write_bytes(b"no database at all" * 100)
    status, out, _ = lvcnet("doctor")
    assert status == 1
    assert "is damaged" in " ".join(out.split())


def test_without_a_yes_a_script_changes_nothing(lvcnet: Run, ill: Path) -> None:
    assert lvcnet("doctor", "--mend")[0] == 1
    assert find_run("dead").status()["state"] == "running"


def test_the_next_step_is_a_command_that_does_it(lvcnet: Run, workspace_home: Path) -> None:
    make_phantom("small", 3, 1, 32).save()
    status, out, _ = lvcnet("next", "--json")
    said = json.loads(out)
    assert (status, said["step"], said["command"], said["dataset"]) == (
        0,
        "make noise",
        "lvcnet noise small",
        "small",
    )
    _, out, _ = lvcnet("next")
    assert out.splitlines()[-1] == "lvcnet noise small"
    make_phantom("torn", 3, 1, 32).save()
    (workspace_home / "datasets" / "torn" / "images.npy").write_bytes(b"\x93NUMPY")
    assert json.loads(lvcnet("next", "--json")[1]) == said  # damaged data are no step
