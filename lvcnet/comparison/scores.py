"""Scores of single images in evaluations, and what one method is better than another on the same images."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.comparison.cells import BASELINE, Cell, Difference, method_order
from lvcnet.evaluation.statistics import holm, paired_bootstrap, signed_rank
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import find_run

Group = dict[int, tuple[RunDirectory, dict[str, Any]]]
"""Seed -> run and its evaluation: what is in one cell."""
Key = tuple[str, str]
"""Method and label set."""


def evaluations_of(cell: Cell) -> list[Mapping[str, Any]]:
    """The evaluation.json of every run in a cell, by seed.

    Raises:
        LvcnetError: if a run is gone.
    """
    found = [find_run(name).evaluation() for name in cell.runs.values()]
    return [evaluation for evaluation in found if evaluation is not None]


def image_scores(evaluations: Sequence[Mapping[str, Any]], metric: str) -> dict[str, float]:
    """Image key -> mean of a metric over the evaluations, for images that all of them hold."""
    collected: dict[str, list[float]] = defaultdict(list)
    for evaluation in evaluations:
        for row in evaluation.get("per_image", []):
            collected[row["key"]].append(float(row[metric]))
    return {
        key: float(np.mean(values)) for key, values in collected.items() if len(values) == len(evaluations)
    }


def differences(groups: dict[Key, Group], metric: str, seed: int) -> list[Difference]:
    """Every method against the baseline on the same labels, seeds and images."""
    found: list[Difference] = []
    for method, labels in sorted(groups, key=lambda key: (method_order(key[0]), key[1])):
        group, baseline = groups[method, labels], groups.get((BASELINE, labels), {})
        seeds = sorted(set(group) & set(baseline))
        if method != BASELINE and seeds:
            first, second = _paired_scores(group, baseline, seeds, metric)
            if first.size:
                found.append(_difference(method, labels, metric, seeds, first, second, seed))
    adjusted = holm([difference.p for difference in found])
    return [Difference(**{**vars(old), "p": p}) for old, p in zip(found, adjusted, strict=True)]


def _paired_scores(
    group: Group, baseline: Group, seeds: Sequence[int], metric: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(S, n) scores of both, for the S seeds and the n images that all their evaluations hold."""
    tables = [[image_scores([chosen[seed][1]], metric) for seed in seeds] for chosen in (group, baseline)]
    keys = sorted(set.intersection(*(set(scores) for table in tables for scores in table)))
    first, second = (np.array([[scores[key] for key in keys] for scores in table]) for table in tables)
    return first, second


def _difference(
    method: str,
    labels: str,
    metric: str,
    seeds: list[int],
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    seed: int,
) -> Difference:
    interval = paired_bootstrap(first, second, seed)
    p = signed_rank(first, second)
    return Difference(
        method, labels, metric, seeds, first.shape[1], interval.mean, interval.low, interval.high, p
    )
