"""Label repair in a real browser: decide about three images, make the label set, export it, train on it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from lab.headless import wait_until_idle
from lvcnet.correction.review import review_rows
from lvcnet.correction.reviewed import reviewed_masks
from lvcnet.correction.store import Correction, find_correction
from lvcnet.data.dataset import Dataset
from lvcnet.data.exporter import write_images
from lvcnet.data.importing.importer import import_coco
from lvcnet.runs.store import list_runs
from tests.app.conftest import lab_that_trains
from tests.app.reviewing import NAME, make_correction

pytestmark = pytest.mark.browser
SOON, LATER = 60_000, 240_000
"""Milliseconds: for a page to react, and for a training to end on a busy machine."""


@pytest.fixture
def lab(workspace_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a running lab with a correction of six images; its trainings and worker end with it."""
    make_correction()
    monkeypatch.setenv("LVCNET_WORKERS", "1")
    with lab_that_trains(workspace_home) as address:
        yield address


def expect_image(page: Page, key: str, rank: int) -> None:
    """The page shows this image and has come to rest."""
    expect(page.get_by_text(f"{key} · number {rank} of 6")).to_be_visible(timeout=SOON)
    wait_until_idle(page)
    assert page.locator("[data-testid='stException']").all_inner_texts() == []


def test_three_images_are_corrected_exported_and_trained_on(
    lab: str, browser: Browser, tmp_path: Path
) -> None:
    correction: Correction = find_correction(NAME)
    first, second, third, fourth, fifth, _ = [row["key"] for row in review_rows(correction)]
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.goto(f"{lab}/correct?correction={NAME}")
    expect_image(page, first, 1)
    name = page.get_by_role("combobox", name="Reviewer")
    name.fill("Anna")
    name.press("Enter")
    expect(page.get_by_role("button", name="Accept")).to_be_enabled(timeout=SOON)
    wait_until_idle(page)
    page.get_by_role("heading", name="Correct").click()  # keys that go to a field decide nothing

    page.keyboard.press("a")
    expect_image(page, second, 2)
    slider = page.get_by_role("slider", name="From old to new outline")
    for _ in range(10):
        slider.press("ArrowLeft")
    expect(slider).to_have_value("50")
    expect(page.get_by_text("Take this: 50 % of the way")).to_be_visible(timeout=SOON)
    expect(page.get_by_text("Edited or taken in part")).to_be_visible(timeout=SOON)
    wait_until_idle(page)
    page.get_by_role("button", name="Take this").click()
    expect_image(page, third, 3)
    page.keyboard.press("x")
    expect_image(page, fourth, 4)
    page.keyboard.press("a")
    expect(page.get_by_text("4 of 6 decided")).to_be_visible(timeout=SOON)
    wait_until_idle(page)
    page.keyboard.press("u")
    expect_image(page, fourth, 4)
    expect(page.get_by_text("3 of 6 decided")).to_be_visible(timeout=SOON)
    verdicts = correction.decisions.verdicts()
    assert {key: (verdict.decision, dict(verdict.details)) for key, verdict in verdicts.items()} == {
        first: ("accept", {}),
        second: ("part", {"blend": 0.5}),
        third: ("reject", {}),
    }

    page.get_by_text("Edit by hand").click()
    page.get_by_role("button", name="Reset to label").click(timeout=SOON)
    page.get_by_role("button", name="Use this outline").click()
    expect(page.get_by_text("4 of 6 decided")).to_be_visible(timeout=SOON)
    edited = correction.decisions.verdicts()[fourth]
    label = Dataset.load("hips").labels("level3").masks[Dataset.load("hips").index(fourth)]
    assert edited.decision == "edited"
    np.testing.assert_array_equal(reviewed_masks(~label, ~label, edited), label)

    page.reload()
    expect_image(page, fifth, 5)
    expect(page.get_by_role("button", name="Accept")).to_be_enabled(timeout=SOON)
    page.get_by_role("radio", name="Use the result").or_(
        page.get_by_role("button", name="Use the result")
    ).first.click()
    page.get_by_role("button", name="Make label set").click(timeout=SOON)
    expect(page.get_by_text("Label set corrected-level3: 3 labels repaired.")).to_be_visible(timeout=SOON)
    dataset = Dataset.load("hips")
    with page.expect_download(timeout=SOON) as download:
        page.get_by_role("button", name="COCO").click()
    download.value.save_as(tmp_path / "corrected.json")
    rows = dataset.indices("train").tolist()
    write_images(dataset, rows, tmp_path / "png")
    back = import_coco("back", tmp_path / "png", tmp_path / "corrected.json", size=64, test_fraction=0)
    corrected, order = (
        dataset.labels("corrected-level3"),
        [back.index(dataset.items[row].key) for row in rows],
    )
    np.testing.assert_array_equal(back.labels("clean").masks[order], corrected.masks[rows])
    np.testing.assert_array_equal(corrected.masks[dataset.index(first)], correction.proposal(first))
    np.testing.assert_array_equal(
        corrected.masks[dataset.index(third)], dataset.labels("level3").masks[dataset.index(third)]
    )

    steps = page.get_by_role("spinbutton", name="Steps")
    steps.fill("1")
    steps.press("Enter")
    expect(page.get_by_text("--steps 1")).to_be_visible(timeout=SOON)
    wait_until_idle(page)
    page.get_by_role("button", name="Train 3 runs").click()
    expect(page.get_by_text("In the queue: 3 runs")).to_be_visible(timeout=SOON)
    runs = {run.config()["labels"]: run for run in list_runs(demo=False)}
    assert set(runs) == {"level3", "corrected-level3", "clean"}
    expect(page.get_by_text("is done").first).to_be_visible(timeout=LATER)
    page.close()
