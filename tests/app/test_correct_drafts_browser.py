"""Hand edits in a real browser: a stroke survives whatever comes after it, and a decision takes what is on the screen."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Dialog, Locator, Page, expect

from lab.headless import ROOT, fetch, free_port, wait_until_idle
from lvcnet.correction.drafts import Draft
from lvcnet.correction.review import review_rows
from lvcnet.correction.reviewed import reviewed_masks
from lvcnet.correction.store import Correction
from tests.app.reviewing import NAME, make_correction

pytestmark = pytest.mark.browser
SOON = 60_000
SIDE = 64


class Lab:
    """A running lab that can be stopped, killed and started again under its address."""

    def __init__(self, home: Path) -> None:
        self.port, self.log = free_port(), home.with_name("log.txt")
        self.environment = {**os.environ, "LVCNET_HOME": str(home)}
        self.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        options = ["--server.headless", "true", "--server.port", str(self.port)]
        with self.log.open("ab") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "lab/Home.py", *options],
                cwd=ROOT,
                env=self.environment,
                stdout=stream,
                stderr=stream,
            )
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                if fetch(f"{self.address}/_stcore/health")[0] == 200:
                    return
            except OSError:
                time.sleep(0.2)
        raise AssertionError(self.log.read_text())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drafts") / "home"


@pytest.fixture(scope="module")
def lab(home: Path) -> Iterator[Lab]:
    lab = Lab(home)
    yield lab
    lab.kill()
    assert "Traceback" not in lab.log.read_text()


@pytest.fixture
def correction(home: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Correction:
    """Six images that nobody looked at yet."""
    monkeypatch.setenv("LVCNET_HOME", str(home))
    if not (home / "corrections" / NAME).exists():
        return make_correction()
    for path in (home / "corrections" / NAME).glob("decisions.sqlite*"):
        path.unlink()
    return Correction(home / "corrections" / NAME)


@pytest.fixture
def keys(correction: Correction) -> list[str]:
    return [row["key"] for row in review_rows(correction)]


def open_page(browser: Browser, lab: Lab, key: str, mode: str = "edit", reviewer: str = "Anna") -> Page:
    """A window of a browser of its own."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{lab.address}/correct?correction={NAME}&image={key}&mode={mode}&reviewer={reviewer}")
    expect_image(page, key)
    return page


def expect_image(page: Page, key: str) -> None:
    expect(page.get_by_text(f"{key} · number")).to_be_visible(timeout=SOON)
    wait_until_idle(page)
    assert page.locator("[data-testid='stException']").all_inner_texts() == []


def paint(page: Page, x: float, y: float) -> None:
    """A dab with the brush at (x, y) in pixels of the image, which lies in the middle of the canvas."""
    canvas = page.get_by_role("application")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    scale = min(box["width"], box["height"]) / SIDE
    left, top = box["x"] + (box["width"] - SIDE * scale) / 2, box["y"] + (box["height"] - SIDE * scale) / 2
    page.mouse.click(left + x * scale, top + y * scale)


def accept(page: Page) -> Locator:
    return page.locator(".st-key-decide-Accept button").filter(visible=True).first  # phones have another one


def expect_stored(page: Page) -> None:
    expect(page.locator(".draft[data-state=stored]")).to_be_visible(timeout=SOON)
    wait_until_idle(page)


def dabbed(mask: np.ndarray, x: int, y: int) -> np.ndarray:
    """The mask with a dab of the brush at pixel (x, y): those of the 5 x 5 pixels around whose centre is within 2.5."""
    rows, columns = np.mgrid[: mask.shape[0], : mask.shape[1]]
    return mask | ((rows - y) ** 2 + (columns - x) ** 2 <= 6.25)


def only_draft(correction: Correction, key: str) -> Draft:
    (draft,) = correction.decisions.drafts.open(key)
    return draft


def drawn(correction: Correction, key: str) -> np.ndarray:
    return only_draft(correction, key).raster(SIDE, SIDE)


def test_a_stroke_survives_another_view_skip_reload_and_another_browser(
    lab: Lab, browser: Browser, correction: Correction, keys: list[str]
) -> None:
    key, page = keys[0], open_page(browser, lab, keys[0])
    expect(accept(page)).to_contain_text(re.compile("Accept.?A?$"))
    paint(page, 4.5, 4.5)
    expect_stored(page)
    expected = dabbed(correction.proposal(key)[0], 4, 4)
    np.testing.assert_array_equal(drawn(correction, key), expected)
    assert (only_draft(correction, key).reviewer, correction.decisions.history()) == ("Anna", [])
    expect(page.get_by_text("Draft, not accepted yet")).to_be_visible()

    page.get_by_text("Look", exact=True).click()
    expect(page.get_by_text("My draft, not accepted yet")).to_be_visible(timeout=SOON)
    page.get_by_text("Edit by hand").click()
    expect_stored(page)
    paint(page, 20.5, 4.5)
    expect_stored(page)
    expected = dabbed(expected, 20, 4)

    page.get_by_role("button", name="Skip").click()
    expect_image(page, keys[1])
    page.get_by_role("button", name="Back").click()
    expect_image(page, key)
    expect_stored(page)
    page.reload()
    expect_image(page, key)
    expect_stored(page)
    other = open_page(browser, lab, key)
    expect_stored(other)
    paint(other, 40.5, 4.5)
    expected = dabbed(expected, 40, 4)
    expect_stored(other)
    np.testing.assert_array_equal(drawn(correction, key), expected)
    page.close()
    other.close()


@pytest.mark.parametrize("way", ["button", "key"])
def test_accept_stores_the_drawing_and_never_the_proposal(
    lab: Lab, browser: Browser, correction: Correction, keys: list[str], way: str
) -> None:
    page = open_page(browser, lab, keys[0])
    paint(page, 4.5, 4.5)
    expect_stored(page)
    if way == "key":
        page.keyboard.press("a")
    else:
        expect(accept(page)).to_contain_text("Accept my outline")
        accept(page).click()
    expect_image(page, keys[1])
    (event,) = correction.decisions.history()
    assert (event.key, event.decision) == (keys[0], "edited")
    proposal = correction.proposal(keys[0])
    masks = reviewed_masks(proposal, proposal, event)
    np.testing.assert_array_equal(masks[0], dabbed(proposal[0], 4, 4))
    assert correction.decisions.drafts.open() == []
    page.close()


def test_accept_right_after_a_stroke_takes_the_stroke(
    lab: Lab, browser: Browser, correction: Correction, keys: list[str]
) -> None:
    """The page has not even learned of the draft."""
    page = open_page(browser, lab, keys[0])
    paint(page, 4.5, 4.5)
    page.keyboard.press("a")
    expect_image(page, keys[1])
    (event,) = correction.decisions.history()
    assert (event.key, event.decision) == (keys[0], "edited")
    page.close()


def test_reject_asks_first_and_undo_brings_the_drawing_back(
    lab: Lab, browser: Browser, correction: Correction, keys: list[str]
) -> None:
    page = open_page(browser, lab, keys[0])
    paint(page, 4.5, 4.5)
    page.keyboard.press("x")
    page.get_by_role("button", name="Keep my drawing").click(timeout=SOON)
    expect_stored(page)
    assert correction.decisions.history() == []
    page.get_by_role("button", name="Accept proposal").click()
    page.get_by_role("dialog").get_by_role("button", name="Discard it and take the proposal").click(
        timeout=SOON
    )
    expect_image(page, keys[1])
    assert [event.decision for event in correction.decisions.history()] == ["accept"]
    assert correction.decisions.drafts.open() == []
    page.locator(".st-key-undo button").first.click()
    expect_image(page, keys[0])
    expect(accept(page)).to_contain_text("Accept my outline", timeout=SOON)
    expect_stored(page)
    page.get_by_role("button", name="Discard my drawing").click()
    expect(page.get_by_text("Drawing put away")).to_be_visible(timeout=SOON)
    assert correction.decisions.drafts.open() == []
    page.get_by_role("button", name="Bring my drawing back").click()
    expect_stored(page)
    np.testing.assert_array_equal(drawn(correction, keys[0]), dabbed(correction.proposal(keys[0])[0], 4, 4))
    page.close()


def test_a_stroke_that_the_server_never_saw_survives_its_kill(
    lab: Lab, browser: Browser, correction: Correction, keys: list[str]
) -> None:
    page = open_page(browser, lab, keys[0])
    paint(page, 4.5, 4.5)
    expect_stored(page)
    lab.process.send_signal(signal.SIGSTOP)
    paint(page, 20.5, 4.5)
    expect(page.locator(".draft[data-state=kept]")).to_be_visible(timeout=SOON)
    expected = dabbed(correction.proposal(keys[0])[0], 4, 4)
    np.testing.assert_array_equal(drawn(correction, keys[0]), expected)
    lab.kill()
    np.testing.assert_array_equal(drawn(correction, keys[0]), expected)
    lab.start()
    expect_stored(page)
    expected = dabbed(expected, 20, 4)
    np.testing.assert_array_equal(drawn(correction, keys[0]), expected)
    page.close()
    page = open_page(browser, lab, keys[0])
    expect_stored(page)
    page.keyboard.press("a")
    expect_image(page, keys[1])
    proposal = correction.proposal(keys[0])
    (event,) = correction.decisions.history()
    np.testing.assert_array_equal(reviewed_masks(proposal, proposal, event)[0], expected)
    page.close()


def test_leaving_asks_while_a_stroke_is_not_stored_and_the_browser_keeps_it(
    lab: Lab, browser: Browser, correction: Correction, keys: list[str]
) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    address = f"{lab.address}/correct?correction={NAME}&image={keys[0]}&mode=edit&reviewer=Anna"
    page.goto(address)
    expect_image(page, keys[0])
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    lab.process.send_signal(signal.SIGSTOP)
    try:
        paint(page, 4.5, 4.5)
        with page.expect_event("close", timeout=SOON):
            page.close(run_before_unload=True)
        assert asked == ["beforeunload"]
    finally:
        lab.kill()
        lab.start()
    page = context.new_page()
    page.on("dialog", leave)
    page.goto(address)
    expect_image(page, keys[0])
    expect_stored(page)
    np.testing.assert_array_equal(drawn(correction, keys[0]), dabbed(correction.proposal(keys[0])[0], 4, 4))
    with page.expect_event("close", timeout=SOON):
        page.close(run_before_unload=True)
    assert asked == ["beforeunload"], "what is stored is not asked about"
    context.close()


@pytest.mark.parametrize("choice", ["Show that one", "Keep this one"])
def test_two_windows_of_one_reviewer_never_overwrite_each_other_silently(
    lab: Lab, browser: Browser, correction: Correction, keys: list[str], choice: str
) -> None:
    first, second = (open_page(browser, lab, keys[0]) for _ in range(2))
    paint(first, 4.5, 4.5)
    expect_stored(first)
    theirs = dabbed(correction.proposal(keys[0])[0], 4, 4)
    paint(second, 20.5, 4.5)
    expect(second.get_by_text("Another window stored a newer drawing")).to_be_visible(timeout=SOON)
    np.testing.assert_array_equal(drawn(correction, keys[0]), theirs)
    wait_until_idle(second)
    accept(second).click()
    expect(second.get_by_text("there are two drawings of this image", exact=False)).to_be_visible(
        timeout=SOON
    )
    assert correction.decisions.history() == []
    second.get_by_role("button", name=choice).click()
    expect_stored(second)
    mine = dabbed(correction.proposal(keys[0])[0], 20, 4)
    expected = theirs if choice == "Show that one" else mine
    np.testing.assert_array_equal(drawn(correction, keys[0]), expected)
    second.keyboard.press("a")
    expect_image(second, keys[1])
    accept(first).click()
    expect(first.get_by_text("after you looked at it")).to_be_visible(timeout=SOON)
    (event,) = correction.decisions.history()
    proposal = correction.proposal(keys[0])
    np.testing.assert_array_equal(reviewed_masks(proposal, proposal, event)[0], expected)
    first.close()
    second.close()


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["wide", "phone"])
def test_picture_and_decisions_are_on_one_screen(
    lab: Lab, browser: Browser, correction: Correction, keys: list[str], size: tuple[int, int]
) -> None:
    page = open_page(browser, lab, keys[0])
    page.set_viewport_size({"width": size[0], "height": size[1]})
    expect_on_one_screen(page, ".editor canvas")
    paint(page, 4.5, 4.5)
    expect_stored(page)
    page.goto(page.url.replace("mode=edit", "mode=look"))
    expect_image(page, keys[0])
    expect(accept(page)).to_contain_text("Accept my outline", timeout=SOON)
    expect_on_one_screen(page, ".viewer svg")
    page.close()


def test_a_phone_shows_drawing_draft_and_discard_at_once(
    lab: Lab, browser: Browser, correction: Correction
) -> None:
    """Also where there are several categories to choose from."""
    halves = make_correction("halves", halves=True)
    key = review_rows(halves)[0]["key"]
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{lab.address}/correct?correction=halves&image={key}&mode=edit&reviewer=Anna")
    expect_image(page, key)
    paint(page, 4.5, 4.5)
    expect(page.get_by_text("Draft, not accepted yet")).to_be_in_viewport(ratio=1, timeout=SOON)
    discard = page.get_by_role("button", name="Discard my drawing")
    for button in (discard, accept(page), page.get_by_role("button", name="Reject")):
        expect(button.filter(visible=True).first).to_be_in_viewport(ratio=1)
    canvas, bar = page.locator(".editor canvas").bounding_box(), page.locator(".st-key-decide").bounding_box()
    assert canvas is not None
    assert bar is not None
    assert 0 <= canvas["y"] < canvas["y"] + canvas["height"] <= bar["y"], (canvas, bar)
    discard.click()
    expect(page.get_by_text("Drawing put away")).to_be_attached(timeout=SOON)
    page.close()


def expect_on_one_screen(page: Page, picture: str) -> None:
    """Picture and Accept lie within the window, and neither covers the other."""
    expect(page.locator(picture).first).to_be_visible(timeout=SOON)
    wait_until_idle(page)
    window = page.viewport_size
    boxes = [page.locator(picture).first.bounding_box(), accept(page).bounding_box()]
    assert window is not None
    for box in boxes:
        assert box is not None
        assert 0 <= box["x"] <= box["x"] + box["width"] <= window["width"], boxes
        assert 0 <= box["y"] <= box["y"] + box["height"] <= window["height"], boxes
    (left, top, width, height), (x, y, *_) = (tuple(box.values()) for box in boxes if box)
    assert x >= left + width or y >= top + height, boxes
