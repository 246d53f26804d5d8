"""Orders and explanations of the compare and inspect pages."""

import pytest

from lab.compare import orders as comparing
from lab.inspection.explain import EXPLANATIONS, explain
from lvcnet.models.maps import MAP_TITLES


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
    paper = {"method": "lvcnet-paper"}
    assert explain("attention", paper).equation == r"a = Y\,L"
    assert "h(" in explain("offsets", paper).equation
    other = {"method": "future", "options": {"unknown": 1}}
    assert explain("offsets", other) == EXPLANATIONS["offsets"]
