"""Sentences and orders of the compare page."""

import pytest

from lab import comparing
from lab.explain import EXPLANATIONS, explain
from lvcnet.evaluation.comparison import Difference
from lvcnet.models.maps import MAP_TITLES


def difference(metric: str, mean: float, low: float, high: float) -> Difference:
    return Difference("lvcnet", "level3", metric, [0, 1, 2], 50, mean, low, high, 0.01)


@pytest.mark.parametrize(
    ("found", "claim", "figures"),
    [
        (
            difference("iou", 0.05, 0.04, 0.06),
            "is better than",
            "5.0 points higher (95 % interval 4.0 to 6.0)",
        ),
        (
            difference("iou", -0.05, -0.06, -0.04),
            "is worse than",
            "5.0 points lower (95 % interval 4.0 to 6.0)",
        ),
        (difference("hd95", -2.0, -3.0, -1.0), "is better than", "2.0 px lower (95 % interval 1.0 to 3.0)"),
        (difference("hd95", 2.0, 1.0, 3.0), "is worse than", "2.0 px higher (95 % interval 1.0 to 3.0)"),
        (
            difference("iou", 0.01, -0.01, 0.03),
            "cannot be told apart",
            "1.0 points higher (95 % interval -1.0 to 3.0)",
        ),
    ],
)
def test_a_difference_in_words(found: Difference, claim: str, figures: str) -> None:
    sentence = comparing.difference_sentence(found)
    assert claim in sentence
    assert figures in sentence


def test_few_seeds_are_admitted() -> None:
    one = Difference("lvcnet", "level3", "iou", [0], 50, 0.05, 0.04, 0.06, 0.01)
    assert "LVC-Net is better than U-Net in these trainings." in comparing.difference_sentence(one)
    three = difference("iou", 0.1, 0.0, 0.2)
    two = Difference("fcn", "level3", "iou", [0, 1], 50, 0.1, 0.0, 0.2, 0.5)
    assert comparing.seeds_caveat([three]) is None
    assert "as few as 2 trainings" in str(comparing.seeds_caveat([three, two]))
    assert comparing.seeds_caveat([]) is None


def test_images_come_in_the_order_asked_for() -> None:
    scores = {"unet": {"a": 0.9, "b": 0.5, "c": 0.7}, "lvcnet": {"a": 0.8, "b": 0.6, "c": 0.9}}
    keys = ["a", "b", "c", "training"]
    assert comparing.ordered_keys(keys, scores, "data", "iou") == keys
    assert comparing.ordered_keys(keys, scores, "worst:unet", "iou") == ["b", "c", "a"]
    assert comparing.ordered_keys(keys, scores, "worst:unet", "hd95") == ["a", "c", "b"]
    assert comparing.ordered_keys(keys, scores, "gain:lvcnet", "iou") == ["c", "b", "a"]
    assert comparing.ordered_keys(keys, scores, "gain:lvcnet", "hd95") == ["a", "b", "c"]


@pytest.mark.parametrize("name", [*MAP_TITLES, "prediction"])
def test_every_map_is_explained(name: str) -> None:
    assert name in EXPLANATIONS
    assert explain(name).sentence.endswith(".")
    assert explain(name).equation


def test_equations_follow_the_runs_options() -> None:
    paper = {"method": "lvcnet", "options": {"variant": "paper"}}
    assert explain("attention", paper).equation == r"a = Y\,L"
    assert "h(" in explain("offsets", paper).equation
    other = {"method": "future", "options": {"unknown": 1}}
    assert explain("offsets", other) == EXPLANATIONS["offsets"]
