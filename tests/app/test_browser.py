"""The main job in a real browser: create data, make noise, train, reload, cancel, resume, compare, inspect, segment."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from lab.headless import foreign_requests, wait_until_idle
from lvcnet.data.dataset import Dataset
from lvcnet.runs.directory import RunDirectory
from tests.app.conftest import lab_that_trains

pytestmark = pytest.mark.browser
SAMPLE = Path(__file__).resolve().parents[2] / "assets" / "samples" / "hip-4.dcm"
SOON, LATER = 60_000, 240_000
"""Milliseconds: for a page to react, and for a training to start or end on a busy machine."""
FROM, TO = {"x": 60, "y": 60}, {"x": 100, "y": 90}
"""Of a drag within a panel."""
LONG = 5000
"""Epochs of a run that does not end by itself during a test."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("browser") / "home"


@pytest.fixture(scope="module")
def lab(home: Path) -> Iterator[str]:
    """Address of a running lab with an empty workspace; its trainings and worker end with it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LVCNET_HOME", str(home))
        patch.setenv("LVCNET_WORKERS", "1")
        with lab_that_trains(home) as address:
            yield address


@pytest.fixture(scope="module")
def page(browser: Browser) -> Page:
    return browser.new_page(viewport={"width": 1280, "height": 1000})


@pytest.fixture(scope="module")
def prepared(lab: str, page: Page, home: Path) -> str:
    """The lab with the data set `tiny` and its noisy labels, made by hand in the browser."""
    show(page, f"{lab}/data?view=phantom")
    page.get_by_role("textbox", name="Name").fill("tiny")
    for label, value in (("Training images", 6), ("Test images", 2), ("Size (px)", 32)):
        set_number(page, label, value)
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_text("Data set tiny: 8 images.")).to_be_visible(timeout=LATER)
    expect(page.locator("[data-testid=stImage]").first).to_be_visible(timeout=SOON)
    show(page, f"{lab}/noise?dataset=tiny")
    page.get_by_role("button", name="Make label sets").click()
    expect(page.get_by_text("Made level1, level2, level3, level4, level5.")).to_be_visible(timeout=LATER)
    expect(page.get_by_text(re.compile("level4: IoU"))).to_be_visible(timeout=SOON)
    assert len(Dataset.load(home / "datasets" / "tiny").label_names()) == 6
    return lab


def show(page: Page, address: str) -> None:
    """Open an address; nothing on the page may be a stack trace."""
    page.goto(address, timeout=SOON)
    expect(page.locator("h1").first).to_be_visible(timeout=SOON)
    wait_until_idle(page)
    assert page.locator("[data-testid='stException']").all_inner_texts() == []


def set_number(page: Page, label: str, value: int) -> None:
    field = page.get_by_role("spinbutton", name=label)
    field.fill(str(value))
    field.press("Enter")
    wait_until_idle(page)


def metric(page: Page, label: str) -> Locator:
    """The value below a label; not one of a former run of the page that is about to vanish."""
    fresh = page.locator("[data-testid=stElementContainer][data-stale=false] [data-testid=stMetric]")
    card = fresh.filter(has=page.get_by_text(label, exact=True))
    return card.locator("[data-testid=stMetricValue]")


def start(page: Page, lab: str, method: str, epochs: int) -> str:
    """Start a tiny training on the train page and follow the link to it; returns the run's name."""
    show(page, f"{lab}/train?dataset=tiny&labels=level3&method={method}")
    set_number(page, "Steps", epochs)
    page.get_by_text("Advanced settings").click()
    set_number(page, "Epoch steps", 1)
    set_number(page, "Width", 4)
    set_number(page, "Depth", 2)
    page.get_by_role("button", name="Start training").click()
    page.get_by_role("link", name="Watch it train").click(timeout=SOON)
    expect(metric(page, "State")).to_be_visible(timeout=SOON)
    return re.search(r"run=([^&]+)", page.url).group(1)


def epochs_done(page: Page) -> int:
    return int(metric(page, "Epoch").inner_text().split()[0])


def test_two_epochs_are_trained_evaluated_and_inspected(prepared: str, page: Page, home: Path) -> None:
    name = start(page, prepared, "lvcnet", 2)
    expect(metric(page, "State")).to_have_text("done", timeout=LATER)
    expect(metric(page, "Epoch")).to_have_text("2 of 2")
    expect(page.get_by_role("cell", name="IoU (foreground)", exact=True)).to_be_visible(timeout=LATER)
    evaluation = RunDirectory(home / "runs" / name).evaluation()
    assert evaluation is not None
    expect(page.get_by_role("cell", name=f"{evaluation['iou']:.3f}", exact=True).first).to_be_visible()
    page.get_by_role("link", name="Inspect its maps").click()
    expect(page.get_by_role("heading", name="Inspect")).to_be_visible(timeout=SOON)
    wait_until_idle(page)
    assert f"run={name}" in page.url
    assert page.locator("[data-testid='stException']").count() == 0


def test_a_long_run_survives_a_reload_is_cancelled_and_resumed(
    prepared: str, page: Page, home: Path, browser: Browser
) -> None:
    name = start(page, prepared, "unet", LONG)
    run = RunDirectory(home / "runs" / name)
    expect(metric(page, "State")).to_have_text("running", timeout=LATER)
    expect(metric(page, "Epoch")).not_to_have_text(f"0 of {LONG}", timeout=LATER)
    page.reload()
    expect(metric(page, "State")).to_have_text("running", timeout=SOON)
    assert f"run={name}" in page.url
    expect(page.locator("[data-testid=stPlotlyChart]").first).to_be_visible(timeout=SOON)
    other = browser.new_page()  # a session of its own sees the same
    show(other, f"{prepared}/runs?run={name}")
    expect(metric(other, "State")).to_have_text("running", timeout=SOON)
    page.get_by_role("button", name="Cancel").click()
    expect(metric(page, "State")).to_have_text("cancelled", timeout=LATER)
    expect(metric(other, "State")).to_have_text("cancelled", timeout=SOON)
    other.close()
    expect(page.get_by_text(f"{name} is cancelled and can be resumed.")).to_be_visible(timeout=SOON)
    assert run.status()["state"] == "cancelled"
    reached = epochs_done(page)
    assert 0 < reached < LONG
    page.get_by_role("button", name="Resume").click()
    expect(metric(page, "State")).to_have_text("running", timeout=LATER)
    expect(metric(page, "Epoch")).not_to_have_text(f"{reached} of {LONG}", timeout=LATER)
    assert epochs_done(page) > reached
    assert [row["epoch"] for row in run.metrics()][: reached + 1] == list(range(1, reached + 2))
    page.get_by_role("button", name="Cancel").click()
    expect(metric(page, "State")).to_have_text("cancelled", timeout=LATER)


def test_a_dicom_is_uploaded_and_segmented_with_the_trained_run(prepared: str, page: Page) -> None:
    show(page, f"{prepared}/inference?run=tiny-lvcnet-level3-s0")
    app = page.frame_locator("iframe[src*='/gradio/']")
    expect(app.locator(".token").first).to_contain_text("tiny-lvcnet", timeout=SOON)
    app.locator("input[type=file]").first.set_input_files(SAMPLE)
    app.get_by_text("hip-4").first.wait_for(timeout=SOON)  # the app writes stem and suffix apart
    app.get_by_role("button", name="Segment").click()
    expect(app.get_by_text("512 × 512 px").first).to_be_visible(timeout=LATER)
    expect(app.locator(".sizes").first).to_contain_text("tiny-lvcnet-level3-s0")


def test_choices_survive_page_changes_and_the_back_button(prepared: str, page: Page) -> None:
    show(page, f"{prepared}/noise?dataset=tiny&labels=level2")
    page.get_by_role("link", name="Data", exact=True).click()
    expect(page.get_by_role("heading", name="Data", exact=True)).to_be_visible(timeout=SOON)
    wait_until_idle(page)
    assert "dataset=tiny" in page.url
    assert "labels=level2" in page.url
    page.go_back()
    while "/noise" not in page.url:
        page.go_back()
    expect(page.get_by_role("heading", name="Noise", exact=True)).to_be_visible(timeout=SOON)


def test_panels_move_together_and_the_boundary_is_compared(lab: str, page: Page, tmp_path: Path) -> None:
    """On the demo: zoom, point, swipe, play, save."""
    show(page, f"{lab}/compare?dataset=hips&view=side-by-side&labels=level4&image=test-0001")
    panels = page.locator(".viewer .panels svg")
    expect(panels).to_have_count(5, timeout=SOON)
    expect(panels.first).to_have_attribute("viewBox", "-0.5 -0.5 128 128")
    for act in (
        lambda: (panels.nth(1).hover(), page.mouse.wheel(0, -200)),
        lambda: panels.nth(2).press("ArrowLeft"),
        lambda: panels.nth(3).drag_to(panels.nth(3), source_position=FROM, target_position=TO),
        lambda: page.get_by_role("button", name="Largest difference").click(),
    ):
        before = panels.first.get_attribute("viewBox")
        act()
        expect(panels.first).not_to_have_attribute("viewBox", str(before))
        assert len({panel.get_attribute("viewBox") for panel in panels.all()}) == 1
    expect(page.locator(".viewer .readout")).to_contain_text(
        re.compile(r"^x \d+, y \d+: grey value \d+ · clean label .+ · FCN [01]\.\d\d · U-Net [01]\.\d\d")
    )
    kept = panels.first.get_attribute("viewBox")
    page.get_by_role("radio", name="Errors").click()
    wait_until_idle(page)
    expect(panels.first).to_have_attribute("viewBox", str(kept))  # looking on where one was
    assert Image.open(saved(page, "Save as PNG", tmp_path)).size[0] > 5 * 512
    show(page, f"{lab}/inspect?run=hips-lvcnet-plus-level3-s0&source=snapshots&part=boundary")
    divider = page.locator(".viewer svg .divider").nth(1)
    page.get_by_label("Before and after").focus()
    before = divider.get_attribute("d")
    page.keyboard.press("Home")
    expect(divider).not_to_have_attribute("d", str(before))
    assert saved(page.locator(".st-key-arrows-files"), "Save SVG", tmp_path).read_text().startswith("<svg")
    show(page, f"{lab}/inspect?run=hips-lvcnet-plus-level3-s0&source=snapshots&part=film")
    film = page.locator(".st-key-film")
    last = film.locator(".legendtext").last.text_content()
    film.get_by_text("Play", exact=True).click()
    expect(film.locator(".legendtext").last).not_to_have_text(str(last))
    expect(film.locator(".legendtext").last).to_have_text(str(last), timeout=SOON)  # it ends where it began


def saved(place: Page | Locator, button: str, folder: Path) -> Path:
    """Press a button that saves a file; where it is."""
    page = place if isinstance(place, Page) else place.page
    with page.expect_download(timeout=SOON) as download:
        place.get_by_role("button", name=button).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_the_whole_path_asks_nothing_outside_this_machine(prepared: str, browser: Browser) -> None:
    page = browser.new_page()
    foreign = foreign_requests(page)
    for address in ("overview", "data?view=import", "noise", "train?form=sweep", "runs"):
        show(page, f"{prepared}/{address}")
    assert foreign == []
