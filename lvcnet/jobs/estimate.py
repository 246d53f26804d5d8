"""How long a training takes that has not started yet: judged by earlier ones, or by a few steps of it, timed now."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch

from lvcnet.data.dataset import Dataset
from lvcnet.jobs.launch import cores, slots
from lvcnet.methods import Batch, method_title
from lvcnet.runs.store import list_runs
from lvcnet.runs.summary import format_seconds
from lvcnet.trained import METHOD, network_of
from lvcnet.training.checkpoint import build_method
from lvcnet.training.config import TrainConfig, build_config
from lvcnet.training.device import cpu_threads, resolve_device
from lvcnet.training.feed import split_rows
from lvcnet.training.plan import TrainingPlan

SAME_PACE = ("dataset", "method", "network", "width", "depth", "block", "batch_size")
"""Settings that decide how long a step takes; runs that agree in them are comparable."""


def expected_seconds(
    configs: Sequence[TrainConfig],
    workers: int | None = None,
    timed: Callable[[TrainConfig], float] | None = None,
) -> float | None:
    """Seconds until all of these runs are done; None if one of them has no earlier run of its pace and none is timed.

    Args:
        configs: the runs to come.
        workers: how many train at a time; by default as many as the queue starts.
        timed: seconds of a training that has no earlier run of its pace, as `timed_seconds`.
    """
    past = _past_seconds()
    each = []
    for config in configs:
        unit, count = ("step", config.steps) if config.steps else ("epoch", config.epoch_count)
        seconds = past.get((unit, *_pace(config.model_dump())))
        if seconds is not None:
            each.append(count * seconds)
        elif timed is not None:
            each.append(timed(config))
        else:
            return None
    return max(sum(each) / (workers or slots()), max(each, default=0.0))


def _past_seconds() -> dict[tuple[Any, ...], float]:
    """Unit and pace -> median seconds, over all runs that have had an epoch; those of the demo count, too.

    A unit is a step, or an epoch that is a pass over the images.
    """
    found: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for run in list_runs():
        status, config = run.status(), run.config()
        units = ("step",) if config.get("steps") else ("step", "epoch")
        for unit in units:
            if seconds := status.get(f"seconds_per_{unit}"):
                found[(unit, *_pace(config))].append(float(seconds))
    return {pace: median(times) for pace, times in found.items()}


def _pace(config: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple({**config, "network": network_of(config)}.get(name) for name in SAME_PACE)


TIMED_STEPS = 2
"""Behind a first one, which also prepares things."""
HALF_WAY = 0.5
"""Progress at which a step is timed: by then a method does all that it ever does."""


@dataclass(frozen=True)
class Costs:
    """What a training by a plan takes on this machine, checks and pictures aside.

    Attributes:
        device: that was timed.
        seconds: by method.
    """

    device: str
    seconds: dict[str, float]

    def sentence(self) -> str:
        """In words.

        >>> Costs("cpu", {"unet": 240.0, "lvcnet-plus": 400.0}).sentence()
        'On this device (cpu) it takes about 4 min 0 s for U-Net, 6 min 40 s for LVC-Net plus, by steps timed just now.'
        """
        parts = [f"{format_seconds(value)} for {method_title(name)}" for name, value in self.seconds.items()]
        return f"On this device ({self.device}) it takes about {', '.join(parts)}, by steps timed just now."


def costs(dataset: Dataset | str, plan: TrainingPlan, methods: Sequence[str] = ("unet", METHOD)) -> Costs:
    """Time real steps by a plan.

    Raises:
        LvcnetError: if there is no such data set.
    """
    data = dataset if isinstance(dataset, Dataset) else Dataset.load(dataset)
    asked = {"dataset": data.name, "labels": plan.labels}
    configs = {name: build_config(dict(plan.settings), asked, {"method": name}) for name in methods}
    return Costs(
        str(resolve_device("auto")), {name: timed_seconds(config, data) for name, config in configs.items()}
    )


def step_seconds(config: TrainConfig, dataset: Dataset) -> float:
    """Seconds of a step: of a few on made-up images, with the threads that a training would have.

    Raises:
        LvcnetError: for labels that cover no training image, and a method or device that does not exist.
    """
    device = resolve_device(config.device)
    train, _ = split_rows(dataset, config.labels, config.validation)
    with cpu_threads(config.threads or max(1, cores() // slots())):
        seed = torch.Generator().manual_seed(0)
        method = build_method(config, len(dataset.categories), device)
        shape = (min(config.batch_size, len(train)), len(dataset.categories), *dataset.grid)
        images = torch.rand(shape[0], 1, *dataset.grid, generator=seed).to(device)
        labels = (torch.rand(shape, generator=seed) > HALF_WAY).float().to(device)
        batch = Batch(images, labels, torch.arange(shape[0]), HALF_WAY)
        times = []
        for _ in range(1 + TIMED_STEPS):
            started = time.perf_counter()
            float(method.step(batch)["loss"])  # waits for the device
            times.append(time.perf_counter() - started)
    return min(times[1:])


def timed_seconds(
    config: TrainConfig, dataset: Dataset, step: Callable[[TrainConfig, Dataset], float] = step_seconds
) -> float:
    """Seconds that the steps of a training take, of which each takes as long as `step` says.

    Raises:
        LvcnetError: as `step_seconds`.
    """
    train, _ = split_rows(dataset, config.labels, config.validation)
    return config.length(len(train)).steps * step(config, dataset)
