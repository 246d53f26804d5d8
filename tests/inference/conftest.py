"""A predictor without training."""

import pytest

from lvcnet.inference.predictor import Predictor

from .helpers import TwoSides, make_run


@pytest.fixture
def predictor(monkeypatch: pytest.MonkeyPatch) -> Predictor:
    monkeypatch.setattr("lvcnet.inference.predictor.load_method", lambda run, which, device: TwoSides())
    return Predictor(make_run("unet", ["bone/total", "bone left"]))
