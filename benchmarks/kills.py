"""Real processes, killed without warning, and what is left of their work. Called by trust.py.

- trainers at random moments, resumed until they are done: all files equal those of a run nobody disturbed, to the bit;
- trainers at every single change they make to their run folder (see crash.py), resumed;
- workers, trainers and evaluators behind the queue; the lab with a training behind it;
- everything else that writes (import, phantom, noise, corrections, decisions, exports, trash) at every change: what can be
  read afterwards is the old state or the new one, and doing it again leads to the new one.
"""

import os
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from crash import Failed, count_changes, killed_at, start_child
from numpy.typing import NDArray
from safetensors.numpy import load_file

from lvcnet import jobs
from lvcnet.data.phantom.make import make_phantom
from lvcnet.files import digest, keyed_rng
from lvcnet.jobs import daemon
from lvcnet.noise.calibrate import make_noisy_labels
from lvcnet.progress import Report
from lvcnet.runs.directory import RunDirectory, process_alive
from lvcnet.runs.store import find_run, list_runs
from lvcnet.training.config import TrainConfig
from lvcnet.training.run import create_run, train

CLOCKED = frozenset({"seconds", "images_per_second", "memory_mb"})
"""Columns of metrics.jsonl that say how fast it went."""
DATA = "discs"
PATIENCE = 300.0


@dataclass
class Tally:
    """What came of one kind of kills.

    Attributes:
        what: in words.
        kills: processes that were killed.
        trials: pieces of work that were disturbed.
        faults: what was lost, doubled, stuck or different, in words.
    """

    what: str
    kills: int = 0
    trials: int = 0
    faults: list[str] = field(default_factory=list)


def prepare(home: Path) -> None:
    """A workspace with the small data set that trainings use."""
    os.environ["LVCNET_HOME"] = str(home)
    dataset = make_phantom(DATA, train=12, test=2, size=32, seed=0)
    dataset.save()
    dataset.add_labels(make_noisy_labels(dataset, level=3))


def config_of(method: str, epochs: int) -> TrainConfig:
    """A training of well under a second an epoch."""
    return TrainConfig(
        dataset=DATA,
        labels="level3",
        method=method,
        width=4,
        depth=2,
        epochs=epochs,
        batch_size=4,
        device="cpu",
        precision="fp32",
        threads=1,
        validate_every=2,
        snapshot_every=2,
        snapshot_images=2,
    )


def essence(run: RunDirectory) -> dict[str, str]:
    """Everything a training leaves behind, as digests: tensors, metrics without times, snapshots."""
    found = {}
    for path in sorted(run.checkpoints.glob("*.safetensors")):
        found[path.name] = _of_arrays(load_file(path))
    for path in sorted(run.snapshots.glob("*.npz")):
        with np.load(path, allow_pickle=False) as stored:
            found[path.name] = _of_arrays({name: stored[name] for name in stored.files})
    rows = [{name: value for name, value in row.items() if name not in CLOCKED} for row in run.metrics()]
    found["metrics"] = digest([repr(rows).encode()])
    return found


def differences(run: RunDirectory, reference: dict[str, str]) -> list[str]:
    """Which of a finished run's files are not those of the reference."""
    try:
        found = essence(run)
    except Exception as error:  # any reader's complaint is a fault to report
        return [f"{run.name}: {type(error).__name__}: {error}"]
    names = sorted(found.keys() | reference.keys())
    return [f"{run.name}: {name} differs" for name in names if found.get(name) != reference.get(name)]


def trainers_at_random(method: str, kills: int, seed: int, report: Report, epochs: int = 6) -> Tally:
    """Kill trainers of one method at random moments of their life, resume each until it is done."""
    tally = Tally(f"trainer, random moment, {method}")
    rng = keyed_rng(seed, "kills", method)
    started = time.monotonic()
    reference = _undisturbed(method, epochs, f"reference-{method}")
    life = time.monotonic() - started
    while tally.kills < kills:
        run = create_run(config_of(method, epochs), f"victim-{method}-{tally.trials}")
        tally.trials += 1
        for attempt in range(1000):
            child = start_child(lambda run=run, resume=attempt > 0: train(run, resume=resume))
            if _kill_after(child, float(rng.uniform(0, life))):
                tally.kills += 1
                report(min(tally.kills, kills), kills)
            if run.status()["state"] == "done":
                break
            jobs.recover()
        else:
            tally.faults.append(f"{run.name}: not done after 1000 attempts")
        tally.faults += differences(run, reference)
        shutil.rmtree(run.path)
    return tally


def trainers_at_every_change(method: str, report: Report, epochs: int = 3, most: int = 10_000) -> Tally:
    """Kill a trainer before each change that it makes, a run a change, and resume it."""
    tally = Tally(f"trainer, every change, {method}")
    reference = _undisturbed(method, epochs, f"reference-every-{method}")
    counted = create_run(config_of(method, epochs), f"counted-{method}")
    changes = min(most, count_changes(lambda: train(counted), counted.path))
    for change in range(1, changes + 1):
        run = create_run(config_of(method, epochs), f"every-{method}-{change}")
        tally.trials += 1
        tally.kills += killed_at(lambda run=run: train(run), run.path, change)
        if os.waitpid(start_child(lambda run=run: train(run, resume=True)), 0)[1] != 0:
            tally.faults.append(f"{run.name}: could not be resumed")
        tally.faults += differences(run, reference)
        shutil.rmtree(run.path)
        report(change, changes)
    return tally


def queue_kills(kills: int, seed: int, report: Report, runs: int = 4, epochs: int = 40) -> Tally:
    """Kill workers, real trainers and evaluators behind the queue, round after round of a few queued runs."""
    tally = Tally("worker, trainer or evaluator behind the queue")
    rng = keyed_rng(seed, "queue")
    reference = _undisturbed("unet", epochs, "reference-queue")
    while tally.kills < kills:
        mine = [create_run(config_of("unet", epochs), f"queued-{tally.trials + n}") for n in range(runs)]
        tally.trials += runs
        for run in mine:
            jobs.submit(run, evaluate=True)
        end = time.monotonic() + PATIENCE * runs
        while not all(_finished(run) for run in mine):
            if time.monotonic() > end:
                tally.faults += [f"{run.name}: stuck, {run.status()}" for run in mine if not _finished(run)]
                break
            time.sleep(float(rng.uniform(0.2, 3.0)))
            if tally.kills < kills:
                tally.kills += _kill_one_of(mine, rng)
                report(tally.kills, kills)
            tally.faults += _doubled(mine)
            jobs.recover()
            for run in mine:
                if run.status()["state"] == "interrupted":
                    jobs.resume(run)
        for run in mine:
            tally.faults += differences(run, reference)
    _stop_worker()
    return tally


def lab_kills(kills: int, report: Report) -> Tally:
    """Kill the lab while a training that it started goes on."""
    from lab.headless import serve_lab  # it needs the dev extra

    tally = Tally("lab, a training behind it")
    reference = _undisturbed("unet", 30, "reference-lab")
    home = Path(os.environ["LVCNET_HOME"])
    for number in range(kills):
        run = create_run(config_of("unet", 30), f"behind-{number}")
        tally.trials += 1
        with serve_lab(home, home.parent / "lab.log") as address:
            jobs.submit(run, evaluate=False)
            port = int(address.rpartition(":")[2])
            for process in _listening(port):
                process.kill()
                tally.kills += 1
        if jobs.wait(run, PATIENCE) != "done":
            tally.faults.append(f"{run.name}: {run.status()}")
        tally.faults += differences(run, reference)
        report(number + 1, kills)
    _stop_worker()
    return tally


def at_every_change(
    what: str, template: Path, act: Callable[[], object], look: Callable[[], str], report: Report
) -> Tally:
    """Kill an action before each change it makes to the workspace.

    Args:
        what: the action in words.
        template: a workspace as it is before; each trial has a copy of its own.
        act: changes the workspace that `LVCNET_HOME` names.
        look: a digest of all that can be read about what the action changes.
        report: called with (done, total).
    """
    tally = Tally(f"{what}, every change")
    home = template.with_name("trial")
    _fresh(template, home)
    old = look()
    changes = count_changes(act, home)
    new = look()
    if old == new:
        tally.faults.append(f"{what}: the action changes nothing that `look` sees")
    for change in range(1, changes + 1):
        _fresh(template, home)
        tally.trials += 1
        tally.kills += killed_at(act, home, change)
        try:
            seen = look()
            if seen not in (old, new):
                tally.faults.append(
                    f"{what}: killed at change {change}, neither the old state nor the new one"
                )
            if seen != new:
                count_changes(act, home)
                if look() != new:
                    tally.faults.append(f"{what}: killed at change {change}, doing it again leads elsewhere")
        except (Failed, Exception) as error:
            tally.faults.append(f"{what}: killed at change {change}: {str(error).strip().splitlines()[-1]}")
        report(change, changes)
    shutil.rmtree(home)
    return tally


def _undisturbed(method: str, epochs: int, name: str) -> dict[str, str]:
    run = create_run(config_of(method, epochs), name)
    if os.waitpid(start_child(lambda: train(run)), 0)[1] != 0:
        raise Failed(f"the undisturbed training {name} failed: see {run.log}")
    return essence(run)


def _kill_after(pid: int, seconds: float) -> bool:
    """SIGKILL a child after a while; False if it had ended by itself."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return False
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def _kill_one_of(runs: Sequence[RunDirectory], rng: np.random.Generator) -> int:
    """Kill the worker, a trainer or an evaluator, whichever lives; how many were killed."""
    victims = [pid for run in runs for pid in _processes_of(run)]
    worker = daemon.worker_pid()
    if worker is not None and (not victims or rng.random() < 0.6):
        victims = [worker]
    if not victims:
        return 0
    try:
        psutil.Process(int(rng.choice(victims))).kill()
    except psutil.NoSuchProcess:
        return 0
    return 1


def _processes_of(run: RunDirectory, module: str = "") -> list[int]:
    """Living trainers and evaluators of a run."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "status"]):
        command = process.info["cmdline"] or []
        alive = process.info["status"] != psutil.STATUS_ZOMBIE
        if alive and str(run.path) in command and any(module in part for part in command):
            found.append(int(process.info["pid"]))
    return found


def _doubled(runs: Sequence[RunDirectory]) -> list[str]:
    """Runs that two processes train or evaluate at once; looked at twice, as one may just be leaving."""
    faults = []
    for run in runs:
        for module in ("lvcnet.training", "lvcnet.jobs.evaluate"):
            if len(_processes_of(run, module)) > 1:
                time.sleep(2.0)
                if len(again := _processes_of(run, module)) > 1:
                    faults.append(f"{run.name}: {len(again)} processes of {module} at once")
    return faults


def _finished(run: RunDirectory) -> bool:
    status = run.status()
    return status["state"] == "done" and (
        run.evaluation() is not None or bool(status.get("evaluation_error"))
    )


def _listening(port: int) -> list[psutil.Process]:
    pids = {
        connection.pid
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid
    }
    return [psutil.Process(pid) for pid in pids]


def _stop_worker() -> None:
    if (worker := daemon.worker_pid()) is not None:
        psutil.Process(worker).terminate()
    for run in list_runs(demo=False):
        if process_alive(run.status()):
            psutil.Process(find_run(run.name).status()["pid"]).kill()


def _fresh(template: Path, home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(template, home)
    os.environ["LVCNET_HOME"] = str(home)


def _of_arrays(arrays: dict[str, NDArray[Any]]) -> str:
    return digest(
        part
        for name in sorted(arrays)
        for part in (name.encode(), str(arrays[name].dtype).encode(), arrays[name].tobytes())
    )
