"""The viewer shows an image in its own proportions, and reads, zooms and moves in both directions of it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from lab.headless import serve_lab, wait_until_idle
from tests.app.viewer_app import HEIGHT, WIDTH

pytestmark = pytest.mark.browser
SOON = 60_000


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("viewer") / "home"
    log = home.with_name("log.txt")
    quiet = {"STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false"}
    with serve_lab(home, log, "tests/app/viewer_app.py", quiet) as address:
        yield address
    assert "Traceback" not in log.read_text()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1000, "height": 800})
    page.goto(address)
    expect(page.get_by_role("img", name="A ramp with a corner")).to_be_visible(timeout=SOON)
    wait_until_idle(page)
    yield page
    page.close()


def seen(page: Page) -> list[float]:
    """x, y, width and height of what the panel shows."""
    return [float(part) for part in (page.locator(".panels svg").get_attribute("viewBox") or "").split()]


def test_a_panoramic_image_is_neither_squeezed_nor_cut(page: Page) -> None:
    box = page.locator(".panels svg").bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(WIDTH / HEIGHT, rel=0.02)
    assert seen(page) == [-0.5, -0.5, WIDTH, HEIGHT]


def test_the_pixel_under_the_pointer_is_read(page: Page) -> None:
    box = page.locator(".panels svg").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 60.5 / WIDTH, box["y"] + box["height"] * 14.5 / HEIGHT)
    grey = (14 * WIDTH + 60) // 4
    expect(page.locator(".readout")).to_have_text(f"x 60, y 14: grey value {grey} · label corner")


def test_zooming_keeps_the_proportions_and_stays_inside(page: Page) -> None:
    page.get_by_role("button", name="Largest difference").click()
    x, y, width, height = seen(page)
    assert (width, height) == (WIDTH / 4, HEIGHT / 4)
    assert (x + width, y + height) == (WIDTH - 0.5, HEIGHT - 0.5), (
        "the corner is in sight, and nothing beyond it"
    )
    expect(page.locator(".level")).to_have_text("4.0×")
    page.locator(".panels svg").press("ArrowDown")
    assert seen(page)[1] == y, "there is nothing further down"
    page.locator(".panels svg").press("ArrowUp")
    assert seen(page)[1] == y - WIDTH / 4 / 8
    page.locator(".panels svg").press("0")
    assert seen(page) == [-0.5, -0.5, WIDTH, HEIGHT]
