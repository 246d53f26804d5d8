"""Verdicts on made-up comparisons whose answers are known."""

import pytest
import targets

from lvcnet.comparison.cells import Cell, Comparison, Difference
from lvcnet.comparison.timing import Timing
from tests.evaluations import noise_manifest


def cell(method: str, labels: str, scores: list[float], recovery: float | None = None) -> Cell:
    noise = noise_manifest(0 if labels == "clean" else int(labels[-1]))
    runs = {seed: f"{method}-{labels}-{seed}" for seed in range(len(scores))}
    recovered = [] if recovery is None else [recovery] * len(scores)
    return Cell(method, labels, noise, 0.72, runs, {"iou": scores}, 1000, 100.0, recovery=recovered)


def difference(method: str, labels: str, mean: float, low: float, seeds: int = 3) -> Difference:
    return Difference(method, labels, "iou", list(range(seeds)), 36, mean, low, 2 * mean - low, 0.01)


def of(comparison: Comparison, phantom: bool, target: str) -> targets.Verdict:
    found = targets.verdicts({"data": comparison}, ["data"] if phantom else [], {})
    return next(one for one in found if target in one.target)


def test_retention_is_measured_by_u_net_on_clean_labels() -> None:
    cells = [cell("unet", "clean", [1.0] * 3), cell("lvcnet-plus", "level4", [0.97, 0.95, 0.96], 0.94)]
    verdict = of(Comparison("data", "iou", cells, []), True, "of U-Net on clean labels")
    assert (verdict.measured, verdict.met, verdict.seeds) == ("96.0%", True, 3)
    cells[1] = cell("lvcnet-plus", "level4", [0.95], 0.92)
    worse = Comparison("data", "iou", cells, [])
    assert of(worse, True, "of U-Net on clean labels").met is False
    assert of(worse, True, "repairs level4").met is False
    table = targets.target_table([of(worse, True, "of U-Net on clean labels")])
    assert table.rows[0][-2:] == ["not met, too few seeds", "1"]


@pytest.mark.parametrize(
    ("mean", "low", "met"), [(0.020, 0.001, True), (0.020, -0.001, False), (0.014, 0.010, False)]
)
def test_a_gain_on_radiographs_must_be_large_and_beyond_chance(mean: float, low: float, met: bool) -> None:
    comparison = Comparison("data", "iou", [], [difference("lvcnet-plus", "level3", mean, low)])
    assert of(comparison, False, "at level3").met is met


def test_the_worst_level_decides_and_a_missing_one_leaves_it_open() -> None:
    levels = ["level1", "level2", "level3", "level4"]
    means = [-0.004, 0.0, 0.01, 0.03]
    pairs = [
        difference("lvcnet", level, mean, mean - 0.01) for level, mean in zip(levels, means, strict=True)
    ]
    assert of(Comparison("data", "iou", [], pairs), False, "LVC-Net <=").met is True
    assert of(Comparison("data", "iou", [], pairs[1:]), False, "LVC-Net <=").met is None
    lost = [difference("lvcnet", "level1", -0.006, -0.01)]
    verdict = of(Comparison("data", "iou", [], lost), False, "LVC-Net <=")
    assert verdict.met is False
    assert verdict.measured.startswith("-0.6 points at level1")


def test_labels_of_radiographs_are_compared_with_what_they_were() -> None:
    comparison = Comparison("data", "iou", [cell("lvcnet-plus", "level4", [0.8] * 3, 0.765)], [])
    verdict = of(comparison, False, "repairs level4")
    assert (verdict.met, verdict.measured) == (True, "+4.5 points (0.720 to 0.765)")


def test_times_are_ratios_to_u_net_and_open_without_a_measurement() -> None:
    timings = {"unet": Timing(0.2, 0.01, 10), "lvcnet-plus": Timing(0.31, 0.012, 11)}
    step, inference = targets.time_verdicts(timings)
    assert (step.measured, step.met) == ("1.55 x", False)
    assert (inference.measured, inference.met) == ("1.20 x", True)
    assert all(verdict.met is None for verdict in targets.time_verdicts({}))
