"""Train a run again and say what differs: environment, data, settings, curves, weights, evaluation.

On one CPU with the same packages nothing does: order, augmentation and torch's seed depend on the run's seed, the epoch
and the step only. On a GPU, or on another processor, sums are taken in another order, and weights differ from the last
digits on.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from safetensors.torch import load_file

from lvcnet.data.dataset import Dataset
from lvcnet.errors import LvcnetError, foreign
from lvcnet.evaluation.alike import labels_now, same_labels
from lvcnet.evaluation.protocol import check_fingerprint, evaluate_run
from lvcnet.masks.metrics import METRICS
from lvcnet.progress import Report
from lvcnet.runs.about import write_about
from lvcnet.runs.directory import RunDirectory
from lvcnet.training.checkpoint import config_of
from lvcnet.training.config import TrainConfig
from lvcnet.training.device import cpu_threads, resolve_device
from lvcnet.training.environment import environment, recorded
from lvcnet.training.run import create_run, train

TIMES = {"epoch", "step", "seconds", "images_per_second", "memory_mb"}
"""Columns of metrics.jsonl that are not about the outcome."""
Pair = tuple[Any, Any]
"""The value of the run, and that of its reproduction."""


@dataclass(frozen=True)
class Curves:
    """Where the rows of two metrics.jsonl part.

    Attributes:
        epoch: the first that differs.
        columns: column -> its two values then; None where a run has no such epoch or column.
    """

    epoch: int
    columns: dict[str, Pair]


@dataclass(frozen=True)
class Differences:
    """What differs between a run and its reproduction.

    Attributes:
        run, other: their names.
        environment: of the last training, name -> values; None if the run noted none.
        data: fingerprint of images and clean labels, and the label set, where it is not the same.
        config: settings, name -> values.
        curves: None where they are equal.
        weights: largest absolute difference of the last checkpoints, infinite where the networks differ; None if one of
            them has none.
        evaluation: metric -> values; None if one of them is not evaluated.
    """

    run: str
    other: str
    environment: dict[str, Pair] | None
    data: dict[str, Pair]
    config: dict[str, Pair]
    curves: Curves | None
    weights: float | None
    evaluation: dict[str, Pair] | None

    @property
    def equal(self) -> bool:
        """Whether the outcome is the same, bit for bit; the environment may differ. Without both weights that is not known."""
        return self.weights == 0.0 and not (self.data or self.config or self.curves or self.evaluation)


def check_reproducible(run: RunDirectory) -> TrainConfig:
    """Whether a run can be trained again from the data as they are; its settings.

    Raises:
        LvcnetError: if it is not done, or its data or label set are gone or changed since.
    """
    state, config = run.status()["state"], config_of(run)
    if state != "done":
        raise LvcnetError(f"run {run.name!r} is {state}: only a run that is done can be reproduced")
    dataset = Dataset.load(config.dataset)
    check_fingerprint(run, dataset)
    if not same_labels(run.config(), labels_now(dataset, config.labels)):
        raise LvcnetError(
            f"label set {config.labels!r} of data set {dataset.name!r} was made again since run {run.name!r} was trained:"
            " put back the one of then, or train a new run"
        )
    return config


def environment_changes(run: RunDirectory) -> dict[str, Pair] | None:
    """What is not here as it was when the run was trained, thread count aside (it is set); None if the run noted nothing."""
    known = recorded(run)
    if not known:
        return None
    found = _pairs(known[-1], environment(resolve_device(config_of(run).device)))
    return {name: pair for name, pair in found.items() if name != "threads"}


def reproduce(
    run: RunDirectory, name: str | None = None, report: Report | None = None
) -> tuple[RunDirectory, str]:
    """Train and evaluate a run again, as a new run; that run, and the state its training ended in.

    Args:
        run: a run that is done.
        name: of the new run; by default the old name with `-again`.
        report: called with (steps done, steps in all).

    Raises:
        LvcnetError: as `check_reproducible`.
    """
    config = check_reproducible(run)
    again = create_run(config, name or f"{run.name}-again")
    write_about(again, note=f"Trained again to reproduce run {run.name}")
    again.update_status(launcher="foreground")
    with cpu_threads(_threads(run, config)):
        state = train(again, report=report)
        if state == "done" and run.has_evaluation():
            evaluate_run(again, device=config.device)
    return again, state


def differences(run: RunDirectory, other: RunDirectory) -> Differences:
    """What differs between a run and its reproduction.

    Raises:
        LvcnetError: if one of their files is damaged.
    """
    first, second = run.config(), other.config()
    environments = [recorded(one) for one in (run, other)]
    return Differences(
        run.name,
        other.name,
        _pairs(environments[0][-1], environments[1][-1]) if all(environments) else None,
        _data(first, second),
        _pairs(config_of(run).model_dump(), config_of(other).model_dump()),
        _curves(run, other),
        _weights(run, other),
        _evaluation(run, other),
    )


def _threads(run: RunDirectory, config: TrainConfig) -> int:
    """As many CPU threads as the run had: sums over another number of parts differ in their last digits."""
    known, now = recorded(run), torch.get_num_threads()
    return int(known[-1].get("threads") or now) if known and not config.threads else now


def _pairs(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Pair]:
    """Where two mappings differ; None stands for what one of them does not have."""
    names = dict.fromkeys([*first, *second])
    pairs = {name: (first.get(name), second.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if not _same(*pair)}


def _same(one: Any, other: Any) -> bool:
    both_nan = isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other)
    return bool(one == other) or both_nan


def _data(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Pair]:
    data, others = first.get("data") or {}, second.get("data") or {}
    found = _pairs({"fingerprint": data.get("fingerprint")}, {"fingerprint": others.get("fingerprint")})
    if not same_labels(first, second):
        found["labels"] = (data.get("labels_digest"), others.get("labels_digest"))
    return found


def _curves(run: RunDirectory, other: RunDirectory) -> Curves | None:
    rows = [{int(row["epoch"]): row for row in one.metrics()} for one in (run, other)]
    for epoch in sorted({*rows[0], *rows[1]}):
        kept = [
            {name: value for name, value in one.get(epoch, {}).items() if name not in TIMES} for one in rows
        ]
        if pairs := _pairs(*kept):
            return Curves(epoch, pairs)
    return None


def _weights(run: RunDirectory, other: RunDirectory) -> float | None:
    paths = [one.checkpoints / "last.safetensors" for one in (run, other)]
    if not all(path.exists() for path in paths):
        return None
    found = []
    for path in paths:
        with foreign(f"{path} is damaged", "put back a copy of it, or train the run again"):
            found.append(load_file(path))
    first, second = found
    if {name: value.shape for name, value in first.items()} != {
        name: value.shape for name, value in second.items()
    }:
        return math.inf
    gaps = [
        (first[name].double() - second[name].double()).abs()
        for name in first
        if not torch.equal(first[name], second[name])
    ]
    return max((float(gap.nan_to_num(math.inf).max()) for gap in gaps), default=0.0)


def _evaluation(run: RunDirectory, other: RunDirectory) -> dict[str, Pair] | None:
    first, second = run.evaluation(), other.evaluation()
    if first is None or second is None:
        return None
    same = first["unit"] == second["unit"]  # an evaluation of before may measure distances on the grid
    names = [name for name, spec in METRICS.items() if same or not spec.sized]
    found = _pairs(*({name: one.get(name) for name in names} for one in (first, second)))
    images = [
        {row.get("key"): {name: row.get(name) for name in names} for row in one.get("per_image", [])}
        for one in (first, second)
    ]
    if changed := _pairs(*images):
        found["images that differ"] = (len(changed), len({*images[0], *images[1]}))
    return found
