"""The inference app without a browser: what it computes, what it says about mistakes, and its page."""

import csv
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from lab.inference import api as inference_api
from lab.inference import app as inference_app
from lab.inference import events as inference_events
from lab.inference import segment
from lab.inference import tables as segment_tables
from lab.samples import write_dicom, write_samples
from lvcnet import workspace
from lvcnet.data.images import read_image
from lvcnet.data.radiograph import Radiograph
from lvcnet.drawing import overlays
from lvcnet.drawing.palette import method_colour
from lvcnet.errors import LvcnetError
from lvcnet.inference.download import write_download
from lvcnet.inference.finished import load_predictor
from lvcnet.inference.pictures import map_pictures
from lvcnet.inference.segmentation import Segmentation, summarise
from lvcnet.models.maps import Maps
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import find_run

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
def result(trained_run: RunDirectory, radiograph: Path) -> Segmentation:
    (found,) = segment.segment_runs(radiograph, [trained_run.name])
    return found


@pytest.fixture
def second_run(trained_run: RunDirectory) -> RunDirectory:
    """A copy of the run `tiny` that goes by another name."""
    shutil.copytree(trained_run.path, trained_run.path.with_name("other"))
    return RunDirectory(trained_run.path.with_name("other"))


def two_categories(result: Segmentation) -> Segmentation:
    """The same with a second category that covers the whole image."""
    maps = result.prediction.maps
    both = torch.cat([maps.prediction, torch.ones_like(maps.prediction)], dim=1)
    prediction = replace(result.prediction, maps=replace(maps, prediction=both), categories=["a", "b"])
    return replace(result, prediction=prediction)


def test_the_answer_has_the_radiographs_own_size_and_areas_in_mm2(result: Segmentation) -> None:
    answer = summarise(result)
    (category,) = answer["categories"]
    assert (answer["height"], answer["width"], answer["spacing_mm"]) == (40, 60, [0.5, 0.5])
    assert category["area_px"] == int((result.prediction.probability[0] >= 0.5).sum())
    assert category["area_mm2"] == pytest.approx(0.25 * category["area_px"], abs=0.01)
    assert json.loads(json.dumps(answer)) == answer


def test_without_a_spacing_there_is_nothing_in_mm(trained_run: RunDirectory, tmp_path: Path) -> None:
    path = tmp_path / "plain.png"
    Image.new("L", (50, 50), 90).save(path)
    results = list(segment.segment_runs(path, [trained_run.name]))
    answer = summarise(results[0])
    assert answer["spacing_mm"] is None
    assert answer["categories"][0]["area_mm2"] is None
    table = segment_tables.measurements_table(results)
    assert "states no pixel spacing" in table
    assert " mm" not in table.replace("in mm", "")


def test_a_higher_threshold_never_adds_area(result: Segmentation) -> None:
    areas = [int(result.at(level).masks.sum()) for level in (0.0, 0.3, 0.5, 0.7, 1.0)]
    assert areas == sorted(areas, reverse=True)
    assert areas[0] == 40 * 60


def test_mask_and_coco_files_say_the_same(result: Segmentation, tmp_path: Path) -> None:
    cut = result.at(float(np.median(result.prediction.probability)))
    with Image.open(write_download([cut], "masks", 0.35, tmp_path / "a")) as picture:
        mask = np.array(picture)
    assert mask.shape == (40, 60)
    assert set(np.unique(mask)) == {0, 255}
    coco = json.loads(write_download([cut], "coco", 0.35, tmp_path / "b").read_text())
    assert coco["images"] == [{"id": 1, "file_name": "disc.dcm", "height": 40, "width": 60}]
    assert sum(entry["area"] for entry in coco["annotations"]) == int((mask == 255).sum())


def test_several_categories_become_a_zip_of_masks(result: Segmentation, tmp_path: Path) -> None:
    two = two_categories(result)
    with zipfile.ZipFile(write_download([two], "masks", 0.35, tmp_path)) as archive:
        assert sorted(archive.namelist()) == ["disc_a_mask.png", "disc_b_mask.png"]
        with archive.open("disc_b_mask.png") as stream, Image.open(stream) as picture:
            assert (np.array(picture) == 255).all()
    assert [category["name"] for category in summarise(two)["categories"]] == ["a", "b"]
    assert segment_tables.measurements_table([two]).count("scope='row'") == 2


def test_several_runs_are_compared_and_written_side_by_side(
    trained_run: RunDirectory, second_run: RunDirectory, radiograph: Path, tmp_path: Path
) -> None:
    results = list(segment.segment_runs(radiograph, ["tiny", "other"]))
    first, second = segment.colours(results)
    assert (first, first != second) == (method_colour("lvcnet"), True)
    table = segment_tables.measurements_table(results)
    assert table.count("scope='row'") == 2
    assert first in table
    assert second in table
    agreement = segment_tables.agreement_table(results)
    assert "1.000" in agreement  # the same weights
    assert segment_tables.agreement_table(results[:1]) == ""
    with zipfile.ZipFile(write_download(results, "dicom-seg", 0.35, tmp_path / "a")) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
    assert sorted(names) == ["other/disc_seg.dcm", "tiny/disc_seg.dcm"]
    rows = list(csv.DictReader(write_download(results, "csv", 0.35, tmp_path / "b").open()))
    assert [row["run"] for row in rows] == ["tiny", "other"]


def test_a_single_run_is_drawn_in_its_methods_colour_and_large_ones_at_screen_size(
    result: Segmentation,
) -> None:
    full = result.at(0.0)
    drawn = segment.picture(full, 1.0, "#009E73")
    assert (drawn == (0, 158, 115)).all()
    pixels = np.zeros((3000, 2000), np.float32)
    grid = torch.zeros((1, 1, 30, 20))
    grid[:, :, 10:20] = 1
    large = replace(
        full,
        radiograph=Radiograph(pixels),
        prediction=replace(full.prediction, maps=Maps(grid), height=3000, width=2000, threshold=0.5),
    )
    drawn = segment.picture(large, 1.0, "#009E73")
    assert drawn.shape == (1400, 933, 3)
    assert (drawn[500:900] == (0, 158, 115)).all()
    assert not drawn[:460].any()
    assert segment.all_outlines([large, large]).shape == (1400, 933, 3)


def test_too_many_runs_are_refused(radiograph: Path) -> None:
    with pytest.raises(LvcnetError, match="7 runs were chosen: at most 6"):
        list(segment.segment_runs(radiograph, ["tiny"] * 7))


def test_what_is_chosen_first(monkeypatch: pytest.MonkeyPatch, trained_run: RunDirectory) -> None:
    assert segment.first_runs() == ["tiny"]
    shutil.rmtree(trained_run.path)
    methods = {find_run(name).config()["method"] for name in segment.first_runs()}
    assert methods == {"unet", "lvcnet-plus"}
    monkeypatch.setattr(segment, "finished_runs", list)
    assert segment.first_runs() == []


def test_a_dicom_seg_is_offered_only_for_dicom(
    trained_run: RunDirectory, result: Segmentation, tmp_path: Path
) -> None:
    position = list(inference_events.DOWNLOADS).index("dicom-seg") + 5
    file = str(result.path)
    assert inference_events.on_predicted(file, ["tiny"], [result])[position].interactive
    path = tmp_path / "plain.png"
    Image.new("L", (50, 50), 90).save(path)
    without = inference_events.on_predicted(str(path), ["tiny"], list(segment.segment_runs(path, ["tiny"])))
    assert not without[position].interactive
    assert "plain.png is not a DICOM file" in without[3].value


def test_the_gallery_shows_every_map_in_the_radiographs_shape(result: Segmentation) -> None:
    pictures = map_pictures(result)
    captions = [caption for _, caption in pictures]
    assert captions[0] == "As the network sees it"
    assert captions[-1] == "Prediction"
    assert len(pictures) == 2 + len(result.prediction.maps.named)
    assert "Warp 1" in captions
    assert any(caption.startswith("Initial Sobel edges, up to") for caption in captions)
    assert all(picture.shape == (341, 512, 3) and picture.dtype == np.uint8 for picture, _ in pictures)


def test_predictors_are_kept_until_the_checkpoint_changes(trained_run: RunDirectory) -> None:
    first = load_predictor(trained_run.name)
    assert load_predictor(trained_run.name) is first
    weights = trained_run.checkpoints / "last.safetensors"
    weights.write_bytes(weights.read_bytes())
    assert load_predictor(trained_run.name) is not first


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
        ("disc.dcm", "tiny", 1.5, "threshold 1.5 is out of range"),
        ("disc.dcm", "tiny", 0.0, "threshold 0 is out of range"),
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
        inference_api.segment_api(path, run, threshold)
    assert message in str(caught.value)
    assert str(radiograph.parent) not in str(caught.value)


def test_the_endpoint_returns_summary_mask_and_overlay(trained_run: RunDirectory, radiograph: Path) -> None:
    answer, mask, overlay = inference_api.segment_api(str(radiograph), trained_run.name, 0.5)
    assert answer["run"] == "tiny"
    assert Path(mask).name == "disc_innominate-bone_mask.png"
    with Image.open(overlay) as picture:
        assert (picture.mode, picture.size) == ("RGB", (60, 40))


def test_a_batch_reports_bad_files_and_numbers_names_that_meet(
    trained_run: RunDirectory, radiograph: Path, tmp_path: Path
) -> None:
    (tmp_path / "b").mkdir()
    twin = tmp_path / "b" / "disc.dcm"
    shutil.copy(radiograph, twin)
    (tmp_path / "bad.png").write_text("no image")
    files = [str(path) for path in (radiograph, twin, tmp_path / "bad.png")]
    summary, archive = inference_api.segment_batch_api(files, "tiny", 0.5, "masks,coco,csv")
    assert summary["segmented"] == 2
    assert list(summary["problems"]) == ["bad.png"]
    assert [row["image"] for row in summary["measurements"]] == ["disc.dcm", "disc-2.dcm"]
    with zipfile.ZipFile(archive) as opened:
        names = opened.namelist()
        coco = json.loads(opened.read("predictions.json"))
    assert "disc-2_innominate-bone_mask.png" in names
    assert [image["file_name"] for image in coco["images"]] == ["disc.dcm", "disc-2.dcm"]
    assert not any(str(tmp_path) in str(value) for value in (summary, coco))


@pytest.mark.parametrize(
    ("files", "run", "formats", "message"),
    [
        ([], "tiny", "csv", "no radiographs were given"),
        (["disc.dcm"], "", "csv", "no run was chosen"),
        (["disc.dcm"], "tiny", "nifti", "format 'nifti' does not exist"),
        (["disc.dcm"], "tiny", "", "no formats were given"),
    ],
)
def test_mistakes_of_a_batch_are_explained(
    trained_run: RunDirectory, radiograph: Path, files: list[str], run: str, formats: str, message: str
) -> None:
    with pytest.raises(gr.Error) as caught:
        inference_api.segment_batch_api(
            [str(radiograph.parent / name) for name in files], run, formats=formats
        )
    assert message in str(caught.value)


def test_a_batch_on_the_screen_counts_and_can_be_left(trained_run: RunDirectory, radiograph: Path) -> None:
    steps = inference_events.on_batch([str(radiograph), str(radiograph)], "tiny", 0.5, ["masks", "csv"])
    assert "0 of 2 files done (tiny, threshold 0.5)" in next(steps)[1]
    _, table, archive = next(steps)
    assert "1 of 2 files done" in table
    assert "disc.dcm" in table
    steps.close()
    *_, (done, table, archive) = inference_events.on_batch([str(radiograph)], "tiny", 0.5, ["masks", "csv"])
    assert "1 of 1 files done" in table
    assert not inference_events.on_batch_choice(done, "tiny", 0.5, ["csv", "masks"]).visible
    other = inference_events.on_batch_choice(done, "tiny", 0.6, ["csv", "masks"])
    assert (other.visible, "of tiny at threshold 0.5" in other.value) == (True, True)
    assert sorted(zipfile.ZipFile(archive).namelist())[-1] == "measurements.csv"


def test_a_dicom_seg_comes_without_the_patient_where_that_is_ticked(
    result: Segmentation, radiograph: Path
) -> None:
    """One file and the zip of a batch; without the tick both name the patient of the radiograph."""
    for anonymise in (False, True):
        one = Path(
            inference_events.on_download("dicom-seg", str(result.path), [result], 0.5, 0.35, anonymise)
        )
        *_, (done, _, archive) = inference_events.on_batch(
            [str(radiograph)], "tiny", 0.5, ["dicom-seg"], anonymise
        )
        with zipfile.ZipFile(archive) as opened:
            (name,) = [name for name in opened.namelist() if name.endswith(".dcm")]
            contents = [one.read_bytes(), opened.read(name)]
        assert [b"Phantom^Synthetic" in content for content in contents] == [not anonymise] * 2
        assert inference_events.on_batch_choice(done, "tiny", 0.5, ["dicom-seg"], not anonymise).visible
        assert not inference_events.on_batch_choice(done, "tiny", 0.5, ["dicom-seg"], anonymise).visible


def test_names_from_files_are_no_html(result: Segmentation) -> None:
    evil = replace(result, name="<img src=x onerror=alert(1)>.png")
    table = segment_tables.measurements_table([evil])
    assert "<img" not in table
    assert "&lt;img" in table


def test_nothing_of_another_file_is_drawn_or_written(result: Segmentation, tmp_path: Path) -> None:
    """An answer that comes late finds another file chosen, or none."""
    for other in (None, str(tmp_path / "other.png")):
        drawn = inference_events.on_draw(other, [result], 0.5, 0.35, -1, -1)
        ready = inference_events.on_predicted(other, ["tiny"], [result])
        maps = inference_events.on_maps(other, [result], 0)
        assert all(value == gr.skip() for value in (*drawn, *ready, maps))
        assert not inference_events.on_runs(other, ["other"], [result]).visible
        with pytest.raises(gr.Error, match="nothing was segmented yet"):
            inference_events.on_download("masks", other, [result], 0.5, 0.35)
    assert inference_events.on_download("masks", str(result.path), [result], 0.5, 0.35)


def test_other_runs_are_told_from_those_that_are_shown(result: Segmentation) -> None:
    file = str(result.path)
    assert not inference_events.on_runs(file, ["tiny"], [result]).visible
    note = inference_events.on_runs(file, ["other"], [result])
    assert note.visible
    assert "Shown: tiny" in note.value


def test_a_file_that_cannot_be_read_says_so_before_it_is_segmented(radiograph: Path, tmp_path: Path) -> None:
    picture, said = inference_events.on_preview(str(radiograph))
    assert picture.alt_text == "Radiograph: disc.dcm"
    assert inference_events.READY in said
    bad = tmp_path / "<b>.png"
    bad.write_text("no image")
    picture, said = inference_events.on_preview(str(bad))
    assert picture.value is None
    assert "&lt;b&gt;.png cannot be read as an image" in said


def test_only_the_endpoints_are_public() -> None:
    assert list(inference_app.build().get_api_info()["named_endpoints"]) == ["/segment", "/segment_batch"]


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
