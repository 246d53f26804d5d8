"""Deleting: what depends on a thing is said, what is used stays, and what went to the trash comes back as it was."""

import getpass
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lvcnet import workspace
from lvcnet.claims import using
from lvcnet.data.dataset import Dataset, list_datasets
from lvcnet.data.phantom.make import make_phantom
from lvcnet.deleting import plan_dataset, plan_labels, plan_run
from lvcnet.errors import LvcnetError
from lvcnet.runs.directory import RunDirectory, process_record
from lvcnet.runs.store import find_run, list_runs
from lvcnet.training.config import TrainConfig
from lvcnet.training.run import create_run
from lvcnet.trash import discard, empty, find_entry, list_trash, restore, trash_dir

Run = Callable[..., tuple[int, str, str]]


def content(path: Path) -> dict[str, str]:
    """Digest of every file below a folder but locks."""
    return {
        str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.rglob("*"))
        if file.is_file() and not file.name.endswith(".lock")
    }


@pytest.fixture
def data() -> Dataset:
    """The data set `small`, stored, with the label sets clean and rough."""
    dataset = make_phantom("small", 4, 1, 32)
    dataset.save()
    clean = dataset.labels("clean")
    dataset.add_labels(type(clean)("rough", clean.masks, clean.covered, {"kind": "noise"}))
    return dataset


def make(name: str, state: str, labels: str = "clean") -> RunDirectory:
    run = RunDirectory(workspace.runs_dir() / name)
    run.create({"dataset": "small", "labels": labels, "method": "unet"})
    run.update_status(state=state)
    return run


def test_what_is_deleted_comes_back_as_it_was(data: Dataset) -> None:
    run = make("a", "done")
    for plan in (plan_run("a"), plan_dataset("small")):
        before = content(plan.path)
        entry = plan.carry_out()
        assert not plan.path.exists()
        assert [one.id for one in list_trash()] == [entry.id]
        assert (entry.kind, entry.name) == (plan.kind, plan.name)
        assert restore(entry) == plan.name
        assert content(plan.path) == before
        assert list_trash() == []
    assert find_run("a").path == run.path


def test_label_sets_come_back_as_they_were(data: Dataset) -> None:
    before = content(workspace.datasets_dir())
    entry = plan_labels("small", "rough").carry_out()
    assert Dataset.load("small").label_names() == ["clean"]
    whole = plan_dataset("small").carry_out()
    with pytest.raises(LvcnetError, match="the data set 'small' of label set 'rough' is gone: restore it"):
        restore(entry)
    restore(whole)
    restore(entry)
    assert content(workspace.datasets_dir()) == before
    with pytest.raises(LvcnetError, match="the clean labels judge every method"):
        plan_labels("small", "clean")


def test_who_signed_in_is_who_deleted(data: Dataset) -> None:
    make("a", "done")
    plans = (plan_run("a"), plan_labels("small", "rough"), plan_dataset("small"))
    assert [plan.carry_out(by="anna@clinic.example").by for plan in plans] == ["anna@clinic.example"] * 3
    assert {entry.by for entry in list_trash()} == {"anna@clinic.example"}
    make("b", "done")
    assert plan_run("b").carry_out().by == getpass.getuser()


def test_nothing_is_overwritten_and_another_name_is_offered(data: Dataset) -> None:
    entry = plan_dataset("small").carry_out()
    make_phantom("small", 4, 1, 32).save()
    before = content(workspace.datasets_dir())
    with pytest.raises(LvcnetError, match=r"there is a data set 'small' by now, which stays: .*--as NAME"):
        restore(entry)
    assert content(workspace.datasets_dir()) == before
    assert restore(entry, "small-2") == "small-2"
    assert Dataset.load("small-2").name == "small-2"
    assert Dataset.load("small-2").label_names() == ["clean", "rough"]
    assert {"small", "small-2"} <= set(list_datasets())


def test_what_depends_on_it_is_said(data: Dataset) -> None:
    make("a", "done")
    make("b", "failed", "rough")
    assert plan_dataset("small").dependents == [
        "2 label sets (clean, rough) deleted with it",
        "2 runs (b, a) trained on it: kept, but not evaluated again without it",
    ]
    assert plan_labels("small", "rough").dependents == ["1 run (b) trained on it: kept"]


@pytest.mark.parametrize("state", ["queued", "running"])
def test_what_is_trained_on_stays(data: Dataset, state: str) -> None:
    run = make("a", state, "rough")
    run.update_status(**process_record())
    for plan in (plan_dataset("small"), plan_labels("small", "rough"), plan_run("a")):
        with pytest.raises(LvcnetError, match=rf"is in use: .*it is {state}: .*lvcnet cancel a"):
            plan.carry_out()
    assert list_trash() == []
    run.update_status(state="cancelled", pid=None)
    plan_dataset("small").carry_out()
    assert "a" in {one.name for one in list_runs()}


def test_what_is_being_evaluated_stays(data: Dataset) -> None:
    run = make("a", "done")
    seen: list[str] = []
    with using("run", run.path, "it is being evaluated"):
        for plan in (plan_dataset("small"), plan_run("a")):
            try:
                plan.carry_out()
            except LvcnetError as error:
                seen.append(str(error))
    assert len(seen) == 2
    assert all("it is being evaluated" in message for message in seen)
    plan_run("a").carry_out()


def test_a_run_is_made_before_or_after_a_deletion_never_beside_it(data: Dataset) -> None:
    """Many try to start a run while the data set is deleted: whoever got one has its data."""
    config = TrainConfig(dataset="small", method="unet", width=4, depth=2, device="cpu")
    made: list[str] = []
    refused: list[str] = []

    def start(number: int) -> None:
        try:
            made.append(create_run(config, f"run-{number}").name)
        except LvcnetError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=start, args=(number,)) for number in range(6)]
    for thread in threads[:2]:
        thread.start()
    plan = plan_dataset("small")
    for thread in threads[2:]:
        thread.start()
    try:
        plan.carry_out()
        gone = True
    except LvcnetError:
        gone = False
    for thread in threads:
        thread.join()
    assert gone == (not made)
    assert all("there is no data set 'small'" in message for message in refused)
    assert Path(plan.path).exists() == bool(made)


def test_a_waiter_for_the_lock_of_a_deleted_run_leaves_no_folder(data: Dataset) -> None:
    run = make("a", "done")
    with run.edit_status():
        waiter = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from lvcnet.runs.store import find_run; run = find_run('a'); print('found', flush=True)\n"
                "run.update_status(state='queued')",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert waiter.stdout is not None
        waiter.stdout.readline()
        discard("run", "a", run.path)
    _, said = waiter.communicate(timeout=60)
    assert b"no longer exists" in said
    assert not run.path.exists()


def killed_before(call: int, act: Callable[[], object]) -> bool:
    """Do it in a child that dies right before its `call`-th change of a file or folder; whether it got through before."""
    child = os.fork()
    if child:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status in (0, 9)
        return status == 0
    left = call

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def count(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                os._exit(9)
            return function(*arguments, **options)

        return count

    try:
        for name in ("rename", "replace", "mkdir", "unlink", "rmdir", "open"):
            setattr(os, name, counted(getattr(os, name)))
        Path.open = counted(Path.open)  # type: ignore[method-assign]
        act()
        os._exit(0)
    finally:
        os._exit(1)


ACTS: dict[str, Callable[[], object]] = {
    "delete": lambda: plan_dataset("small").carry_out(),
    "labels": lambda: plan_labels("small", "rough").carry_out(),
    "restore": lambda: restore(list_trash()[0]),
    "empty": lambda: empty(list_trash()),
}


@pytest.mark.parametrize("act", list(ACTS))
def test_killed_anywhere_all_is_old_or_new(data: Dataset, act: str) -> None:
    """Before every call that changes a file or folder, until it gets through."""
    folder = workspace.datasets_dir()
    before, calls, through = content(folder), 0, False
    while not through:
        calls += 1
        if act in ("restore", "empty") and not list_trash():
            if act == "empty" and calls > 1:
                make_phantom("small", 4, 1, 32).save()  # other content does not matter here
            plan_dataset("small").carry_out()
        through = killed_before(calls, ACTS[act])
        entries = list_trash()
        for left in {*trash_dir().glob("*")} - {entry.folder for entry in entries}:
            shutil.rmtree(left)  # as time would: else each round has more to read than the one before
        if act == "empty":
            assert not content(folder)
            continue
        assert (content(folder) == before) == (not entries), calls
        for entry in entries:
            if act != "restore":
                restore(entry)
                assert content(folder) == before
    assert calls > 5
    empty([])
    assert not any(trash_dir().glob(".removing-*"))


def test_the_command_line_says_asks_refuses_and_undoes(data: Dataset, lvcnet: Run) -> None:
    make("a", "done")
    code, _, said = lvcnet("data", "delete", "small")
    assert code == 2
    assert "1 run (a) trained on it: kept" in said
    assert "add --yes" in said
    code, out, _ = lvcnet("data", "delete", "small", "--labels", "rough", "--yes", "--json")
    assert (code, json.loads(out)["kind"]) == (0, "label set")
    code, out, _ = lvcnet("delete", "a", "--yes", "--json")
    deleted = json.loads(out)
    assert (code, deleted["deleted"], deleted["kind"]) == (0, "a", "run")
    code, out, _ = lvcnet("trash", "list", "--json")
    assert [entry["name"] for entry in json.loads(out)["trash"]] == ["a", "rough"]
    assert lvcnet("trash", "restore", "a")[0] == 0
    assert find_run("a").status()["state"] == "done"
    code, _, said = lvcnet("trash", "restore", "a")
    assert (code, "nothing called 'a' is in the trash" in said) == (2, True)
    code, _, said = lvcnet("trash", "empty")
    assert code == 2
    assert "removes 1 thing" in said
    code, out, _ = lvcnet("trash", "empty", "--yes", "--json")
    assert code == 0
    assert json.loads(out)["freed_bytes"] > 0
    assert list_trash() == []
    make("b", "running").update_status(**process_record())
    code, _, said = lvcnet("data", "delete", "small", "--yes")
    assert code == 2
    assert "run b: it is running: cancel it first with `lvcnet cancel b`" in said
    assert said.count("\n") == 1


def test_an_ambiguous_name_needs_the_id(data: Dataset) -> None:
    for _ in range(2):
        make("a", "done")
        plan_run("a").carry_out()
    with pytest.raises(LvcnetError, match="2 things called 'a' are in the trash: name one by its id"):
        find_entry("a")
    assert find_entry(list_trash()[0].id).name == "a"


def test_shipped_things_stay() -> None:
    for plan in (lambda: plan_dataset("hips"), lambda: plan_run("hips-unet-level3-s0")):
        with pytest.raises(LvcnetError, match="ships with the project and cannot be deleted"):
            plan()
