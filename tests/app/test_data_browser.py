"""Getting data in, in a real browser: a broken zip is explained, a good one imported, filtered, opened and reloaded."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from lab.headless import foreign_requests, serve_lab, wait_until_idle
from lvcnet.data.dataset import Dataset, LabelSet, list_datasets
from lvcnet.data.facts import image_facts
from tests.data.conftest import CocoFolder, coco

__all__ = ["coco"]
pytestmark = pytest.mark.browser
SOON = 60_000
MANY = 400


@pytest.fixture
def lab(workspace_home: Path) -> Iterator[str]:
    """Address of a running lab with an empty workspace."""
    with serve_lab(workspace_home, workspace_home.with_name("log.txt")) as address:
        yield address
    assert "Traceback" not in workspace_home.with_name("log.txt").read_text()


def pack(path: Path, content: dict[str, Any]) -> Path:
    """A zip of four images of 40 x 20 and a COCO file."""
    with zipfile.ZipFile(path, "w") as written:
        written.writestr("bones/train.json", json.dumps(content))
        for name in "abcd":
            stream = io.BytesIO()
            Image.fromarray(np.full((20, 40), 120, np.uint8)).save(stream, "PNG")
            written.writestr(f"bones/images/{name}.png", stream.getvalue())
    return path


def pack_slow(path: Path, content: dict[str, Any]) -> Path:
    """A zip of images so many and large that their import lasts; the first is annotated."""
    stream = io.BytesIO()
    Image.fromarray(np.full((1500, 1500), 120, np.uint8)).save(stream, "PNG")
    size = {"width": 1500, "height": 1500}
    entries = [{"id": number, "file_name": f"{number}.png", **size} for number in range(1, MANY + 1)]
    with zipfile.ZipFile(path, "w") as written:
        written.writestr("train.json", json.dumps({**content, "images": entries}))
        for entry in entries:
            written.writestr(f"images/{entry['file_name']}", stream.getvalue())
    return path


def upload(page: Page, path: Path) -> None:
    """Choose a file in the browser's own chooser."""
    with page.expect_file_chooser() as chooser:
        page.get_by_test_id("stFileUploaderDropzone").get_by_test_id("stBaseButton-secondary").click()
    chooser.value.set_files(path)
    wait_until_idle(page)


def test_a_zip_is_refused_mended_imported_filtered_opened_and_reloaded(
    lab: str, browser: Browser, coco: CocoFolder, tmp_path: Path
) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    foreign = foreign_requests(page)
    page.goto(f"{lab}/data?view=import")
    wait_until_idle(page)
    page.get_by_role("textbox", name="Name").fill("bones")
    broken = coco.content("abcde")
    broken["annotations"][1]["category_id"] = 9
    upload(page, pack(tmp_path / "broken.zip", broken))
    expect(page.get_by_text("Recognised: COCO annotations")).to_be_visible(timeout=SOON)
    page.get_by_role("button", name="Import", exact=True).last.click()
    expect(page.get_by_text("Nothing was imported: 2 problems found")).to_be_visible(timeout=SOON)
    expect(page.get_by_text("image bones/images/e.png does not exist")).to_be_visible()
    expect(page.get_by_text("unknown category 9")).to_be_visible()
    assert "bones" not in list_datasets()
    with page.expect_download(timeout=SOON) as download:
        page.get_by_role("button", name="Download the report").click()
    assert download.value.suggested_filename == "bones-problems.csv"
    with Path(download.value.path()).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert sorted((row["severity"], row["image"]) for row in rows) == [
        ("error", "b.png"),
        ("error", "e.png"),
    ]

    replace_upload(page, pack_slow(tmp_path / "slow.zip", coco.content("a")))
    expect(page.get_by_text("lvcnet data import bones --zip slow.zip")).to_be_visible(timeout=SOON)
    page.get_by_role("button", name="Import", exact=True).last.click()
    expect(page.get_by_text(f"of {MANY}")).to_be_visible(timeout=SOON)
    expect(page.get_by_role("button", name="Import", exact=True).last).to_be_disabled()
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.get_by_text("Cancelled: nothing was imported.")).to_be_visible(timeout=SOON)
    assert "bones" not in list_datasets()
    assert list((tmp_path / "home" / "datasets").rglob("*")) == []

    replace_upload(page, pack(tmp_path / "good.zip", coco.content("abcd")))
    expect(page.get_by_text("lvcnet data import bones --zip good.zip")).to_be_visible(timeout=SOON)
    page.get_by_role("button", name="Import", exact=True).last.click()
    expect(page.get_by_text("Data set bones: 4 images.")).to_be_visible(timeout=SOON)
    expect(page.get_by_text("4 images", exact=True)).to_be_visible(timeout=SOON)

    add_a_worse_opinion()
    page.goto(f"{lab}/data?dataset=bones&labels=worse")
    wait_until_idle(page)
    page.get_by_role("combobox", name="Order").click()
    page.get_by_role("option", name="Worst IoU to clean first").click()
    expect(tiles(page).first).to_have_text("c", timeout=SOON)
    page.get_by_role("textbox", name="Search").fill("C")
    expect(page.get_by_text("1 of 4 images")).to_be_visible(timeout=SOON)
    wait_until_idle(page)
    page.reload()
    wait_until_idle(page)
    expect(page.get_by_text("1 of 4 images")).to_be_visible(timeout=SOON)
    assert all(part in page.url for part in ("dataset=bones", "labels=worse", "order=worst", "search=C"))

    # on the picture itself, over which the button with the name below it reaches
    page.locator(".st-key-gallery img").first.click(force=True)
    window = page.get_by_role("dialog")
    expect(window.get_by_text("1 of 1")).to_be_visible(timeout=SOON)
    iou = image_facts(Dataset.load("bones"), "worse")[2].iou
    expect(window.get_by_text(f"IoU with clean {iou:.3f}")).to_be_visible(timeout=SOON)
    assert "image=c" in page.url
    point_at_centre(page)
    expect(window.locator(".hoverlayer")).to_contain_text("grey value 120")
    expect(window.locator(".hoverlayer")).to_contain_text("bone")
    page.reload()
    expect(page.get_by_role("dialog").get_by_text("1 of 1")).to_be_visible(timeout=SOON)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0, timeout=SOON)
    wait_until_idle(page)
    assert "image=" not in page.url
    assert foreign == []


def replace_upload(page: Page, path: Path) -> None:
    """Choose another file instead of the one that is there."""
    page.get_by_test_id("stFileChipDeleteBtn").get_by_role("button").click()
    wait_until_idle(page)
    upload(page, path)


def add_a_worse_opinion() -> None:
    """Label set `worse`: the clean labels, but image c's lacks its lower half."""
    dataset = Dataset.load("bones")
    masks = dataset.labels("clean").masks.copy()
    rows = np.flatnonzero(masks[2, 0].any(axis=1))
    masks[2, 0, rows[len(rows) // 2] :] = False
    dataset.add_labels(LabelSet("worse", masks, np.ones(len(dataset), dtype=bool), {"family": "annotator"}))


def tiles(page: Page) -> Any:
    """The buttons below the pictures of the gallery."""
    return page.locator(".st-key-gallery [data-testid=stButton] button")


def point_at_centre(page: Page) -> None:
    """Move the pointer into the upper left part of the opened picture, where the rectangle of `CocoFolder` is."""
    box = page.get_by_role("dialog").locator(".plot-container .nsewdrag").first.bounding_box()
    assert box is not None
    side = min(box["width"], box["height"])
    left, top = box["x"] + (box["width"] - side) / 2, box["y"] + (box["height"] - side) / 2
    page.mouse.move(left + 0.3 * side, top + 0.2 * side)
    page.mouse.move(left + 0.31 * side, top + 0.21 * side)
