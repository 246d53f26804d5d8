import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from lvcnet.errors import LvcnetError
from lvcnet.files import write_json
from lvcnet.runs.directory import RunDirectory, process_alive, process_record
from lvcnet.runs.summary import lost_epochs_note
from tests.evaluations import an_evaluation


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    run = RunDirectory(tmp_path / "run")
    run.create({"dataset": "hips", "labels": "clean", "method": "unet", "epochs": 5})
    return run


def test_a_new_run_waits(run: RunDirectory):
    status = run.status()
    assert (status["state"], status["epoch"], status["epochs"]) == ("queued", 0, 5)
    assert run.config()["dataset"] == "hips"
    assert run.metrics() == []
    assert run.evaluation() is None


def test_whoever_sees_a_new_run_can_read_its_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Looked at after each file that is written: a sweep asks for its runs' states while a worker makes them."""
    run, seen = RunDirectory(tmp_path / "new"), []

    def write_and_look(path: Path, value: object) -> None:
        write_json(path, value)
        seen.append(run.status()["state"] if run.exists() else "none")

    monkeypatch.setattr("lvcnet.runs.directory.write_json", write_and_look)
    run.create({"dataset": "hips", "labels": "clean", "method": "unet", "epochs": 5})
    assert seen == ["none", "queued"]


def test_a_torn_last_line_of_the_metrics_is_ignored_and_does_not_harm_the_next(run: RunDirectory):
    run.append_metrics({"epoch": 1, "loss": 0.5})
    with (run.path / "metrics.jsonl").open("ab") as stream:
        stream.write(b'{"epoch": 2, "lo')
    assert [row["epoch"] for row in run.metrics()] == [1]
    run.append_metrics({"epoch": 2, "loss": 0.4})
    assert run.metrics() == [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.4}]


def test_an_epoch_whose_line_is_damaged_is_said(run: RunDirectory):
    for epoch in (1, 2, 3):
        run.append_metrics({"epoch": epoch, "loss": 0.5})
    assert run.lost_epochs() == []
    path = run.path / "metrics.jsonl"
    first, _, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b'{"epoch": 2, "lo\x00s": 0.5}}\n' + third)
    assert run.lost_epochs() == [2]
    assert lost_epochs_note(run) == (
        "metrics.jsonl has no readable line of epoch 2: what was there is damaged or gone"
    )
    run.append_metrics({"epoch": 2, "loss": 0.4})  # done again after a crash: nothing is lost
    assert run.lost_epochs() == []
    run.update_status(epoch=5)
    assert run.lost_epochs() == [4, 5], "lines that are gone altogether"


def test_a_folder_in_place_of_the_curve_is_no_curve(tmp_path):
    run = RunDirectory(tmp_path / "run")
    (run.path / "metrics.jsonl").mkdir(parents=True)
    assert run.metrics() == []


def test_an_epoch_done_twice_counts_once(run: RunDirectory):
    for loss in (0.5, 0.4):
        run.append_metrics({"epoch": 1, "loss": loss})
    assert run.metrics() == [{"epoch": 1, "loss": 0.4}]


def test_concurrent_changes_of_the_status_do_not_undo_each_other(run: RunDirectory):
    def count(key: str) -> None:
        for number in range(20):
            run.update_status(**{key: number})

    threads = [threading.Thread(target=count, args=(f"key{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [run.status()[f"key{n}"] for n in range(4)] == [19] * 4


def test_state_moves_only_from_an_expected_state(run: RunDirectory):
    assert run.move_state(("queued",), "running", pid=1)
    assert not run.move_state(("queued",), "cancelled", pid=2)
    assert (run.status()["state"], run.status()["pid"]) == ("running", 1)


def test_status_is_written_only_if_it_was_changed_and_no_exception_came(run: RunDirectory):
    before = (run.path / "status.json").read_bytes()
    with run.edit_status():
        pass
    with pytest.raises(ZeroDivisionError), run.edit_status() as status:
        status.update(state="done", epoch=1 / 0)
    assert (run.path / "status.json").read_bytes() == before


def test_changing_a_deleted_run_does_not_bring_it_back(tmp_path: Path):
    gone = RunDirectory(tmp_path / "gone")
    with pytest.raises(LvcnetError, match="'gone' no longer exists"):
        gone.update_status(state="done")
    assert not gone.path.exists()


def test_cancel_request_keeps_its_time_when_repeated(run: RunDirectory):
    assert not run.cancel_requested()
    run.request_cancel()
    os.utime(run.path / "cancel", (1.0, 1.0))
    run.request_cancel()
    assert (run.path / "cancel").stat().st_mtime == 1.0
    run.clear_cancel()
    run.clear_cancel()
    assert not run.cancel_requested()


def test_alive_means_same_pid_and_same_creation_time():
    record = process_record()
    assert process_alive(record)
    assert not process_alive({**record, "pid_create_time": record["pid_create_time"] - 5})
    assert not process_alive({})
    assert not process_alive({"pid": record["pid"]})


def test_a_zombie_is_not_alive():
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    record = {"pid": process.pid, "pid_create_time": psutil.Process(process.pid).create_time()}
    assert process.stdout is not None
    process.stdout.read()  # returns when the process has closed its end, shortly before it is a zombie
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not process_alive(record)
    process.wait()


def test_broken_json_is_a_clear_error(run: RunDirectory):
    (run.path / "status.json").write_text("{")
    with pytest.raises(LvcnetError, match=r"status\.json is damaged .it is not valid JSON"):
        run.status()


def test_log_tail(run: RunDirectory):
    assert run.log_tail() == ""
    run.log.write_text("\n".join(str(n) for n in range(10)))
    assert run.log_tail(2) == "8\n9"


def test_evaluation_is_kept(run: RunDirectory):
    run.write_evaluation(an_evaluation(iou=0.5))
    assert (
        run.evaluation()
        == json.loads((run.path / "evaluation.json").read_text())
        == {"format": 2, **an_evaluation(iou=0.5)}
    )
