"""Batches: what is found, what is written and read back, and what happens to a file that is none."""

import csv
import json
from pathlib import Path

import cv2
import highdicom
import numpy as np
import pydicom
import pytest
from PIL import Image

from lab.samples import write_dicom
from lvcnet.data.formats.labelme import read_labelme
from lvcnet.errors import LvcnetError
from lvcnet.inference import batch, export
from lvcnet.inference.own_files import find_images
from lvcnet.inference.predictor import Prediction, Predictor
from lvcnet.inference.segmentation import pairwise_ious, segment_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A DICOM file of 48 x 64 pixels of 0.5 mm with a bright rectangle, a PNG, a file without an ending, a broken one."""
    folder = tmp_path / "in"
    folder.mkdir()
    pixels = np.zeros((48, 64), np.uint8)
    pixels[12:36, 16:48] = 220
    write_dicom(folder / "scan.dcm", pixels, 0.5)
    Image.fromarray(pixels).save(folder / "plain.png")
    (folder / "deeper").mkdir()
    (folder / "deeper" / "IM0001").write_bytes((folder / "scan.dcm").read_bytes())
    (folder / "broken.tif").write_bytes(b"II*\0")
    (folder / "notes.txt").write_text("hello")
    (folder / ".hidden.png").write_bytes(b"")
    return folder


def test_a_folder_is_searched_for_radiographs(folder: Path) -> None:
    (folder / "deeper" / "1.2.840.7").write_bytes((folder / "scan.dcm").read_bytes())
    names = [path.relative_to(folder).as_posix() for path in find_images([folder]).images]
    assert names == ["broken.tif", "deeper/1.2.840.7", "deeper/IM0001", "plain.png", "scan.dcm"]
    assert find_images([folder / "scan.dcm", folder]).images[0] == folder / "scan.dcm"
    assert len(find_images([folder / "scan.dcm", folder]).images) == 5


def test_every_format_says_the_same(predictor: Predictor, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    written = batch.predict_files(predictor, [folder / "scan.dcm"], out, 0.6, list(batch_formats()))
    (entry,) = written["predictions"]
    masks = np.stack(
        [cv2.imread(str(out / name), cv2.IMREAD_UNCHANGED) > 0 for name in entry["masks"].values()]
    )
    assert masks.any(axis=(1, 2)).all()
    assert written["problems"] == []

    seg = highdicom.seg.segread(out / entry["dicom-seg"])
    source = pydicom.dcmread(folder / "scan.dcm")
    (pixels,) = seg.get_pixels_by_source_instance([source.SOPInstanceUID])
    np.testing.assert_array_equal(pixels.transpose(2, 0, 1).astype(bool), masks)

    (out / "scan.dcm").write_bytes((folder / "scan.dcm").read_bytes())
    labelme = out / "labelme"
    labelme.mkdir()
    for name in ("scan.json", "scan.dcm"):
        (out / name).rename(labelme / name)
    annotations = read_labelme(labelme)
    assert annotations.problems == []
    (image,) = annotations.images
    for category, mask in zip(predictor.categories, masks, strict=True):
        found = np.zeros((48, 64), dtype=bool)
        for shape in image.shapes[category]:
            shape.paint(found)
        np.testing.assert_array_equal(found, mask)

    rows = list(csv.DictReader((out / "measurements.csv").open()))
    assert [row["category"] for row in rows] == predictor.categories
    assert [int(row["area_px"]) for row in rows] == masks.sum(axis=(1, 2)).tolist()
    assert float(rows[0]["area_mm2"]) == masks[0].sum() / 4
    coco = json.loads((out / "predictions.json").read_text())
    areas = [entry["area"] for entry in coco["annotations"] if entry["category_id"] == 1]
    assert sum(areas) == masks[0].sum()


def batch_formats() -> list[str]:
    return ["masks", "overlay", "coco", "labelme", "dicom-seg", "csv"]


def test_bad_files_are_reported_and_the_others_go_on(
    predictor: Predictor,
    folder: Path,
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    outcomes = list(
        batch.segment_files(
            predictor, find_images([folder]).images, out, formats=["dicom-seg", "csv", "coco"]
        )
    )
    assert [(outcome.image, outcome.segmented) for outcome in outcomes] == [
        ("broken.tif", False),
        ("IM0001", True),
        ("plain.png", True),
        ("scan.dcm", True),
    ]
    assert "cannot be read as an image" in outcomes[0].problem
    assert "not a DICOM file" in outcomes[2].problem
    assert [outcome.problem for outcome in outcomes[1::2]] == ["", ""]
    rows = list(csv.DictReader((out / "measurements.csv").open()))
    assert len(rows) == 1 + 3 * 2
    assert rows[0]["problem"] == outcomes[0].problem
    names = [image["file_name"] for image in json.loads((out / "predictions.json").read_text())["images"]]
    assert names == ["IM0001", "plain.png", "scan.dcm"]


def test_that_only_the_first_frame_was_segmented_is_noted(
    predictor: Predictor, folder: Path, tmp_path: Path
) -> None:
    header = pydicom.dcmread(folder / "scan.dcm")
    header.NumberOfFrames, header.PixelData = 2, header.PixelData * 2
    header.save_as(folder / "cine.dcm")
    written = batch.predict_files(
        predictor, [folder / "cine.dcm", folder / "scan.dcm"], tmp_path, formats=["csv"]
    )
    cine, scan = written["predictions"]
    assert cine["notes"][0].startswith("it has 2 frames: the first was read")
    assert scan["notes"] == []
    assert [row["area_px"] for row in cine["measurements"]] == [
        row["area_px"] for row in scan["measurements"]
    ]


def test_who_stops_taking_outcomes_cancels_the_rest(
    predictor: Predictor,
    folder: Path,
    tmp_path: Path,
) -> None:
    files = batch.segment_files(predictor, find_images([folder]).images, tmp_path / "out", formats=["masks"])
    next(files), next(files)
    files.close()
    assert {path.name.partition("_")[0] for path in (tmp_path / "out").iterdir()} == {"IM0001"}


def test_a_folder_that_cannot_be_written_to_stops_everything(
    predictor: Predictor,
    folder: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(LvcnetError, match="cannot be written"):
        batch.predict_files(predictor, [folder / "plain.png"], tmp_path / "out")


def test_two_thresholds_of_one_radiograph_agree_by_their_iou(predictor: Predictor, folder: Path) -> None:
    low = segment_file(predictor, folder / "scan.dcm", threshold=0.3)
    high = low.at(0.8)
    assert (high.threshold, low.threshold) == (0.8, 0.3)
    rows = pairwise_ious([low, high])
    # the higher one lies inside the lower one
    expected = [round(int(high.masks[c].sum()) / int(low.masks[c].sum()), 4) for c in (0, 1)]
    assert [row["iou"] for row in rows] == expected
    assert [row["category"] for row in rows] == predictor.categories


def test_results_are_never_input(predictor: Predictor, folder: Path) -> None:
    """A second call for the same folder finds the same radiographs, whatever was written below it."""
    formats = ["masks", "probabilities", "overlay", "coco", "labelme", "dicom-seg", "csv"]
    first = find_images([folder])
    written = [
        batch.predict_files(predictor, find_images([folder]).images, folder / "out", formats=formats)
        for _ in (1, 2)
    ]
    again = find_images([folder, *(folder / "out").glob("plain*.png")])
    assert again.images == first.images
    assert written[0] == written[1]
    results = {path.name for path in (folder / "out").iterdir() if path.suffix in (".png", ".dcm")}
    assert {path.name for path, _ in again.left_out} == results
    assert {reason for _, reason in again.left_out} == {"a result of `lvcnet predict`", "a segmentation"}
    with pytest.raises(LvcnetError, match=r"no radiograph was found: .*out/IM0001_.* is .* and \d+ more"):
        find_images([folder / "out"])


def test_a_mark_does_not_change_a_picture(predictor: Predictor, folder: Path, tmp_path: Path) -> None:
    batch.predict_files(predictor, [folder / "scan.dcm"], tmp_path / "out", formats=["masks", "overlay"])
    for path in (tmp_path / "out").iterdir():
        with Image.open(path) as picture:
            picture.load()
            assert picture.text["Software"] == "LVC-Net Lab prediction"


def test_no_radiograph_is_written_over(predictor: Predictor, folder: Path) -> None:
    before = (folder / "plain.png").read_bytes()
    (folder / "x_overlay.png").write_bytes(before)
    (folder / "x.png").write_bytes(before)
    with pytest.raises(LvcnetError, match=r"x_overlay\.png is a radiograph .* choose another --output"):
        batch.predict_files(predictor, find_images([folder]).images, folder, formats=["overlay"])
    (folder / "plain.json").write_text("{}")
    with pytest.raises(LvcnetError, match=r"plain\.json exists and was not written by `lvcnet predict`"):
        batch.predict_files(predictor, [folder / "plain.png"], folder, formats=["labelme"])
    assert (folder / "plain.json").read_text() == "{}"
    for _ in (1, 2):
        batch.predict_files(predictor, [folder / "scan.dcm"], folder, formats=["labelme", "overlay"])
    assert (folder / "x_overlay.png").read_bytes() == before


def test_an_object_of_a_class_that_highdicom_does_not_know_costs_its_seg_only(
    predictor: Predictor, folder: Path, tmp_path: Path
) -> None:
    header = pydicom.dcmread(folder / "scan.dcm")
    retired = "1.2.840.10008.5.1.4.1.1.6"  # Ultrasound Image Storage, retired
    header.SOPClassUID = header.file_meta.MediaStorageSOPClassUID = retired
    header.save_as(folder / "a.dcm")
    out = tmp_path / "out"
    written = batch.predict_files(
        predictor, [folder / "a.dcm", folder / "scan.dcm"], out, formats=["dicom-seg", "masks", "csv", "coco"]
    )
    assert [len(entry["masks"]) for entry in written["predictions"]] == [2, 2]
    ((problem),) = written["problems"]
    assert "a.dcm does not allow a DICOM SEG" in problem["problem"]
    assert (out / "scan_seg.dcm").exists()
    rows = list(csv.DictReader((out / "measurements.csv").open()))
    assert [bool(row["problem"]) for row in rows] == [True, True, False, False]


class Surprise(Exception):
    """Of a library, derived from nothing that anybody would list."""


def test_any_exception_costs_one_file_or_one_format_of_it(
    predictor: Predictor, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [folder / name for name in ("plain.png", "scan.dcm", "deeper/IM0001")]
    predict, overlay = predictor.predict_image, export.overlay

    def fails_for_the_first(pixels: np.ndarray, threshold: float) -> Prediction:
        monkeypatch.setattr(predictor, "predict_image", predict)
        raise Surprise("out of luck")

    def fails_once(*arguments: object) -> np.ndarray:
        monkeypatch.setattr(export, "overlay", overlay)
        raise Surprise

    monkeypatch.setattr(predictor, "predict_image", fails_for_the_first)
    monkeypatch.setattr(export, "overlay", fails_once)
    outcomes = list(batch.segment_files(predictor, paths, tmp_path / "out", formats=["overlay", "masks"]))
    assert [outcome.segmented for outcome in outcomes] == [False, True, True]
    assert outcomes[0].problem.startswith("plain.png cannot be segmented (out of luck)")
    assert outcomes[1].problem.startswith("scan.dcm cannot be written as overlay (Surprise)")
    assert list(outcomes[1].files) == ["masks"]
    assert outcomes[2].problem == ""
