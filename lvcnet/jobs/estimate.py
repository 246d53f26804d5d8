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
"""Settings that decide how long an epoch takes; runs that agree in them are comparable."""


def expected_seconds(configs: Sequence[TrainConfig], workers: int | None = None) -> float | None:
    """Seconds until all of these runs are done; None if one of them has no earlier run of its pace.

    Args:
        configs: the runs to come.
        workers: how many train at a time; by default as many as the queue starts.
    """
    past = _epoch_seconds()
    each = []
    for config in configs:
        seconds = past.get(_pace(config.model_dump()))
        if seconds is None:
            return None
        each.append(config.epochs * seconds)
    return max(sum(each) / (workers or slots()), max(each, default=0.0))


def _epoch_seconds() -> dict[tuple[Any, ...], float]:
    """Pace -> median seconds of an epoch, over all runs that have had one; those of the demo count, too."""
    found: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for run in list_runs():
        if seconds := run.status().get("seconds_per_epoch"):
            found[_pace(run.config())].append(float(seconds))
    return {pace: median(times) for pace, times in found.items()}


def _pace(config: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple({**config, "network": network_of(config)}.get(name) for name in SAME_PACE)
