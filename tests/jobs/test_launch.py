import json
import os
import signal
import time
from pathlib import Path

import pytest

from lvcnet.errors import LvcnetError
from lvcnet.jobs import launch
from lvcnet.runs.directory import RunDirectory
from tests.evaluations import an_evaluation
from tests.jobs.helpers import eventually, make_run

pytestmark = pytest.mark.usefixtures("fake_trainer")


def started(run: RunDirectory, threads: int = 1):
    process = launch.start_trainer(run, threads)
    assert process is not None
    eventually(lambda: run.status()["state"] == "running", "the trainer to run")
    return process


def age_request(run: RunDirectory) -> None:
    """Make the cancel request look older than the grace."""
    past = time.time() - launch.CANCEL_GRACE_SECONDS - 1
    os.utime(run.path / "cancel", (past, past))


def test_trainer_leads_its_own_session_and_has_its_own_threads():
    run = make_run(epochs=500)
    process = started(run, threads=3)
    assert os.getpgid(process.pid) == os.getsid(process.pid) == process.pid
    environment = (run.path / "environment.txt").read_text().splitlines()
    assert {"OMP_NUM_THREADS=3", "MKL_NUM_THREADS=3", "OMP_WAIT_POLICY=passive"} <= set(environment)
    run.request_cancel()
    launch.watch(run, process)
    assert run.status()["state"] == "cancelled"


def test_threads_of_the_run_go_before_those_of_the_worker():
    run = make_run()
    run.create({**run.config(), "threads": 5})
    launch.watch(run, started_or_done(run))
    assert "OMP_NUM_THREADS=5" in (run.path / "environment.txt").read_text()


def started_or_done(run: RunDirectory):
    process = launch.start_trainer(run, threads=1)
    assert process is not None
    return process


def test_a_run_is_started_once_only():
    run = make_run(epochs=500)
    process = started(run)
    assert launch.start_trainer(run, 1) is None
    process.kill()
    process.wait()


def test_a_start_on_behalf_of_a_stale_entry_does_nothing():
    run = make_run()
    run.update_status(task="new")
    assert launch.start_trainer(run, 1, task="old") is None
    assert run.status()["state"] == "queued"


def test_cancelled_before_the_start():
    run = make_run()
    run.request_cancel()
    assert launch.start_trainer(run, 1) is None
    assert run.status()["state"] == "cancelled"


def test_deaf_trainer_gets_sigterm_after_the_grace_and_ends_as_cancelled():
    run = make_run(epochs=500, behaviour="deaf")
    process = started(run)
    run.request_cancel()
    launch.escalate(run)
    assert process.poll() is None, "the grace is not over"
    age_request(run)
    launch.escalate(run)
    assert process.wait() == -signal.SIGTERM
    assert launch.settle(run) == "cancelled"


def test_stubborn_trainer_is_killed_in_the_end():
    run = make_run(epochs=500, behaviour="stubborn")
    process = started(run)
    run.request_cancel()
    age_request(run)
    launch.escalate(run)
    launch.escalate(run)
    assert process.poll() is None, "SIGTERM is ignored, SIGKILL comes a grace later"
    age_request(run)
    launch.escalate(run)
    assert process.wait() == -signal.SIGKILL
    assert launch.settle(run) == "cancelled"


def test_killed_trainer_is_interrupted_and_resumes_from_its_checkpoint():
    run = make_run(epochs=500)
    process = started(run)
    eventually(lambda: run.status()["epoch"] >= 2, "two epochs")
    process.kill()
    process.wait()
    assert launch.settle(run) == "interrupted"
    assert f"lvcnet resume {run.name}" in run.status()["message"]
    run.create({**run.config(), "epochs": run.metrics()[-1]["epoch"] + 2})
    launch.watch(run, started_or_done(run))
    assert run.status()["state"] == "done"
    assert run.status()["resumed"] is True


def test_trainer_that_never_began_has_failed_with_its_last_words():
    run = make_run(behaviour="crash")
    assert launch.settle(run, launch.watch(run, started_or_done(run))) == "failed"
    assert run.status()["error"].endswith("RuntimeError: no such device")


def test_trainer_killed_before_it_began_is_interrupted():
    run = make_run(epochs=500)
    process = started_or_done(run)
    process.kill()
    assert launch.settle(run, launch.watch(run, process)) == "interrupted"


def test_settle_leaves_final_and_waiting_states_alone():
    run = make_run()
    assert launch.settle(run) is None
    run.update_status(state="done")
    assert launch.settle(run) is None
    assert run.status()["state"] == "done"


@pytest.mark.parametrize(("cores", "expected"), [(1, 1), (2, 2), (4, 2), (6, 3), (8, 4), (64, 4)])
def test_slots_by_cores(monkeypatch: pytest.MonkeyPatch, cores: int, expected: int):
    monkeypatch.delenv("LVCNET_WORKERS", raising=False)
    monkeypatch.setattr(launch, "cores", lambda: cores)
    assert launch.slots() == expected


def test_slots_by_variable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LVCNET_WORKERS", "3")
    assert launch.slots() == 3
    monkeypatch.setenv("LVCNET_WORKERS", "many")
    with pytest.raises(LvcnetError, match="LVCNET_WORKERS='many'"):
        launch.slots()


def test_done_run_is_evaluated_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    script = tmp_path / "evaluator.py"
    script.write_text(
        f"import sys; open(sys.argv[1] + '/evaluation.json', 'x').write({json.dumps(an_evaluation())!r})"
    )
    monkeypatch.setattr(launch, "EVALUATOR", (launch.sys.executable, str(script)))
    run = make_run()
    assert launch.evaluate_when_done(run, 1) is False, "it is not done"
    run.update_status(state="done")
    assert launch.evaluate_when_done(run, 1)
    assert launch.evaluate_when_done(run, 1), "a second evaluator would fail: the file exists"
    assert run.evaluation() == {"format": 2, **an_evaluation()}
    assert "evaluation_error" not in run.status()


def test_failed_evaluation_is_noted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        launch, "EVALUATOR", (launch.sys.executable, "-c", "raise SystemExit('no test images')")
    )
    run = make_run()
    run.update_status(state="done")
    assert launch.evaluate_when_done(run, 1) is False
    assert run.status()["evaluation_error"] == "no test images"
