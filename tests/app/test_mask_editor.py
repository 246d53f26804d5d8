"""The mask editor: pixels across the wire, outlines as the library traces them, and drawing in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from playwright.sync_api import Browser, Page, expect

from lab.headless import foreign_requests, serve_lab, wait_until_idle
from lab.ui.mask_editor import WEB, edit_mask, from_text, read_answer, to_text
from lvcnet.errors import LvcnetError
from lvcnet.masks.outlines import trace_edges
from tests.app.editor_app import HEIGHT, LABEL, PROPOSAL, WIDTH

SOON = 60_000
masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=40))


@given(masks)
def test_a_mask_survives_the_wire(mask: np.ndarray) -> None:
    np.testing.assert_array_equal(from_text(to_text(mask), *mask.shape), mask)


@given(st.none() | st.integers() | st.text(max_size=12) | st.binary(max_size=12))
def test_what_is_no_mask_is_refused(text: object) -> None:
    with pytest.raises(LvcnetError, match="has 50"):
        from_text(text, 20, 20)


def test_an_answer_counts_only_for_the_image_it_was_drawn_on() -> None:
    answer = {"subject": "one", "width": 3, "height": 2, "bits": "pA==", "id": "w-1", "base": 4}
    stroke = read_answer(answer, "one", 2, 3)
    assert (stroke.id, stroke.based_on) == ("w-1", 4)
    assert stroke.mask.tolist() == [[True, False, True], [False, False, True]]
    assert read_answer({**answer, "bits": None}, "one", 2, 3).mask is None
    assert read_answer(answer, "other", 2, 3) is None
    with pytest.raises(LvcnetError, match="a mask of 3 x 2, the image has 2 x 3"):
        read_answer(answer, "one", 3, 2)
    with pytest.raises(LvcnetError, match="mask of no stroke"):
        read_answer({**answer, "base": -1}, "one", 2, 3)
    with pytest.raises(LvcnetError, match="no mask"):
        read_answer("pA==", "one", 2, 3)


def test_masks_that_do_not_fit_are_refused() -> None:
    image = np.zeros((4, 5), np.uint8)
    with pytest.raises(LvcnetError, match="proposal has shape"):
        edit_mask(image, np.zeros((4, 5), bool), key="a", proposal=np.zeros((5, 4), bool))
    with pytest.raises(LvcnetError, match=r"mask has shape .* type uint8"):
        edit_mask(image, image, key="a")
    with pytest.raises(LvcnetError, match="float64 cannot be edited"):
        edit_mask(np.zeros((4, 5)), np.zeros((4, 5), bool), key="a")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("editor") / "home"


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    log = home.with_name("log.txt")
    quiet = {"STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false"}  # the lab's settings are beside its own script
    with serve_lab(home, log, "tests/app/editor_app.py", quiet) as address:
        yield address
    assert "Traceback" not in log.read_text()


def open_editor(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_role("application", name="Radiograph a, bone")).to_be_visible(timeout=SOON)
    wait_until_idle(page)


def spot(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a point of the image is on the screen, at first: the whole image in the middle of the canvas."""
    box = page.locator("canvas").bounding_box()
    scale = min(box["width"] / WIDTH, box["height"] / HEIGHT)
    left = box["x"] + (box["width"] - WIDTH * scale) / 2
    top = box["y"] + (box["height"] - HEIGHT * scale) / 2
    return left + x * scale, top + y * scale


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*spot(page, *start))
    page.mouse.down()
    page.mouse.move(*spot(page, *end), steps=3)
    page.mouse.up()


def used(page: Page, home: Path, times: int) -> np.ndarray:
    expect(page.get_by_text(f"used {times} times")).to_be_visible(timeout=SOON)
    return np.load(home / "edited.npy")


@pytest.mark.browser
def test_the_browser_traces_as_the_library_and_paints_the_trace_back(browser: Browser) -> None:
    drawn = np.random.default_rng(4).random((60, 9, 13)) < np.linspace(0.05, 0.95, 60)[:, None, None]
    page = browser.new_page()
    page.add_script_tag(content=(WEB / "mask_geometry.js").read_text())
    found = page.evaluate(
        """texts => texts.map(text => {
            const mask = unpackMask(text, 9 * 13);
            const rings = trace(mask, 13, 9).map(withHandles);
            return [rings, packMask(rasterise(rings, 13, 9)), packMask(fillHoles(mask, 13, 9))];
        })""",
        [to_text(mask) for mask in drawn],
    )
    for mask, (rings, painted, filled) in zip(drawn, found, strict=True):
        expected = trace_edges(mask)
        corners = sorted((ring.hole, sorted(ring.points.tolist())) for ring in expected)
        assert sorted((ring["hole"], sorted(ring["points"])) for ring in rings) == corners
        assert all(len(ring["handles"]) >= 3 for ring in rings)
        assert painted == to_text(mask)
        assert not any(ring.hole for ring in trace_edges(from_text(filled, 9, 13)))


@pytest.mark.browser
def test_an_outline_is_painted_erased_undone_reshaped_and_handed_over(
    browser: Browser, address: str, home: Path
) -> None:
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    foreign = foreign_requests(page)
    open_editor(page, address)
    expected = LABEL.copy()

    page.keyboard.press("Tab")
    page.locator("canvas").focus()
    page.keyboard.press("[")
    page.keyboard.press("[")
    expect(page.locator("output")).to_have_text("3 px")
    drag(page, (3.5, 3.5), (10.5, 3.5))  # a brush of 3 pixels is a square of 3 x 3
    expected[2:5, 2:12] = True
    expect(page.locator(".status")).to_contain_text("30 px added, 0 px taken away")
    page.keyboard.press("e")
    page.keyboard.press("[")
    page.keyboard.press("[")
    page.mouse.click(*spot(page, 6.5, 10.5))
    expected[10, 6] = False
    page.keyboard.press("Enter")
    np.testing.assert_array_equal(used(page, home, 1), expected)

    page.keyboard.press("f")  # the erased pixel was a hole
    expected[10, 6] = True
    page.keyboard.press("v")
    drag(
        page, (12, 16), (16, 16)
    )  # the lower right corner: the right side now leans from (12, 8) to (16, 16)
    for y in range(8, 16):
        expected[y, 4 : int(np.ceil(12 + (y + 0.5 - 8) / 2 - 0.5))] = True
    page.get_by_role("button", name="Use this outline").click()
    np.testing.assert_array_equal(used(page, home, 2), expected)

    page.locator("canvas").focus()
    for _ in range(4):
        page.keyboard.press("Control+z")
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    page.keyboard.press("Enter")
    np.testing.assert_array_equal(used(page, home, 3), LABEL)
    page.keyboard.press("Control+Shift+z")
    page.get_by_role("button", name="Reset to proposal").click()
    page.get_by_role("button", name="Use this outline").click()
    np.testing.assert_array_equal(used(page, home, 4), PROPOSAL)
    assert foreign == []


@pytest.mark.browser
def test_vertices_and_brush_work_by_keyboard_alone(browser: Browser, address: str, home: Path) -> None:
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    open_editor(page, address)
    page.locator("canvas").focus()
    page.keyboard.press("v")
    page.keyboard.press("n")  # the first vertex of the only ring: its upper left corner
    page.keyboard.press("Delete")
    triangle = np.zeros_like(LABEL)
    for y in range(8, 16):
        triangle[y, int(np.ceil(12 - (y + 0.5 - 8) - 0.5)) : 12] = True
    page.keyboard.press("Enter")
    np.testing.assert_array_equal(used(page, home, 1), triangle)
    page.keyboard.press("Control+z")
    page.keyboard.press("b")
    page.get_by_role("slider").fill("1")
    page.locator("canvas").focus()
    page.keyboard.press("Shift+ArrowUp")  # from the image's middle, pixel (14, 10)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expected = LABEL.copy()
    expected[5, 15] = True
    np.testing.assert_array_equal(used(page, home, 2), expected)


@pytest.mark.browser
def test_a_finger_paints_on_a_zoomed_image_on_a_phone(browser: Browser, address: str, home: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True, color_scheme="dark")
    open_editor(page, address)
    page.get_by_role("slider").fill("1")
    page.get_by_role("button", name="Zoom in").tap()
    box = page.locator("canvas").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2 + 2, box["y"] + box["height"] / 2 + 2)
    page.get_by_role("button", name="Use this outline").tap()
    expected = LABEL.copy()
    expected[HEIGHT // 2, WIDTH // 2] = True  # the middle stays where it is when the image is enlarged
    np.testing.assert_array_equal(used(page, home, 1), expected)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
