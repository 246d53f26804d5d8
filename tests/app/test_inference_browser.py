"""The inference page in a real browser: sample, upload, threshold, download; nothing leaves this machine."""

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, FrameLocator, Page, expect

from lab.headless import foreign_requests, serve_lab
from lab.inference import events as inference_events
from lab.ui.navigation import ENTRIES, FOLDER

pytestmark = pytest.mark.browser
SAMPLES = FOLDER.parent / "assets" / "samples"
APP = "iframe[src*='/gradio/']"


@pytest.fixture(scope="module")
def lab(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a running lab with the run `tiny`."""
    home = tmp_path_factory.mktemp("browser") / "home"
    shutil.copytree(trained_home, home)
    with serve_lab(home, home.with_name("log.txt")) as address:
        yield address


def open_app(page: Page, address: str) -> FrameLocator:
    """The inference page with the run `tiny` chosen."""
    page.goto(f"{address}/inference?run=tiny")
    app = page.frame_locator(APP)
    app.locator(".token").first.wait_for(timeout=60_000)
    return app


def area(app: FrameLocator) -> int:
    """Area in pixels that the table shows."""
    cell = app.locator(".sizes td").first
    cell.wait_for(timeout=60_000)
    return int(cell.inner_text().splitlines()[-1].removesuffix(" px").replace(",", ""))


def test_a_sample_is_segmented_redrawn_and_downloaded(lab: str, browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page()
    foreign = foreign_requests(page)
    app = open_app(page, lab)
    app.locator(".samples button").last.click()
    before, cell = area(app), app.locator(".sizes td").first
    shown = cell.inner_text()
    app.get_by_label("number input for Threshold").fill("0.05")
    app.get_by_label("number input for Threshold").press("Enter")
    expect(cell).not_to_have_text(shown, timeout=60_000, use_inner_text=True)
    after = area(app)
    assert after > before
    with page.expect_download() as download:
        app.get_by_role("button", name="Mask PNG").click()
    download.value.save_as(tmp_path / "mask.png")
    with Image.open(tmp_path / "mask.png") as mask:
        assert mask.size == (512, 512)
        assert mask.histogram()[255] == after
    assert foreign == []


def test_a_dicom_file_is_uploaded(lab: str, browser: Browser) -> None:
    page = browser.new_page()
    app = open_app(page, lab)
    app.locator("input[type=file]").first.set_input_files(SAMPLES / "hip-4.dcm")
    app.get_by_text("512.8 KB").wait_for(timeout=60_000)  # shown when the upload is complete
    app.get_by_role("button", name="Segment", exact=True).click()
    assert area(app) >= 0
    assert "0.781 × 0.781 mm" in app.locator(".sizes").first.inner_text()
    assert app.get_by_role("button", name="DICOM SEG").is_enabled()
    app.get_by_role("tab", name="Maps").click()
    app.get_by_text("Warp 1").first.wait_for(timeout=60_000)


def test_two_runs_side_by_side_and_a_batch(lab: str, browser: Browser, tmp_path: Path) -> None:
    """By keyboard where a mouse is not needed; a PNG has no DICOM SEG; a bad file does not stop the batch."""
    page = browser.new_page()
    page.goto(f"{lab}/inference?run=tiny,hips-unet-level3-s0")
    app = page.frame_locator(APP)
    app.locator(".token").nth(1).wait_for(timeout=60_000)
    app.get_by_role("button", name="Thumbnail 1 of 4").press("Enter")
    app.get_by_text("Outlines of all runs").wait_for(timeout=60_000)
    assert app.get_by_role("img", name="U-Net: hips-unet-level3-s0").count() == 1
    assert app.locator(".sizes").first.locator("table").nth(1).locator("td").count() == 3
    assert app.get_by_role("button", name="DICOM SEG").is_disabled()
    app.get_by_text("No DICOM SEG: hip-1.png is not a DICOM file").wait_for()
    with page.expect_download() as download:
        app.get_by_role("button", name="COCO JSON").press("Enter")
    with zipfile.ZipFile(download.value.path()) as archive:
        assert {"tiny/hip-1-coco.json", "hips-unet-level3-s0/hip-1-coco.json"} <= set(archive.namelist())

    bad = tmp_path / "bad.png"
    bad.write_text("no image")
    app.get_by_role("tab", name="Several files").press("Enter")
    app.locator("input[type=file]").last.set_input_files([SAMPLES / "hip-1.png", bad, SAMPLES / "hip-4.dcm"])
    app.get_by_text("512.8 KB").wait_for(timeout=60_000)
    app.get_by_role("button", name="Segment all").press("Enter")
    app.get_by_text("3 of 3 files done, 1 with a problem").wait_for(timeout=60_000)
    app.get_by_text("segmented").wait_for(timeout=60_000)
    with page.expect_download() as download:
        app.locator("a[download='segmented.zip']").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        names = archive.namelist()
    assert {"measurements.csv", "predictions.json", "hip-4_innominate-bone_mask.png"} <= set(names)


def test_another_file_takes_every_result_of_the_one_before_away(
    lab: str, browser: Browser, tmp_path: Path
) -> None:
    """Removed, new and broken files; and the note that other runs are chosen than those that are shown."""
    page = browser.new_page()
    app = open_app(page, lab)
    app.locator(".samples button").last.click()
    area(app)
    expect(app.get_by_role("button", name="DICOM SEG")).to_be_enabled(timeout=60_000)
    app.locator(".token-remove").first.click()
    app.get_by_label("Runs").click()
    app.get_by_role("option").filter(has_text="hips-unet-level3-s0").click()
    app.get_by_text("Shown: tiny. Press Segment for the runs chosen now.").wait_for(timeout=60_000)

    app.get_by_label("Clear").first.click()
    is_cleared(app)
    app.get_by_text("Choose a radiograph and one or more runs").wait_for(timeout=60_000)
    app.locator("input[type=file]").first.set_input_files(SAMPLES / "hip-1.png")
    app.get_by_role("img", name="Radiograph: hip-1.png").wait_for(timeout=60_000)
    is_cleared(app)
    app.get_by_role("button", name="Segment", exact=True).click()
    area(app)
    expect(app.get_by_role("button", name="Mask PNG")).to_be_enabled(timeout=60_000)

    bad = tmp_path / "bad.png"
    bad.write_text("no image")
    app.get_by_label("Clear").first.click()
    app.locator("input[type=file]").first.set_input_files(bad)
    app.get_by_text("bad.png cannot be read as an image").wait_for(timeout=60_000)
    is_cleared(app)
    app.get_by_role("button", name="Segment", exact=True).click()
    expect(app.get_by_text("bad.png cannot be read as an image")).to_have_count(2, timeout=60_000)
    is_cleared(app)
    app.get_by_role("button", name="Close").first.dispatch_event("click")
    expect(app.get_by_text("bad.png cannot be read as an image")).to_have_count(1)  # the reason stays
    expect(app.locator(".sizes").first).to_contain_text("bad.png cannot be read as an image")
    assert app.locator("[data-testid=image] img, .picture img").count() == 0


def test_an_answer_that_comes_late_stays_away_from_a_newer_file(lab: str, browser: Browser) -> None:
    page = browser.new_page()
    app = open_app(page, lab)
    app.locator("input[type=file]").first.set_input_files(SAMPLES / "hip-4.dcm")
    app.get_by_text("512.8 KB").wait_for(timeout=60_000)
    app.get_by_role("button", name="Segment", exact=True).click()
    app.get_by_label("Clear").first.click()
    app.locator("input[type=file]").first.set_input_files(SAMPLES / "hip-1.png")
    app.get_by_role("img", name="Radiograph: hip-1.png").wait_for(timeout=60_000)
    page.wait_for_timeout(4000)  # longer than the run takes
    is_cleared(app)
    app.get_by_role("img", name="Radiograph: hip-1.png").wait_for(timeout=60_000)
    line = page.context.new_cdp_session(page)
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 700, "downloadThroughput": -1, "uploadThroughput": -1},
    )
    for sample in (0, 2, 3):  # each click drops what the one before started, answered or not
        app.locator(".samples button").nth(sample).click()
    # the process that predicts may have to start first
    app.locator(".sizes").first.get_by_text("hip-4.dcm").wait_for(timeout=180_000)
    expect(app.get_by_role("button", name="DICOM SEG")).to_be_enabled(timeout=60_000)
    page.wait_for_timeout(2000)
    assert "hip-4.dcm" in app.locator(".sizes").first.inner_text()


def test_a_call_taken_in_as_the_stream_of_answers_closes_is_answered(browser: Browser) -> None:
    """Gradio's client takes the stream for open then and waits for ever; the script of the page opens it again."""
    page = browser.new_page()
    page.goto("data:text/html,<title>nothing</title>")
    page.evaluate(
        """() => {
          const say = (message) => `data: ${JSON.stringify(message)}\n\n`;
          const done = (call) => say({ msg: "process_completed", event_id: call });
          const streams = [[done("first"), say({ msg: "close_stream" })], [done("second"), say({ msg: "close_stream" })]];
          window.opened = 0;
          window.joined = 0;
          window.fetch = async (given) => {
            if (new URL(given.url ?? given).pathname === "/queue/join") {
              return Response.json({ event_id: ["first", "second"][window.joined++] });
            }
            const said = streams[window.opened++];
            return new Response(new ReadableStream({
              async start(controller) {
                for (const text of said) {
                  controller.enqueue(new TextEncoder().encode(text.slice(0, 9)));
                  await new Promise((resolve) => setTimeout(resolve, 50));
                  controller.enqueue(new TextEncoder().encode(text.slice(9)));
                }
                controller.close();
              },
            }));
          };
        }"""
    )
    page.evaluate((FOLDER.parent / "lab" / "ui" / "web" / "inference.js").read_text())
    seen = page.evaluate(
        """async () => {
          await fetch("http://lab/queue/join");
          const stream = await fetch("http://lab/queue/data");
          await fetch("http://lab/queue/join");
          const text = await stream.text();
          return [...text.matchAll(/"msg": ?"(\\w+)"/g)].map((found) => found[1]);
        }"""
    )
    assert seen == ["process_completed", "process_completed", "close_stream"]
    assert page.evaluate("[window.joined, window.opened]") == [2, 2]


def test_other_files_take_table_and_zip_of_a_batch_away(lab: str, browser: Browser) -> None:
    page = browser.new_page()
    app = open_app(page, lab)
    app.get_by_role("tab", name="Several files").click()
    app.locator("input[type=file]").last.set_input_files([SAMPLES / "hip-1.png", SAMPLES / "hip-4.dcm"])
    app.get_by_text("512.8 KB").wait_for(timeout=60_000)
    app.get_by_role("button", name="Segment all").click()
    app.locator("a[download='segmented.zip']").wait_for(timeout=60_000)
    app.get_by_text("2 of 2 files done (tiny, threshold 0.5)").wait_for(timeout=60_000)
    app.get_by_text("COCO JSON").last.click()
    app.get_by_text("The zip is of tiny at threshold 0.5.").wait_for(timeout=60_000)
    app.get_by_label("Remove this file").first.click()
    app.get_by_text("Choose radiographs and a run").wait_for(timeout=60_000)
    assert app.locator("a[download='segmented.zip']").count() == 0
    assert app.get_by_text("The zip is of tiny").count() == 0


def is_cleared(app: FrameLocator) -> None:
    """No measurement, no map, no comparison, and nothing to download."""
    expect(app.locator(".sizes td")).to_have_count(0, timeout=60_000)
    for name in inference_events.DOWNLOADS.values():
        expect(app.get_by_role("button", name=name)).to_be_disabled(timeout=60_000)
    assert app.locator(".maps img").count() == 0
    assert app.get_by_role("img", name="Overlay: ").count() == 0
    assert app.get_by_text("Shown: ").count() == 0


def test_a_mistake_is_explained(lab: str, browser: Browser) -> None:
    page = browser.new_page()
    app = open_app(page, lab)
    app.get_by_role("button", name="Segment", exact=True).click()
    message = app.locator(".sizes").first.get_by_text("no radiograph was given")
    message.wait_for(timeout=60_000)
    assert "upload a PNG, JPEG, TIFF or DICOM file, or pick a sample" in message.inner_text()


@pytest.mark.parametrize("width", [1440, 390])
def test_the_frame_is_as_tall_as_the_app_and_has_the_labs_theme(
    lab: str, browser: Browser, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme="dark")
    page = context.new_page()
    app = open_app(page, lab)
    app.locator("body.dark").wait_for(timeout=60_000)
    app.locator(".samples button").last.click()
    area(app)
    page.wait_for_timeout(1500)
    wide, inside, frame = app.locator("html").evaluate(
        "html => [html.scrollWidth - html.clientWidth, html.scrollHeight, window.frameElement.clientHeight]"
    )
    assert wide <= 0
    assert inside == frame
    context.close()


def test_no_page_asks_for_anything_outside_this_machine(lab: str, browser: Browser) -> None:
    page = browser.new_page()
    foreign = foreign_requests(page)
    for key in ENTRIES:
        page.goto(f"{lab}/{key}")
        page.locator("h1").first.wait_for(timeout=60_000)
    assert foreign == []
