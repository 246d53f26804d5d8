"""What a training takes from this machine right now, how fast it is, and where it stands in the queue."""

import time
from collections.abc import Sequence
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


def measure_usage(runs: Sequence[RunDirectory], seconds: float = WATCH_SECONDS) -> dict[str, Usage]:
    """Usage by run name; takes `seconds` in all if any of the runs has a trainer here, else no time.

    Raises:
        LvcnetError: if a run is gone or broken.
    """
    waiting = waiting_runs()
    processes = {run.name: _processes(run) for run in runs}
    before, start = {name: _cpu_seconds(found) for name, found in processes.items()}, time.monotonic()
    if any(processes.values()):
        time.sleep(seconds)
    result = {}
    for run in runs:
        found, last = processes[run.name], (run.metrics() or [{}])[-1]
        spent = _cpu_seconds(found) - before[run.name]
        on_gpu = str(run.status().get("device", "")).startswith("cuda")
        result[run.name] = Usage(
            position=waiting.index(run.name) + 1 if run.name in waiting else None,
            cpu_percent=100 * max(0.0, spent) / (time.monotonic() - start) if found else None,
            memory_mb=_resident_bytes(found) / 1e6 if found else None,
            gpu_memory_mb=last.get("memory_mb") if on_gpu else None,
            images_per_second=last.get("images_per_second"),
        )
    return result


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
