"""The planner: clicks counted by hand, equal outlines worked out by hand, and nothing beyond what was measured."""

import csv
import io
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvcnet.comparison.collect import collect
from lvcnet.data.dataset import Dataset, Item, LabelSet
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.protocol import evaluate_run
from lvcnet.files import write_json
from lvcnet.noise.polygon import count_vertices
from lvcnet.planner.clicks import CLEAN_TOLERANCE, Outlines, outlines_of
from lvcnet.planner.curve import Plan, afford, expect, make_plan, plan_dataset
from lvcnet.planner.equivalence import Equivalence, Point, equivalences
from lvcnet.planner.plan_text import (
    budget_sentences,
    equivalence_sentence,
    plan_csv,
    plan_json,
    plan_table,
)
from tests.evaluations import noise_manifest

POLYGON = noise_manifest(4, strength=0.5, bias=0.0, fraction=1.0)


def square(size: int, start: int, end: int) -> np.ndarray:
    mask = np.zeros((size, size), dtype=bool)
    mask[start:end, start:end] = True
    return mask


def point(method: str, clicks: float, score: float, draws: list[float] | None = None) -> Point:
    values = np.array(draws or [score] * 8)
    low, high = float(values.min()), float(values.max())
    return Point(method, f"level{4 if clicks < 20 else 1}", clicks, score, low, high, 1, values)


def plan_of(points: list[Point], images: int = 100) -> Plan:
    labels = sorted({(one.clicks, one.labels) for one in points})
    outlines = [Outlines(name, clicks, 1.0, f"Level {name[-1]}") for clicks, name in labels]
    return Plan("hips", images, 8, outlines, points, equivalences(points), None, [])


UNET = [point("unet", 10, 0.6), point("unet", 40, 0.8)]


def only(found: list[Equivalence]) -> Equivalence:
    assert len(found) == 1
    return found[0]


def test_a_square_has_four_vertices_and_a_hole_in_it_four_more() -> None:
    ring = square(32, 4, 28) & ~square(32, 10, 20)
    two = square(32, 2, 10) | square(32, 18, 30)
    assert count_vertices(square(16, 4, 12), CLEAN_TOLERANCE) == 4
    assert count_vertices(ring, CLEAN_TOLERANCE) == 8
    assert count_vertices(two, CLEAN_TOLERANCE) == 8
    assert count_vertices(np.zeros((16, 16), dtype=bool), CLEAN_TOLERANCE) == 0


def test_a_hurried_person_sets_four_corners_and_forgets_small_holes() -> None:
    ring = square(32, 4, 28) & ~square(32, 14, 17)
    assert count_vertices(ring, 0.5) == 8
    assert count_vertices(ring, 30.0) == 4  # MIN_VERTICES for the object, none for its hole


def test_clicks_are_a_mean_over_the_training_images_the_clean_labels_cover() -> None:
    masks = np.stack([square(32, 4, 12), square(32, 2, 10) | square(32, 18, 30), square(32, 4, 12)])[:, None]
    items = [Item("a", "train", 32, 32), Item("b", "train", 32, 32), Item("c", "test", 32, 32)]
    dataset = Dataset("squares", ["bone"], items, np.zeros((3, 32, 32), np.uint8))
    dataset.add_labels(LabelSet("clean", masks, np.ones(3, dtype=bool)))
    assert outlines_of(dataset, "clean", {}).clicks == 6.0  # 4 and 8; the test image counts for nothing
    assert outlines_of(dataset, "level2", POLYGON).clicks == 6.0


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        ({"family": "morphology", "strength": 3.0}, "morphology does not draw outlines"),
        ({**POLYGON, "bias": 1.0}, "biased"),
        ({**POLYGON, "fraction": 0.5}, "only some"),
        ({}, "manifest does not say"),
    ],
)
def test_other_label_sets_have_no_clicks(tiny: Dataset, manifest: dict[str, Any], reason: str) -> None:
    with pytest.raises(LvcnetError, match=reason):
        outlines_of(tiny, "level3-other", manifest)


def test_equal_outlines_halfway_in_score_are_halfway_in_log_clicks() -> None:
    found = only(equivalences([*UNET, point("lvcnet", 10, 0.7)]))
    assert (found.needed, found.low, found.high) == pytest.approx((20, 20, 20))  # sqrt(10 x 40)
    assert found.saving(found.needed) == pytest.approx(0.5)
    sentence = equivalence_sentence(found, plan_of([*UNET, found.point]))
    assert sentence.startswith(
        "Level 4 outlines with LVC-Net equal outlines between level 4 and level 1 with U-Net:"
    )
    assert "**50 % fewer clicks** (95 % interval 50 to 50 %), 10.0 instead of 20.0 an image" in sentence


def test_more_clicks_for_the_same_score_are_called_so() -> None:
    sentence = equivalence_sentence(
        only(equivalences([*UNET, point("fcn", 40, 0.7, [0.65, 0.75] * 4)])),
        plan_of([*UNET, point("fcn", 40, 0.7)]),
    )
    assert "**100 % more clicks**" in sentence  # 40 instead of 20
    low, high = sentence.partition("interval ")[2].partition(" %")[0].split(" to ")
    assert float(low) < 100 < float(high)


def test_the_interval_comes_from_the_draws_of_both_methods() -> None:
    draws = [0.6] * 50 + [0.8] * 50
    steady = [point("unet", 10, 0.6, [0.6] * 100), point("unet", 40, 0.8, [0.8] * 100)]
    found = only(equivalences([*steady, point("lvcnet", 10, 0.7, draws)]))
    assert (found.low, found.high) == pytest.approx((10, 40))
    # Paired: where the same images make both methods better, nothing is uncertain.
    moving = [point("unet", 10, 0.7, draws), point("unet", 40, 0.9, [d + 0.2 for d in draws])]
    paired = only(equivalences([*moving, point("lvcnet", 10, 0.8, [d + 0.1 for d in draws])]))
    assert (paired.low, paired.high) == pytest.approx((20, 20))


def test_an_interval_around_no_saving_claims_nothing() -> None:
    base = [point("unet", 10, 0.6, [0.6] * 100), point("unet", 40, 0.8, [0.8] * 100)]
    other = point("lvcnet", 20, 0.7, [0.65] * 50 + [0.75] * 50)
    assert "no certain difference" in equivalence_sentence(
        only(equivalences([*base, other])), plan_of([*base, other])
    )


def test_outside_the_measured_range_there_is_a_bound_and_no_number() -> None:
    better = only(equivalences([*UNET, point("lvcnet", 10, 0.9)]))
    worse = only(equivalences([*UNET, point("fcn", 40, 0.5)]))
    assert (better.needed, worse.needed) == (np.inf, -np.inf)
    assert better.saving(better.needed) == pytest.approx(0.75)  # 10 instead of more than 40
    assert worse.saving(worse.needed) == pytest.approx(-3)  # 40 instead of fewer than 10
    plan = plan_of([*UNET, better.point, worse.point])
    assert "more than 75 % fewer clicks" in equivalence_sentence(better, plan)
    assert "takes more than 40.0 clicks" in equivalence_sentence(better, plan)
    assert "more than 300 % more clicks" in equivalence_sentence(worse, plan)
    rows = {row[0]: row for row in plan_table(plan).rows}
    assert rows["LVC-Net"][4:] == ["> 40.0", "> 75 %", "—"]
    assert rows["FCN"][4:] == ["< 10.0", "< -300 %", "—"]
    flat = {row["method"]: row for row in plan_json(plan)["rows"]}
    assert (flat["lvcnet"]["baseline_clicks"], flat["lvcnet"]["outside"]) == (None, "more than measured")


def test_one_measured_level_of_the_baseline_is_too_little_to_say_anything() -> None:
    points = [UNET[0], point("fcn", 10, 0.5), point("lvcnet", 40, 0.9)]
    found = equivalences(points)
    assert [one.unclear for one in found] == ["few", "few"]
    sentence = equivalence_sentence(found[1], plan_of(points))
    assert "U-Net was measured at 10.0 clicks an image only. Measure it on more label sets" in sentence


def test_without_the_baseline_nothing_is_equal() -> None:
    assert equivalences([point("lvcnet", 10, 0.9)]) == []


def test_a_score_that_falls_with_more_clicks_stays_as_it_was_measured() -> None:
    """The sweep that was half done: U-Net good with few clicks, nothing with more; another method in between."""
    base = [point("unet", 13, 0.739), point("unet", 45, 0.0)]
    other = point("lvcnet-plus", 13, 0.407)
    plan = plan_of([*base, other])
    (found,) = plan.equivalences
    assert (found.unclear, np.isnan(found.needed)) == ("mixed", True)
    sentence = equivalence_sentence(found, plan)
    assert "cannot be said: U-Net is above and below its IoU 0.407" in sentence
    assert "lvcnet sweep hips --methods unet --labels level4,level1 --seeds 0,1,2" in sentence
    assert plan_table(plan).rows[-1][4:] == ["cannot be said", "—", "—"]
    row = plan_json(plan)["rows"][-1]
    assert (row["baseline_clicks"], row["saving"], row["unclear"]) == (None, None, "mixed")
    spent = afford(plan, 5000)  # enough for the most careful outlines
    said = budget_sentences(plan, spent)
    assert "Fewer clicks measured better: level 4 outlines with U-Net, IoU 0.739" in said[2]


def test_better_than_all_is_said_only_where_chance_does_not_explain_it() -> None:
    wide = point("lvcnet", 10, 0.81, [0.6, 0.9] * 4)
    (found,) = equivalences([*UNET, wide])
    assert found.unclear == "overlap"
    sentence = equivalence_sentence(found, plan_of([*UNET, wide]))
    assert "is above all of U-Net's, but not certainly. Train more seeds" in sentence


def measured_tables() -> st.SearchStrategy[list[Point]]:
    """Points of U-Net and one other method on random label sets: scores go up and down, tie, and are missing."""
    score = st.sampled_from([0.0, 0.3, 0.4, 0.5, 0.5, 0.6, 0.7, 0.9]) | st.floats(0, 1).map(
        lambda x: round(x, 3)
    )
    cell = st.none() | st.tuples(score, st.sampled_from([0.0, 0.001, 0.05, 0.3]))
    clicks = st.lists(st.integers(4, 200), min_size=1, max_size=5, unique=True).map(sorted)

    def build(drawn: tuple[list[int], list[list[Any]], int]) -> list[Point]:
        counts, rows, seed = drawn
        rng = np.random.default_rng(seed)
        return [
            Point(
                method,
                f"set{number}",
                float(count),
                found[0],
                found[0],
                found[0],
                1,
                found[0] + found[1] * noise,
            )
            for method, row in zip(("unet", "lvcnet"), rows, strict=True)
            for number, (count, found) in enumerate(zip(counts, row, strict=False))
            if found is not None
            for noise in (rng.standard_normal(40),)
        ]

    rows = st.lists(st.lists(cell, min_size=5, max_size=5), min_size=2, max_size=2)
    return st.tuples(clicks, rows, st.integers(0, 9)).map(build).filter(bool)


@settings(max_examples=300, deadline=None)
@given(measured_tables(), st.integers(1, 30_000))
def test_no_sentence_contradicts_the_points_it_comes_from(points: list[Point], clicks: int) -> None:
    plan = plan_of(points)
    base = plan.of("unet")
    for one in plan.equivalences:
        text, score = equivalence_sentence(one, plan), one.point.score
        if "cannot be said" in text:
            assert one.unclear
            assert "% fewer clicks" not in text
            assert "% more clicks" not in text
            continue
        assert len({other.clicks for other in base}) > 1
        if "beat all" in text:
            assert score > max(other.score for other in base)
        elif "worth less than any" in text:
            assert score < min(other.score for other in base)
        else:
            needed = one.needed
            assert all(other.score < score + 0.005 for other in base if other.clicks < 0.98 * needed)
            assert all(other.score > score - 0.005 for other in base if other.clicks > 1.02 * needed)
            share = re.search(r"\*\*(\d+) % (fewer|more) clicks\*\*", text)
            assert share is not None
            sign = 1 if share[2] == "fewer" else -1
            assert sign * float(share[1]) == pytest.approx(100 * (1 - one.point.clicks / needed), abs=0.6)
            assert not one.low <= one.point.clicks <= one.high
        if bound := re.search(r"more than (\d+) % fewer", text):
            enough = one.point.clicks / (1 - float(bound[1]) / 100) * 0.99
            assert all(other.score < score for other in base if other.clicks <= enough)
    budget = afford(plan, clicks)
    said = " ".join(budget_sentences(plan, budget))
    if budget.labels is not None:
        there = [other for other in points if other.labels == budget.labels]
        assert budget.points[0].score == max(other.score for other in there)
        if "Best there is" in said:
            assert all(budget.points[0].score > other.score for other in budget.points[1:])
        cheaper = [other.score for other in points if other.clicks < there[0].clicks]
        assert ("Fewer clicks measured better" in said) == (max(cheaper, default=-1) > budget.points[0].score)
    for method, expected in budget.expected.scores.items():
        row = plan.of(method)
        if expected is not None:
            left = max(other.clicks for other in row if other.clicks <= budget.expected.clicks)
            right = min(other.clicks for other in row if other.clicks >= budget.expected.clicks)
            ends = [other.score for other in row if other.clicks in (left, right)]
            assert min(ends) - 1e-9 <= expected <= max(ends) + 1e-9


def test_a_budget_affords_the_most_careful_measured_outlines() -> None:
    plan = plan_of([*UNET, point("lvcnet", 10, 0.7), point("lvcnet", 40, 0.75)])
    rough = afford(plan, 2000)
    assert (rough.labels, [one.method for one in rough.points]) == ("level4", ["lvcnet", "unet"])
    assert rough.lead is not None
    assert (rough.lead.mean, rough.lead.low) == pytest.approx((0.1, 0.1))
    assert rough.expected.scores == pytest.approx({"unet": 0.7, "lvcnet": 0.725})  # 20 clicks: halfway
    careful = afford(plan, 4500)
    assert (careful.labels, careful.points[0].method) == ("level1", "unet")
    assert careful.expected.scores == {"unet": None, "lvcnet": None}  # 45 clicks: nobody measured that
    assert "500 clicks are left over" in " ".join(budget_sentences(plan, careful))
    too_few = afford(plan, 900)
    assert (too_few.labels, too_few.points) == (None, [])
    assert "1,000 in all" in budget_sentences(plan, too_few)[0]


def test_another_number_of_images_is_called_extrapolation() -> None:
    plan = plan_of(UNET)
    asked = expect(plan, 50, 20)
    assert (asked.images, asked.extrapolated) == (100, True)
    assert not expect(plan, 100, 20).extrapolated
    assert (
        "for another number of images nothing was measured" in budget_sentences(plan, afford(plan, 2000))[-1]
    )


@pytest.mark.parametrize("clicks", [0, -5, float("nan"), float("inf")])
def test_a_budget_must_be_a_number_of_clicks(clicks: float) -> None:
    with pytest.raises(LvcnetError, match="above 0"):
        afford(plan_of(UNET), clicks)


@pytest.fixture
def measured(make_run):
    """Makes and evaluates a run on labels with a given manifest."""

    def make(method: str, labels: str, manifest: dict[str, Any], seed: int = 0) -> None:
        run = make_run(method, labels, seed=seed)
        config = run.config()
        write_json(run.path / "config.json", {**config, "data": {**config["data"], "labels": manifest}})
        evaluate_run(run, device="cpu")

    return make


def test_a_plan_holds_what_was_measured_and_says_what_was_not(measured) -> None:
    for method in ("unet", "lvcnet"):
        measured(method, "level4", POLYGON)
        measured(method, "level1", {"family": "shift", "strength": 1.0})
    measured("lvcnet", "level4", POLYGON, seed=1)
    plan = plan_dataset("tiny")
    assert (plan.images, plan.test_images) == (4, 6)
    assert [(one.method, one.labels, one.clicks, one.seeds) for one in plan.points] == [
        ("unet", "level4", 4.0, 1),
        ("lvcnet", "level4", 4.0, 2),
    ]
    assert "label set level1 has no clicks" in plan.notes[0]
    assert plan.caveat is not None
    assert "one training" in plan.caveat
    # LVC-Net predicts every column, U-Net misses one that is always true: mean of (8-n)/8, and of (7-n)/8.
    assert [one.score for one in plan.points] == pytest.approx([4.5 / 8, 5.5 / 8])
    assert only(plan.equivalences).unclear == "few"
    rows = list(csv.DictReader(io.StringIO(plan_csv(plan))))
    assert [row["method"] for row in rows] == ["unet", "lvcnet"]


def test_an_annotator_called_level1_has_no_clicks(measured) -> None:
    for method in ("unet", "lvcnet"):
        measured(method, "level4", POLYGON)
        measured(method, "level1", {"kind": "import"})
    plan = plan_dataset("tiny")
    assert {one.labels for one in plan.points} == {"level4"}
    assert plan.notes[0].startswith(
        "label set level1 has no clicks and is left out: its manifest does not say"
    )


def test_methods_can_be_chosen_and_the_baseline_stays(measured) -> None:
    for method in ("fcn", "unet", "lvcnet"):
        measured(method, "level4", POLYGON)
    comparison = collect("tiny")
    assert make_plan(comparison, ["fcn"]).methods() == ["fcn", "unet"]
    with pytest.raises(LvcnetError, match="choose of fcn, unet, lvcnet"):
        make_plan(comparison, ["segnet"])


def test_labels_that_were_made_again_between_runs_are_left_out(measured) -> None:
    measured("unet", "level4", POLYGON)
    measured("unet", "level1", {**POLYGON, "level": 1})
    measured("lvcnet", "level4", {**POLYGON, "strength": 0.75})
    plan = plan_dataset("tiny")
    assert [(one.method, one.labels) for one in plan.points] == [("unet", "level1"), ("lvcnet", "level4")]
    assert "label set level4 was made again, and this run learned from another one" in plan.notes[0]


def test_nothing_to_plan_names_the_commands(measured) -> None:
    measured("unet", "level1", {"family": "box", "strength": 1.0})
    with pytest.raises(
        LvcnetError, match=r"box does not draw outlines.*lvcnet noise tiny.*lvcnet sweep tiny"
    ):
        plan_dataset("tiny")
