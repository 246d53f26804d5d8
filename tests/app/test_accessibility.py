"""Every page and view of the running lab, in both themes and widths: axe-core, console, headings, stack traces, scrolling."""

from itertools import pairwise
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from lab.headless import console_errors, sideways, wait_until_idle
from lab.ui.navigation import ENTRIES

pytestmark = pytest.mark.browser
SOON = 60_000
VARIANTS: dict[str, tuple[int, str]] = {"wide-light": (1280, "light"), "phone-dark": (390, "dark")}
TALL = 2400
"""Pixels: what lies below the window is drawn late, and not all of its colours are checked."""
VIEWS: dict[str, tuple[str, ...]] = {
    "data": (
        "view=statistics",
        "view=agreement",
        "view=export",
        "view=manage",
        "view=phantom",
        "view=import",
        "labels=level3&image=train-0001&beside=level3&beside=level4",
    ),
    "noise": ("draw=disagreement&family=shift&level=4",),
    "train": ("form=sweep",),
    "compare": tuple(
        f"view={view}" for view in ("side-by-side", "image-by-image", "planner", "tables", "export")
    ),
    "correct": ("reviewer=Anna", "mode=edit", "view=use", "view=new"),
    "inspect": ("part=maps", "part=film", "source=checkpoint"),
}
"""Besides what a page shows first."""
ADDRESSES = [
    *(f"{key}?{query}" for key in ENTRIES for query in ("", *VIEWS.get(key, ()))),
    "gradio/",  # by itself: axe does not look into the frame of the inference page
]
SERIOUS = ("serious", "critical")
ALLOWED: dict[tuple[str, str], str] = {
    ("list", "[data-testid=stSidebarNavItems]"): "Streamlit puts the sections of its navigation into divs",
    ("listitem", "[data-testid=stSidebarNavItems]"): "the same divs",
    (
        "scrollable-region-focusable",
        "[data-testid=stCode], [data-testid=stTable], [data-testid=stTableStyledTable], .katex-display",
    ): "Streamlit makes these boxes; Chromium and Firefox let Tab reach a box that scrolls all the same",
    ("aria-prohibited-attr", ".empty"): "Gradio labels its empty picture",
}
"""Rule and the part of the page where it may be broken, and why nothing can be done about it here."""
INSIDE = "([target, part]) => Boolean(document.querySelector(target)?.closest(part))"

HEADINGS = "all => all.map(one => [Number(one.tagName[1]), one.innerText])"
HIDDEN_COLUMNS = "all => all.map(one => one.scrollWidth - one.clientWidth)"
"""Pixels of a table that only scrolling shows."""


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_every_page_is_accessible_and_quiet(demo_lab: str, browser: Browser, variant: str) -> None:
    width, theme = VARIANTS[variant]
    page = browser.new_page(viewport={"width": width, "height": TALL}, color_scheme=theme)
    errors = console_errors(page)
    problems: list[str] = []
    for address in ADDRESSES:
        page.goto(f"{demo_lab}/{address}", timeout=SOON)
        wait(page, address)
        found = [*errors, *page.locator("[data-testid=stException]").all_inner_texts(), *axe_findings(page)]
        if wider := sideways(page):
            found.append(f"{wider} px wider than the window")
        found += outline_gaps(page)
        problems += [f"{address}: {problem}" for problem in found]
        page.goto("about:blank")  # Gradio complains of its own connections when its page is left
        errors.clear()
    page.close()
    assert not problems, "\n".join(problems)


def test_tables_fit_a_laptop(demo_lab: str, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": TALL})
    for address in ("runs", "compare", "correct"):
        page.goto(f"{demo_lab}/{address}", timeout=SOON)
        wait(page, address)
        grids = page.locator("[data-testid=stDataFrame] .dvn-scroller")
        expect(grids.first).to_be_visible(timeout=SOON)
        assert grids.evaluate_all(HIDDEN_COLUMNS) == [0] * grids.count(), address
    page.close()


def outline_gaps(page: Page) -> list[str]:
    """Headings that lie more than one level below the one before; the first one must be the title."""
    levels = page.locator("h1, h2, h3, h4, h5, h6").evaluate_all(HEADINGS)
    return [
        f"{name!r} is h{level} after h{before}"
        for (before, _), (level, name) in pairwise([(0, ""), *levels])
        if level > before + 1
    ]


def wait(page: Page, address: str) -> None:
    """Until the page shows what it has to show."""
    if address == "gradio/":
        expect(page.locator(".token").first).to_be_visible(timeout=SOON)  # a chosen run
    else:
        expect(page.locator("h1").first).to_be_visible(timeout=SOON)
        wait_until_idle(page)


def axe_findings(page: Page) -> list[str]:
    """What axe-core calls serious or critical, but for what is allowed."""
    options = {"resultTypes": ["violations"], "iframes": False}
    violations = Axe().run(page, options=options).response["violations"]
    return [
        f"{violation['id']}, {violation['help']}: {node['html'][:200]} {node['failureSummary']}"
        for violation in violations
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
        if not is_allowed(page, violation["id"], node)
    ]


def is_allowed(page: Page, rule: str, node: dict[str, Any]) -> bool:
    """Whether a finding lies in a part of the page where its rule may be broken."""
    parts = [part for allowed, part in ALLOWED if allowed == rule]
    return any(page.evaluate(INSIDE, [node["target"][0], part]) for part in parts)
