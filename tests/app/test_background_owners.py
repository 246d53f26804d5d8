"""Whose work it is, with two browsers that know nothing of each other: A starts, Z looks on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from lab.headless import serve_lab, wait_until_idle
from lvcnet.data.dataset import list_datasets

pytestmark = pytest.mark.browser
SOON = 60_000
MANY, SOME, FEW = "4000", "120", "8"
"""Phantom images: work that lasts until it is cancelled, some seconds, and work that is soon done."""
FORM = "data?view=phantom"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("owners") / "home"


@pytest.fixture(scope="module")
def lab(home: Path) -> Iterator[str]:
    """Address of a running lab; each test leaves no work behind."""
    log = home.with_name("log.txt")
    with serve_lab(home, log) as address:
        yield address
    assert "Traceback" not in log.read_text()


@pytest.fixture(autouse=True)
def same_home(home: Path, workspace_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The workspace of the lab is that of the test."""
    monkeypatch.setenv("LVCNET_HOME", str(home))


@pytest.fixture
def contexts(browser: Browser) -> Iterator[tuple[BrowserContext, BrowserContext]]:
    """Two browsers' worth of cookies."""
    first, second = browser.new_context(), browser.new_context()
    yield first, second
    first.close()
    second.close()


def show(page: Page, address: str) -> Page:
    page.goto(address, timeout=SOON)
    expect(page.locator("h1").first).to_be_visible(timeout=SOON)
    return page


def create(page: Page, name: str, images: str) -> None:
    """Fill in the phantom form and press Create."""
    wait_until_idle(page)
    for label, value in (("Name", name), ("Training images", images), ("Test images", "0")):
        field = page.get_by_label(label, exact=True)
        field.fill(value)
        field.press("Enter")
        wait_until_idle(page)
    page.get_by_role("button", name="Create", exact=True).click()


def test_another_browser_looks_on_and_does_its_own(
    lab: str, contexts: tuple[BrowserContext, BrowserContext]
) -> None:
    a, z = (show(context.new_page(), f"{lab}/{FORM}") for context in contexts)
    create(a, "isoA", MANY)
    expect(a.get_by_text("Rendering isoA")).to_be_visible(timeout=SOON)
    other = z.get_by_text("Another session is at work since")
    show(z, f"{lab}/{FORM}")
    expect(other).to_contain_text("Rendering isoA", timeout=SOON)
    assert z.locator("[data-testid=stProgress]").count() == 0
    create(z, "isoZ", FEW)
    expect(z.get_by_text("Data set isoZ: 8 images.")).to_be_visible(timeout=SOON)
    assert "dataset=isoZ" in z.url
    assert "view=phantom" in a.url, "nobody else is moved"
    a.get_by_role("button", name="Cancel", exact=True).click()
    expect(a.get_by_text("Cancelled: nothing was created.")).to_be_visible(timeout=SOON)
    assert "isoA" not in list_datasets()


def test_somebody_elses_work_is_cancelled_only_after_a_question(
    lab: str, contexts: tuple[BrowserContext, BrowserContext]
) -> None:
    a = show(contexts[0].new_page(), f"{lab}/{FORM}")
    create(a, "isoA", MANY)
    expect(a.get_by_text("Rendering isoA")).to_be_visible(timeout=SOON)
    z = show(contexts[1].new_page(), f"{lab}/{FORM}")
    z.get_by_role("button", name="Cancel it").click(timeout=SOON)
    z.get_by_role("button", name="Cancel somebody else's work").click(timeout=SOON)
    expect(a.get_by_text("Cancelled by another session: nothing was created.")).to_be_visible(timeout=SOON)
    expect(z.get_by_text("Another session")).to_have_count(0, timeout=SOON)
    assert z.get_by_text("Cancelled").count() == 0


def test_after_a_reload_the_owner_goes_on_and_problems_are_the_owners(
    lab: str, contexts: tuple[BrowserContext, BrowserContext]
) -> None:
    a = show(contexts[0].new_page(), f"{lab}/{FORM}")
    create(a, "isoA", MANY)
    expect(a.get_by_text("Rendering isoA")).to_be_visible(timeout=SOON)
    show(a, f"{lab}/{FORM}")  # another session of the same browser
    expect(a.get_by_text("Rendering isoA")).to_be_visible(timeout=SOON)
    expect(a.get_by_role("button", name="Create", exact=True)).to_be_disabled()
    a.get_by_role("button", name="Cancel", exact=True).click()
    expect(a.get_by_text("Cancelled: nothing was created.")).to_be_visible(timeout=SOON)
    z = show(contexts[1].new_page(), f"{lab}/{FORM}")
    create(a, "not a name", FEW)
    expect(a.get_by_text("is not a usable name")).to_be_visible(timeout=SOON)
    assert z.locator("[data-testid=stAlert]").count() == 0


def test_a_result_that_nobody_waited_for_is_offered(
    lab: str, contexts: tuple[BrowserContext, BrowserContext]
) -> None:
    a = show(contexts[0].new_page(), f"{lab}/{FORM}")
    create(a, "isoA", SOME)
    expect(a.get_by_text("Rendering isoA")).to_be_visible(timeout=SOON)
    a.close()
    z = show(contexts[1].new_page(), f"{lab}/{FORM}")
    expect(z.get_by_text("Another session")).to_be_visible(timeout=SOON)
    expect(z.get_by_text("Another session")).to_have_count(0, timeout=2 * SOON)
    again = show(contexts[0].new_page(), f"{lab}/{FORM}")
    offer = again.get_by_role("button", name="Show what came of it")
    expect(offer).to_be_visible(timeout=SOON)
    assert "view=phantom" in again.url
    offer.click()
    expect(again.get_by_text(f"Data set isoA: {SOME} images.")).to_be_visible(timeout=SOON)
