"""The data page's view of two label sets."""

import io

import numpy as np
import pandas as pd
import pytest

from lab.data.agreement_figures import who_drew_what, whom_it_sides_with
from lab.ui.background import TASKS
from lvcnet.correction.agreement import agreement, mean_disagreement
from lvcnet.correction.edge_support import FIRST, SECOND, edge_support, per_image_rows
from lvcnet.data.dataset import Dataset
from lvcnet.drawing.palette import OPINION_COLOURS, rgb
from lvcnet.errors import LvcnetError
from lvcnet.files import rows_to_csv
from lvcnet.noise.calibrate import make_noisy_labels
from lvcnet.runs.directory import RunDirectory
from tests.app.conftest import OpenPage, press, query, settle
from tests.correction.conftest import square


def test_two_label_sets_are_compared_and_united(trained_run: RunDirectory, open_page: OpenPage) -> None:
    page = open_page("data", view="agreement", dataset="hips")
    settle(page)
    dataset = Dataset.load("hips")
    found = agreement(dataset, "clean", "level3")
    figures = {metric.label: metric.value for metric in page.metric}
    assert figures["Images"] == "8"
    assert figures["Dice"] == f"{found['dice']['mean']:.3f}"
    assert query(page, "disputed") == found["per_image"][0]["key"], "the least agreement first"
    commands = [code.value for code in page.code]
    assert commands[:2] == ["lvcnet edge-support hips clean level3", "lvcnet agree hips clean level3"]
    won = edge_support(dataset, "clean", "level3")["images_won"]["first"]
    assert any(f"In {won} images more of that goes to **clean**" in text.value for text in page.markdown)
    page.text_input(key="consensus-name").set_value("both").run()
    assert page.code[2].value == "lvcnet consensus hips clean level3 --as both --vote majority"
    press(page, "consensus-hips")
    assert not TASKS, "a new label set changes nothing about the two that are compared"
    assert "Made both for 8 images by Majority vote. clean: sensitivity" in page.success[0].value
    assert Dataset.load("hips").manifest("both")["sources"] == ["clean", "level3"]
    press(page, "consensus-hips")
    assert not TASKS, "a new label set changes nothing about the two that are compared"
    assert "'both' exists" in page.error[0].value
    page.selectbox(key="pick-second").set_value("clean").run()
    assert "Choose two different label sets" in page.info[0].value


def test_a_single_label_set_is_no_pair(trained_run: RunDirectory, open_page: OpenPage) -> None:
    for path in (trained_run.path.parents[1] / "datasets" / "hips" / "labels").glob("level3.*"):
        path.unlink()
    page = open_page("data", view="agreement", dataset="hips")
    assert "one label set only" in page.info[0].value


def test_a_split_without_common_images_is_told(trained_run: RunDirectory, open_page: OpenPage) -> None:
    page = open_page("data", view="agreement", dataset="hips", split="test")
    settle(page)
    assert "no image of test" in page.error[0].value


def test_a_run_can_be_asked_instead_of_the_edges(trained_run: RunDirectory) -> None:
    dataset = Dataset.load("hips")
    found = edge_support(dataset, "clean", "level3", run=trained_run)
    assert "run tiny (learned from clean)" in found["evidence"]
    assert sum(found["share"].values()) == pytest.approx(1)
    other = Dataset("other", ["femur"], dataset.items, dataset.images)
    for name in ("clean", "level3"):
        other.add_labels(dataset.labels(name))
    with pytest.raises(LvcnetError, match="predicts innominate bone"):
        edge_support(other, "clean", "level3", run=trained_run)


def test_the_download_has_one_row_an_image(trained_run: RunDirectory) -> None:
    dataset = Dataset.load("hips")
    dataset.add_labels(make_noisy_labels(dataset, 1))
    agreed, sided = agreement(dataset, "level1", "level3"), edge_support(dataset, "level1", "level3")
    table = pd.read_csv(io.StringIO(rows_to_csv(per_image_rows(agreed, sided))))
    assert table["key"].tolist() == [row["key"] for row in agreed["per_image"]]
    assert (table["first_px"] + table["second_px"] + table["undecided_px"] == table["disagreement_px"]).all()
    assert table["disagreement_px"].sum() == sided["area_px"]
    differ = mean_disagreement(dataset, "level1", "level3")
    assert differ.sum() * len(table) == pytest.approx(sided["area_px"])


def test_pictures_colour_who_drew_what_and_whom_the_image_sides_with() -> None:
    image, first, second = np.zeros((20, 20), np.uint8), square(4), square(6)
    picture = who_drew_what(image, first, second)
    scale = len(picture) // 20
    middle = scale // 2
    for name, column in (("first", 4), ("both", 8), ("second", 13)):
        opacity = 0.2 if name == "both" else 0.75
        expected = [round(opacity * value) for value in rgb(OPINION_COLOURS[name])]
        assert picture[8 * scale + middle, column * scale + middle].tolist() == expected
    assert not picture[0, 0].any()
    sides = np.where(first & ~second, SECOND, np.where(second & ~first, FIRST, 0)).astype(np.uint8)
    picture = whom_it_sides_with(image, sides, first, second)
    expected = [round(0.75 * value) for value in rgb(OPINION_COLOURS["second"])]
    assert picture[8 * scale + middle, 4 * scale + middle].tolist() == expected
