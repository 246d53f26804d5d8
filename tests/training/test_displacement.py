"""Outlines that all err to one side are moved back before LVC-Net learns from them, and only then."""

import numpy as np
import pytest
import torch

from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.data.phantom.make import make_phantom
from lvcnet.masks.overlap import iou
from lvcnet.training.config import build_config
from lvcnet.training.feed import Feed
from tests.widened import widened


@pytest.fixture(scope="module")
def dilated() -> Dataset:
    dataset = make_phantom("dilated", 12, 2, 96, 0)
    dataset.add_labels(widened(dataset, 5.0))
    return dataset


def learned_from(dataset: Dataset, labels: str, method: str, **options: str) -> np.ndarray:
    settings = {
        "dataset": dataset.name,
        "labels": labels,
        "method": method,
        "options": options,
        "validation": 0.0,
    }
    return Feed(dataset, build_config(settings), torch.device("cpu")).train.labels.numpy()


@pytest.mark.parametrize(
    ("method", "options", "moves"),
    [
        ("unet", {}, False),
        ("lvcnet", {}, True),
        ("lvcnet-plus", {}, True),
        ("lvcnet-plus", {"displacement": "keep"}, False),
    ],
)
def test_who_learns_from_outlines_that_were_moved_back(
    dilated: Dataset, method: str, options: dict[str, str], moves: bool
) -> None:
    rows = dilated.indices("train")
    wide, clean = (dilated.labels(name).masks[rows] for name in ("wide", CLEAN))
    learned = learned_from(dilated, "wide", method, **options)

    assert (learned == wide).all() != moves
    if moves:
        assert iou(learned, clean).mean() > iou(wide, clean).mean() + 0.1


def test_good_outlines_stay_as_they_are(dilated: Dataset) -> None:
    rows = dilated.indices("train")

    assert (learned_from(dilated, CLEAN, "lvcnet-plus") == dilated.labels(CLEAN).masks[rows]).all()
