"""File locks held for the lifetime of a process: one trainer a run, one evaluation a run, one training a GPU.

The operating system frees such a lock when its holder dies, however it dies, so none is ever stale.
"""

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from lvcnet.errors import LvcnetError
from lvcnet.files import check_name
from lvcnet.runs.directory import RunDirectory

# A run resumed at once may meet its former trainer, which has said `cancelled` but is still leaving.
RUN_LOCK_SECONDS = 30.0
POLL_SECONDS = 0.5


@contextmanager
def run_lock(run: RunDirectory, timeout: float = RUN_LOCK_SECONDS) -> Iterator[None]:
    """Hold a run: a second trainer for the same run cannot start while the first lives.

    Raises:
        LvcnetError: if another process holds it for longer than `timeout` seconds.
    """
    lock = FileLock(run.trainer_lock)
    try:
        lock.acquire(timeout=timeout)
    except Timeout:
        raise LvcnetError(
            f"run {run.name!r} is being trained by another process: wait for it or `lvcnet cancel {run.name}`"
        ) from None
    try:
        yield
    finally:
        lock.release()


class Busy(LvcnetError):
    """Another process is at work on it."""


@contextmanager
def evaluation_lock(run: RunDirectory) -> Iterator[None]:
    """Be the one who evaluates a run; who is it already, in this thread, may be it once more.

    Raises:
        Busy: if another process does.
    """
    lock = FileLock(_evaluation_lock_path(run), is_singleton=True)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise Busy(
            f"run {run.name!r} is being evaluated by another process: wait until it is through"
        ) from None
    try:
        yield
    finally:
        lock.release()


def being_evaluated(run: RunDirectory) -> bool:
    """Whether a process evaluates the run now, whoever started it."""
    if not _evaluation_lock_path(run).exists():
        return False
    try:
        with evaluation_lock(run):
            return False
    except Busy:
        return True


def _evaluation_lock_path(run: RunDirectory) -> Path:
    return run.path / "evaluation.lock"


@contextmanager
def device_lock(device: str, stop: Callable[[], bool] | None = None) -> Iterator[bool]:
    """Hold a GPU; wait for it as long as another training of this user has it. Nothing is locked on the CPU.

    Args:
        device: a resolved device: cpu, mps, cuda or cuda:N (cuda means cuda:0).
        stop: asked while waiting; true gives up, e.g. `run.cancel_requested`.

    Yields:
        Whether the device is held; False only after `stop()` said so.
    """
    if device.partition(":")[0] == "cpu":
        yield True
        return
    lock = FileLock(device_lock_path(device))
    while not _try(lock):
        if stop is not None and stop():
            yield False
            return
    try:
        yield True
    finally:
        lock.release()


def device_lock_path(device: str) -> Path:
    """The lock file of a device: per user and machine (a home folder may be shared), not per workspace."""
    kind, _, index = device.partition(":")
    if kind == "cuda":
        index = _physical_gpu(int(index or 0))
    name = check_name(f"{kind}-{index}" if index else kind, "device")
    folder = Path(platformdirs.user_cache_dir("lvcnet")) / "locks" / (platform.node() or "localhost")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.lock"


def _physical_gpu(index: int) -> str:
    """cuda:0 of two processes may be two GPUs: CUDA_VISIBLE_DEVICES renumbers them."""
    visible = [part.strip() for part in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if part.strip()]
    return visible[index] if index < len(visible) else str(index)


def _try(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=POLL_SECONDS)
    except Timeout:
        return False
    return True
