"""The noise page: label sets with a known amount of noise."""

import numpy as np
import pytest
from scipy import ndimage

from lab.draw.curves import area_histogram, iou_histogram
from lab.draw.pictures import clean_and_noisy, disagreement, enlarged
from lab.noise.views import noise_sets
from lab.ui.loaded import load_facts
from lvcnet.data.dataset import Dataset
from lvcnet.data.facts import iou_and_area_change
from lvcnet.drawing.palette import LABEL_COLOURS, rgb
from lvcnet.noise.calibrate import make_noisy_labels
from lvcnet.noise.levels import default_levels
from lvcnet.planner.clicks import image_clicks
from lvcnet.runs.directory import RunDirectory
from tests.app.conftest import OpenPage, press, query


def test_without_data_the_page_says_so(open_page: OpenPage) -> None:
    assert "no data set yet" in open_page("noise").info[0].value


def test_label_sets_are_made_as_the_library_makes_them(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    page = open_page("noise", dataset="hips", family="morphology")
    assert "no label set of family morphology" in page.info[0].value
    page.button_group(key="noise-levels-morphology").set_value([3, 4])
    page.number_input(key="noise-seed").set_value(2).run()
    assert page.code[0].value == "lvcnet noise hips --levels 3,4 --family morphology --seed 2"
    press(page, "noise-make")
    assert not page.exception
    assert "level3-morphology, level4-morphology" in page.success[0].value
    dataset = Dataset.load("hips")
    expected = make_noisy_labels(dataset, 4, family="morphology", seed=2)
    assert np.array_equal(dataset.labels("level4-morphology").masks, expected.masks)
    assert page.table[0].value["Label set"].tolist() == ["level3-morphology", "level4-morphology"]


@pytest.mark.parametrize(("family", "levels"), [("polygon", "1,2,3,4,5"), ("box", "1,2,3,4")])
def test_a_page_proposes_the_levels_that_the_command_makes(
    trained_run: RunDirectory, open_page: OpenPage, family: str, levels: str
) -> None:
    page = open_page("noise", dataset="hips", family="drop" if family == "box" else "box")
    page.selectbox(key="pick-family").set_value(family).run()
    words = page.code[0].value.split()
    assert words[words.index("--levels") + 1] == levels
    assert default_levels(family) == tuple(map(int, levels.split(",")))


def test_an_unreachable_target_is_explained_and_changes_nothing(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    page = open_page("noise", family="drop")
    press(page, "noise-make")
    assert "noise family drop" in page.error[0].value
    assert Dataset.load("hips").label_names() == ["clean", "level3"]


def test_the_images_ious_and_changes_have_the_manifests_mean(trained_run: RunDirectory) -> None:
    dataset = Dataset.load("hips")
    facts = [one for one in load_facts(dataset, "level3") if one.labelled]
    assert len(facts) == 8
    manifest = dataset.manifest("level3")
    assert np.mean([one.iou for one in facts]) == pytest.approx(manifest["mean_iou"])
    assert np.mean([one.area_change for one in facts]) == pytest.approx(manifest["area_change"])


def test_the_preview_shows_what_the_label_set_would_hold(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    page = open_page("noise", dataset="hips", family="shift", level="2")
    dataset = Dataset.load("hips")
    made = make_noisy_labels(dataset, 2, family="shift")  # 8 training images: the sample is all of them
    iou, change = iou_and_area_change(made.masks[0], dataset.labels("clean").masks[0])
    key = dataset.items[0].key
    expected = f"**{key} at level 2**: IoU {iou:.3f}, area {100 * change:+z.1f}\u00a0%."
    assert expected in [markdown.value for markdown in page.markdown]
    assert "no label set of family shift" in page.info[0].value
    test = next(item.key for item in dataset.items if item.split == "test")
    page.selectbox(key="pick-image").set_value(test).run()
    assert not page.exception
    assert any(markdown.value.startswith(f"**{test} at level 2**") for markdown in page.markdown)
    page.number_input(key="noise-seed").set_value(5).run()
    assert expected not in [markdown.value for markdown in page.markdown]


def test_the_preview_of_a_made_label_set_is_that_label_set(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    page = open_page("noise", dataset="hips", family="polygon", level="3")
    one = load_facts(Dataset.load("hips"), "level3")[0]
    strength = Dataset.load("hips").manifest("level3")["strength"]
    clicks = image_clicks(Dataset.load("hips").labels("clean").masks[0], strength)
    numbers = f"IoU {one.iou:.3f}, area {100 * one.area_change:+z.1f}\u00a0%, {clicks} clicks"
    assert f"**{one.key} at level 3**: {numbers}." in [markdown.value for markdown in page.markdown]
    assert any("the label set made with these settings" in caption.value for caption in page.caption)
    assert page.table[0].value["Clicks an image"].tolist() != ["—"]
    assert page.code[1].value == "lvcnet data images hips --labels level3 --split train --order worst"
    page.button_group(key="pick-draw").set_value("disagreement").run()
    assert not page.exception
    assert query(page, "draw") == "disagreement"


def test_disagreement_paints_what_is_missed_and_what_is_extra(trained_run: RunDirectory) -> None:
    dataset = Dataset.load("hips")
    clean = dataset.labels("clean").masks[0]
    depth = ndimage.distance_transform_edt(clean[0])  # the deepest pixel lies under no outline
    inside, outside = np.unravel_index(int(depth.argmax()), depth.shape), (0, 0)
    noisy = clean.copy()
    noisy[0, inside[0], inside[1]], noisy[0, 0, 0] = False, True
    pale = enlarged(dataset.images[0], 64).astype(float)
    painted = disagreement(dataset, noisy, 0, 64).astype(float)
    for place, name in ((inside, "missed"), (outside, "extra")):
        mixed = 0.35 * pale[place] + 0.65 * np.array(rgb(LABEL_COLOURS[name]))
        np.testing.assert_allclose(painted[place], mixed, atol=1)
    assert np.array_equal(disagreement(dataset, clean, 0, 64), clean_and_noisy(dataset, None, 0, 64))


def test_histograms_name_target_and_bias() -> None:
    ious = iou_histogram([0.8, 0.9], 0.82)
    assert [note.text for note in ious.layout.annotations] == ["target 0.82"]
    areas = area_histogram([0.1, -0.04])
    assert list(areas.data[0].x) == pytest.approx([10, -4])
    assert [note.text for note in areas.layout.annotations] == ["no change", "mean +3.0 %"]


def test_label_sets_are_sorted_from_mild_to_strong(trained_run: RunDirectory) -> None:
    dataset = Dataset.load("hips")
    for level, family in ((4, "polygon"), (2, "shift")):
        dataset.add_labels(make_noisy_labels(dataset, level, family=family))
    assert noise_sets(dataset) == ["level2-shift", "level3", "level4"]
    assert noise_sets(dataset, "polygon") == ["level3", "level4"]


def test_label_sets_of_noise_without_its_amount_are_not_listed(trained_run: RunDirectory) -> None:
    dataset = Dataset.load("hips")
    clean = dataset.labels("clean")
    dataset.add_labels(type(clean)("rough", clean.masks, clean.covered, {"kind": "noise", "level": 2}))
    assert "rough" not in noise_sets(dataset)
