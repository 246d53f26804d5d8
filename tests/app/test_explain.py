"""Explanations of the inspect page."""

import pytest

from lab.inspection.explain import EXPLANATIONS, explain
from lvcnet.models.maps import MAP_TITLES


@pytest.mark.parametrize("name", [*MAP_TITLES, "prediction"])
def test_every_map_is_explained(name: str) -> None:
    assert name in EXPLANATIONS
    assert explain(name).sentence.endswith(".")
    assert explain(name).equation


def test_equations_follow_the_runs_options() -> None:
    paper = {"method": "lvcnet-paper"}
    assert explain("attention", paper).equation == r"a = Y\,L"
    assert "h(" in explain("offsets", paper).equation
    for name, of in {"lvc": "g\\, y_s", "attention": "g\\,\\bigl"}.items():
        assert of in explain(name, {"method": "lvcnet", "options": {"generator": True}}).equation
        assert (
            "g\\," not in explain(name, {"method": "lvcnet-plus", "options": {"generator": False}}).equation
        )
    assert explain("attention", {"method": "lvcnet", "options": {"polarity": False}}).equation == "a = L"
    assert explain("prediction", {"method": "lvcnet-plus"}).equation.startswith("T")
    other = {"method": "future", "options": {"unknown": 1}}
    assert explain("offsets", other) == EXPLANATIONS["offsets"]
