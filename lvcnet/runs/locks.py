"""File locks held for the lifetime of a process: one trainer a run, one evaluation a run, one training a GPU by default.

The operating system frees such a lock when its holder dies, however it dies, so none is ever stale.
"""

import os
import platform
from collections.abc import Callable, Iterator, Sequence
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
SHARED = "LVCNET_TRAININGS_PER_GPU"
"""Environment variable: how many trainings may share a GPU, 1 by default. Small networks leave most of a large one idle."""


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
    """Hold a place on a GPU; wait for one as long as other trainings of this user have all. Nothing is locked on the CPU.

    A GPU has one place, or as many as `LVCNET_TRAININGS_PER_GPU` says.

    Args:
        device: a resolved device: cpu, mps, cuda or cuda:N (cuda means cuda:0).
        stop: asked while waiting; true gives up, e.g. `run.cancel_requested`.

    Yields:
        Whether the device is held; False only after `stop()` said so.

    Raises:
        LvcnetError: if the variable is not a whole number above zero.
    """
    if device.partition(":")[0] == "cpu":
        yield True
        return
    locks = [FileLock(device_lock_path(device, place)) for place in range(_places())]
    while (held := _first_free(locks)) is None:
        if stop is not None and stop():
            yield False
            return
    try:
        yield True
    finally:
        held.release()


def _places() -> int:
    given = os.environ.get(SHARED, "").strip() or "1"
    if not given.isdigit() or int(given) == 0:
        raise LvcnetError(f"{SHARED}={given!r} is not a number of trainings: use 1, 2, ... or unset it")
    return int(given)


def device_lock_path(device: str, place: int = 0) -> Path:
    """The lock file of a place on a device: per user and machine (a home folder may be shared), not per workspace."""
    kind, _, index = device.partition(":")
    if kind == "cuda":
        index = _physical_gpu(int(index or 0))
    name = check_name("-".join(filter(None, [kind, index, f"place{place}" if place else ""])), "device")
    folder = Path(platformdirs.user_cache_dir("lvcnet")) / "locks" / (platform.node() or "localhost")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.lock"


def _physical_gpu(index: int) -> str:
    """cuda:0 of two processes may be two GPUs: CUDA_VISIBLE_DEVICES renumbers them."""
    visible = [part.strip() for part in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if part.strip()]
    return visible[index] if index < len(visible) else str(index)


def _first_free(locks: Sequence[FileLock]) -> FileLock | None:
    """The first lock that could be had within `POLL_SECONDS`, held."""
    for lock in locks:
        try:
            lock.acquire(timeout=POLL_SECONDS / len(locks))
        except Timeout:
            continue
        return lock
    return None
