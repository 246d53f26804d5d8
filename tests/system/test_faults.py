"""Real workers and real trainers, killed without warning."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import psutil
import pytest

from lvcnet import jobs
from lvcnet.evaluation.protocol import evaluate_run
from lvcnet.jobs import daemon, launch
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.locks import Busy
from lvcnet.runs.store import list_runs
from lvcnet.training.run import create_run
from tests.jobs.helpers import PATIENCE, eventually, make_dataset
from tests.tiny import tiny_config

ENDLESS = 100_000


@pytest.fixture(autouse=True)
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One training at a time, and no process is left behind."""
    monkeypatch.setenv("LVCNET_WORKERS", "1")
    make_dataset()
    yield
    if (worker := daemon.worker_pid()) is not None:
        kill(worker)
    for run in list_runs(demo=False):
        if run.trainer_alive():
            kill(run.status()["pid"])


def kill(pid: int) -> None:
    """kill -9, and wait until the process is gone (or a zombie of this process)."""
    process = psutil.Process(pid)
    process.kill()
    eventually(
        lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE,
        f"the end of process {pid}",
    )


def make_run(name: str, epochs: int = ENDLESS) -> RunDirectory:
    config = tiny_config("discs", method="unet", epochs=epochs, precision="fp32")
    return create_run(config.model_copy(update={"snapshot_every": ENDLESS, "validate_every": ENDLESS}), name)


def wait_for_epoch(run: RunDirectory, epoch: int) -> None:
    eventually(
        lambda: run.status()["state"] == "running" and run.status()["epoch"] >= epoch, f"epoch {epoch}"
    )


def test_killed_trainer_is_interrupted_cancelled_and_resumed():
    run = make_run("victim")
    jobs.submit(run, evaluate=False)
    wait_for_epoch(run, 2)
    assert os.getsid(daemon.worker_pid() or 0) != os.getsid(0), "the worker outlives this session"

    kill(run.status()["pid"])
    assert jobs.wait(run) == "interrupted"
    before = run.status()["epoch"]

    jobs.resume(run)
    wait_for_epoch(run, before + 1)
    jobs.cancel(run)
    assert jobs.wait(run) == "cancelled"
    epochs = [row["epoch"] for row in run.metrics()]
    assert epochs == list(range(1, len(epochs) + 1)), "it went on where the killed trainer had stopped"
    assert (run.checkpoints / "last.safetensors").exists()


def test_killed_worker_leaves_its_trainer_which_the_next_worker_adopts():
    first, second = make_run("first"), make_run("second", epochs=2)
    jobs.submit(first, evaluate=False)
    jobs.submit(second, evaluate=False)
    wait_for_epoch(first, 1)
    trainer, worker = first.status()["pid"], daemon.worker_pid()
    assert worker is not None

    kill(worker)
    wait_for_epoch(first, first.status()["epoch"] + 1)
    jobs.recover()  # `second` waits, so this starts the next worker
    successor = eventually(daemon.worker_pid, "the next worker")
    assert successor != worker
    eventually(lambda: "first: adopted" in (daemon.queue_dir() / "worker.log").read_text(), "the adoption")
    assert first.status()["pid"] == trainer
    assert jobs.position(second) == 1, "the adopted training takes the only place"

    kill(trainer)
    assert jobs.wait(first) == "interrupted"
    assert jobs.wait(second) == "done"


def test_everything_killed_at_once_is_recovered():
    first, second = make_run("first"), make_run("second", epochs=2)
    jobs.submit(first, evaluate=True)
    jobs.submit(second, evaluate=True)
    wait_for_epoch(first, 1)
    kill(daemon.worker_pid() or 0)
    kill(first.status()["pid"])

    # More than once, because a killed process with many threads holds its locks a moment longer than it lives.
    eventually(lambda: jobs.recover() or first.status()["state"] == "interrupted", "the recovery")
    assert first.status()["state"] == "interrupted"
    assert jobs.wait(second) == "done"
    eventually(second.evaluation, "the evaluation of the done run")
    assert "evaluation_error" not in second.status()


def test_an_evaluation_that_a_killed_worker_left_is_made_though_nothing_waits():
    run = make_run("left", epochs=1)
    jobs.submit(run, evaluate=False)
    assert jobs.wait(run) == "done"
    kill(daemon.worker_pid() or 0)
    run.update_status(evaluate=True)  # as if the worker had been killed before it came to that
    jobs.recover()
    eventually(run.evaluation, "the evaluation")
    assert "Warning" not in run.output.read_text(), "what an evaluator prints is shown where it fails"


def test_a_killed_evaluator_is_named_as_such():
    run = make_run("fragile", epochs=1)
    jobs.submit(run, evaluate=False)
    assert jobs.wait(run) == "done"
    waiting = threading.Thread(target=launch.evaluate_when_done, args=(run, 1))
    waiting.start()

    def evaluators() -> list[int]:
        children = psutil.Process().children(recursive=True)
        return [child.pid for child in children if "lvcnet.jobs.evaluate" in child.cmdline()]

    kill(eventually(evaluators, "the evaluator")[0])
    waiting.join()
    assert "was killed (SIGKILL" in run.status()["evaluation_error"]
    assert "`lvcnet evaluate fragile`" in run.status()["evaluation_error"]


def test_of_two_workers_one_stays_and_leaves_when_idle():
    daemon.queue_dir().mkdir(parents=True)
    command = [*daemon.WORKER, "--idle", "8"]
    workers = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(2)]
    eventually(lambda: any(worker.poll() == 0 for worker in workers), "one of them to leave")
    eventually(lambda: all(worker.poll() == 0 for worker in workers), "the other one to leave")
    assert daemon.worker_pid() is None


def test_worker_asked_to_stop_leaves_its_trainer():
    run = make_run("survivor")
    jobs.submit(run, evaluate=False)
    wait_for_epoch(run, 1)
    worker = psutil.Process(daemon.worker_pid())
    worker.send_signal(signal.SIGTERM)
    eventually(lambda: daemon.worker_pid() is None, "the worker to leave")
    wait_for_epoch(run, run.status()["epoch"] + 1)
    assert run.status()["epoch"] >= 2


def test_ctrl_c_stops_a_sweep_which_the_same_command_continues():
    epochs = 40
    command = [sys.executable, "-c", "from lvcnet.cli import main; main()", "sweep", "discs", "--no-evaluate"]
    command += ["--methods", "unet", "--labels", "clean", "--epochs", str(epochs), "--json"]
    command += ["--set", "width=4", "--set", "depth=2", "--set", "snapshot_images=0"]
    command += ["--set", f"validate_every={epochs}", "--set", "batch_size=64"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as sweep:
        (run,) = eventually(lambda: list_runs(demo=False), "the run")
        wait_for_epoch(run, 1)
        sweep.send_signal(signal.SIGINT)
        out, errors = sweep.communicate(timeout=PATIENCE)
    assert sweep.returncode == 130
    assert out == ""
    assert "the same command continues" in errors
    assert run.status()["state"] == "interrupted"
    assert 1 <= run.status()["epoch"] < epochs

    again = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    (row,) = json.loads(again.stdout)["runs"]
    assert (row["run"], row["action"], row["state"]) == (run.name, "resume", "done")
    assert [row["epoch"] for row in run.metrics()] == list(range(1, epochs + 1))


def evaluators(run: RunDirectory) -> list[psutil.Process]:
    """Living processes that evaluate a run."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = process.info["cmdline"] or []
        if "lvcnet.jobs.evaluate" in line and str(run.path) in line and process.info["status"] != "zombie":
            found.append(process)
    return found


def test_killed_workers_leave_one_evaluator_at_most():
    run = make_run("measured", epochs=1)
    jobs.submit(run)
    seen = 0
    for _ in range(3):
        worker = eventually(daemon.worker_pid, "a worker")
        eventually(lambda: launch.being_evaluated(run) or run.evaluation(), "an evaluator")
        kill(worker)
        seen = max(seen, len(evaluators(run)))
        if run.evaluation() is None:
            daemon.ensure_worker()
    eventually(run.evaluation, "the evaluation")
    eventually(lambda: not evaluators(run), "the end of the evaluators")
    assert seen == 1
    assert run.status().get("evaluation_error") is None


def test_an_evaluation_elsewhere_is_waited_for_and_not_done_twice():
    run = make_run("held", epochs=1)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(run.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        run.update_status(state="done", launcher="queue", evaluate=True)
        assert launch.being_evaluated(run)
        assert subprocess.run([*launch.EVALUATOR, str(run.path)], check=False).returncode == 3
        with pytest.raises(Busy, match="'held' is being evaluated by another process"):
            evaluate_run(run)
        kill(holder.pid)  # the system frees the lock of whoever dies
        assert not launch.being_evaluated(run)
    finally:
        holder.kill()


HOLD = """
import sys
from pathlib import Path
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.locks import Busy
from lvcnet.runs.locks import evaluation_lock
with evaluation_lock(RunDirectory(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""
