"""How long a training step and a prediction take, methods side by side on the same machine.

Methods take turns, one call each, so that whatever else the machine does meets all of them alike. On a CPU it is the
process's CPU time that counts, which other processes hardly change; elsewhere the time on the wall, after the device
has finished.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from lvcnet.comparison.cells import BASELINE
from lvcnet.comparison.tables import NOTHING, Table
from lvcnet.data.dataset import Dataset
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.robustness import share
from lvcnet.methods import Batch, Method, method_title
from lvcnet.training.checkpoint import build_method
from lvcnet.training.config import TrainConfig
from lvcnet.training.device import cpu_threads, resolve_device
from lvcnet.training.feed import Feed

STAGES = (0.1, 0.35, 0.6, 0.85)
"""Fractions of the training at which steps are timed: a method may do more later on than at its start."""
WARM_UP = 2

Call = Callable[[], object]


@dataclass(frozen=True)
class Timing:
    """Seconds on one thread or device.

    Attributes:
        step: of a training step; median at every stage of the training, mean over the stages. What a method does once between
            steps (`Method.remember`) is spread over all of them.
        inference: of the prediction of one image; median.
        parameters: weights that predict.
    """

    step: float
    inference: float
    parameters: int


def time_methods(
    configs: Mapping[str, TrainConfig], dataset: Dataset, repetitions: int = 8, threads: int = 1
) -> dict[str, Timing]:
    """Time fresh methods on one batch of a data set.

    Args:
        configs: name -> what it is asked to do; batch, labels and device are those of the first.
        dataset: the data set they name.
        repetitions: calls of every method at every stage, after two that do not count.
        threads: CPU threads.

    Raises:
        LvcnetError: if there is no method, or one whose configuration does not fit.
    """
    if not configs or repetitions < 1:
        raise LvcnetError(f"{len(configs)} methods and {repetitions} repetitions: give at least one of both")
    first = next(iter(configs.values()))
    device = resolve_device(first.device)
    feed = Feed(dataset, first, device)
    with cpu_threads(threads):
        methods = {
            name: build_method(config, len(dataset.categories), device) for name, config in configs.items()
        }
        for method in methods.values():
            method.begin_epoch(1)
        once, stages = dict.fromkeys(methods, 0.0), []
        for at in STAGES:
            calls = {}
            for name, method in methods.items():
                started = _now(device)
                feed.train.remembered = method.remember(feed.train, at)
                once[name] += _now(device) - started
                calls[name] = _step(method, replace(next(feed.batches(1)), progress=at))
            stages.append(_alternate(calls, repetitions, device))
        images = feed.train.images_at(torch.arange(1))
        calls = {name: _prediction(method, images) for name, method in methods.items()}
        predictions = _alternate(calls, len(STAGES) * repetitions, device)
    return {
        name: Timing(
            float(np.mean([stage[name] for stage in stages])) + once[name] / feed.length.steps,
            predictions[name],
            method.parameters(),
        )
        for name, method in methods.items()
    }


def timing_table(timings: Mapping[str, Timing]) -> Table:
    """Times and their ratio to the baseline's, if it is among them."""
    base = timings.get(BASELINE)
    over = f"over {method_title(BASELINE)}"
    rows = [
        [
            method_title(name),
            f"{found.parameters:,}",
            f"{1000 * found.step:.0f}",
            _ratio(found.step, base.step if base else None),
            f"{1000 * found.inference:.1f}",
            _ratio(found.inference, base.inference if base else None),
        ]
        for name, found in timings.items()
    ]
    return Table(
        "Time, side by side",
        "Methods took turns on the same batch and machine: medians of a training step (mean over the course of a training)"
        " and of the prediction of one image.",
        ["Method", "Parameters", "Step ms", f"Step {over}", "Inference ms", f"Inference {over}"],
        rows,
    )


def _ratio(value: float, base: float | None) -> str:
    found = share(value, base)
    return NOTHING if found is None else f"{found:.2f}"


def _step(method: Method, batch: Batch) -> Call:
    return lambda: method.step(batch)


def _prediction(method: Method, images: Tensor) -> Call:
    return lambda: method.predict(images, details=False)


def _alternate(calls: Mapping[str, Call], repetitions: int, device: torch.device) -> dict[str, float]:
    """Median seconds of each call, all of them taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(WARM_UP + repetitions):
        for name, call in calls.items():
            started = _now(device)
            call()
            seconds[name].append(_now(device) - started)
    return {name: float(np.median(found[WARM_UP:])) for name, found in seconds.items()}


def _now(device: torch.device) -> float:
    if device.type == "cpu":
        return time.process_time()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
    return time.perf_counter()
