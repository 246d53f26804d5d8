"""Table 1: rounds of several seeds pooled."""

from typing import Any

import pytest

from lvcnet.comparison.table1 import pooled_rounds, rounds_note


def evaluation(values: list[float]) -> dict[str, Any]:
    rounds = {name: {"values": values} for name in ("precision", "recall", "miou")}
    return {"rounds": {"rounds": len(values), "images": 50, "of": 60, **rounds}}


def test_rounds_of_all_seeds_are_pooled() -> None:
    mean, sd = pooled_rounds([evaluation([0.5, 0.7]), evaluation([0.6, 0.8])])["recall"]
    assert mean == pytest.approx(0.65)
    assert sd == pytest.approx((0.05 / 3) ** 0.5)  # squares .0225 .0025 .0025 .0225 over n - 1
    assert rounds_note([evaluation([0.5, 0.7])]) == "2 rounds of 50 of 60 test images"
