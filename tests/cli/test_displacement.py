"""`lvcnet displacement`: what is said of dilated outlines, and the label set that lies on edges again."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import lvcnet as lv
from lvcnet.data.dataset import CLEAN, labels_digest
from lvcnet.masks.overlap import iou
from tests.widened import widened

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def wide(no_demo: None) -> lv.Dataset:
    """A phantom whose label set `wide` is drawn 5 px outside of every edge."""
    data = lv.make_phantom("wide-hips", 12, 2, 96)
    data.save()
    data.add_labels(widened(data, 5.0, manifest={"kind": "import"}))
    return data


def test_it_says_how_far_and_makes_labels_that_lie_on_edges(wide: lv.Dataset, lvcnet: Call) -> None:
    status, out, err = lvcnet("displacement", "wide-hips", "--labels", "wide")
    assert (status, err) == (0, "")
    assert "outside their edge, more than a convention explains" in out
    assert "To be moved: innominate bone; --move NAME makes a label set of it." in out

    answer = json.loads(
        lvcnet("displacement", "wide-hips", "--labels", "wide", "--move", "back", "--json")[1]
    )
    (row,) = answer["displacement"].values()
    assert answer["made"] == "back"
    assert row["low"] <= row["px"] <= row["high"]
    assert row["px"] == row["moved_px"] == pytest.approx(5.0, abs=0.7)

    data = lv.Dataset.load("wide-hips")
    clean, source, back = (data.labels(name) for name in (CLEAN, "wide", "back"))
    assert iou(back.masks, clean.masks).mean() > iou(source.masks, clean.masks).mean() + 0.1
    assert back.manifest["kind"] == "moved"
    assert back.manifest["source_digest"] == labels_digest(source) != labels_digest(back)
    assert (back.manifest["belong_on_edges"], back.manifest["rule"]) == (False, "beyond any convention")
    assert labels_digest(lv.moved_labels(data, "wide", "other") or source) == labels_digest(
        back
    )  # the same call


def test_clean_outlines_are_not_moved_and_no_label_set_is_made(wide: lv.Dataset, lvcnet: Call) -> None:
    status, out, _ = lvcnet("displacement", "wide-hips", "--move", "better")

    assert status == 0
    assert "Nothing is to be moved, so no label set was made." in out
    assert lv.Dataset.load("wide-hips").label_names() == [CLEAN, "wide"]


def test_told_that_outlines_belong_on_edges_small_displacements_are_moved(no_demo: None) -> None:
    data = lv.make_phantom("near-hips", 12, 2, 128)
    data.add_labels(widened(data, 1.0, "near"))
    clean, masks = data.labels(CLEAN), data.labels("near").masks

    assert lv.moved_labels(data, "near", "untold") is None
    told = lv.moved_labels(data, "near", "told", belong_on_edges=True)
    assert told is not None
    assert told.manifest["rule"] == "told that outlines belong on edges"
    assert iou(told.masks, clean.masks).mean() > iou(masks, clean.masks).mean()


def test_ignored_pixels_stay_ignored_and_names_are_not_taken_from_others(
    wide: lv.Dataset, lvcnet: Call
) -> None:
    source = wide.labels("wide")
    ignored = np.zeros_like(source.masks)
    ignored[:, :, :30] = True
    wide.add_labels(replace(source, name="silent", masks=source.masks & ~ignored, ignored=ignored))
    asked = ["displacement", "wide-hips", "--labels", "silent", "--belong-on-edges", "--move"]
    assert lvcnet(*asked, "back")[0] == 0
    back = lv.Dataset.load("wide-hips").labels("back")
    assert back.ignored is not None
    assert not (back.masks & back.ignored).any()

    for name, problem in (("wide", "exists"), ("silent", "is the one to move"), ("back", "--overwrite")):
        status, _, err = lvcnet(*asked, name)
        assert (status, err.count("\n")) == (2, 1)
        assert problem in err
    assert lvcnet(*asked, "back", "--overwrite")[0] == 0
    assert lvcnet("displacement", "wide-hips", "--labels", "nobody")[0] == 2
