import json
from typing import Any

import pytest
from typer.testing import CliRunner

from lvcnet import jobs
from lvcnet.cli import app
from lvcnet.errors import LvcnetError
from lvcnet.jobs import worker
from lvcnet.runs.directory import process_record
from lvcnet.runs.store import find_run
from lvcnet.training.config import build_config
from lvcnet.training.run import create_run
from tests.evaluations import an_evaluation
from tests.jobs.helpers import make_dataset, make_run

pytestmark = pytest.mark.usefixtures("fake_trainer", "no_worker")


def call(*arguments: str, status: int = 0) -> str:
    """What the command prints on stdout."""
    result = CliRunner().invoke(app, list(arguments))
    if isinstance(result.exception, LvcnetError):
        raise result.exception
    assert result.exit_code == status, result.output
    return result.stdout


def call_json(*arguments: str, status: int = 0) -> Any:
    lines = call(*arguments, "--json", status=status).splitlines()
    assert len(lines) == 1, "one JSON object and nothing else"
    return json.loads(lines[0])


@pytest.mark.parametrize("command", ["runs", "cancel", "resume", "delete", "sweep", "queue"])
def test_help_has_an_example(command: str):
    assert f"lvcnet {command}" in call(command, "--help")


def test_runs_lists_state_progress_result_and_time_left():
    assert "No runs yet" in call("runs", "--no-demo")
    waiting, running = make_run("waits", epochs=10), make_run("runs", epochs=10)
    running.update_status(state="running", epoch=4, seconds_per_epoch=2.5, **process_record())
    done = make_run("done", epochs=10)
    done.update_status(state="done", epoch=10)
    done.write_evaluation(an_evaluation(iou=0.75))
    rows = {row["run"]: row for row in call_json("runs", "--no-demo")["runs"]}
    assert rows["runs"]["seconds_left"] == 15.0
    assert rows["runs"]["progress"] == 0.4
    assert (rows["done"]["iou"], rows["done"]["seconds_left"]) == (0.75, None)
    assert rows["waits"]["state"] == waiting.status()["state"] == "queued"
    table = call("runs", "--no-demo")
    assert "15 s" in table
    assert "0.750" in table
    assert call_json("runs", "--dataset", "other", "--no-demo") == {"runs": [], "damaged": []}


def test_runs_marks_a_collapsed_result():
    nothing = {"bone": {"nothing": [2, 2], "everything": [0, 2], "same": [0, 2]}}
    for name, changes in (("good", {"iou": 0.75}), ("flat", {"iou": 0.25, "masks": nothing})):
        run = make_run(name)
        run.update_status(state="done")
        run.write_evaluation(an_evaluation(**changes))
    table = call("runs", "--no-demo")
    assert "0.250 †" in table
    assert "0.750 †" not in table
    collapsed = "predicts nothing of 'bone' on 2 of 2 images: nothing is concluded from its figures; trained"
    assert f"† flat {collapsed}" in table
    assert "learned" not in table  # it is not named a second time
    rows = {row["run"]: row["collapsed"] for row in call_json("runs", "--no-demo")["runs"]}
    assert rows["good"] is None
    assert rows["flat"].startswith(collapsed)
    for number in range(4):
        run = make_run(f"flat{number}")
        run.update_status(state="done")
        run.write_evaluation(an_evaluation(iou=0.25, masks=nothing))
    assert call("runs", "--no-demo").splitlines()[-1] == "† 2 more collapsed likewise."


def test_runs_puts_right_what_a_crash_left_behind():
    run = make_run()
    run.update_status(state="running", pid=2**22 + 1, pid_create_time=1.0)
    (row,) = call_json("runs", "--no-demo")["runs"]
    assert row["state"] == "interrupted"
    assert f"lvcnet resume {run.name}" in row["note"]


def test_cancel_resume_and_delete_a_waiting_run():
    run = make_run("waits")
    jobs.submit(run)
    assert call_json("queue") == {
        "running": [],
        "queued": ["waits"],
        "worker": None,
        "slots": jobs.queue_state().slots,
        "damaged": [],
    }
    assert "waits" in call("queue")
    assert call_json("cancel", "waits")["state"] == "cancelled"
    assert call_json("resume", "waits", "--queue")["position"] == 1
    with pytest.raises(LvcnetError, match="lvcnet cancel waits"):
        call("delete", "waits", "--yes")
    assert "cancelled" in call("cancel", "waits")
    with pytest.raises(LvcnetError, match="--yes"):
        call("delete", "waits")
    assert call_json("delete", "waits", "--yes")["deleted"] == "waits"
    assert not run.path.exists()


def test_resume_in_the_foreground_trains_to_the_end():
    make_dataset()
    run = create_run(build_config({"width": 4, "depth": 2, "epochs": 1, "dataset": "discs"}), "stopped")
    run.update_status(state="interrupted")
    run.request_cancel()
    assert call_json("resume", "stopped") == {
        "run": "stopped",
        "directory": str(run.path),
        "state": "done",
        "position": None,
    }
    with pytest.raises(LvcnetError, match="is done"):
        call("resume", "stopped")


def test_sweep_trains_skips_and_reports():
    make_dataset()
    command = [
        "sweep",
        "discs",
        "--methods",
        "fcn,unet",
        "--labels",
        "clean,3",
        "--no-evaluate",
        "--workers",
        "2",
    ]
    command += ["--set", "width=4", "--set", "depth=2", "--epochs", "2"]
    first = call_json(*command)
    assert [row["action"] for row in first["runs"]] == ["train"] * 4
    assert {row["state"] for row in first["runs"]} == {"done"}
    assert {row["epochs"] for row in first["runs"]} == {2}
    again = call_json(*command)
    assert [row["action"] for row in again["runs"]] == ["skip"] * 4
    assert "lvcnet compare discs" in call(*command)


def test_sweep_into_the_queue():
    make_dataset()
    result = call_json(
        "sweep", "discs", "--methods", "unet", "--labels", "clean", "--seeds", "0,1", "--queue"
    )
    names = [row["run"] for row in result["runs"]]
    assert names == ["discs-unet-clean-s0", "discs-unet-clean-s1"]
    assert call_json("queue")["queued"] == names
    assert find_run(names[0]).status()["evaluate"] is True


def test_failed_runs_of_a_sweep_are_skipped_or_retried_and_the_failure_is_the_exit_status():
    make_dataset()
    command = ["sweep", "discs", "--methods", "unet", "--labels", "clean", "--epochs", "1", "--no-evaluate"]
    (row,) = call_json(*command)["runs"]
    run = find_run(row["run"])
    run.update_status(state="failed")
    assert call_json(*command)["runs"][0]["action"] == "skip"
    assert "--retry-failed" in call(*command)
    (run.path / "environment.txt").unlink()
    (run.path / "environment.txt").mkdir()  # the trainer stumbles over it
    retried = call_json(*command, "--retry-failed", status=1)
    assert retried["runs"][0]["state"] == "failed"
    assert run.name in retried["problems"]


def test_bad_arguments_are_explained():
    make_dataset()
    for seed in ("a", "²", "4294967296", "9" * 5000):
        with pytest.raises(
            LvcnetError, match=f"seed '{seed[:20]}' is not a whole number from 0 to 4294967295"
        ):
            call("sweep", "discs", "--seeds", seed)
    with pytest.raises(LvcnetError, match="preset 'slow' does not exist"):
        call("sweep", "discs", "--preset", "slow")


def test_queue_recover_and_start(monkeypatch: pytest.MonkeyPatch):
    make_run().update_status(state="running", pid=2**22 + 1, pid_create_time=1.0)
    assert len(call_json("queue", "--recover")["recovered"]) == 1
    assert "Nothing to put right" in call("queue", "--recover")
    served = []
    monkeypatch.setattr(worker, "serve", lambda idle: served.append(idle) or len(served) == 1)
    call("queue", "--start")
    assert served == [None], "a worker in the foreground stays"
    with pytest.raises(LvcnetError, match="already serves"):
        call("queue", "--start")


def test_names_are_shown_whole_on_a_narrow_screen():
    run = make_run("mandible-lvcnet-level3-s0-4f1d2a", epochs=1200)
    run.update_status(state="interrupted")
    assert run.name in call("runs", "--no-demo")
