"""Outlines that all err to one side are moved back before LVC-Net learns from them, and only then."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.data.displacement import moved_back, moved_labels
from lvcnet.data.phantom.make import make_phantom
from lvcnet.masks.displacement import Displacement, Verdict
from lvcnet.masks.geometry import signed_distance
from lvcnet.masks.overlap import iou
from lvcnet.runs.contents import VERDICTS
from lvcnet.runs.directory import RunDirectory
from lvcnet.training.checkpoint import config_of
from lvcnet.training.config import build_config
from lvcnet.training.feed import Feed
from lvcnet.training.loop import Trainer
from lvcnet.training.run import create_run, train
from tests.tiny import tiny_config
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


@pytest.mark.parametrize("where", ["beyond the outline", "everywhere else"])
def test_ignored_pixels_have_one_rule_for_training_and_for_label_sets(dilated: Dataset, where: str) -> None:
    """Where one side of the outlines is ignored nothing is moved; far from them, it changes nothing."""
    wide = dilated.labels("wide")
    beyond = np.array(
        [[signed_distance(mask) < (0 if "outline" in where else -14) for mask in one] for one in wide.masks]
    )
    dilated.add_labels(replace(wide, name="silent", ignored=beyond))
    rows = dilated.indices("train")
    learned, made = learned_from(dilated, "silent", "lvcnet"), moved_labels(dilated, "silent", "back")

    if "outline" in where:
        assert made is None
        assert (learned == wide.masks[rows]).all()
    else:
        assert made is not None
        assert (learned == made.masks[rows]).all()
        assert (learned == learned_from(dilated, "wide", "lvcnet")).mean() > 0.99


def test_what_ends_at_ignored_pixels_is_no_outline(dilated: Dataset) -> None:
    """The left quarter of each image is ignored: masks that end there are not moved back from it."""
    wide = dilated.labels("wide")
    ignored = np.zeros_like(wide.masks)
    ignored[..., :24] = True
    found = {"bone": Displacement(5.0, 4.5, 5.5, 1.5, Verdict.BESIDE, 12)}
    back = moved_back(wide.masks & ~ignored, dilated.frames, found, ignored=ignored)

    assert not (back & ignored).any()
    assert (back[..., 24:30] == wide.masks[..., 24:30]).all()
    assert back[..., 30:].sum() < wide.masks[..., 30:].sum()


def trained(dataset: Dataset, name: str, **settings: Any) -> RunDirectory:
    config = tiny_config(dataset.name, method="lvcnet", labels="wide", validation=0.0, epochs=2, **settings)
    run = create_run(config, name)
    assert train(run) == "done"
    return run


def feed_of(run: RunDirectory, resume: bool) -> Feed:
    return Trainer(run, config_of(run), torch.device("cpu"), None, resume).feed


def test_a_run_keeps_what_was_measured_and_moved(
    dilated: Dataset, workspace_home: Path, lvcnet: Callable[..., tuple[int, str, str]]
) -> None:
    dilated.save(workspace_home / "datasets" / dilated.name)
    run = trained(dilated, "moved")
    kept = run.displacement()
    assert kept is not None
    (one,) = kept["categories"].values()
    assert (kept["format"], kept["asked"], one["verdict"], one["caution"]) == (1, "auto", "beside", None)
    assert one["moved_px"] == one["px"] == pytest.approx(5.0, abs=0.7)
    assert one["sentence"] in run.log.read_text()
    listed = json.loads(lvcnet("runs", "--no-demo", "--json")[1])["runs"]
    assert [each["displacement"] for each in listed] == [kept]
    assert "moved: outlines moved inwards by" in " ".join(lvcnet("runs", "--no-demo")[1].split())
    assert json.loads(lvcnet("evaluate", "moved", "--json")[1])["displacement"] == kept
    assert "Before it was trained, outlines moved inwards by" in lvcnet("evaluate", "moved")[1]

    (run.path / "displacement.json").write_text("{")
    assert "displacement.json" in "".join(lvcnet("runs", "--no-demo")[1:])


def test_a_resumed_run_goes_on_with_the_outlines_it_began_with(
    dilated: Dataset, workspace_home: Path
) -> None:
    dilated.save(workspace_home / "datasets" / dilated.name)
    rows = dilated.indices("train")
    run = trained(dilated, "resumed")
    began = feed_of(run, resume=True).train.labels
    path = run.path / "displacement.json"
    content = json.loads(path.read_text())
    (one,) = content["categories"].values()
    path.write_text(
        json.dumps({**content, "categories": {"bone": {**one, "px": 2.0}}})
    )  # as another version measured
    assert feed_of(run, resume=True).train.labels.sum() > began.sum()
    assert (feed_of(run, resume=False).train.labels == began).all()

    path.unlink()  # a run of before this file that measured: its log says so
    assert (feed_of(run, resume=True).train.labels == began).all()
    run.log.write_text("train lvcnet on cpu\n")  # a run of before anything was measured
    assert (feed_of(run, resume=True).train.labels.numpy() == dilated.labels("wide").masks[rows]).all()
    assert (feed_of(run, resume=False).train.labels == began).all()


def test_every_verdict_can_be_read_again() -> None:
    assert tuple(Verdict) == VERDICTS


def test_told_that_outlines_belong_on_edges_a_run_says_what_that_may_cost(no_demo: None) -> None:
    dataset = make_phantom("near", 12, 2, 128, 0)
    dataset.add_labels(widened(dataset, 1.0))
    dataset.save()
    run = trained(dataset, "told", options={"displacement": "edges"})
    kept = run.displacement()
    assert kept is not None
    (one,) = kept["categories"].values()
    assert one["moved_px"] == one["px"]
    assert "a convention may explain" in one["caution"]
    assert one["caution"] in run.log.read_text()
