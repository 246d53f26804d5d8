"""The training loop: data, step, log, checkpoint, stop. Read it top to bottom; `training/run.py` is around it.

A run is resumed by doing again what comes after its last saved state. Order, augmentation and torch's own seed
depend only on the run's seed, the epoch and the step, so a resumed run equals an uninterrupted one.

An epoch is what lies between two lines of the learning curve: one pass over the training images, or, where the training's
length is given in steps, a fixed number of them, so that few images do not mean a check every other step.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable
from math import isfinite
from typing import Any

import psutil
import torch

from lvcnet.data.dataset import Dataset
from lvcnet.errors import LvcnetError
from lvcnet.methods import Method
from lvcnet.progress import Report
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.held_out import by_category
from lvcnet.runs.snapshots import write_snapshot
from lvcnet.training import checkpoint
from lvcnet.training.config import TrainConfig
from lvcnet.training.feed import Feed, seed_of
from lvcnet.training.monitor import agreement, iou_with_labels, take_snapshot
from lvcnet.training.outlines import measured_then, record

logger = logging.getLogger("lvcnet.training")


class Diverged(LvcnetError, FloatingPointError):
    """A loss is no longer a finite number."""


class Trainer:
    """One run's loop and the little it has to remember.

    Args:
        run: that is trained.
        config: what was asked for.
        device: where.
        report: called with (steps done, steps in all).
        resume: continue from the saved state, if there is one.
    """

    def __init__(
        self,
        run: RunDirectory,
        config: TrainConfig,
        device: torch.device,
        report: Report | None,
        resume: bool,
    ) -> None:
        self.run = run
        self.config = config
        self.device = device
        self.report = report
        self.resume = resume and (run.checkpoints / checkpoint.STATE).exists()
        self.dataset = Dataset.load(config.dataset)
        if self.dataset.fingerprint() != checkpoint.data_of(run)["fingerprint"]:
            raise LvcnetError(
                f"data set {config.dataset!r} changed since run {run.name!r} was made: start a new run"
            )
        self.feed = Feed(self.dataset, config, device, measured_then(run) if self.resume else None)
        self.length = self.feed.length
        torch.manual_seed(seed_of(config.seed, "weights"))
        self.method: Method = checkpoint.build_method(config, len(self.dataset.categories), device)
        self.epoch, self.step = 1, 0
        self.sums: dict[str, float] = defaultdict(float)
        self.best: float = -1.0

    def start(self) -> None:
        """Continue from the saved state, or begin."""
        values = checkpoint.load_state(self.run.checkpoints, self.method) if self.resume else None
        kept = record(self.feed.displacement, self.dataset, self.config)
        self.run.write_displacement(kept)
        if values:
            self.epoch, self.step, self.best = values["next_epoch"], values["next_step"], values["best"]
            self.sums = defaultdict(float, values["sums"])
            logger.info("resume at epoch %d, step %d", self.epoch, self.step)
            return
        (self.run.path / "metrics.jsonl").unlink(missing_ok=True)
        logger.info("train %s on %s", self.config.method, self.device)
        if self.config.augment and self.config.flip and not self.feed.mirrors:
            logger.info("images are not mirrored: left and right are categories of their own here")
        for said in kept["categories"].values() if kept else ():
            logger.info("%s", said["sentence"])
            if said["caution"]:
                logger.warning("%s", said["caution"])
        self._snapshot(0)

    def run_epochs(self, stopped: Callable[[], bool]) -> bool:
        """All epochs that are left; False if `stopped` ended them early, with the state saved."""
        while self.epoch <= self.length.epochs:
            started = time.perf_counter()
            first_step = self.step
            if not self._run_steps(stopped):
                return False
            self._finish_epoch(time.perf_counter() - started, self.step - first_step)
        return True

    def _run_steps(self, stopped: Callable[[], bool]) -> bool:
        torch.manual_seed(seed_of(self.config.seed, "epoch", self.epoch, self.step))
        if self.step == 0:
            self.method.begin_epoch(self.epoch)
        self._remember()
        for batch in self.feed.batches(self.epoch, self.step):
            torch.manual_seed(seed_of(self.config.seed, "step", *self.feed.place(self.steps_done)))
            terms = self.method.step(batch)
            for name, value in terms.items():
                self.sums[name] += float(value)
            self.step += 1
            self._remember()
            if self.report:
                self.report(self.steps_done, self.length.steps)
            if stopped():
                self._save_state()
                return False
        return True

    def _remember(self) -> None:
        """What the method has to say of its images comes back with the next batch: asked before every step."""
        done = self.steps_done / self.length.steps
        self.feed.train.remembered = self.method.remember(self.feed.train, done)

    @property
    def steps_done(self) -> int:
        """Steps of the whole training so far."""
        return (self.epoch - 1) * self.length.epoch + self.step

    def _finish_epoch(self, seconds: float, steps: int) -> None:
        """Log, check, show and save; `steps` of the epoch took `seconds`, the others were before a resume."""
        self.method.end_epoch(self.epoch)
        losses = {name: total / self.step for name, total in self.sums.items()}
        broken = [name for name, value in losses.items() if not isfinite(value)]
        if broken:
            raise Diverged(
                f"{', '.join(broken)} is not finite in epoch {self.epoch}: lower the learning rate"
            )
        row: dict[str, Any] = {
            "epoch": self.epoch,
            "step": self.steps_done,
            **losses,
            "seconds": seconds,
            "images_per_second": steps / seconds * min(self.config.batch_size, len(self.feed.train)),
            "memory_mb": self._memory_mb(),
        }
        last = self.epoch == self.length.epochs
        if self.epoch % self.config.validate_every == 0 or last:
            row |= self._check()
        self.run.append_metrics(row)
        logger.info("epoch %d/%d %s", self.epoch, self.length.epochs, _describe(row))
        if self.epoch % self.config.snapshot_every == 0 or last:
            self._snapshot(self.epoch)
        self.run.update_status(
            epoch=self.epoch,
            epochs=self.length.epochs,
            step=self.steps_done,
            steps=self.length.steps,
            seconds_per_epoch=seconds,
            **({"seconds_per_step": seconds / steps} if steps else {}),  # resumed when all of them were done
        )
        checkpoint.save_weights(self.run.checkpoints, "last", self.method, self.epoch)
        self.epoch, self.step = self.epoch + 1, 0
        self.sums.clear()
        self._save_state()

    def _check(self) -> dict[str, float | None]:
        """IoU with held-out noisy labels (chooses `best`) and with clean test labels (chooses nothing)."""
        score, each = agreement(self.method, self.feed.held_out)
        if score is None or score > self.best:
            self.best = self.best if score is None else score
            checkpoint.save_weights(
                self.run.checkpoints, "best", self.method, self.epoch, validation_iou=score
            )
        test = iou_with_labels(self.method, self.feed.test)
        return {"validation_iou": score, "test_iou": test} | by_category(self.dataset.categories, each)

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


def _describe(row: dict[str, Any]) -> str:
    shown = {name: value for name, value in row.items() if name != "epoch" and value is not None}
    return ", ".join(f"{name} {value:.4g}" for name, value in shown.items())
