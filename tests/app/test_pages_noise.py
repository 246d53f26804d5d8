"""The noise page: label sets with a known amount of noise."""

import numpy as np
import pytest

from lab.noise_view import image_ious, noise_sets
from lvcnet.data.dataset import Dataset
from lvcnet.noise.calibrate import make_noisy_labels
from lvcnet.runs.directory import RunDirectory
from tests.app.conftest import OpenPage


def test_without_data_the_page_says_so(open_page: OpenPage) -> None:
    assert "no data set yet" in open_page("noise").info[0].value


def test_label_sets_are_made_as_the_library_makes_them(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    page = open_page("noise", dataset="hips", family="morphology")
    assert "no label set of family morphology" in page.info[0].value
    page.button_group(key="noise-levels").set_value([3, 4])
    page.number_input(key="noise-seed").set_value(2).run()
    assert page.code[0].value == "lvcnet noise hips --levels 3,4 --family morphology --seed 2"
    page.button(key="noise-make").click().run()
    assert not page.exception
    assert "level3-morphology, level4-morphology" in page.success[0].value
    dataset = Dataset.load("hips")
    expected = make_noisy_labels(dataset, 4, family="morphology", seed=2)
    assert np.array_equal(dataset.labels("level4-morphology").masks, expected.masks)
    assert page.table[0].value["Label set"].tolist() == ["level3-morphology", "level4-morphology"]


def test_an_unreachable_target_is_explained_and_changes_nothing(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    page = open_page("noise", family="drop")
    page.button(key="noise-make").click().run()
    assert "noise family drop" in page.error[0].value
    assert Dataset.load("hips").label_names() == ["clean", "level3"]


def test_the_images_ious_have_the_manifests_mean(trained_run: RunDirectory) -> None:
    dataset = Dataset.load("hips")
    ious = image_ious(dataset, "level3")
    assert len(ious) == 8
    assert np.mean(list(ious.values())) == pytest.approx(dataset.manifest("level3")["mean_iou"])


def test_label_sets_are_sorted_from_mild_to_strong(trained_run: RunDirectory) -> None:
    dataset = Dataset.load("hips")
    for level, family in ((4, "polygon"), (2, "shift")):
        dataset.add_labels(make_noisy_labels(dataset, level, family=family))
    assert noise_sets(dataset) == ["level2-shift", "level3", "level4"]
    assert noise_sets(dataset, "polygon") == ["level3", "level4"]
