"""Side-by-side timing: every method is timed, in turns, on the same batch."""

import pytest
import torch

from lvcnet.comparison.timing import Timing, _alternate, time_methods, timing_table
from lvcnet.data.phantom.make import make_phantom
from lvcnet.errors import LvcnetError
from lvcnet.training.config import TrainConfig


def test_methods_take_turns_and_warm_ups_do_not_count() -> None:
    order: list[str] = []
    calls = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    found = _alternate(calls, 3, torch.device("cpu"))
    assert order == ["a", "b"] * 5
    assert set(found) == {"a", "b"}


def test_every_method_gets_a_step_and_an_inference_time(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("LVCNET_HOME", str(tmp_path))
    dataset = make_phantom("tiny", 6, 2, 32)
    configs = {
        name: TrainConfig(dataset="tiny", method=name, width=4, depth=2, batch_size=2, device="cpu")
        for name in ("unet", "lvcnet-plus")
    }
    found = time_methods(configs, dataset, repetitions=1)
    assert all(timing.step > 0 and timing.inference > 0 for timing in found.values())
    # The second head, the cue generator and the polarity come on top of the trunk.
    assert found["lvcnet-plus"].parameters > found["unet"].parameters
    with pytest.raises(LvcnetError, match="at least one"):
        time_methods({}, dataset)


def test_the_table_gives_ratios_to_u_net() -> None:
    table = timing_table({"unet": Timing(0.2, 0.010, 1000), "lvcnet-plus": Timing(0.3, 0.012, 1100)})
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["U-Net"] == ["1,000", "200", "1.00", "10.0", "1.00"]
    assert rows["LVC-Net plus"] == ["1,100", "300", "1.50", "12.0", "1.20"]
