from pathlib import Path

import pytest

from lvcnet import workspace
from lvcnet.errors import LvcnetError
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import find_run, is_demo, list_runs, new_run


@pytest.fixture(autouse=True)
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that ships one demo run."""
    folder = tmp_path / "assets"
    monkeypatch.setattr(workspace, "assets_dir", lambda: folder)
    RunDirectory(folder / "runs" / "demo").create({"dataset": "hips", "labels": "clean", "method": "unet"})
    RunDirectory(folder / "runs" / "demo").update_status(state="done", created=0.0)
    return folder


def make(name: str, state: str, created: float, dataset: str = "hips") -> RunDirectory:
    run = new_run(name, {"dataset": dataset, "labels": "clean", "method": "unet"})
    run.update_status(state=state, created=created)
    return run


def test_active_runs_come_first_then_the_newest():
    for name, state, created in (("old", "done", 1.0), ("new", "failed", 3.0), ("runs", "running", 2.0)):
        make(name, state, created)
    assert [run.name for run in list_runs()] == ["runs", "new", "old", "demo"]
    assert [run.name for run in list_runs(demo=False)] == ["runs", "new", "old"]


def test_what_trains_comes_before_what_waits_and_who_waits_longest_is_next():
    for name, state, created in (
        ("second", "queued", 3.0),
        ("first", "queued", 2.0),
        ("now", "running", 1.0),
    ):
        make(name, state, created)
    assert [run.name for run in list_runs(demo=False)] == ["now", "first", "second"]


def test_runs_of_one_data_set():
    make("a", "done", 1.0)
    make("b", "done", 1.0, dataset="jaws")
    assert [run.name for run in list_runs("jaws")] == ["b"]


def test_a_broken_run_does_not_hide_the_others():
    make("good", "done", 1.0)
    (make("bad", "done", 2.0).path / "config.json").write_text("{")
    assert [run.name for run in list_runs(demo=False)] == ["good"]


def test_names_that_are_taken_get_a_number():
    assert [new_run("a", {}).name for _ in range(3)] == ["a", "a-2", "a-3"]
    with pytest.raises(LvcnetError, match="not a usable name"):
        new_run("../a", {})


def test_own_runs_hide_demo_runs_of_the_same_name():
    assert is_demo(find_run("demo"))
    make("demo", "done", 1.0)
    assert not is_demo(find_run("demo"))


@pytest.mark.parametrize("name", ["../demo", "", ".hidden", "a/b"])
def test_names_cannot_leave_the_folder(name: str):
    with pytest.raises(LvcnetError, match="not a usable name"):
        find_run(name)


def test_unknown_run_names_the_known_ones():
    with pytest.raises(LvcnetError, match="there is no run 'x': known are demo"):
        find_run("x")
