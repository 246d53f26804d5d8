"""One trainer process from start to end: start it, watch it, make it stop, give its run a final state.

A trainer is the leader of its own session and process group, so nothing that happens to the lab, the terminal or
the worker reaches it, and everything it starts can be stopped with it.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from lvcnet import workspace
from lvcnet.errors import INTERRUPTED, LvcnetError
from lvcnet.priority import at_full
from lvcnet.runs.directory import ACTIVE, RunDirectory, process_alive, process_record
from lvcnet.runs.locks import being_evaluated

TRAINER = (sys.executable, "-m", "lvcnet.training")
EVALUATOR = (sys.executable, "-m", "lvcnet.jobs.evaluate")
BUSY = 3
"""Exit status of an evaluator where another process evaluates the run."""
POLL_SECONDS = 0.2
# A trainer looks for a cancel request after every step; a check on the labels or a snapshot takes longer than one.
CANCEL_GRACE_SECONDS = 30.0


def cores() -> int:
    """CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def slots() -> int:
    """Trainings at a time: `LVCNET_WORKERS`, by default one for two cores, at least two (one on a single core), at most four.

    Raises:
        LvcnetError: if the variable is not a whole number above zero.
    """
    given = os.environ.get("LVCNET_WORKERS", "").strip()
    if not given:
        return min(cores(), max(2, cores() // 2), 4)
    if not given.isdigit() or int(given) == 0:
        raise LvcnetError(f"LVCNET_WORKERS={given!r} is not a number of trainings: use 1, 2, ... or unset it")
    return int(given)


def trainer_environment(threads: int) -> dict[str, str]:
    """The environment of a trainer with `threads` CPU threads.

    Waiting passively matters: two processes whose threads spin for work run many times slower than one.
    """
    variables = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    return {
        **os.environ,
        **dict.fromkeys(variables, str(max(1, threads))),
        "OMP_WAIT_POLICY": "passive",
        "KMP_BLOCKTIME": "0",
        "PYTHONUNBUFFERED": "1",
        "LVCNET_HOME": str(workspace.home()),
    }


def start_trainer(
    run: RunDirectory, threads: int, task: str | None = None
) -> "subprocess.Popen[bytes] | None":
    """Start the trainer of a queued run, or nothing if the run is no longer waiting for this very start.

    Args:
        run: a run in state queued.
        threads: CPU threads, unless the run's own settings say how many.
        task: id of the queue entry on whose behalf; None for a run that is not in the queue.
    """
    threads = int(run.config().get("threads") or threads)
    command = [*TRAINER, str(run.path)]
    if any(run.checkpoints.glob("[!.]*")):
        command.append("--resume")
    # Under the status lock, so that of two who want to start or cancel the run one sees what the other did.
    with run.edit_status() as status:
        if status["state"] != "queued" or status.get("task") != task or process_alive(status):
            return None
        if run.cancel_requested():
            status.update(state="cancelled", message="cancelled before it started")
            return None
        process = spawn(command, run.output, trainer_environment(threads))
        status.update(process_record(process.pid), task=None)
        return process


def spawn(command: list[str], output: Path, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    """A process in a session of its own whose output is appended to a file; it does not step back where this one did."""
    with output.open("ab") as stream:
        return at_full(
            lambda: subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        )


def see_through(run: RunDirectory, threads: int, task: str | None = None, evaluate: bool = False) -> None:
    """Start a queued run's trainer (or adopt the living one), watch it to its end, settle and evaluate the run."""
    process = start_trainer(run, threads, task)
    settle(run, watch(run, process))
    if evaluate:
        evaluate_when_done(run, threads)


def watch(run: RunDirectory, process: "subprocess.Popen[bytes] | None") -> int | None:
    """Return when the trainer has ended, with its exit status if it is known.

    Args:
        run: the run.
        process: its trainer; None if another process started it, or if there is none.
    """
    while process.poll() is None if process is not None else run.trainer_alive():
        escalate(run)
        time.sleep(POLL_SECONDS)
    return process.returncode if process is not None else None


def escalate(run: RunDirectory, grace: float = CANCEL_GRACE_SECONDS) -> None:
    """Press on with an unanswered cancel request: after `grace` seconds SIGTERM, after as many again SIGKILL.

    Each stage is noted in the cancel file, whose age therefore is the time since the last stage; so anybody may call
    this at any time.
    """
    request = run.path / "cancel"
    try:
        stage, age = request.read_text(), time.time() - request.stat().st_mtime
    except FileNotFoundError:
        return
    if age < grace or not run.trainer_alive():
        return
    request.write_text("terminated\n")
    signal_trainer(run, signal.SIGKILL if stage else signal.SIGTERM)


def signal_trainer(run: RunDirectory, signum: signal.Signals) -> None:
    """Signal the trainer, and all it started if it leads its own process group."""
    status = run.status()
    if not process_alive(status):
        return
    pid = int(status["pid"])
    try:
        # A trainer in the foreground shares its group with the shell script that called it.
        if os.getpgid(pid) == pid:
            os.killpg(pid, signum)
        else:
            os.kill(pid, signum)
    except ProcessLookupError:
        return


def settle(run: RunDirectory, exit_status: int | None = None) -> str | None:
    """Give a run whose trainer is gone its final state; the state, or None if there was nothing to settle."""
    with run.edit_status() as status:
        if run.trainer_alive():
            return None
        state = status["state"]
        died_at_start = state == "queued" and bool(status.get("pid"))
        crashed = exit_status is not None and exit_status > 0 and exit_status != INTERRUPTED
        if run.cancel_requested() and state in (*ACTIVE, "interrupted"):
            status.update(state="cancelled", message="cancelled on request")
        elif died_at_start and crashed:
            status.update(state="failed", error=f"the trainer did not start: {last_line(run)}")
        elif died_at_start or state == "running":
            message = f"the training process is gone: continue with `lvcnet resume {run.name}`"
            status.update(state="interrupted", message=message)
        else:
            return None
        return str(status["state"])


def last_line(run: RunDirectory) -> str:
    """The last thing the trainer printed, which of a traceback is the error."""
    text = run.output.read_text(encoding="utf-8", errors="replace") if run.output.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else f"no output in {run.output}"


def evaluate_when_done(run: RunDirectory, threads: int) -> bool:
    """Evaluate a finished run in a process of its own, once; whether it is evaluated.

    An evaluator that a killed worker left behind goes on: it is waited for, and no other one is started beside it.
    """
    while run.status()["state"] == "done" and not run.has_evaluation():
        if being_evaluated(run):
            time.sleep(POLL_SECONDS)
            continue
        process = spawn([*EVALUATOR, str(run.path)], run.output, trainer_environment(threads))
        try:
            process.wait()
        finally:
            process.kill()  # does nothing unless Ctrl-C cut the wait short
        if process.returncode == BUSY:  # somebody was faster
            continue
        if process.returncode < 0:
            run.update_status(evaluation_error=_killed(process.returncode, run))
        elif process.returncode != 0:
            run.update_status(evaluation_error=last_line(run))
        break
    return run.has_evaluation()


def _killed(returncode: int, run: RunDirectory) -> str:
    """Why there is no evaluation, and what to do."""
    name = signal.Signals(-returncode).name
    return f"its evaluation was killed ({name}; out of memory?): evaluate it again with `lvcnet evaluate {run.name}`"
