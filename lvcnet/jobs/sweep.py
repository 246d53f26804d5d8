"""A grid of methods x label sets x seeds: which runs there are to be, which exist, what is left to do.

A run's name follows from what it is asked to do, so the same sweep finds its runs again:
`hips-lvcnet-level3-s0` with the settings of the training plan, `hips-lvcnet-level3-s0-4f1d2a` with others.
"""

import json
from dataclasses import dataclass
from typing import Any, Literal

from lvcnet import workspace
from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.data.naming import chosen
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.alike import MEANT, labels_now, same_labels
from lvcnet.files import check_name, digest
from lvcnet.methods import METHODS
from lvcnet.runs.directory import ACTIVE, RunDirectory
from lvcnet.trained import PRESET
from lvcnet.training.checkpoint import config_of
from lvcnet.training.config import TrainConfig, build_config
from lvcnet.training.plan import start_settings
from lvcnet.training.run import check_config, create_run

Action = Literal["train", "resume", "skip", "leave"]
# What a run's name says itself, and what decides where and how visibly it trains but not what comes out.
NOT_IN_DIGEST = {
    "dataset",
    "labels",
    "method",
    "network",
    "seed",
    "device",
    "threads",
    "snapshot_every",
    "snapshot_images",
}

YOUNGER = {"steps": None, "epoch_steps": 50, **MEANT}
"""Settings that names are older than, and what those mean: with these values they are no part of a name."""


@dataclass(frozen=True)
class PlannedRun:
    """One cell of the grid.

    Attributes:
        name: the run's name.
        config: what it is asked to do.
        state: its state, None if it does not exist yet.
        action: train, resume, skip (done, or failed and not to be retried) or leave (it waits or trains already).
    """

    name: str
    config: TrainConfig
    state: str | None
    action: Action

    @property
    def run(self) -> RunDirectory:
        """Its run directory, which may not exist yet."""
        return RunDirectory(workspace.runs_dir() / self.name)

    def prepare(self) -> RunDirectory:
        """Create the run, or make it ready to be resumed; in both cases it ends in state queued.

        Raises:
            LvcnetError: if its state changed since it was planned.
        """
        if self.action == "train":
            if self.run.path.exists():
                raise LvcnetError(f"run {self.name!r} was created meanwhile: start the sweep again")
            return create_run(self.config, self.name)
        self.run.clear_cancel()
        new = {"task": None, "launcher": "sweep", "pid": None, "message": None, "error": None}
        if not self.run.move_state((str(self.state),), "queued", **new):
            raise LvcnetError(f"run {self.name!r} is now {self.run.status()['state']}: start the sweep again")
        return self.run


def plan_sweep(
    dataset: str,
    methods: list[str],
    labels: list[str],
    seeds: list[int],
    settings: dict[str, Any] | None = None,
    retry_failed: bool = False,
) -> list[PlannedRun]:
    """All runs of a grid, in the order seed, label set, method, so that early results compare methods.

    Args:
        dataset: name of the data set.
        methods: e.g. fcn, unet, lvcnet.
        labels: label sets; 1 and level1 are the same; clean; dentist2.
        seeds: seeds.
        settings: what differs from the default settings in all runs.
        retry_failed: resume failed runs, too.

    Raises:
        LvcnetError: for unknown methods or label sets, settings that do not fit a method, and runs of these names
            that were trained on data that changed since.
    """
    data = Dataset.load(dataset)
    names = [chosen(data, word) for word in labels]
    _check_grid(data, methods, names, seeds)
    grid = [(method, name, seed) for seed in seeds for name in names for method in methods]
    configs = [
        build_config(settings or {}, {"dataset": data.name, "method": method, "labels": name, "seed": seed})
        for method, name, seed in dict.fromkeys(grid)
    ]
    for config in {(config.method, config.labels): config for config in configs}.values():
        check_config(config, data)
    usual = build_config(start_settings(PRESET, data, names[0]), {"dataset": data.name})
    plan = [_plan(config, _identity(usual), retry_failed) for config in configs]
    _check_data(data, plan)
    return plan


def _plan(config: TrainConfig, usual: bytes, retry_failed: bool) -> PlannedRun:
    """Find the run, be it from a sweep or made by `lvcnet train` with the same settings, or name a new one."""
    short = config.run_name()
    long = f"{short}-{digest([_identity(config)])[:6]}"
    for name in (short, long):
        run = RunDirectory(workspace.runs_dir() / name)
        if run.exists() and _same(config_of(run), config):
            state = run.status()["state"]
            return PlannedRun(name, config, state, _action(state, retry_failed))
    taken = (workspace.runs_dir() / short).exists()
    name = short if _identity(config) == usual and not taken else long
    return PlannedRun(check_name(name, "run"), config, None, "train")


def _same(one: TrainConfig, other: TrainConfig) -> bool:
    return one.network == other.network and _identity(one) == _identity(other)


def _identity(config: TrainConfig) -> bytes:
    settings = config.model_dump(exclude=NOT_IN_DIGEST)
    told = {name: value for name, value in settings.items() if YOUNGER.get(name, NOT_IN_DIGEST) != value}
    return json.dumps(told, sort_keys=True).encode()


def _action(state: str, retry_failed: bool) -> Action:
    if state in ACTIVE:
        return "leave"
    return "skip" if state == "done" or (state == "failed" and not retry_failed) else "resume"


def _check_grid(data: Dataset, methods: list[str], labels: list[str], seeds: list[int]) -> None:
    if not (methods and labels and seeds):
        raise LvcnetError("a sweep needs at least one method, one level and one seed")
    problems = [
        f"method {method!r} (there are {', '.join(METHODS)})" for method in methods if method not in METHODS
    ]
    known = data.label_names()
    problems += [
        f"label set {label!r} (there are {', '.join(known)})" for label in labels if label not in known
    ]
    if problems:
        hint = (
            "" if set(labels) <= {*known, CLEAN} else f"; make noisy labels with `lvcnet noise {data.name}`"
        )
        raise LvcnetError(f"data set {data.name!r} cannot be swept, unknown: {'; '.join(problems)}{hint}")


def _check_data(data: Dataset, plan: list[PlannedRun]) -> None:
    """A done run counts only if its images and its labels are those of today."""
    fingerprint = data.fingerprint()
    now = {labels: labels_now(data, labels) for labels in {cell.config.labels for cell in plan}}
    stale = []
    for cell in plan:
        made_from = cell.run.config() if cell.state is not None else None
        if made_from is not None and (
            made_from.get("data", {}).get("fingerprint") != fingerprint
            or not same_labels(made_from, now[cell.config.labels])
        ):
            stale.append(cell.name)
    if stale:
        raise LvcnetError(
            f"images or labels of {data.name!r} changed since {', '.join(stale)} was made: delete such runs with "
            f"`lvcnet delete RUN --yes`, or rename them, and start the sweep again"
        )
