"""A format of label files from outside: boxes in one JSON file, read, written, and refused where it is wrong."""

import json
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

import lvcnet as lv
from lvcnet.data.dataset import Dataset
from lvcnet.data.formats.specs import FORMATS, FormatSpec
from lvcnet.data.importing.annotated import AnnotatedImage, Annotations
from lvcnet.masks.outlines import Outline
from tests.app.conftest import OpenPage


def read_boxes(path: Path) -> Annotations:
    """`{"a.png": {"hip": [left, top, right, bottom]}}`, beside the images."""
    found = Annotations(str(path))
    for name, boxes in json.loads(path.read_text()).items():
        image = AnnotatedImage(name, f"{path}, {name}", path.parent / name)
        for category, (left, top, right, bottom) in boxes.items():
            corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=float)
            image.shapes[category] = [Outline([corners])]
            found.categories = sorted({*found.categories, category})
        found.images.append(image)
    return found


def write_boxes(dataset: Dataset, labels: str, path: Path, split: str | None) -> None:
    content = {}
    for row, item in enumerate(dataset.items):
        rows, columns = np.nonzero(dataset.labels(labels).masks[row, 0])
        box = [int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1]
        content[str(item.source)] = {dataset.categories[0]: box}
    path.write_text(json.dumps(content))


@pytest.fixture
def boxes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A file of boxes beside its images; the format is there as if a plug-in had brought it."""
    spec = FormatSpec("boxes", "Boxes", "One file of boxes.", write_boxes, ".json", read_boxes)
    monkeypatch.setitem(FORMATS._specs, "boxes", spec)
    content = {}
    for number, name in enumerate(("a.png", "b.png", "c.png")):
        Image.fromarray(np.full((32, 32), 40 * number, np.uint8)).save(tmp_path / name)
        content[name] = {"hip": [4 + number, 6, 20, 24]}
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(content))
    return path


def test_what_is_read_is_written_again(lvcnet, boxes: Path, tmp_path: Path) -> None:
    status, _, err = lvcnet("data", "import", "hips", "--from", f"boxes={boxes}", "--size", "32")
    assert (status, err) == (0, "")
    dataset = Dataset.load("hips")
    assert (len(dataset), dataset.categories, dataset.source["format"]) == (3, ["hip"], "boxes")
    again = tmp_path / "again.json"
    assert lvcnet("data", "export", "hips", "--format", "boxes", "--output", str(again))[0] == 0
    assert json.loads(again.read_text()) == json.loads(boxes.read_text())
    for format in ("coco", "labelme", "masks"):
        assert (
            lvcnet("data", "export", "hips", "--format", format, "--output", str(tmp_path / format))[0] == 0
        )
    areas = [one["area"] for one in json.loads((tmp_path / "coco").read_text())["annotations"]]
    assert areas == [16 * 18, 15 * 18, 14 * 18]


def test_zips_are_recognised_by_the_spec(
    lvcnet, boxes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "boxes.zip"
    with ZipFile(archive, "w") as stream:
        for path in (*sorted(boxes.parent.glob("*.png")), boxes):
            stream.write(path, f"mine/{path.name}")
    command = ("data", "import", "zipped", "--zip", str(archive), "--size", "32")
    status, _, err = lvcnet(*command)
    assert (status, err.count("\n")) == (2, 1), "a spec that recognises nothing"

    def recognise(folder: Path) -> Path | None:
        return next(folder.rglob("boxes.json"), None)

    monkeypatch.setitem(FORMATS._specs, "boxes", replace(FORMATS["boxes"], recognise=recognise))
    status, out, err = lvcnet(*command)
    assert (status, err) == (0, "")
    assert "Boxes" in out
    dataset = Dataset.load("zipped")
    assert (len(dataset), dataset.categories, dataset.source["format"]) == (3, ["hip"], "boxes")
    assert dataset.source["path"] == "mine/boxes.json"
    monkeypatch.setitem(FORMATS._specs, "other", replace(FORMATS["boxes"], name="other"))
    status, _, err = lvcnet("data", "import", "again", "--zip", str(archive))
    assert (status, "the zip is taken for boxes and for other" in err) == (2, True)


def test_the_library_imports_it_too(boxes: Path) -> None:
    assert lv.import_from("hips", "boxes", boxes, size=32).categories == ["hip"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("boxes", "write FORMAT=PATH"),
        ("dots=x.json", f"format 'dots' does not exist: choose one of {', '.join(FORMATS.own)}, boxes"),
        ("coco=x.json", "format 'coco' is not read by path alone: use its own option (boxes)"),
        ("boxes=gone.json", "gone.json does not exist: check the path"),
        ("boxes=a.png", "a.png cannot be read as boxes ("),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(
    lvcnet, boxes: Path, monkeypatch: pytest.MonkeyPatch, source: str, said: str
) -> None:
    monkeypatch.chdir(boxes.parent)
    status, _, err = lvcnet("data", "import", "hips", "--from", source)
    assert (status, err.count("\n")) == (2, 1)
    assert said in err


def test_the_data_page_offers_it(boxes: Path, open_page: OpenPage, lvcnet) -> None:
    page = open_page("data", view="import")
    page.button_group(key="import-format").set_value("boxes").run()
    page.text_input(key="import-from").set_value(str(boxes)).run()
    assert not page.exception
    assert f"lvcnet data import NAME --from boxes={boxes}" in page.code[0].value
    lvcnet("data", "import", "hips", "--from", f"boxes={boxes}", "--size", "32")
    page = open_page("data", view="export", dataset="hips", format="boxes")
    assert not page.exception
    assert page.code[0].value.startswith("lvcnet data export hips ")
    assert "--labels clean --format boxes" in page.code[0].value
