"""lvcnet evaluate, compare and predict: one JSON object on stdout, one line on errors."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import lvcnet as lv
from lab.samples import write_dicom
from lvcnet.files import write_json
from lvcnet.masks.metrics import METRICS
from lvcnet.models.maps import Maps
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.summary import summarise


def test_evaluate_prints_one_json_object(make_run, lvcnet) -> None:
    run = make_run("unet", "level4")
    status, out, _ = lvcnet("evaluate", run.name, "--json")
    found = json.loads(out)
    assert status == 0
    assert out.count("\n") == 1
    assert {*METRICS, "rounds", "per_category"} <= set(found)
    assert "per_image" not in found
    _, out, _ = lvcnet("evaluate", run.name, "--json", "--per-image")
    assert len(json.loads(out)["per_image"]) == 6


def test_evaluate_says_that_predictions_collapsed(make_run, lvcnet, monkeypatch) -> None:
    run = make_run("unet", "level4")
    _, out, _ = lvcnet("evaluate", run.name, "--json")
    assert json.loads(out)["collapsed"] is None
    nothing = "predicts nothing of 'bone' on 6 of 6 images"
    monkeypatch.setattr(
        "tests.evaluation.conftest.BrightMethod.predict", lambda self, images, details=True: Maps(0 * images)
    )
    found = json.loads(lvcnet("evaluate", run.name, "--json")[1])
    assert found["collapsed"].startswith(f"{nothing}: nothing is concluded from its figures; trained ")
    assert found["diagnoses"] == []  # a collapsed category is named once
    text = lvcnet("evaluate", run.name)[1]
    assert f"Attention: {run.name} {found['collapsed']}." in text
    assert text.count("'bone'") == 1


PLAN = {"plan": {"choices": [{"name": "steps", "value": 1500}], "overridden": {}}}


def in_part_only(run: RunDirectory) -> None:
    """As if the run had been trained 240 steps of the 1,500 that its plan says, and had not found much of the bone."""
    write_json(run.path / "config.json", {**run.config(), **PLAN})
    run.update_status(step=240, steps=240, epoch=3, epochs=3)
    for epoch in (1, 2, 3):
        row = {
            "epoch": epoch,
            "step": 80 * epoch,
            "seconds": 2.0,
            "test_iou": 0.2,
            "validation_iou/bone": 0.2,
        }
        run.append_metrics(row)


def find_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on predictions are a part of what is there: two of its columns."""

    def predict(self, images, details=True):
        prediction = images.clone()
        prediction[..., 6:] = 0
        return Maps(prediction)

    monkeypatch.setattr("tests.evaluation.conftest.BrightMethod.predict", predict)


def test_evaluate_says_what_is_not_learned_with_the_steps_of_its_checkpoint(
    make_run, lvcnet, monkeypatch
) -> None:
    run = make_run("unet", "level4")
    in_part_only(run)
    write_json(run.checkpoints / "best.json", {"format": 1, "epoch": 2})
    find_a_part(monkeypatch)
    found = json.loads(lvcnet("evaluate", run.name, "--json")[1])
    assert found["collapsed"] is None
    assert "unlearned" not in found
    (sentence,) = found["diagnoses"]
    assert sentence == (
        f"'bone' is perhaps learned in part only: IoU {found['iou']:.2f} on 6 test images; trained 240 steps, the training"
        " plan says 1,500: train that long (preset auto)"
    )
    assert f"Attention: {sentence}." in lvcnet("evaluate", run.name)[1]
    assert sentence in json.loads(lvcnet("runs", "--json")[1])["runs"][0]["diagnoses"]
    (best,) = json.loads(lvcnet("evaluate", run.name, "--checkpoint", "best", "--json")[1])["diagnoses"]
    assert "; checkpoint best is of step 160 of 240, the training plan says 1,500:" in best


def test_compare_names_what_is_not_learned_in_every_format(make_run, lvcnet, monkeypatch) -> None:
    run, good = make_run("unet", "level4"), make_run("lvcnet", "level4")
    lvcnet("evaluate", good.name)
    in_part_only(run)
    find_a_part(monkeypatch)
    lvcnet("evaluate", run.name)
    (sentence,) = summarise(run).diagnoses
    found = json.loads(lvcnet("compare", "tiny", "--json")[1])
    assert found["diagnoses"] == {run.name: [sentence]}
    said = f"Note: run {run.name}: {sentence}"
    assert said in lvcnet("compare", "tiny", "--format", "markdown")[1]
    assert " ".join(said.split()) in " ".join(lvcnet("compare", "tiny")[1].split())
    assert lv.compare("tiny").diagnoses == {run.name: [sentence]}


def test_evaluate_prints_a_table_for_people(make_run, lvcnet) -> None:
    _, out, _ = lvcnet("evaluate", make_run().name)
    assert "Boundary IoU" in out
    assert "5 rounds of 5 random images" in out
    assert "only 6 test images" in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "nothing"], "no run 'nothing'"),
        (["evaluate", "tiny-lvcnet-clean-s0", "--against", "dentist2"], "no label set 'dentist2'"),
        (["compare", "tiny", "--metric", "accuracy"], "metric 'accuracy' does not exist"),
        (["compare", "tiny", "--format", "xml"], "choose one of table"),
        (["compare", "tiny", "--output", "."], "is a folder"),
        (["compare", "elsewhere"], "nothing to compare"),
        (["plan", "elsewhere"], "no data set 'elsewhere'"),
        (["plan", "tiny", "--budget", "1000"], "`lvcnet evaluate tiny-lvcnet-clean-s0`"),
        (["predict", "tiny-lvcnet-clean-s0", "gone.png", "--output", "out"], "no such file: gone.png"),
        (["predict", "tiny-lvcnet-clean-s0", "a.png", "--output", "out", "--threshold", "2"], "out of range"),
    ],
)
def test_errors_are_one_line_and_status_2(make_run, lvcnet, arguments: list[str], message: str) -> None:
    make_run()
    status, out, err = lvcnet(*arguments)
    assert (status, out, len(err.strip().splitlines())) == (2, "", 1)
    assert message in err


def test_compare_evaluates_and_prints_every_format(make_run, lvcnet, tmp_path: Path) -> None:
    for method in ("unet", "lvcnet"):
        make_run(method, "level4")
    _, out, _ = lvcnet("compare", "tiny", "--json")
    assert [row["method"] for row in json.loads(out)["rows"]] == ["unet", "lvcnet"]
    _, out, _ = lvcnet("compare", "tiny")
    assert "LVC-Net" in out
    _, out, _ = lvcnet("compare", "tiny", "--format", "markdown")
    assert out.startswith("## tiny")
    assert "### IoU (foreground), paired against U-Net" in out
    status, _, err = lvcnet("compare", "tiny", "--where", "epochs=77")
    assert (status, "its epochs is" in err) == (2, True)
    path = tmp_path / "table.csv"
    _, out, _ = lvcnet("compare", "tiny", "--format", "csv", "--output", str(path))
    assert len(list(csv.DictReader(path.open()))) == 2
    assert "Wrote" in out
    _, out, _ = lvcnet("compare", "tiny", "--format", "csv", "--output", str(path), "--json")
    assert json.loads(out) == {"output": str(path)}
    assert len(list(csv.DictReader(path.open()))) == 2


def test_predict_writes_files_and_names_them(make_run, lvcnet, tmp_path: Path) -> None:
    image = tmp_path / "hip.png"
    cv2.imwrite(str(image), np.full((30, 40), 200, dtype=np.uint8))
    run = make_run()
    status, out, _ = lvcnet("predict", run.name, str(image), "--output", str(tmp_path / "out"), "--json")
    found = json.loads(out)
    entry = found["predictions"][0]
    files = [
        entry["overlay"],
        *entry["masks"].values(),
        *entry["probabilities"].values(),
        found["coco"],
        found["csv"],
    ]
    assert status == 0
    assert sorted(files) == sorted(path.name for path in (tmp_path / "out").iterdir())


def test_predict_takes_a_folder_and_goes_on_after_a_bad_file(make_run, lvcnet, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_samples_of(folder)
    run = make_run()
    out_folder = tmp_path / "out"
    status, out, _ = lvcnet(
        "predict", run.name, str(folder), "--output", str(out_folder), "--formats", "dicom-seg,labelme,csv"
    )
    assert status == 1
    assert "broken.png cannot be read as an image" in out
    assert "plain.png is not a DICOM file" in " ".join(out.split())
    assert "of 2 images" in out
    names = sorted(path.name for path in out_folder.iterdir())
    assert names == ["measurements.csv", "plain.json", "scan.json", "scan_seg.dcm"]
    rows = {row["image"]: row for row in csv.DictReader((out_folder / "measurements.csv").open())}
    assert list(rows) == ["broken.png", "plain.png", "scan.dcm"]
    assert rows["broken.png"]["area_px"] == ""
    assert rows["plain.png"]["area_mm2"] == ""
    assert float(rows["scan.dcm"]["area_mm2"]) == pytest.approx(int(rows["scan.dcm"]["area_px"]) / 4)


def test_predict_into_its_own_input_finds_the_same_radiographs_again(
    make_run, lvcnet, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    write_samples_of(folder)
    (folder / "broken.png").unlink()
    run = make_run()
    call = ("predict", run.name, str(folder), "--output", str(folder / "out"), "--json")
    counts = []
    for _ in range(2):
        status, out, _ = lvcnet(*call, "--formats", "masks,overlay,csv")
        found = json.loads(out)
        counts.append((status, len(found["predictions"]), len(found["left_out"])))
    assert counts == [(0, 2, 0), (0, 2, 4)]
    assert found["left_out"][0]["reason"] == "a result of `lvcnet predict`"
    status, _, err = lvcnet(*call[:2], *map(str, (folder / "out").glob("*.png")), *call[3:])
    assert (status, "no radiograph was found" in err) == (2, True)


def write_samples_of(folder: Path) -> None:
    """A PNG, a DICOM file with pixels of 0.5 mm, a PNG that is none, and a text that is not looked at."""
    folder.mkdir()
    cv2.imwrite(str(folder / "plain.png"), np.full((30, 40), 200, dtype=np.uint8))
    write_dicom(folder / "scan.dcm", np.full((30, 40), 200, dtype=np.uint8), 0.5)
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nand no more")
    (folder / "notes.txt").write_text("two radiographs")


def test_predict_refuses_unknown_formats_and_empty_folders(make_run, lvcnet, tmp_path: Path) -> None:
    run = make_run()
    (tmp_path / "empty").mkdir()
    status, _, err = lvcnet("predict", run.name, str(tmp_path / "empty"), "--output", str(tmp_path / "out"))
    assert (status, "holds no PNG" in err) == (2, True)
    status, _, err = lvcnet("predict", run.name, "a.png", "--output", "out", "--formats", "masks,nifti")
    assert (status, "format 'nifti' does not exist" in err) == (2, True)


def test_plan_without_runs_says_what_makes_them(tiny, lvcnet) -> None:
    status, out, err = lvcnet("plan", "tiny")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "`lvcnet train tiny`" in err


def test_plan_works_on_the_demo(lvcnet) -> None:
    status, out, _ = lvcnet("plan", "hips", "--methods", "lvcnet", "--budget", "10000", "--json")
    found = json.loads(out)
    assert (status, out.count("\n")) == (0, 1)
    rows = {(row["method"], row["labels"]): row for row in found["rows"]}
    assert {method for method, _ in rows} == {"unet", "lvcnet"}
    clicks = [rows["unet", f"level{level}"]["clicks"] for level in (4, 3, 2, 1)]
    assert clicks == sorted(clicks)
    row = rows["lvcnet", "level3"]
    assert row["saving"] == pytest.approx(1 - row["clicks"] / row["baseline_clicks"])
    assert row["saving_low"] < row["saving"] < row["saving_high"]
    # The baseline reaches the same IoU between the two levels whose IoU encloses it.
    base = [rows["unet", f"level{level}"] for level in (3, 2)]
    assert base[0]["iou"] < row["iou"] < base[1]["iou"]
    assert base[0]["clicks"] < row["baseline_clicks"] < base[1]["clicks"]
    budget = found["budget"]
    assert budget["clicks_per_image"] == pytest.approx(10000 / 300)
    assert rows["unet", budget["labels"]]["clicks"] <= budget["clicks_per_image"]


def test_plan_prints_a_table_and_sentences(lvcnet) -> None:
    _, out, _ = lvcnet("plan", "hips")
    text = " ".join(out.split())
    assert "Level 3 outlines with LVC-Net equal outlines between level 3 and level 2 with U-Net" in text
    assert "fewer clicks (95 % interval" in text
    assert "U-Net needs" in text
    assert "*" not in text


def test_compare_writes_the_report_of_the_page(make_run, lvcnet, tmp_path: Path) -> None:
    for method in ("unet", "lvcnet"):
        make_run(method, "level4")
    path = tmp_path / "tiny.html"
    status, out, _ = lvcnet("compare", "tiny", "--html", str(path))
    assert status == 0
    assert f"Wrote {path}" in out
    assert "IoU (foreground) after learning from level 4 labels: U-Net" in out
    page = path.read_text()
    assert "<figcaption>IoU (foreground) by noise level</figcaption>" in page
    assert page == lv.compare("tiny").to_html()
    _, out, _ = lvcnet("compare", "tiny", "--html", str(path), "--json")
    assert json.loads(out)["html"] == str(path)


def test_compare_goes_through_the_images_the_worst_first(make_run, lvcnet) -> None:
    for method in ("unet", "lvcnet"):
        make_run(method, "level4")
    status, out, _ = lvcnet("compare", "tiny", "--images", "--order", "worst:unet", "--format", "csv")
    rows = list(csv.DictReader(out.splitlines()))
    scores = [float(row["unet"]) for row in rows]
    assert status == 0
    assert list(rows[0]) == ["image", "unet", "lvcnet"]
    # test image n is 8 - n of 8 columns wide, of which U-Net's prediction misses one, and goes n columns too far
    assert scores == pytest.approx(sorted((7 - n) / 8 for n in range(6)))
    assert [row["image"] for row in rows] == [f"test{n}" for n in reversed(range(6))]
    _, out, _ = lvcnet("compare", "tiny", "--images", "--order", "gain:lvcnet", "--json", "--seed", "0")
    gains = [row["lvcnet"] - row["unet"] for row in json.loads(out)["images"]]
    assert gains == sorted(gains, reverse=True)
    _, out, _ = lvcnet("compare", "tiny", "--images")
    assert "6 images after learning from level 4 labels" in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--order", "data"], "add --images"),
        (["--images", "--order", "best"], "order 'best' does not exist"),
        (["--images", "--order", "worst:fcn"], "'fcn' was not measured: choose one of lvcnet"),
        (["--images", "--order", "gain:lvcnet"], "no measured unet"),
        (["--images", "--labels", "level2"], "no measured run learned from 'level2': choose one of clean"),
        (["--images", "--seed", "7"], "no measured run on clean has seed 7"),
        (["--html", "."], "is a folder"),
    ],
)
def test_what_compare_cannot_do_image_by_image(make_run, lvcnet, arguments: list[str], message: str) -> None:
    make_run()
    status, _, problem = lvcnet("compare", "tiny", *arguments)
    assert status == 2
    assert message in problem
