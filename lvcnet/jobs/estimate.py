"""How long a training takes that has not started yet, judged by earlier ones."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from lvcnet.jobs.launch import slots
from lvcnet.runs.store import list_runs
from lvcnet.trained import network_of
from lvcnet.training.config import TrainConfig

SAME_PACE = ("dataset", "method", "network", "width", "depth", "block", "batch_size")
"""Settings that decide how long a step takes; runs that agree in them are comparable."""


def expected_seconds(configs: Sequence[TrainConfig], workers: int | None = None) -> float | None:
    """Seconds until all of these runs are done; None if one of them has no earlier run of its pace.

    Args:
        configs: the runs to come.
        workers: how many train at a time; by default as many as the queue starts.
    """
    past = _past_seconds()
    each = []
    for config in configs:
        unit, count = ("step", config.steps) if config.steps else ("epoch", config.epoch_count)
        seconds = past.get((unit, *_pace(config.model_dump())))
        if seconds is None:
            return None
        each.append(count * seconds)
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
