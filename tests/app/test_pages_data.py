"""The data page: create, import, browse, export, delete."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from lab.downloads import labels_file
from lvcnet.cli import app
from lvcnet.data.dataset import Dataset, list_datasets
from lvcnet.runs.directory import RunDirectory
from tests.app.conftest import OpenPage, query


def test_without_data_the_page_offers_to_make_some(open_page: OpenPage) -> None:
    page = open_page("data")
    assert "There is no data set yet" in page.info[0].value


def test_a_phantom_set_is_created_and_browsed_and_the_command_makes_the_same(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = open_page("data", view="phantom")
    page.text_input(key="phantom-name").set_value("small")
    for key, value in (("train", 3), ("test", 1), ("size", 32), ("seed", 5)):
        page.number_input(key=f"phantom-{key}").set_value(value)
    page.run()
    command = page.code[0].value
    page.button(key="phantom-create").click().run()
    assert not page.exception
    assert "small: 4 images" in page.success[0].value
    assert query(page, "view") == "browse"
    assert page.selectbox(key="pick-dataset").value == "small"
    made = Dataset.load("small").fingerprint()
    monkeypatch.setenv("LVCNET_HOME", str(tmp_path / "other"))
    assert CliRunner().invoke(app, shlex.split(command)[1:]).exit_code == 0
    assert Dataset.load("small").fingerprint() == made


def test_a_name_that_is_taken_is_refused_in_place(trained_run: RunDirectory, open_page: OpenPage) -> None:
    page = open_page("data", view="phantom")
    page.button(key="phantom-create").click().run()
    assert "'hips' exists" in page.error[0].value
    assert not page.exception


def test_all_problems_of_an_import_are_listed(open_page: OpenPage, tmp_path: Path) -> None:
    (tmp_path / "png").mkdir()
    names = ["a.png", "../b.png"]
    coco = {
        "images": [{"id": i, "file_name": name, "width": 9, "height": 9} for i, name in enumerate(names)],
        "annotations": [],
        "categories": [{"id": 1, "name": "bone"}],
    }
    (tmp_path / "train.json").write_text(json.dumps(coco))
    page = open_page("data", view="import")
    page.text_input(key="import-name").set_value("mine")
    page.text_input(key="import-images").set_value(str(tmp_path / "png"))
    page.text_input(key="import-train").set_value(str(tmp_path / "train.json"))
    page.run()
    page.button(key="import-start").click().run()
    assert not page.exception
    assert "Nothing was imported" in page.error[0].value
    listed = page.table[0].value.to_string()
    assert "does not exist" in listed
    assert "leads out of the image folder" in listed
    assert list_datasets() == []


def test_masks_are_imported_with_a_second_opinion(open_page: OpenPage, tmp_path: Path) -> None:
    inside = np.zeros((40, 40), np.uint8)
    inside[10:30, 10:30] = 255
    for folder in ("xrays", "masks", "second"):
        (tmp_path / folder).mkdir()
        for number in range(4):
            Image.fromarray(inside).save(tmp_path / folder / f"{number}.png")
    page = open_page("data", view="import")
    page.button_group(key="import-format").set_value("masks").run()
    page.text_input(key="import-name").set_value("mine")
    page.text_input(key="import-images").set_value(str(tmp_path / "xrays"))
    page.text_input(key="import-masks").set_value(str(tmp_path / "masks"))
    page.text_area(key="import-extras").set_value(f"reader2={tmp_path / 'second'}")
    page.number_input(key="import-size").set_value(32)
    page.run()
    assert f"--labels reader2={tmp_path / 'second'} --size 32" in page.code[0].value
    page.button(key="import-start").click().run()
    assert not page.error
    assert Dataset.load("mine").label_names() == ["clean", "reader2"]


def test_a_missing_path_is_named(open_page: OpenPage) -> None:
    page = open_page("data", view="import")
    page.text_input(key="import-name").set_value("mine").run()
    page.button(key="import-start").click().run()
    assert "images, train" in page.error[0].value


def test_browsing_shows_figures_and_follows_the_address(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    page = open_page("data", dataset="hips", labels="level3")
    assert [metric.value for metric in page.metric][:2] == ["8", "2"]
    assert page.selectbox(key="pick-labels").value == "level3"
    images = [element for element in page.main if element.type == "image"] + list(page.get("imgs"))
    assert len(images) == 10
    page.button_group(key="gallery-split").set_value("test").run()
    assert not page.exception
    page.selectbox(key="pick-labels").set_value("clean").run()
    assert query(page, "labels") == "clean"


def test_an_unknown_data_set_in_the_address_does_no_harm(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    assert open_page("data", dataset="absent").selectbox(key="pick-dataset").value == "hips"


def test_the_download_is_a_labels_file_of_all_covered_images(trained_run: RunDirectory) -> None:
    content = json.loads(labels_file(Dataset.load("hips"), "level3"))
    assert len(content["images"]) == 8
    assert [category["name"] for category in content["categories"]] == ["innominate bone"]


def test_deleting_asks_and_deletes(trained_run: RunDirectory, open_page: OpenPage) -> None:
    page = open_page("data")
    page.button(key="delete-dataset").click().run()
    assert list_datasets() == []
    assert "deleted" in page.success[0].value
    assert "no data set yet" in page.info[0].value
