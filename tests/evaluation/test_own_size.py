"""Evaluations at the images' own size: real files, outlines as they were drawn, distances in pixels of the images."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lvcnet.data.dataset import Dataset
from lvcnet.data.images import read_image
from lvcnet.data.importing.importer import import_coco
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.protocol import evaluate_run
from lvcnet.inference.predictor import Predictor
from lvcnet.runs.directory import RunDirectory
from lvcnet.training.run import create_run, train
from tests.tiny import tiny_config

SIDE = 192
Call = Callable[..., tuple[int, str, str]]


def box(number: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the bright box of an image."""
    return 41 + 5 * number, 35 + 3 * number, 130 + 3 * number, 121 + 7 * number


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with six images of 192 px on a grid of 64 px, and a run that has learned the box in them."""
    folder = tmp_path_factory.mktemp("boxes")
    (folder / "images").mkdir()
    content: dict[str, list[dict[str, object]]] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": 1, "name": "box"}],
    }
    for number in range(6):
        left, top, right, bottom = box(number)
        pixels = np.random.default_rng(number).normal(70, 6, (SIDE, SIDE))
        pixels[top:bottom, left:right] += 110
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / "images" / f"{number}.png")
        ring = [left, top, right, top, right, bottom, left, bottom]
        content["images"].append(
            {"id": number + 1, "file_name": f"{number}.png", "width": SIDE, "height": SIDE}
        )
        content["annotations"].append(
            {"id": number + 1, "image_id": number + 1, "category_id": 1, "segmentation": [ring]}
        )
    for split, numbers in (("train", range(4)), ("test", range(4, 6))):
        part = {
            **content,
            "images": [content["images"][number] for number in numbers],
            "annotations": [content["annotations"][number] for number in numbers],
        }
        (folder / f"{split}.json").write_text(json.dumps(part))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LVCNET_HOME", str(folder / "home"))
        import_coco("boxes", folder / "images", folder / "train.json", folder / "test.json", size=64).save()
        config = tiny_config(
            "boxes",
            method="unet",
            epochs=25,
            learning_rate=0.01,
            ema=0.8,
            validate_every=25,
            snapshot_images=0,
        )
        assert train(create_run(config, "learned")) == "done"
        evaluate_run(RunDirectory(folder / "home" / "runs" / "learned"))
    return folder


@pytest.fixture
def run(home: Path, workspace_home: Path) -> RunDirectory:
    shutil.copytree(home / "home", workspace_home)
    return RunDirectory(workspace_home / "runs" / "learned")


def drawn(number: int) -> np.ndarray:
    left, top, right, bottom = box(number)
    mask = np.zeros((SIDE, SIDE), bool)
    mask[top:bottom, left:right] = True
    return mask


@pytest.mark.parametrize("outlines", ["full", "grid"])
def test_files_are_predicted_and_compared_with_what_was_drawn(
    run: RunDirectory, home: Path, outlines: str
) -> None:
    before = run.evaluation()
    found = evaluate_run(run, outlines=outlines)
    predictor = Predictor(run, outlines=outlines)
    ious = []
    for number in (4, 5):
        mask = predictor.predict_image(read_image(home / "images" / f"{number}.png").pixels).mask[0]
        ious.append((mask & drawn(number)).sum() / (mask | drawn(number)).sum())
    assert found["iou"] == pytest.approx(np.mean(ious))
    assert found["iou"] > 0.8
    assert (found["outlines"], found["unit"], found["tolerance"], found["images"]) == (outlines, "px", 1.0, 2)
    assert run.evaluation() == before  # what is compared is measured on the working grid


def test_edges_of_the_files_make_outlines_better(run: RunDirectory) -> None:
    full, grid = (evaluate_run(run, outlines=one) for one in ("full", "grid"))
    assert full["assd"] < grid["assd"]


def test_pixels_that_are_ignored_do_not_count(run: RunDirectory) -> None:
    dataset = Dataset.load("boxes")
    clean = dataset.labels("clean")
    ignored = np.zeros_like(clean.masks)
    ignored[..., :, 20:] = True
    dataset.add_labels(type(clean)("doubted", clean.masks & ~ignored, clean.covered, {}, ignored))
    found = evaluate_run(run, against="doubted", outlines="grid")
    assert found["iou"] > 0.5
    assert found["masks"]["box"]["everything"][0] == 0


def test_files_that_are_gone_or_others_are_named(
    run: RunDirectory, home: Path, tmp_path: Path, lvcnet: Call
) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(home / "images", moved)
    status, out, _ = lvcnet("evaluate", "learned", "--outlines", "full", "--images", str(moved))
    assert status == 0
    assert "at the images' own size, outlines full" in " ".join(out.split())
    (moved / "5.png").unlink()
    status, _, err = lvcnet("evaluate", "learned", "--outlines", "full", "--images", str(moved))
    assert (status, err.count("\n")) == (2, 1)
    assert "5.png is not there (1 of 2 are missing)" in err
    Image.new("L", (40, 40)).save(moved / "5.png")
    with pytest.raises(LvcnetError, match="was 192x192 when it was imported"):
        evaluate_run(run, outlines="grid", images=moved)
    with pytest.raises(LvcnetError, match="outlines 'fine' do not exist"):
        evaluate_run(run, outlines="fine")
