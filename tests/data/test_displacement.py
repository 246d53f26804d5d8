"""What is said about the outlines of a data set: measured on the phantom, whose outlines are dilated here by a known amount."""

import json
from contextlib import suppress
from pathlib import Path

import pytest

from lvcnet.cli import main
from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.data.displacement import displacements, moved_back
from lvcnet.data.phantom.make import make_phantom
from lvcnet.masks.displacement import Verdict
from lvcnet.masks.overlap import iou
from tests.widened import widened


@pytest.fixture(scope="module")
def dilated() -> Dataset:
    dataset = make_phantom("dilated", 12, 2, 96, 0)
    dataset.add_labels(widened(dataset, 5.0))
    return dataset


def test_dilated_outlines_are_found_and_moved_back(dilated: Dataset) -> None:
    (found,) = displacements(dilated, "wide").values()
    clean, wide = (dilated.labels(name).masks for name in (CLEAN, "wide"))

    assert found.verdict is Verdict.BESIDE
    assert found.px == pytest.approx(5.0, abs=0.7)
    back = moved_back(wide, dilated.frames, {"bone": found})
    assert iou(back, clean).mean() > iou(wide, clean).mean() + 0.1


def test_clean_outlines_stay(dilated: Dataset) -> None:
    found = displacements(dilated, CLEAN)
    masks = dilated.labels(CLEAN).masks

    assert {one.verdict for one in found.values()} <= {Verdict.ON, Verdict.NONE}
    assert (moved_back(masks, dilated.frames, found) == masks).all()


def test_data_show_says_it(
    workspace_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = make_phantom("said", 8, 2, 64, 0)
    dataset.add_labels(widened(dataset, 4.0))
    dataset.save()
    texts = []
    for more in ([], ["--json"]):
        monkeypatch.setattr("sys.argv", ["lvcnet", "data", "show", "said", "--labels", "wide", *more])
        with suppress(SystemExit):
            main()
        texts.append(capsys.readouterr().out)

    found = json.loads(texts[1])["displacement"]
    assert "Outlines of wide and the edges" in texts[0]
    assert list(found) == dataset.categories
    assert all(one["images"] == 8 and one["low"] <= one["high"] for one in found.values())
