"""Folders that appear whole, and what killed writers leave of them."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from crash import start_child
from kill_actions import actions, kill_one

from lvcnet import folders
from lvcnet.folders import TakenError, UnfinishedFolder, orphans, sweep, whole_folder

WHOLE = ("noise, replaced", "correction, replaced")


def end(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def start(action: Callable[[], object]) -> int:
    """A process that does something and then stays."""
    return start_child(lambda: (action(), time.sleep(600)))


def wait_for(folder: Path, pattern: str) -> Path:
    """The folder of a writer, once it holds its lock."""
    while not (
        found := [
            path
            for path in folder.glob(pattern)
            if (path / folders.LOCK).exists() and not folders._free(path)
        ]
    ):
        time.sleep(0.01)
    return found[0]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not give young folders time to be locked."""
    monkeypatch.setattr(folders, "STARTING_SECONDS", 0.0)


def test_only_what_nobody_writes_any_more_is_swept(tmp_path: Path) -> None:
    child = start(lambda: UnfinishedFolder(tmp_path / "a", "thing"))
    path = wait_for(tmp_path, ".a.*")
    assert sweep(tmp_path) == []
    with whole_folder(tmp_path / "b", "thing") as unfinished:
        (unfinished / "file").touch()
        assert orphans(tmp_path) == []
    assert path.exists()
    end(child)
    assert sweep(tmp_path) == [path]
    assert {found.name for found in tmp_path.iterdir()} == {"b", ".lock"}
    assert [found.name for found in (tmp_path / "b").iterdir()] == ["file"]


def test_what_was_to_be_replaced_comes_back(tmp_path: Path) -> None:
    """The writer dies in the moment between the two renames."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old").touch()

    def die() -> UnfinishedFolder:
        unfinished = UnfinishedFolder(tmp_path / "a", "thing", replace=True)
        (tmp_path / "a").rename(unfinished._replaced)
        return unfinished

    child = start(die)
    while (tmp_path / "a").exists():
        time.sleep(0.01)
    folders.restore(tmp_path)
    assert not (tmp_path / "a").exists()  # the writer lives, and is about to finish
    end(child)
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a" / "old").exists()


def test_a_name_is_claimed_once(tmp_path: Path) -> None:
    late = UnfinishedFolder(tmp_path / "a", "thing")
    with whole_folder(tmp_path / "a", "thing") as unfinished:
        (unfinished / "first").touch()
    with pytest.raises(TakenError, match="thing 'a' was made meanwhile by another process"):
        late.finish()
    assert {path.name for path in tmp_path.iterdir()} == {"a", ".lock"}
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["first"]


@pytest.mark.parametrize("what", WHOLE)
def test_killed_at_every_change_the_old_or_the_new_is_left(what: str, tmp_path: Path) -> None:
    number = [action.what for action in actions(tmp_path)].index(what)
    tally = kill_one(tmp_path, number)
    assert tally.kills >= 5
    assert tally.faults == []
