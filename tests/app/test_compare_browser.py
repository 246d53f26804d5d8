"""The compare page in a real browser on the sweep that was begun in a hurry: no winner, no retention, no savings."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from lab.headless import serve_lab, wait_until_idle

pytest_plugins = ["tests.app.sweep"]
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def lab(half_done: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a lab with the hurried sweep; the demo has a data set of the same name, which the workspace's hides."""
    home = tmp_path_factory.mktemp("hurried") / "home"
    shutil.copytree(half_done, home)
    with serve_lab(home, home.with_name("log.txt")) as address:
        yield address
    assert "Traceback" not in home.with_name("log.txt").read_text()


def text_of(page: Page, address: str) -> str:
    """What a page says once it is drawn."""
    page.goto(address)
    wait_until_idle(page)
    expect(page.get_by_text("nothing can be said about").first).to_be_visible(timeout=60_000)
    return page.locator("[data-testid='stMain']").inner_text()


def test_nothing_is_concluded_from_a_hurried_sweep(lab: str, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    results = text_of(page, f"{lab}/compare?dataset=hips")
    assert "No method can be called better or worse" in results
    assert "is better than" not in results
    assert "predicts nothing of 'innominate bone' on 4 of 4 images" in results
    planner = text_of(page, f"{lab}/compare?dataset=hips&view=planner")
    assert "No outlines can be called equal" in planner
    for claim in ("fewer clicks**", "% fewer clicks", "beat all", "Best there is"):
        assert claim not in planner
    page.goto(f"{lab}/compare?dataset=hips&view=image-by-image&labels=level4")
    expect(page.get_by_text("Nothing can be concluded from these images")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("is better on")).to_have_count(0)
    page.close()
