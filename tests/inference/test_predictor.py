"""Predictor and export: shapes, sizes and files, with known answers and with a real network."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pycocotools.coco import COCO

from lvcnet.data.images import to_working_grid
from lvcnet.errors import LvcnetError
from lvcnet.frames import frame_of
from lvcnet.inference.batch import predict_files
from lvcnet.inference.export import overlay
from lvcnet.inference.own_files import find_images
from lvcnet.inference.predictor import Predictor
from lvcnet.training import checkpoint

from .helpers import SIZE, TwoSides, make_run


@pytest.fixture
def radiograph(tmp_path: Path) -> Path:
    """100 x 60 (width x height), bright in a rectangle of 40 x 30."""
    pixels = np.zeros((60, 100), dtype=np.uint8)
    pixels[15:45, 30:70] = 255
    path = tmp_path / "hip.png"
    cv2.imwrite(str(path), pixels)
    return path


def test_a_prediction_has_the_size_of_the_image(predictor: Predictor) -> None:
    pixels = np.zeros((60, 100), dtype=np.float32)
    pixels[15:45, 30:70] = 1
    prediction = predictor.predict_image(pixels)
    assert prediction.probability.shape == prediction.mask.shape == (2, 60, 100)
    assert prediction.probability.dtype == np.float32
    assert prediction.working.shape == (SIZE, SIZE)
    assert prediction.maps.prediction.shape == (1, 2, SIZE, SIZE)
    # the rectangle comes back to within the half working pixel (2 x 1 px) that resampling blurs
    assert abs(int(prediction.mask[0].sum()) - 40 * 30) <= 2 * 30 + 40
    assert prediction.mask[0, 30, 50]
    assert not prediction.mask[0, 5, 5]
    assert not prediction.mask[1, :, 60:].any()


def test_a_higher_threshold_never_adds_pixels(predictor: Predictor) -> None:
    pixels = np.random.default_rng(0).random((40, 50), dtype=np.float32)
    low, high = (predictor.predict_image(pixels, threshold).mask for threshold in (0.4, 0.6))
    assert (low | high == low).all()
    assert low.sum() > high.sum()


def test_arrays_are_the_same_in_any_batch_size(predictor: Predictor) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, SIZE, SIZE), dtype=np.uint8)
    maps = predictor.predict_array(images, batch=2)
    assert maps.prediction.dtype == torch.float32
    assert set(maps.named) == {"edges"}
    assert torch.equal(maps.prediction, predictor.predict_array(images, batch=5).prediction)
    assert (predictor.predict_masks(images, batch=3) == maps.mask().numpy()).all()


@pytest.mark.parametrize("shape", [(60, 100), (100, 60), (100, 9), (64, 64)])
def test_an_image_of_any_shape_keeps_its_proportions(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int]
) -> None:
    """A run that was trained on panoramics, in a grid of 16 x 32, sees portraits in one with room for them."""
    monkeypatch.setattr("lvcnet.inference.predictor.load_method", lambda run, which, device: TwoSides())
    predictor = Predictor(make_run("unet", ["bright", "left"], grid=[16, 32], stretched=False))
    pixels = np.zeros(shape, dtype=np.float32)
    height = shape[0]
    pixels[height // 4 : 3 * height // 4] = 1
    prediction = predictor.predict_image(pixels)
    frame = frame_of(*shape, SIZE)
    assert prediction.working.shape == prediction.maps.prediction.shape[2:] == frame
    assert prediction.maps.named["edges"].shape[2:] == frame
    assert prediction.mask.shape == (2, *shape)
    rows = np.flatnonzero(prediction.mask[0].all(axis=1))
    assert abs(len(rows) - height / 2) <= 2 * height / frame[0]
    assert prediction.mask[0].all(axis=1).sum() == prediction.mask[0].any(axis=1).sum()


def _bright_half() -> np.ndarray:
    """(256, 256), bright from row 100 on: in the middle of a working pixel of 8."""
    pixels = np.zeros((256, 256), dtype=np.float32)
    pixels[100:] = 1
    return pixels


def test_outlines_end_on_the_edges_of_the_image_itself(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network draws everything, not quite sure, a working pixel too high: 8 px of the image."""
    predict = TwoSides.predict
    monkeypatch.setattr(
        TwoSides,
        "predict",
        lambda self, images, details=True: predict(
            self, F.avg_pool2d(images, 5, 1, 2, count_include_pad=False).roll(-1, dims=2), details
        ),
    )
    full = predictor.predict_image(_bright_half())
    predictor.outlines = "grid"
    grid = predictor.predict_image(_bright_half())
    starts = [int(np.argmax(one.mask[0][:, 128])) for one in (grid, full)]
    assert abs(starts[0] - 92) <= 2
    assert abs(starts[1] - 100) <= 3
    assert (grid.outlines, full.outlines) == ("grid", "full")
    assert torch.equal(grid.maps.prediction, full.maps.prediction)


def test_an_image_that_shows_no_more_than_the_grid_keeps_the_grid_s_outlines(predictor: Predictor) -> None:
    flat = predictor.predict_image(np.full((300, 200), 0.7, dtype=np.float32))
    assert flat.outlines == "grid"
    assert predictor.predict_image(_bright_half()[::8, ::8]).outlines == "grid"


def test_other_outlines_are_refused() -> None:
    with pytest.raises(LvcnetError, match="outlines 'smooth' do not exist: choose one of full, grid"):
        Predictor(make_run("unet", ["bone"]), outlines="smooth")


def test_predictions_say_which_outlines_they_have(predictor: Predictor, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "half.png"), (_bright_half() * 255).astype(np.uint8))
    written = predict_files(predictor, [tmp_path / "half.png"], tmp_path / "out", formats=["coco", "csv"])
    coco = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert coco["info"]["description"].endswith("outlines full")
    assert all("outlines" in row for row in written["predictions"][0]["measurements"])


def test_wrong_arrays_are_refused(predictor: Predictor) -> None:
    with pytest.raises(LvcnetError, match="uint8"):
        predictor.predict_array(np.zeros((2, SIZE, SIZE), dtype=np.float32))


@pytest.mark.parametrize("method", ["fcn", "unet", "lvcnet"])
def test_stored_weights_predict_as_before(method: str) -> None:
    torch.manual_seed(1)
    run = make_run(method, ["bone"])
    fresh = checkpoint.build_method(checkpoint.config_of(run), 1, torch.device("cpu"))
    checkpoint.save_weights(run.checkpoints, "last", fresh, epoch=1)
    pixels = np.random.default_rng(0).random((48, 40), dtype=np.float32)
    prediction = Predictor(run, device="cpu").predict_image(pixels)
    grid = torch.from_numpy(to_working_grid(pixels, (SIZE, SIZE))).float()[None, None] / 255
    assert prediction.maps.prediction.shape == (1, 1, SIZE, SIZE)
    torch.testing.assert_close(prediction.maps.prediction, fresh.predict(grid).prediction.float())


def test_a_run_without_checkpoint_is_refused() -> None:
    with pytest.raises(LvcnetError, match="no checkpoint 'best'"):
        Predictor(make_run("unet", ["bone"]), "best")


def test_files_are_at_the_image_size_and_agree(
    predictor: Predictor, radiograph: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    written = predict_files(predictor, [radiograph], folder)
    entry = written["predictions"][0]
    assert entry["masks"] == {"bone/total": "hip_bone-total_mask.png", "bone left": "hip_bone-left_mask.png"}
    mask = cv2.imread(str(folder / entry["masks"]["bone/total"]), cv2.IMREAD_UNCHANGED)
    probability = cv2.imread(str(folder / entry["probabilities"]["bone/total"]), cv2.IMREAD_UNCHANGED)
    assert mask.shape == (60, 100)
    assert set(np.unique(mask)) == {0, 255}
    assert probability.dtype == np.uint16
    assert ((probability / 65535 >= 0.5) == (mask > 0)).all()
    assert cv2.imread(str(folder / entry["overlay"])).shape == (60, 100, 3)


def test_coco_masks_are_the_png_masks(predictor: Predictor, radiograph: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    entry = predict_files(predictor, [radiograph], folder)["predictions"][0]
    coco = COCO(str(folder / "predictions.json"))
    annotations = coco.loadAnns(coco.getAnnIds(catIds=[2]))
    union = sum(coco.annToMask(annotation) for annotation in annotations) > 0
    mask = cv2.imread(str(folder / entry["masks"]["bone left"]), cv2.IMREAD_UNCHANGED) > 0
    assert (union == mask).all()
    assert all(0.5 <= annotation["score"] <= 1 for annotation in annotations)


def test_images_of_one_name_do_not_overwrite_each_other(
    predictor: Predictor, radiograph: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other" / "hip.png"
    other.parent.mkdir()
    other.write_bytes(radiograph.read_bytes())
    written = predict_files(predictor, [radiograph, other], tmp_path / "out")
    assert [entry["overlay"] for entry in written["predictions"]] == ["hip_overlay.png", "hip-2_overlay.png"]
    content = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert len({image["file_name"] for image in content["images"]}) == 2


def test_a_missing_file_stops_before_anything_is_predicted(radiograph: Path, tmp_path: Path) -> None:
    with pytest.raises(LvcnetError, match=r"gone\.png; nothing was predicted"):
        find_images([radiograph, tmp_path / "gone.png"])


def test_overlay_colours_only_the_mask() -> None:
    mask = np.zeros((1, 20, 20), dtype=bool)
    mask[0, 5:15, 5:15] = True
    (picture,) = overlay(np.full((20, 20), 0.5), mask)
    assert (picture[0, 0] == [128, 128, 128]).all()
    assert (picture[5, 5] == [86, 180, 233]).all()  # outline
    assert (picture[10, 10] == np.rint(0.65 * 128 + 0.35 * np.array([86, 180, 233]))).all()  # filling
