"""What a training takes from this machine right now, how fast it is, and where it stands in the queue."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psutil

from lvcnet.jobs.queue import waiting_runs
from lvcnet.runs.directory import ACTIVE, RunDirectory, process_alive

WATCH_SECONDS = 0.25
"""Processor time is counted in steps of 10 ms: watching for less says little."""


@dataclass(frozen=True)
class Usage:
    """Of one run.

    Attributes:
        position: place in the queue, counted from 1; None for a run that does not wait.
        cpu_percent: of the trainer and what it started, 100 for a busy core; None without a trainer on this machine.
        memory_mb: resident memory of the same processes, in 10^6 bytes.
        gpu_memory_mb: the most that the trainer has held of its GPU; None without one, or before its first epoch.
        images_per_second: in the last epoch of a run of any state.
    """

    position: int | None = None
    cpu_percent: float | None = None
    memory_mb: float | None = None
    gpu_memory_mb: float | None = None
    images_per_second: float | None = None


@dataclass(frozen=True)
class Reading:
    """Processor time that a trainer has used so far: two readings make a load.

    Attributes:
        taken: in seconds of a clock that only moves forward.
        cpu_seconds: of the trainer and what it started.
        trainer: when the trainer was started; a resumed run has another one.
    """

    taken: float
    cpu_seconds: float
    trainer: float


def read_processors(runs: Sequence[RunDirectory]) -> dict[str, Reading]:
    """A reading of every run that has a trainer on this machine."""
    result = {}
    for run in runs:
        if processes := _processes(run):
            started = float(run.status()["pid_create_time"])
            result[run.name] = Reading(time.monotonic(), _cpu_seconds(processes), started)
    return result


def measure_usage(
    runs: Sequence[RunDirectory], before: Mapping[str, Reading] | None = None
) -> dict[str, Usage]:
    """Usage by run name.

    Args:
        runs: in any state.
        before: earlier readings, for callers that look again and again; by default they are made now, and if there is
            any trainer the call takes `WATCH_SECONDS`.

    Raises:
        LvcnetError: if a run is gone or broken.
    """
    if before is None:
        before = read_processors(runs)
        if before:
            time.sleep(WATCH_SECONDS)
    waiting, now = waiting_runs(), read_processors(runs)
    result = {}
    for run in runs:
        processes, last = _processes(run), (run.metrics() or [{}])[-1]
        on_gpu = str(run.status().get("device", "")).startswith("cuda")
        result[run.name] = Usage(
            position=waiting.index(run.name) + 1 if run.name in waiting else None,
            cpu_percent=cpu_load(before.get(run.name), now.get(run.name)),
            memory_mb=_resident_bytes(processes) / 1e6 if processes else None,
            gpu_memory_mb=last.get("memory_mb") if on_gpu else None,
            images_per_second=last.get("images_per_second"),
        )
    return result


def cpu_load(before: Reading | None, now: Reading | None) -> float | None:
    """Percent of one core between two readings of one trainer; None where there are none.

    >>> cpu_load(Reading(10.0, 3.0, 1.0), Reading(12.0, 6.0, 1.0))
    150.0
    """
    if before is None or now is None or before.trainer != now.trainer or now.taken <= before.taken:
        return None
    # a process that ended meanwhile takes its time with it
    return 100 * max(0.0, now.cpu_seconds - before.cpu_seconds) / (now.taken - before.taken)


def _processes(run: RunDirectory) -> list[psutil.Process]:
    """The trainer and what it started; none where it does not live on this machine."""
    status = run.status()
    if status["state"] not in ACTIVE or not process_alive(status):
        return []
    try:
        trainer = psutil.Process(status["pid"])
        return [trainer, *trainer.children(recursive=True)]
    except psutil.Error:
        return []


def _cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.Error:  # it has just ended
            continue
        total += times.user + times.system
    return total


def _resident_bytes(processes: Sequence[psutil.Process]) -> int:
    total = 0
    for process in processes:
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue
    return total
