"""A network that can be foreseen, and runs to put it into."""

from typing import Any

import torch

from lvcnet.models.maps import Maps
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import new_run
from lvcnet.training.config import build_config

SIZE = 32


class TwoSides:
    """Two categories that overlap: `bright` is the image itself, `bright & left` its left half."""

    def predict(self, images: torch.Tensor, details: bool = True) -> Maps:
        left = images.clone()
        left[..., SIZE // 2 :] = 0
        return Maps(torch.cat([images, left], dim=1).half(), {"edges": images})


def make_run(method: str, categories: list[str], **more: Any) -> RunDirectory:
    config = build_config({"dataset": "hips", "method": method, "width": 4, "depth": 2})
    data = {"fingerprint": "0", "size": SIZE, "categories": categories, **more}
    return new_run(f"hips-{method}", {**config.model_dump(), "data": data})
