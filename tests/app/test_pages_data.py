"""The data page: create, import, browse, export, delete."""

import io
import json
import shlex
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from lab.data.image import outlines
from lab.draw.map_figures import labelled_figure
from lab.ui.downloads import labels_file
from lvcnet.cli import app
from lvcnet.data.dataset import Dataset, LabelSet, list_datasets
from lvcnet.data.facts import image_facts
from lvcnet.data.phantom.make import make_phantom
from lvcnet.data.summary import summarise
from lvcnet.runs.directory import RunDirectory
from lvcnet.training.plan import plan_training
from tests.app.conftest import OpenPage, press, query
from tests.data.conftest import CocoFolder, coco
from tests.widened import widened

__all__ = ["coco"]


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
    press(page, "phantom-create")
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
    press(page, "phantom-create")
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
    page.button_group(key="import-format").set_value("coco").run()
    page.text_input(key="import-name").set_value("mine")
    page.text_input(key="import-images").set_value(str(tmp_path / "png"))
    page.text_input(key="import-train").set_value(str(tmp_path / "train.json"))
    page.run()
    press(page, "import-start")
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
    press(page, "import-start")
    assert not page.error
    assert Dataset.load("mine").label_names() == ["clean", "reader2"]


def test_a_missing_path_is_named(open_page: OpenPage) -> None:
    page = open_page("data", view="import")
    page.button_group(key="import-format").set_value("coco")
    page.text_input(key="import-name").set_value("mine").run()
    press(page, "import-start")
    assert "images, train" in page.error[0].value


def shown_images(page: AppTest) -> list[str]:
    """Names of the images in the gallery."""
    return [button.label for button in page.button if str(button.key).startswith("open-")]


def test_the_gallery_follows_the_address_and_its_filters(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    page = open_page("data", dataset="hips", labels="level3")
    assert page.selectbox(key="pick-labels").value == "level3"
    everything = shown_images(page)
    assert len(everything) == 10
    assert "**10 images**, mean IoU with clean 0.8" in page.markdown[1].value
    page.selectbox(key="pick-order").set_value("worst").run()
    facts = image_facts(Dataset.load("hips"), "level3")
    worst = sorted((one for one in facts if one.iou is not None), key=lambda one: one.iou or 0)
    assert shown_images(page)[:8] == [one.key for one in worst]
    page.selectbox(key="pick-labelled").set_value("no").run()
    assert shown_images(page) == [one.key for one in facts if not one.labelled]
    assert page.code[0].value == "lvcnet data images hips --labels level3 --not-labelled --order worst"
    assert (query(page, "order"), query(page, "labelled")) == ("worst", "no")
    page.selectbox(key="pick-labels").set_value("clean").run()
    assert query(page, "labels") == "clean"
    assert "No image passes" in page.info[0].value
    assert "worst" not in page.selectbox(key="pick-order").options


def test_filters_in_the_address_are_set_when_the_page_opens(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    page = open_page("data", dataset="hips", split="train", search="03", order="foreground")
    assert shown_images(page) == [key for key in shown_images(page) if "03" in key] != []
    assert page.selectbox(key="pick-split").value == "train"
    page.slider(key="foreground").set_value((99, 100)).run()
    assert not page.exception
    assert shown_images(page) == []
    page.button(key="clear-filters").click().run()
    assert not page.exception
    assert len(shown_images(page)) == 10
    assert page.text_input(key="search").value == ""


def test_an_image_opens_with_its_label_sets_and_their_numbers(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    page = open_page("data", dataset="hips", labels="level3")
    first, second = shown_images(page)[:2]
    page.button(key="open-0").click().run()
    assert not page.exception
    assert query(page, "image") == first
    facts = image_facts(Dataset.load("hips"), "level3")
    captions = [caption.value for caption in page.caption]
    assert any(text.startswith(f"IoU with clean {facts[0].iou:.3f}, area ") for text in captions)
    page.multiselect(key="beside").set_value(["clean", "level3"]).run()
    assert not page.exception
    page.button(key="go-Next").click().run()
    assert query(page, "image") == second
    captions = [caption.value for caption in page.caption]
    assert any(text.startswith(f"IoU with clean {facts[1].iou:.3f}, area ") for text in captions)
    assert any(text.startswith("innominate bone ") for text in captions)


def test_statistics_show_what_the_command_line_says(trained_run: RunDirectory, open_page: OpenPage) -> None:
    page = open_page("data", dataset="hips", view="statistics")
    assert [metric.value for metric in page.metric] == ["8", "2", "64 x 64", "64 x 64"]
    spread = summarise(Dataset.load("hips"))["statistics"]["foreground"]["innominate bone"]
    assert page.table[0].value["Median"].tolist() == [f"{100 * spread['median']:.1f}\u00a0%"]
    (sets,) = [one.value for one in page.table if "Label set" in one.value]
    assert sets["Label set"].tolist() == ["clean", "level3"]
    page.selectbox(key="pick-labels").set_value("level3").run()
    assert "Over the 8 images that level3 covers" in " ".join(caption.value for caption in page.caption)


@pytest.mark.parametrize("labels", ["clean", "level3"])
def test_outlines_of_an_image_are_clean_and_another(trained_run: RunDirectory, labels: str) -> None:
    lines = outlines(Dataset.load("hips"), labels, 0)
    assert [line.title for line in lines] == (["clean"] if labels == "clean" else ["clean", "level3"])


def test_the_pixel_under_the_pointer_tells_grey_value_and_category() -> None:
    image = np.arange(9, dtype=np.uint8).reshape(3, 3)
    masks = {"bone": image > 5, "tooth": image > 7}
    picture = labelled_figure(image, [], masks, 300).data[0]
    assert picture.customdata[2].tolist() == ["bone", "bone", "bone, tooth"]
    assert picture.customdata[0].tolist() == ["background"] * 3
    assert "%{customdata}" in picture.hovertemplate
    assert "grey value %{z}" in picture.hovertemplate


def packed(coco: dict[str, Any]) -> bytes:
    """A zip with two images and this COCO file."""
    stream, picture = io.BytesIO(), io.BytesIO()
    Image.fromarray(np.zeros((20, 40), np.uint8)).save(picture, "PNG")
    with zipfile.ZipFile(stream, "w") as written:
        written.writestr("set/train.json", json.dumps(coco))
        for name in "ab":
            written.writestr(f"set/images/{name}.png", picture.getvalue())
    return stream.getvalue()


def test_a_zip_is_recognised_checked_and_imported(open_page: OpenPage, coco: CocoFolder) -> None:
    content = coco.content("ab")
    content["annotations"][0]["category_id"] = 7
    page = open_page("data", view="import")
    assert page.button(key="import-start").disabled
    page.file_uploader(key="import-zip").upload("bones.zip", packed(content), "application/zip").run()
    assert not page.exception
    assert page.table[0].value["Part"].tolist() == ["set/images", "set/train.json"]
    page.text_input(key="import-name").set_value("bones").run()
    press(page, "import-start")
    assert "Nothing was imported" in page.error[0].value
    assert "unknown category 7" in page.table[1].value.to_string()
    assert list_datasets() == []
    page.file_uploader(key="import-zip").set_value(
        ("good.zip", packed(coco.content("ab")), "application/zip")
    )
    page.number_input(key="import-size").set_value(32).run()
    assert page.code[0].value == "lvcnet data import bones --zip good.zip --size 32"
    press(page, "import-start")
    assert not page.exception
    assert "bones: 2 images" in page.success[0].value
    assert Dataset.load("bones").source["zip"] == "good.zip"


def test_a_file_that_is_no_zip_is_explained_in_place(open_page: OpenPage) -> None:
    page = open_page("data", view="import")
    page.file_uploader(key="import-zip").upload("bad.zip", b"no zip", "application/zip").run()
    assert not page.exception
    assert "cannot be read as a zip" in page.error[0].value


def test_an_unknown_data_set_in_the_address_does_no_harm(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    assert open_page("data", dataset="absent").selectbox(key="pick-dataset").value == "hips"


def test_the_download_is_a_labels_file_of_all_covered_images(trained_run: RunDirectory) -> None:
    content = json.loads(labels_file(Dataset.load("hips"), "level3"))
    assert len(content["images"]) == 8
    assert [category["name"] for category in content["categories"]] == ["innominate bone"]


def test_the_command_beside_the_download_writes_the_same_masks(
    trained_run: RunDirectory, open_page: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page("data", view="export", export="level3")
    page.selectbox(key="pick-format").set_value("masks").run()
    assert not page.exception
    assert query(page, "format") == "masks"
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, shlex.split(page.code[0].value)[1:]).exit_code == 0
    with zipfile.ZipFile(tmp_path / "hips-level3-masks.zip") as written:
        names = written.namelist()
        first = np.asarray(Image.open(io.BytesIO(written.read(names[0]))))
    assert len(names) == 8
    dataset = Dataset.load("hips")
    mask = dataset.labels("level3").masks[dataset.index(Path(names[0]).stem), 0]
    assert np.array_equal(first > 0, mask)
    with zipfile.ZipFile(io.BytesIO(labels_file(dataset, "level3", "masks"))) as downloaded:
        assert downloaded.namelist() == names


def test_deleting_asks_and_deletes(trained_run: RunDirectory, open_page: OpenPage) -> None:
    page = open_page("data", view="manage")
    page.button(key="delete-data-set-hips").click().run()
    said = [element.value for element in page.markdown]
    assert "- 2 label sets (clean, level3) deleted with it" in said
    assert "- 1 run (tiny) trained on it: kept, but not evaluated again without it" in said
    page.button(key="sure-data-set-hips").click().run()
    assert list_datasets() == []
    assert "no data set yet" in page.info[0].value
    next(button for button in page.button if button.label == "Undo").click().run()
    assert not page.exception
    assert list_datasets() == ["hips"]
    page.button(key="delete-label-set-level3").click().run()
    page.button(key="sure-label-set-level3").click().run()
    assert Dataset.load("hips").label_names() == ["clean"]
    next(button for button in page.button if button.label == "Restore").click().run()
    assert Dataset.load("hips").label_names() == ["clean", "level3"]


def test_statistics_show_the_traits_and_the_plan_of_the_chosen_labels(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    page = open_page("data", dataset="hips", view="statistics", labels="level3")
    plan = plan_training("hips", "level3")
    (traits,) = [one.value for one in page.table if "Thickness (px)" in one.value]
    assert traits["In images"].tolist() == ["100 %"]
    (choices,) = [one.value for one in page.table if "Why" in one.value]
    assert choices["Plan"].tolist()[2] == str(plan.settings["steps"])
    assert any("lvcnet training-plan hips --labels level3" in one.value for one in page.code)


def test_labels_of_test_images_alone_have_no_plan_and_the_page_says_so(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    dataset = Dataset.load("hips")
    clean = dataset.labels("clean")
    only = np.array([item.split == "test" for item in dataset.items])
    dataset.add_labels(LabelSet("late", clean.masks & only[:, None, None, None], only))
    page = open_page("data", dataset="hips", view="statistics", labels="late")
    assert not page.exception
    assert any("covers no training image" in one.value for one in page.info)


def test_outlines_are_measured_and_moved_on_request(trained_run: RunDirectory, open_page: OpenPage) -> None:
    dataset = make_phantom("drawn-wide", 12, 2, 96)
    dataset.save()
    dataset.add_labels(widened(dataset, 5.0))
    page = open_page("data", dataset="drawn-wide", view="statistics", labels="wide")
    assert any(one.value == "lvcnet displacement drawn-wide --labels wide" for one in page.code)
    press(page, "displacement-drawn-wide-wide")
    (said,) = [one.value for one in page.table if "Moves by (px)" in one.value]
    assert "outside their edge, more than a convention explains" in said["What the images say"][0]
    assert 4.3 < float(said["Moves by (px)"][0]) < 5.7
    command = "lvcnet displacement drawn-wide --labels wide --move wide-on-edges"
    assert any(one.value == command for one in page.code)
    press(page, "displacement-make-drawn-wide-wide")
    assert "Made wide-on-edges: moved innominate bone." in page.success[0].value
    made = Dataset.load("drawn-wide").labels("wide-on-edges")
    areas = [labels.masks.sum() for labels in (dataset.labels("clean"), made, dataset.labels("wide"))]
    assert areas[0] <= areas[1] < areas[0] + 0.4 * (areas[2] - areas[0])


def test_where_nothing_is_to_be_moved_there_is_no_label_set_to_make(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    page = open_page("data", dataset="hips", view="statistics", labels="clean")
    press(page, "displacement-hips-clean")
    (said,) = [one.value for one in page.table if "Moves by (px)" in one.value]
    assert said["Moves by (px)"].tolist() == ["stays"]
    assert page.button(key="displacement-make-hips-clean").disabled
