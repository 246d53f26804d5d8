"""A data set full of markup in a real browser: nothing is fetched, nothing runs, every name is read as it was written."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from lab.headless import console_errors, serve_lab, wait_until_idle
from lab.ui.escaping import JOINER
from tests.app.hostile import attacks, categories, counting_server, file_names, make_hostile, write_files

pytestmark = pytest.mark.browser
SOON = 60_000


@dataclass
class HostileLab:
    """A running lab, the address that its names ask for, what was asked for there, and files to import."""

    url: str
    address: str
    asked: list[str]
    files: Path


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileLab]:
    folder = tmp_path_factory.mktemp("hostile")
    with counting_server() as (address, asked), pytest.MonkeyPatch.context() as patch:
        patch.setenv("LVCNET_HOME", str(folder / "home"))
        make_hostile(folder / "source", address)
        write_files(folder / "again", address)
        with serve_lab(folder / "home", folder / "log.txt") as url:
            yield HostileLab(url, address, asked, folder / "again")
        assert "Traceback" not in (folder / "log.txt").read_text()


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    opened = new_page(browser)
    yield opened
    opened.close()


def new_page(browser: Browser) -> Page:
    """A page on which no script may ask anything."""
    opened = browser.new_page(viewport={"width": 1440, "height": 2400})
    opened.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    return opened


class Tabs:
    """Two tabs that show addresses in the order of `ORDER`: while one comes to rest, the other loads the next."""

    def __init__(self, browser: Browser, lab: HostileLab) -> None:
        self.lab = lab
        self.free = [new_page(browser) for _ in range(2)]
        self.loading: dict[str, Page] = {}

    def text(self, address: str) -> str:
        """What `shown` says about an address; the next one is on its way then."""
        page = self._load(address)
        following = ORDER[ORDER.index(address) + 1 :][:1]
        for after in following:
            self._load(after)
        try:
            return at_rest(page, self.lab, address)
        finally:
            self.free.append(self.loading.pop(address))

    def _load(self, address: str) -> Page:
        """The tab that loads an address, now or since it was asked for before."""
        if address not in self.loading:
            tab = self.free.pop(0) if self.free else self.loading.pop(next(iter(self.loading)))
            tab.goto(f"{self.lab.url}/{address}", timeout=SOON, wait_until="commit")
            self.loading[address] = tab
        return self.loading[address]


@pytest.fixture(scope="module")
def tabs(browser: Browser, lab: HostileLab) -> Iterator[Tabs]:
    opened = Tabs(browser, lab)
    yield opened
    for tab in (*opened.free, *opened.loading.values()):
        tab.close()


def shown(page: Page, lab: HostileLab, address: str) -> str:
    """The text of a page, which must be quiet and free of links to the foreign address."""
    page.goto(f"{lab.url}/{address}", timeout=SOON)
    return at_rest(page, lab, address)


def at_rest(page: Page, lab: HostileLab, address: str) -> str:
    """`shown` of a page that loads already."""
    expect(page.locator("h1").first).to_be_visible(timeout=SOON)
    wait_until_idle(page)
    return read(page, lab, address)


def read(page: Page, lab: HostileLab, address: str) -> str:
    assert page.locator("[data-testid=stException]").all_inner_texts() == [], address
    assert page.locator(f"[href*='{lab.address}'], [src*='{lab.address}']").count() == 0, address
    assert lab.asked == [], address
    fields = page.locator("input").evaluate_all("all => all.map(one => one.value)")
    return plain_text(" ".join([page.locator("body").text_content() or "", *fields]))


def plain_text(text: str) -> str:
    """Without what only parts a text: joiners and white space."""
    return " ".join(text.replace(JOINER, "").split())


FEW_NAMES = (
    *("overview", "train", "train?form=sweep", "runs", "glossary", "inference"),
    *("data?view=phantom", "data?view=export&dataset=bad"),
    *("correct?correction=repair&view=use", "correct?view=new&dataset=bad"),
    *(f"compare?dataset=bad&view={view}" for view in ("results", "side-by-side", "image-by-image")),
    *(f"compare?dataset=bad&view={view}" for view in ("planner", "tables", "export")),
)


WITH_IMAGES = (
    "noise?dataset=bad&labels=level4",
    "data?view=agreement&dataset=bad&second=level4",
    "correct?correction=repair",
    "correct?correction=repair&show=all&reviewer=B&mode=edit",
    *("inspect?run=bad-lvcnet", "inspect?run=bad-lvcnet&part=maps", "inspect?run=bad-lvcnet&part=film"),
    "inspect?run=bad-lvcnet&source=checkpoint",
)
ORDER = [*FEW_NAMES, *WITH_IMAGES]


@pytest.mark.parametrize("address", FEW_NAMES)
def test_a_page_that_shows_few_names(lab: HostileLab, tabs: Tabs, address: str) -> None:
    text = tabs.text(address)
    if address == "runs":
        assert all(plain_text(attack) in text for attack in attacks(lab.address)), "the note"


@pytest.mark.parametrize("address", WITH_IMAGES)
def test_a_page_with_an_image(lab: HostileLab, tabs: Tabs, address: str) -> None:
    text = tabs.text(address)
    assert any(plain_text(name.removesuffix(".png")) in text for name in file_names(lab.address))


def test_every_image_and_category_is_named_as_it_is(lab: HostileLab, page: Page) -> None:
    shown(page, lab, "data?view=browse&dataset=bad")
    expect(page.locator("[class*='st-key-tile-']")).to_have_count(len(file_names(lab.address)), timeout=SOON)
    text = read(page, lab, "browse")
    missing = [name for name in file_names(lab.address) if plain_text(name.removesuffix(".png")) not in text]
    assert missing == []
    assert all(plain_text(name) in text for name in categories(lab.address)), "the legend"
    shown(page, lab, "data?view=statistics&dataset=bad&labels=level4")
    expect(page.locator(".js-plotly-plot")).to_have_count(3, timeout=SOON)  # drawn after the page is there
    text = read(page, lab, "statistics")
    assert all(plain_text(name) in text for name in categories(lab.address)), "a table and charts"


def test_an_image_in_large_and_what_the_pointer_reads(lab: HostileLab, page: Page) -> None:
    shown(page, lab, "data?view=browse&dataset=bad")
    page.locator(".st-key-open-0 button").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".js-plotly-plot").first).to_be_visible(timeout=SOON)
    wait_until_idle(page)
    box = dialog.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(dialog.locator(".hoverlayer .hovertext").first).to_be_visible(timeout=SOON)
    hover = plain_text(dialog.locator(".hoverlayer").first.text_content() or "")
    assert any(name[:20] in hover for name in map(plain_text, categories(lab.address))), hover
    text = read(page, lab, "dialog")
    assert all(plain_text(name) in text for name in categories(lab.address))


def test_problems_of_an_import(lab: HostileLab, page: Page) -> None:
    (lab.files / "annotations.json").write_text(
        (lab.files / "annotations.json").read_text().replace(f'"width": {32}', '"width": 999')
    )
    shown(page, lab, "data?view=import")
    page.get_by_role("radio", name="COCO files").click()
    wait_until_idle(page)
    for label, value in (
        ("Name", "again"),
        ("Image folder", str(lab.files / "images")),
        ("Training annotations", str(lab.files / "annotations.json")),
    ):
        page.get_by_label(label, exact=True).fill(value)
        page.get_by_label(label, exact=True).press("Enter")
        wait_until_idle(page)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("button", name="Download the report")).to_be_visible(timeout=SOON)
    text = read(page, lab, "problems")
    assert all(plain_text(name) in text for name in file_names(lab.address))


def test_the_inference_app_and_its_messages(lab: HostileLab, page: Page) -> None:
    page.goto(f"{lab.url}/gradio/?run=bad-lvcnet", timeout=SOON)
    expect(page.locator(".token").first).to_be_visible(timeout=SOON)
    page.locator("input[type=file]").first.set_input_files(
        sorted((lab.files / "images").iterdir())[0], timeout=SOON
    )
    page.get_by_role("button", name="Segment", exact=True).click()
    expect(page.locator(".sizes table").first).to_be_visible(timeout=SOON)
    text = plain_text(page.locator("body").text_content() or "")
    assert all(plain_text(name) in text for name in categories(lab.address))
    assert lab.asked == []


def test_the_html_report(lab: HostileLab, page: Page, tmp_path: Path) -> None:
    shown(page, lab, "compare?dataset=bad&view=export")
    page.wait_for_timeout(2000)  # a page that is drawn again forgets the file behind the button it had
    wait_until_idle(page)
    with page.expect_download(timeout=SOON) as download:
        page.get_by_role("button", name="HTML report").click()
    path = tmp_path / "report.html"
    download.value.save_as(path)
    errors = console_errors(page)
    page.goto(path.as_uri())
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=SOON)
    assert errors == []
    assert page.locator(f"[href*='{lab.address}'], [src*='{lab.address}']").count() == 0
    assert lab.asked == []
