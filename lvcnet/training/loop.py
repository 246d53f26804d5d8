"""The training loop: data, step, log, checkpoint, cancel. Read it top to bottom.

A run is resumed by doing again what comes after its last saved state. Order, augmentation and torch's own seed
depend only on the run's seed, the epoch and the step, so a resumed run equals an uninterrupted one.
"""

import logging
import signal
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import psutil
import torch

from lvcnet import __version__
from lvcnet.claims import guard, using
from lvcnet.data.dataset import Dataset, find_dataset, labels_digest
from lvcnet.data.summary import coverage
from lvcnet.errors import LvcnetError
from lvcnet.folders import sweep
from lvcnet.methods import METHODS, Method
from lvcnet.models import NETWORKS
from lvcnet.progress import Report
from lvcnet.runs.directory import RunDirectory, process_record
from lvcnet.runs.locks import device_lock, run_lock
from lvcnet.runs.snapshots import write_snapshot
from lvcnet.runs.store import new_run
from lvcnet.storage import storage_problem
from lvcnet.training import checkpoint
from lvcnet.training.commit import current_commit
from lvcnet.training.config import TrainConfig
from lvcnet.training.device import resolve_device
from lvcnet.training.environment import record_environment
from lvcnet.training.feed import Feed, seed_of, split_rows
from lvcnet.training.monitor import agreement, take_snapshot

logger = logging.getLogger("lvcnet.training")


class Interrupted(Exception):
    """The training was asked to stop; its state is saved."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class Diverged(LvcnetError, FloatingPointError):
    """A loss is no longer a finite number."""


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
            "categories": dataset.categories,
            "labels": dataset.manifest(config.labels),
            "labels_digest": labels_digest(dataset.labels(config.labels)),
            **coverage(dataset, config.labels),
        }
        return new_run(
            name or config.run_name(),
            {**config.model_dump(), "data": data, "version": __version__, "commit": current_commit()},
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
    method.predict(torch.zeros(1, 1, dataset.size, dataset.size))
    _check_coarsest(config, dataset.size, min(config.batch_size, len(rows)))


def _check_coarsest(config: TrainConfig, size: int, batch: int) -> None:
    """Refuse what batch normalisation cannot learn from: one image a step that is one pixel in the coarsest stage."""
    poolings = len(NETWORKS.find(config.network).widths(config.width, config.depth)) - 1
    if batch == 1 and size >> poolings <= 1:
        raise LvcnetError(
            f"images of {size}x{size} are a single pixel in the coarsest stage of depth {config.depth}, too little for"
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
        handler = _log_to(run.log)
        try:
            return _train_locked(run, resume, report)
        except Interrupted as stop:
            logger.info("%s; resume with `lvcnet resume %s`", stop.state, run.name)
            run.update_status(state=stop.state, ended=time.time(), message="can be resumed")
            return stop.state
        except BaseException as error:
            logger.exception("training failed")
            known = str(error) if isinstance(error, LvcnetError) else storage_problem(error)
            with suppress(OSError):  # on a full disk the status stays as it is, which can be resumed as well
                run.update_status(
                    state="failed", ended=time.time(), error=known or f"{type(error).__name__}: {error}"
                )
            raise
        finally:
            logger.removeHandler(handler)
            handler.close()


def _train_locked(run: RunDirectory, resume: bool, report: Report | None) -> str:
    config = checkpoint.config_of(run)
    with using(
        "data set", find_dataset(config.dataset), f"run {run.name}: it is being trained", [config.labels]
    ):
        return _train_claimed(run, config, resume, report)


def _train_claimed(run: RunDirectory, config: TrainConfig, resume: bool, report: Report | None) -> str:
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
            raise Interrupted(flag.state())
        trainer = Trainer(run, config, device, report)
        trainer.start(resume)
        trainer.run_epochs(flag)
    run.update_status(state="done", ended=time.time(), message=None)
    logger.info("done")
    return "done"


class Trainer:
    """One run's loop and the little it has to remember."""

    def __init__(
        self, run: RunDirectory, config: TrainConfig, device: torch.device, report: Report | None
    ) -> None:
        self.run = run
        self.config = config
        self.device = device
        self.report = report
        self.dataset = Dataset.load(config.dataset)
        if self.dataset.fingerprint() != checkpoint.data_of(run)["fingerprint"]:
            raise LvcnetError(
                f"data set {config.dataset!r} changed since run {run.name!r} was made: start a new run"
            )
        self.feed = Feed(self.dataset, config, device)
        torch.manual_seed(seed_of(config.seed, "weights"))
        self.method: Method = checkpoint.build_method(config, len(self.dataset.categories), device)
        self.epoch, self.step = 1, 0
        self.sums: dict[str, float] = defaultdict(float)
        self.best: float = -1.0

    def start(self, resume: bool) -> None:
        """Continue from the saved state, or begin."""
        values = checkpoint.load_state(self.run.checkpoints, self.method) if resume else None
        if values:
            self.epoch, self.step, self.best = values["next_epoch"], values["next_step"], values["best"]
            self.sums = defaultdict(float, values["sums"])
            logger.info("resume at epoch %d, step %d", self.epoch, self.step)
            return
        (self.run.path / "metrics.jsonl").unlink(missing_ok=True)
        logger.info("train %s on %s", self.config.method, self.device)
        if self.config.augment and self.config.flip and not self.feed.mirrors:
            logger.info("images are not mirrored: left and right are categories of their own here")
        self._snapshot(0)

    def run_epochs(self, flag: "_InterruptFlag") -> None:
        """All epochs that are left."""
        while self.epoch <= self.config.epochs:
            started = time.perf_counter()
            first_step = self.step
            self._run_steps(flag)
            seconds = time.perf_counter() - started
            self._finish_epoch(seconds, (self.feed.steps - first_step) / seconds)

    def _run_steps(self, flag: "_InterruptFlag") -> None:
        torch.manual_seed(seed_of(self.config.seed, "epoch", self.epoch, self.step))
        if self.step == 0:
            self.method.begin_epoch(self.epoch)
        for batch in self.feed.batches(self.epoch, self.step):
            torch.manual_seed(seed_of(self.config.seed, "step", self.epoch, self.step))
            terms = self.method.step(batch)
            for name, value in terms.items():
                self.sums[name] += float(value)
            self.step += 1
            if self.report:
                self.report(
                    (self.epoch - 1) * self.feed.steps + self.step, self.config.epochs * self.feed.steps
                )
            if flag.stopped():
                self._save_state()
                raise Interrupted(flag.state())

    def _finish_epoch(self, seconds: float, steps_a_second: float) -> None:
        self.method.end_epoch(self.epoch)
        losses = {name: total / self.step for name, total in self.sums.items()}
        broken = [
            name for name, value in losses.items() if value != value or value in (float("inf"), float("-inf"))
        ]
        if broken:
            raise Diverged(
                f"{', '.join(broken)} is not finite in epoch {self.epoch}: lower the learning rate"
            )
        row: dict[str, Any] = {
            "epoch": self.epoch,
            **losses,
            "seconds": seconds,
            "images_per_second": steps_a_second * min(self.config.batch_size, len(self.feed.train)),
            "memory_mb": self._memory_mb(),
        }
        if self.epoch % self.config.validate_every == 0 or self.epoch == self.config.epochs:
            row |= self._check()
        self.run.append_metrics(row)
        logger.info("epoch %d/%d %s", self.epoch, self.config.epochs, _describe(row))
        if self.epoch % self.config.snapshot_every == 0 or self.epoch == self.config.epochs:
            self._snapshot(self.epoch)
        self.run.update_status(epoch=self.epoch, epochs=self.config.epochs, seconds_per_epoch=seconds)
        checkpoint.save_weights(self.run.checkpoints, "last", self.method, self.epoch)
        self.epoch, self.step = self.epoch + 1, 0
        self.sums.clear()
        self._save_state()

    def _check(self) -> dict[str, float | None]:
        """IoU with held-out noisy labels (chooses `best`) and with clean test labels (chooses nothing)."""
        score = agreement(self.method, self.feed.held_out)
        if score is None or score > self.best:
            self.best = self.best if score is None else score
            checkpoint.save_weights(
                self.run.checkpoints, "best", self.method, self.epoch, validation_iou=score
            )
        return {"validation_iou": score, "test_iou": agreement(self.method, self.feed.test)}

    def _snapshot(self, epoch: int) -> None:
        if self.config.snapshot_images:
            write_snapshot(
                self.run.snapshots, take_snapshot(self.method, self.dataset, self.config, epoch, self.device)
            )

    def _save_state(self) -> None:
        checkpoint.save_state(
            self.run.checkpoints,
            self.method,
            self.epoch,
            next_epoch=self.epoch,
            next_step=self.step,
            best=self.best,
            sums=dict(self.sums),
        )

    def _memory_mb(self) -> float:
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / 1e6
        return float(psutil.Process().memory_info().rss) / 1e6


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


def _describe(row: dict[str, Any]) -> str:
    shown = {name: value for name, value in row.items() if name != "epoch" and value is not None}
    return ", ".join(f"{name} {value:.4g}" for name, value in shown.items())


class _Log(logging.FileHandler):
    """A log whose own failure, on a full disk, is not printed over what went wrong."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Leave the line out."""


def _log_to(path: Path) -> logging.Handler:
    handler = _Log(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    return handler
