"""Ways through the lab in a real browser: a newcomer's, two sessions at once, back, reload and deep links."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from lab.headless import wait_until_idle
from lab.ui.navigation import ENTRIES

pytestmark = pytest.mark.browser
SOON = 60_000
STEEP = "hips-unet-level4-s0"
HOLDS = "hips-lvcnet-plus-level4-s0"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    yield context.new_page()
    context.close()


def show(page: Page, address: str) -> None:
    page.goto(address, timeout=SOON)
    settle(page)


def settle(page: Page) -> None:
    expect(page.locator("h1").first).to_be_visible(timeout=SOON)
    wait_until_idle(page)
    assert page.locator("[data-testid=stException]").count() == 0


def navigate(page: Page, title: str) -> None:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True).click()
    expect(page.get_by_role("heading", name=title, exact=True, level=1)).to_be_visible(timeout=SOON)
    settle(page)


def picker(page: Page, label: str) -> Locator:
    """A select box, which holds what it shows as its value."""
    return page.get_by_role("combobox", name=label, exact=True)


def test_every_page_but_the_first_says_why_and_what_next() -> None:
    for key, entry in ENTRIES.items():
        assert key == "overview" or (entry.why and entry.then and entry.then[0] in ENTRIES), key


def test_a_newcomer_understands_a_result_within_ten_clicks(demo_lab: str, page: Page) -> None:
    clicks: list[str] = []

    def click(where: Locator, what: str, arrives_at: str) -> None:
        clicks.append(what)
        where.get_by_text(what, exact=True).click(timeout=SOON)
        page.wait_for_url(re.compile(arrives_at), timeout=SOON)
        settle(page)

    show(page, demo_lab)
    expect(page.get_by_text("which method keeps its quality as its labels get worse?")).to_be_visible()
    click(page.locator(".st-key-next-step"), "See the demo comparison", "/compare")
    main, foot = page.get_by_test_id("stMain"), page.locator(".st-key-page-foot")
    expect(main).to_contain_text(re.compile(r"LVC-Net plus .* U-Net", re.DOTALL))  # the result in words
    expect(main.get_by_role("heading", name="Robustness")).to_be_visible()
    expect(foot).to_contain_text("saves the hours that careful outlines take")
    click(main, "Side by side", "view=side-by-side")
    expect(main.locator(".viewer .panels svg").nth(3)).to_be_visible(timeout=SOON)
    click(foot, "See why a method holds, map by map", "/inspect")
    expect(picker(page, "Run")).to_have_value(re.compile("LVC-Net plus on level3"))
    expect(foot).to_contain_text("whether the boundary moved towards it")
    click(main, "Every map", "part=maps")
    expect(main.locator("[data-testid=stPlotlyChart]").nth(1)).to_be_visible(timeout=SOON)
    assert len(clicks) <= 10


def test_back_reload_and_deep_links_keep_what_was_chosen(demo_lab: str, page: Page) -> None:
    show(page, f"{demo_lab}/compare?dataset=hips&view=tables&metric=hd95")
    expect(picker(page, "Metric")).to_have_value("HD95 (px)")
    heading = page.get_by_role("heading", name=re.compile("Table 1"))
    expect(heading.first).to_be_visible(timeout=SOON)
    navigate(page, "Runs")
    show_run(page, STEEP)
    navigate(page, "Inspect")
    assert f"run={STEEP}" in page.url  # the choice went along
    page.reload()
    settle(page)
    expect(picker(page, "Run")).to_have_value(re.compile(STEEP))
    for title, part in (("Runs", f"run={STEEP}"), ("Compare", "view=tables")):
        page.go_back()  # one step a page, however many choices it has
        expect(page.get_by_role("heading", name=title, exact=True, level=1)).to_be_visible(timeout=SOON)
        settle(page)
        assert part in page.url
    expect(heading.first).to_be_visible(timeout=SOON)
    expect(picker(page, "Metric")).to_have_value("HD95 (px)")


def test_two_sessions_do_not_disturb_each_other(demo_lab: str, page: Page, browser: Browser) -> None:
    other = browser.new_context().new_page()
    show(page, f"{demo_lab}/runs?run={STEEP}")
    show(other, f"{demo_lab}/runs?run={HOLDS}")
    navigate(page, "Inspect")
    navigate(other, "Inspect")
    expect(picker(page, "Run")).to_have_value(re.compile(STEEP))
    expect(picker(other, "Run")).to_have_value(re.compile(HOLDS))
    page.reload()
    settle(page)
    expect(picker(page, "Run")).to_have_value(re.compile(STEEP))
    other.context.close()


def show_run(page: Page, name: str) -> None:
    """Choose a run in the picker, as a user does: type a part of its name."""
    picker(page, "Run").fill(name)
    picker(page, "Run").press("Enter")
    page.wait_for_url(re.compile(f"run={name}"), timeout=SOON)
    settle(page)
