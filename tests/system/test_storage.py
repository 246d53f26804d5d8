"""A full disk and a read-only one: real file systems of their own, as small as need be."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lvcnet import cli, jobs
from lvcnet.correction.decisions import Decisions
from lvcnet.jobs import queue
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import find_run
from tests.jobs.helpers import make_dataset

PAGES = Path(__file__).resolve().parents[2] / "pages"
SIZE = 4_000_000
TRAIN = [
    "train",
    "discs",
    "--method",
    "unet",
    "--epochs",
    "1",
    "--device",
    "cpu",
    "--set",
    "width=4",
    "--set",
    "depth=2",
]


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system of 4 MB with a workspace on it: a data set, a finished run, a decision, and no worker."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)]
    if mount is None or os.geteuid() != 0 or subprocess.run([mount, *options], check=False).returncode:
        pytest.skip("only root may mount the file system that this test fills")
    monkeypatch.setenv("LVCNET_HOME", str(place / "home"))
    monkeypatch.setattr("lvcnet.jobs.daemon.ensure_worker", lambda: None)
    try:
        make_dataset()
        yield place
    finally:
        queue._open.cache_clear()
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def used(disk: Path, monkeypatch, capsys) -> Path:
    assert call(monkeypatch, capsys, *TRAIN, "--name", "done")[0] == 0
    assert call(monkeypatch, capsys, "evaluate", "done")[0] == 0
    assert call(monkeypatch, capsys, *TRAIN, "--name", "waits", "--queue")[0] == 0
    decisions = Decisions(disk / "home" / "corrections" / "c")
    decisions.decide("disc-0", "accept", "anna")
    release_queue()
    return disk


def release_queue() -> None:
    """Close the queue's database: what is open for writing keeps a disk from becoming read-only."""
    queue.open_queue().storage.close()
    queue._open.cache_clear()


def call(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["lvcnet", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code or 0, *capsys.readouterr()


def fill(disk: Path, left: int = 0) -> Path:
    """Take all space but `left` bytes."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(b"\0" * 4096)
        except OSError:
            pass
    if left:
        os.truncate(filler, filler.stat().st_size - left)
    return filler


def contents(disk: Path) -> dict[str, bytes]:
    """Every file that matters; logs, locks and what SQLite keeps for itself may change."""
    return {
        str(path.relative_to(disk)): path.read_bytes()
        for path in sorted(disk.rglob("*"))
        if path.is_file()
        and path.suffix not in (".lock", ".txt")
        and "sqlite" not in path.name
        and path.parent.name != "queue"
        and path.name != "filler"
    }


@pytest.mark.parametrize(
    "arguments",
    [
        TRAIN,
        [*TRAIN, "--queue"],
        ["evaluate", "done"],
        ["rename", "done", "a better name"],
        ["cancel", "waits"],
        ["noise", "discs", "--levels", "4"],
        ["data", "phantom", "hips", "--train", "4", "--test", "2"],
        ["compare", "discs", "--output", "{disk}/out/table.md", "--format", "markdown"],
        ["data", "export", "discs", "--output", "{disk}/out/x.json"],
        ["note", "done", "a note"],
        ["reproduce", "done"],
        ["sweep", "discs", "--methods", "unet", "--labels", "clean", "--seeds", "5", "--queue"],
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_a_full_disk_costs_one_line_and_nothing_that_was_there(used, monkeypatch, capsys, arguments) -> None:
    before = contents(used)
    fill(used)
    status, _, err = call(monkeypatch, capsys, *(text.format(disk=used) for text in arguments))
    assert status == 2, err
    *before_it, line = err.splitlines()
    assert len(before_it) == (arguments[0] == "reproduce")  # which first says what changed since
    assert line.startswith("lvcnet: ")
    assert any(words in line for words in ("no space left", "disk has", "No space left")), line
    kept = {name: value for name, value in contents(used).items() if name in before}
    assert kept == before
    runs = {path.name for path in (used / "home" / "runs").glob("[!.]*")}
    assert runs == {"done", "waits"}  # no half run takes a name


def test_lists_are_shown_on_a_full_disk(used, monkeypatch, capsys) -> None:
    fill(used)
    for arguments in (["runs"], ["queue"], ["data", "list"], ["compare", "discs"]):
        status, out, err = call(monkeypatch, capsys, *arguments)
        assert (status, err) == (0, "")
        assert out


@pytest.mark.parametrize("left", [0, 20_000, 60_000])
def test_a_training_that_met_a_full_disk_goes_on_when_there_is_room(disk, monkeypatch, capsys, left) -> None:
    from lvcnet.training.config import TrainConfig
    from lvcnet.training.run import create_run, train

    settings = {"width": 4, "depth": 2, "epochs": 2, "device": "cpu", "snapshot_images": 0}
    run = create_run(TrainConfig(dataset="discs", **settings), "a")
    run.update_status(launcher="foreground")
    filler = fill(disk, left)
    with pytest.raises(OSError, match="No space left"):
        train(run)
    assert run.status()["state"] in ("failed", "queued")
    filler.unlink()
    status, out, err = call(monkeypatch, capsys, "resume", "a")
    assert (status, err) == (0, "")
    assert "a is done" in out
    assert [row["epoch"] for row in run.metrics()] == [1, 2]


def test_a_read_only_workspace_can_be_looked_at(used, monkeypatch, capsys) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(used)], check=True)
    for arguments in (
        ["runs"],
        ["runs", "--json"],
        ["queue"],
        ["data", "list"],
        ["data", "show", "discs"],
        ["compare", "discs"],
    ):
        status, out, err = call(monkeypatch, capsys, *arguments)
        assert (status, err) == (0, ""), arguments
        assert "discs" in out or "waits" in out
    assert jobs.queue_state().queued == ["waits"]
    assert [event.key for event in Decisions(used / "home" / "corrections" / "c").history()] == ["disc-0"]
    for name in ("overview", "runs", "data", "compare", "correct", "train", "noise", "inspect_run"):
        page = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=60).run()
        assert not page.exception
        assert not page.error


@pytest.mark.parametrize(
    "arguments",
    [
        TRAIN,
        ["evaluate", "done"],
        ["rename", "done", "x"],
        ["cancel", "waits"],
        ["delete", "done", "--yes"],
        ["noise", "discs", "--levels", "4"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_what_must_write_in_a_read_only_workspace_says_so(used, monkeypatch, capsys, arguments) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(used)], check=True)
    status, _, err = call(monkeypatch, capsys, *arguments)
    assert status == 2
    (line,) = err.splitlines()
    assert "read-only" in line.lower()
    assert find_run("done").exists()


def test_a_damaged_queue_hides_no_run(used, monkeypatch, capsys) -> None:
    path = used / "home" / "queue" / "queue.db"
    for name in ("queue.db-wal", "queue.db-shm"):
        (path.parent / name).unlink(missing_ok=True)
    path.write_bytes(b"\xff" * 8192)
    status, out, err = call(monkeypatch, capsys, "runs")
    assert status == 0
    assert "waits" in out
    assert f"{path} is damaged" in err
    assert isinstance(find_run("waits"), RunDirectory)
