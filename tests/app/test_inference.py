"""The inference app without a browser: what it computes, what it says about mistakes, and its page."""

import json
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from lab import inference_app, overlays, segment
from lab.samples import write_dicom, write_samples
from lvcnet import workspace
from lvcnet.data.images import read_image
from lvcnet.runs.directory import RunDirectory

PAGE = Path(__file__).resolve().parents[2] / "pages" / "inference.py"


@pytest.fixture
def radiograph(tmp_path: Path) -> Path:
    """A DICOM file of 40 x 60 pixels of 0.5 mm: a bright disc on black."""
    rows, columns = np.mgrid[:40, :60]
    disc = ((rows - 20) ** 2 + (columns - 30) ** 2 < 150) * 200
    path = tmp_path / "disc.dcm"
    write_dicom(path, disc.astype(np.uint8), 0.5)
    return path


@pytest.fixture
def result(trained_run: RunDirectory, radiograph: Path) -> segment.Segmentation:
    return segment.segment(radiograph, trained_run.name)


def test_the_answer_has_the_radiographs_own_size_and_areas_in_mm2(result: segment.Segmentation) -> None:
    answer = segment.summary(result, 0.5)
    (category,) = answer["categories"]
    assert (answer["height"], answer["width"], answer["spacing_mm"]) == (40, 60, [0.5, 0.5])
    assert category["area_px"] == int((result.prediction.probability[0] >= 0.5).sum())
    assert category["area_mm2"] == pytest.approx(0.25 * category["area_px"], abs=0.01)
    assert json.loads(json.dumps(answer)) == answer


def test_without_a_spacing_there_is_no_area_in_mm2(trained_run: RunDirectory, tmp_path: Path) -> None:
    path = tmp_path / "plain.png"
    Image.new("L", (50, 50), 90).save(path)
    answer = segment.summary(segment.segment(path, trained_run.name), 0.5)
    assert answer["spacing_mm"] is None
    assert answer["categories"][0]["area_mm2"] is None
    assert "spacing unknown" in inference_app.area_table(answer)


def test_a_higher_threshold_never_adds_area(result: segment.Segmentation) -> None:
    areas = [
        segment.summary(result, level)["categories"][0]["area_px"] for level in (0.0, 0.3, 0.5, 0.7, 1.0)
    ]
    assert areas == sorted(areas, reverse=True)
    assert areas[0] == 40 * 60


def test_mask_and_coco_files_say_the_same(result: segment.Segmentation, tmp_path: Path) -> None:
    level = float(np.median(result.prediction.probability))
    with Image.open(segment.write_masks(result, level, tmp_path)) as picture:
        mask = np.array(picture)
    assert mask.shape == (40, 60)
    assert set(np.unique(mask)) == {0, 255}
    coco = json.loads(segment.write_coco(result, level, tmp_path).read_text())
    assert coco["images"] == [{"id": 1, "file_name": "disc.dcm", "height": 40, "width": 60}]
    assert sum(entry["area"] for entry in coco["annotations"]) == int((mask == 255).sum())


def test_several_categories_become_pages_of_one_file(result: segment.Segmentation, tmp_path: Path) -> None:
    probability = np.concatenate([result.prediction.probability, np.ones((1, 40, 60), np.float32)])
    both = segment.Prediction(
        probability, probability >= 0.5, result.prediction.maps, result.prediction.working, ["a", "b"]
    )
    two = segment.Segmentation("x.png", result.run, result.radiograph, both)
    with Image.open(segment.write_masks(two, 0.5, tmp_path)) as picture:
        assert picture.n_frames == 2
        picture.seek(1)
        assert (np.array(picture) == 255).all()
    assert len(segment.summary(two, 0.5)["categories"]) == 2


def test_the_gallery_shows_every_map_in_the_radiographs_shape(result: segment.Segmentation) -> None:
    pictures = segment.map_pictures(result)
    captions = [caption for _, caption in pictures]
    assert captions[0] == "As the network sees it"
    assert captions[-1] == "Prediction"
    assert len(pictures) == 2 + len(result.prediction.maps.named)
    assert "Warp 1" in captions
    assert any(caption.startswith("Initial Sobel edges, up to") for caption in captions)
    assert all(picture.shape == (341, 512, 3) and picture.dtype == np.uint8 for picture, _ in pictures)


def test_predictors_are_kept_until_the_checkpoint_changes(trained_run: RunDirectory) -> None:
    first = segment.load_predictor(trained_run.name)
    assert segment.load_predictor(trained_run.name) is first
    weights = trained_run.checkpoints / "last.safetensors"
    weights.write_bytes(weights.read_bytes())
    assert segment.load_predictor(trained_run.name) is not first


def test_only_finished_runs_are_offered(trained_run: RunDirectory) -> None:
    assert "tiny" in [name for _, name in segment.run_choices()]
    trained_run.update_status(state="failed")
    assert "tiny" not in [name for _, name in segment.run_choices()]


@pytest.mark.parametrize(
    ("file", "run", "threshold", "message"),
    [
        (None, "tiny", 0.5, "no radiograph was given"),
        ("notes.txt", "tiny", 0.5, "cannot be read as an image"),
        ("disc.dcm", "", 0.5, "no run was chosen"),
        ("disc.dcm", "absent", 0.5, "there is no run 'absent'"),
        ("disc.dcm", "../tiny", 0.5, "not a usable name"),
        ("disc.dcm", "tiny", 1.5, "threshold 1.5 is not possible"),
    ],
)
def test_mistakes_are_explained(
    trained_run: RunDirectory,
    radiograph: Path,
    file: str | None,
    run: str,
    threshold: float,
    message: str,
) -> None:
    (radiograph.parent / "notes.txt").write_text("not an image")
    path = str(radiograph.parent / file) if file else None
    with pytest.raises(gr.Error) as caught:
        inference_app.segment_api(path, run, threshold)
    assert message in str(caught.value)
    assert str(radiograph.parent) not in str(caught.value)


def test_the_endpoint_returns_summary_mask_and_overlay(trained_run: RunDirectory, radiograph: Path) -> None:
    answer, mask, overlay = inference_app.segment_api(str(radiograph), trained_run.name, 0.5)
    assert answer["run"] == "tiny"
    assert Path(mask).name == "disc-mask.png"
    with Image.open(overlay) as picture:
        assert (picture.mode, picture.size) == ("RGB", (60, 40))


def test_drawing_before_anything_was_segmented_asks_for_input() -> None:
    assert inference_app.EMPTY in inference_app.on_draw(None, 0.5, 0.35)


def test_only_the_endpoint_is_public() -> None:
    assert list(inference_app.build().get_api_info()["named_endpoints"]) == ["/segment"]


def test_samples_can_be_made_again(tmp_path: Path) -> None:
    shipped = {path.name: path for path in segment.samples()}
    made = write_samples(tmp_path)
    assert sorted(shipped) == sorted(path.name for path in made)
    for path in made:
        pixels = read_image(path).pixels
        assert pixels.shape == (512, 512)
        assert overlays.to_rgb(pixels).std() > 20
    assert read_image(tmp_path / "hip-4.dcm").spacing_mm == pytest.approx((0.78125, 0.78125))


def test_the_page_shows_the_app_and_says_when_there_is_no_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(workspace, "assets_dir", lambda: tmp_path)
    page = AppTest.from_file(str(PAGE)).run()
    assert not page.exception
    assert page.title[0].value == "Inference"
    assert "no finished run" in page.info[0].value


def test_the_page_with_a_run(trained_run: RunDirectory) -> None:
    page = AppTest.from_file(str(PAGE))
    page.query_params["run"] = "tiny"
    page.run()
    assert not page.exception
    assert not page.info
    (frame,) = page.get("iframe")
    assert frame.proto.src == "/gradio/?__theme=light&run=tiny"
