"""A training from outside: create a run and check it, train it under its locks, log, interrupt, resume."""

import logging
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from lvcnet import __version__
from lvcnet.claims import guard, using
from lvcnet.data.dataset import Dataset, find_dataset, labels_digest
from lvcnet.data.summary import coverage
from lvcnet.errors import LvcnetError
from lvcnet.folders import sweep
from lvcnet.frames import Size
from lvcnet.methods import METHODS
from lvcnet.models import NETWORKS
from lvcnet.progress import Report
from lvcnet.runs.directory import RunDirectory, process_record
from lvcnet.runs.locks import device_lock, run_lock
from lvcnet.runs.store import new_run
from lvcnet.storage import storage_problem
from lvcnet.training import checkpoint
from lvcnet.training.commit import current_commit
from lvcnet.training.config import TrainConfig
from lvcnet.training.device import resolve_device
from lvcnet.training.environment import record_environment
from lvcnet.training.feed import split_rows
from lvcnet.training.loop import Trainer, logger
from lvcnet.training.plan import plan_training


def create_run(config: TrainConfig, name: str | None = None) -> RunDirectory:
    """Check the configuration against its data and write a queued run.

    Raises:
        LvcnetError: as `check_config`, and for unknown data.
    """
    with guard("data set", config.dataset):  # who wants to delete it sees the run, or it is gone already
        dataset = Dataset.load(config.dataset)
        check_config(config, dataset)
        data = {
            "fingerprint": dataset.fingerprint(),
            "size": dataset.size,
            "grid": dataset.grid,
            "stretched": dataset.stretched,
            "categories": dataset.categories,
            "labels": dataset.manifest(config.labels),
            "labels_digest": labels_digest(dataset.labels(config.labels)),
            **coverage(dataset, config.labels),
        }
        return new_run(
            name or config.run_name(),
            {
                **config.model_dump(),
                "data": data,
                "plan": plan_training(dataset, config.labels).record(config.model_dump()),
                "version": __version__,
                "commit": current_commit(),
            },
        )


def check_config(config: TrainConfig, dataset: Dataset) -> None:
    """Find out before anything is written what would make the training fail at its start.

    Raises:
        LvcnetError: for unknown labels, methods or devices, labels that cover no training image, wrong options, and
            images of a size that the network cannot take or learn from.
    """
    METHODS.find(config.method)
    rows, _ = split_rows(dataset, config.labels, config.validation)
    resolve_device(config.device)
    method = checkpoint.build_method(config, len(dataset.categories), torch.device("cpu"))
    method.predict(torch.zeros(1, 1, *dataset.grid))
    _check_coarsest(config, dataset.grid, min(config.batch_size, len(rows)))


def _check_coarsest(config: TrainConfig, grid: Size, batch: int) -> None:
    """Refuse what batch normalisation cannot learn from: one image a step that is one pixel in the coarsest stage."""
    poolings = len(NETWORKS.find(config.network).widths(config.width, config.depth)) - 1
    if batch == 1 and max(side >> poolings for side in grid) <= 1:
        raise LvcnetError(
            f"images of {grid[0]}x{grid[1]} are a single pixel in the coarsest stage of depth {config.depth}, too little for"
            " steps of 1 image: raise batch_size (and have more training images), lower the depth or import larger"
        )


def train(run: RunDirectory, resume: bool = False, report: Report | None = None) -> str:
    """Train a run to its end; returns the state it ended in: done, cancelled or interrupted.

    Args:
        run: made by `create_run`.
        resume: continue from the last saved state instead of starting over.
        report: called with (steps done, steps in all).

    Raises:
        LvcnetError: if another process trains this run, its data changed, or the run or its data set is gone.
        Exception: whatever broke the training, after the run is marked failed.
    """
    with using("run", run.path, "it is being trained"), run_lock(run):
        for folder in (run.checkpoints, run.snapshots):
            sweep(folder, forgotten=0)  # a killed trainer's: nobody else writes there
        sweep(run.path)
        with _logging_to(run.log), _failure_recorded(run):
            config = checkpoint.config_of(run)
            found, what = find_dataset(config.dataset), f"run {run.name}: it is being trained"
            with using("data set", found, what, [config.labels]):
                state = _train(run, config, resume, report)
            if state == "done":
                run.update_status(state=state, ended=time.time(), message=None)
                logger.info("done")
            else:
                logger.info("%s; resume with `lvcnet resume %s`", state, run.name)
                run.update_status(state=state, ended=time.time(), message="can be resumed")
            return state


def _train(run: RunDirectory, config: TrainConfig, resume: bool, report: Report | None) -> str:
    device = resolve_device(config.device)
    if config.threads:
        torch.set_num_threads(config.threads)
    run.update_status(
        state="running",
        started=time.time(),
        ended=None,
        error=None,
        message=None,
        device=str(device),
        **process_record(),
    )
    record_environment(run, device)
    # The flag comes first: Ctrl-C while data are read must leave a resumable run, too.
    with _InterruptFlag(run) as flag, device_lock(str(device), flag.stopped) as held:
        if not held:
            return flag.state()
        trainer = Trainer(run, config, device, report, resume)
        trainer.start()
        return "done" if trainer.run_epochs(flag.stopped) else flag.state()


class _InterruptFlag:
    """Turns Ctrl-C and SIGTERM into a flag that is looked at after each step, beside the run's cancel request.

    Only the main thread gets signals.
    """

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self.raised = False
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "_InterruptFlag":
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self._previous[number] = signal.signal(number, self._raise)
            except ValueError:  # not the main thread: signals stay with whoever has them
                break
        return self

    def stopped(self) -> bool:
        """Whether somebody wants the training to stop."""
        return self.raised or self.run.cancel_requested()

    def state(self) -> str:
        """The state a training that stops now ends in."""
        return "interrupted" if self.raised else "cancelled"

    def _raise(self, number: int, frame: FrameType | None) -> None:
        self.raised = True

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)


@contextmanager
def _failure_recorded(run: RunDirectory) -> Iterator[None]:
    """Mark a run as failed by whatever breaks its training."""
    try:
        yield
    except BaseException as error:
        known = str(error) if isinstance(error, LvcnetError) else storage_problem(error)
        # Before the log, which may take the last room of a full disk. Where there is none, the status stays as it is, which
        # can be resumed as well.
        with suppress(OSError):
            run.update_status(
                state="failed", ended=time.time(), error=known or f"{type(error).__name__}: {error}"
            )
        logger.exception("training failed")
        raise


class _Log(logging.FileHandler):
    """A log whose own failure, on a full disk, is not printed over what went wrong."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Leave the line out."""


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    handler = _Log(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
