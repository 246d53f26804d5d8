"""The smallest training that is one: for tests that need a run and not what it learns."""

from typing import Any

from lvcnet.training.config import TrainConfig


def tiny_config(dataset: str, **settings: Any) -> TrainConfig:
    """Settings that train in seconds on one thread of the processor; `settings` add to them or take their place."""
    tiny = {"width": 4, "depth": 2, "batch_size": 4, "device": "cpu", "threads": 1}
    return TrainConfig.model_validate({"dataset": dataset, **tiny, **settings})
