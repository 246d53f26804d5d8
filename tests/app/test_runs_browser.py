"""Runs in a real browser: the row that is marked is the run that is shown, whatever moves meanwhile."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from lab.headless import wait_until_idle
from lvcnet import jobs
from lvcnet.runs.about import write_about
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import list_runs
from lvcnet.training.run import create_run
from tests.app.conftest import lab_that_trains
from tests.app.test_accessibility import HIDDEN_COLUMNS
from tests.tiny import tiny_config

pytestmark = pytest.mark.browser
SOON, LATER = 60_000, 240_000
FINISHED = ["five", "four", "three", "two", "one"]
"""The newest first, as the table has them."""
HEADER, ROW = 35, 35
"""Heights in the table, in pixels."""
LONG = 5000
"""Epochs of a run that does not end by itself during a test."""
TICK, TEXT = 12, 150
"""Where a row's box and its name are, in pixels from the left."""


@pytest.fixture(scope="module")
def home(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with five finished runs, newer than those that ship with the lab, each with a log of its own."""
    home = tmp_path_factory.mktemp("runs") / "home"
    shutil.copytree(trained_home, home)
    tiny = home / "runs" / "tiny"
    for number, name in enumerate(reversed(FINISHED)):
        shutil.copytree(tiny, home / "runs" / name)
        run = RunDirectory(home / "runs" / name)
        run.update_status(created=4e9 + number)
        run.log.write_text(f"This is the log of {name}.\n")
    shutil.rmtree(tiny)
    return home


@pytest.fixture(scope="module")
def lab(home: Path) -> Iterator[str]:
    """Address of a running lab; its trainings and worker end with it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LVCNET_HOME", str(home))
        patch.setenv("LVCNET_WORKERS", "1")
        with lab_that_trains(home) as address:
            yield address


@pytest.fixture(autouse=True)
def same_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the test itself does to runs is done in the lab's workspace."""
    monkeypatch.setenv("LVCNET_HOME", str(home))
    monkeypatch.setenv("LVCNET_WORKERS", "1")


@pytest.fixture
def page(lab: str, browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.goto(f"{lab}/runs", timeout=SOON)
    wait_until_idle(page)
    yield page
    page.close()


def place(page: Page, name: str) -> int:
    """In which row a run is, from what a screen reader is told of the table."""
    names = page.locator("[data-testid=stDataFrame] [role=gridcell][aria-colindex='2']")
    expect(names.filter(has_text=re.compile(f"^{name}$"))).to_have_count(1, timeout=SOON)
    return names.all_text_contents().index(name)


def marked(page: Page) -> Locator:
    """The row with the mark."""
    return page.locator("[data-testid=stDataFrame] [role=row]").filter(has_text="◉")


def click(page: Page, name: str, across: int) -> None:
    """Click the row of a run, on its box or on its text."""
    table = page.locator("[data-testid=stDataFrame] canvas").first
    table.click(force=True, position={"x": across, "y": HEADER + ROW * (place(page, name) + 0.5)})


def expect_shown(page: Page, name: str) -> None:
    """Mark, address, picker, log and every button belong to this run."""
    picker, title = page.get_by_role("combobox", name="Run", exact=True), f"{name} (LVC-Net on clean)"
    expect(picker).to_have_value(title, timeout=SOON)
    wait_until_idle(page)
    expect(picker).to_have_value(title)
    expect(page).to_have_url(re.compile(f"[?&]run={name}(&|$)"), timeout=SOON)
    expect(marked(page)).to_have_count(1)
    expect(marked(page)).to_contain_text(name)
    expect(page.get_by_text(f"This is the log of {name}.")).to_be_visible(timeout=SOON)
    expect(page.locator(f".st-key-delete-run-{name}")).to_have_count(1)
    expect(page.locator("[class*='st-key-delete-run-']")).to_have_count(1)  # and none of another run
    for label in ("Clone configuration", "Inspect its maps"):
        assert f"={name}" in str(page.get_by_role("link", name=label).get_attribute("href"))
    assert page.locator("[data-testid=stException]").count() == 0


@pytest.mark.parametrize("across", [TICK, TEXT])
def test_the_run_of_the_row_that_is_clicked_is_shown(page: Page, across: int) -> None:
    for name in ("three", "one", "two", "five", "four", "one"):
        click(page, name, across)
        expect_shown(page, name)


def test_clicks_in_quick_succession_end_with_the_last(page: Page) -> None:
    for name, across in (("three", TICK), ("one", TEXT), ("two", TICK), ("four", TEXT), ("two", TICK)):
        click(page, name, across)
        page.wait_for_timeout(60)
    expect_shown(page, "two")
    page.reload()
    expect_shown(page, "two")
    page.get_by_role("combobox", name="Run", exact=True).click()
    page.get_by_role("option", name="five (LVC-Net on clean)").click()
    expect_shown(page, "five")


def test_rows_that_move_take_neither_mark_nor_delete_with_them(page: Page, home: Path) -> None:
    """While one run trains and others start waiting and are cancelled."""
    config = tiny_config("hips", method="unet", epochs=LONG)
    training = create_run(config, "training")
    jobs.submit(training)
    page.reload()
    place(page, "training")
    click(page, "three", TICK)
    expect_shown(page, "three")
    before = place(page, "three")
    waiting = create_run(config, "waiting")
    jobs.submit(waiting)
    expect(state(page, "waiting")).to_have_text("… queued (1)", timeout=LATER)
    assert place(page, "three") == before + 1
    expect_shown(page, "three")
    click(page, "two", TEXT)
    expect_shown(page, "two")
    jobs.cancel(waiting)
    RunDirectory(home / "runs" / "one").update_status(created=5e9)
    expect(state(page, "waiting")).to_have_text("■ cancelled", timeout=SOON)
    expect_shown(page, "two")
    delete(page, "two")
    expect(page.locator(".st-key-undo").get_by_text("two")).to_be_visible(timeout=SOON)
    wait_until_idle(page)
    expect(marked(page)).to_contain_text("training")
    expect(page.get_by_role("combobox", name="Run", exact=True)).to_have_value("training (U-Net on clean)")
    assert {run.name for run in list_runs(demo=False)} == {*FINISHED, "training", "waiting"} - {"two"}
    click(page, "training", TICK)
    expect(page.locator(".st-key-delete-run-training button").first).to_be_disabled(timeout=SOON)
    click(page, "four", TEXT)
    expect_shown(page, "four")
    delete(page, "four")
    expect(page.locator(".st-key-undo").get_by_text("four")).to_be_visible(timeout=SOON)
    assert {run.name for run in list_runs(demo=False)} == {"one", "three", "five", "training", "waiting"}


def test_titles_do_not_make_the_table_wider_than_a_laptop(lab: str, home: Path, browser: Browser) -> None:
    run = RunDirectory(home / "runs" / "one")
    write_about(run, "Coarse outlines of the second annotator", "")
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    try:
        page.goto(f"{lab}/runs", timeout=SOON)
        wait_until_idle(page)
        titles = page.locator("[data-testid=stDataFrame] [role=columnheader]").filter(has_text="Title")
        expect(titles).to_have_count(1, timeout=SOON)
        grid = page.locator("[data-testid=stDataFrame] .dvn-scroller")
        assert grid.evaluate_all(HIDDEN_COLUMNS) == [0]
    finally:
        page.close()
        write_about(run, "", "")


def state(page: Page, name: str) -> Locator:
    """The state of a run in the table."""
    row = page.locator("[data-testid=stDataFrame] [role=row]").filter(
        has=page.locator("[role=gridcell]", has_text=re.compile(f"^{name}$"))
    )
    return row.locator("[aria-colindex='3']")


def delete(page: Page, name: str) -> None:
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name=f"Delete {name}").click()
