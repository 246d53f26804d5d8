"""Work in the background of a page: followed, cancelled, finished, and what went wrong in it."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from lab.data.new import new_dataset
from lab.noise.views import make_label_sets
from lab.ui import background
from lab.ui.background import TASKS, Cancelled, Task
from lvcnet.data.dataset import Dataset, list_datasets
from lvcnet.data.importing.importer import import_masks
from lvcnet.errors import LvcnetError
from lvcnet.noise.request import NoiseRequest
from lvcnet.progress import Report
from lvcnet.runs.directory import RunDirectory
from tests.app.conftest import PAGES, OpenPage, press, query


class Gate:
    """Holds work at one of its reports.

    Attributes:
        reached: set when the work is there.
        opened: set by the test to let it go on.
    """

    def __init__(self, number: int) -> None:
        self.left = number
        self.reached, self.opened = Event(), Event()

    def through(self, report: Report) -> Report:
        """`report`, held at the gate's number."""

        def hold(done: int, total: int) -> None:
            report(done, total)
            self.left -= 1
            if self.left == 0:
                self.reached.set()
                assert self.opened.wait(60)

        return hold


@pytest.fixture(autouse=True)
def no_tasks() -> Iterator[None]:
    """Work of one test is no business of the next one."""
    yield
    for task in TASKS.values():
        task.cancel()
        task.wait(60)
    TASKS.clear()


@pytest.fixture
def gate(tmp_path: Path, no_demo: None) -> Gate:
    """An import of four images as the data page starts it, held when its four masks and two images are read."""
    for folder in ("xrays", "masks"):
        (tmp_path / folder).mkdir()
        for number in range(4):
            Image.fromarray(np.full((20, 20), 255, np.uint8)).save(tmp_path / folder / f"{number}.png")
    gate = Gate(6)

    def read(report: Report) -> Dataset:
        held = gate.through(report)
        return import_masks("mine", tmp_path / "xrays", tmp_path / "masks", report=held, size=16)

    background.start("import-start", "Import", lambda task: new_dataset(task, "mine", "Importing mine", read))
    assert gate.reached.wait(60)
    return gate


def finish(page: AppTest, gate: Gate) -> None:
    """Let the import end, and draw the page as it would draw itself."""
    gate.opened.set()
    TASKS["import-start"].wait(60)
    page.run()
    assert not page.exception


def test_a_cancelled_import_is_followed_and_leaves_nothing(
    gate: Gate, open_page: OpenPage, workspace_home: Path
) -> None:
    page = open_page("data", view="import")
    assert [bar.proto.text for bar in page.get("progress")] == ["Importing mine: 2 of 4"]
    assert page.button(key="import-start").disabled, "one at a time"
    page.button(key="import-start-cancel").click().run()
    assert [bar.proto.text for bar in page.get("progress")] == ["Cancelling"]
    assert page.button(key="import-start-cancel").disabled
    finish(page, gate)
    assert page.info[0].value == "Cancelled: nothing was imported."
    assert not page.get("progress")
    assert list_datasets() == []
    assert [path for path in workspace_home.rglob("*") if path.is_file()] == []
    page.run()
    assert page.info, "it stays until something else is asked for"
    page.button_group(key="import-format").set_value("coco").run()
    assert not page.info


def test_an_import_goes_on_while_no_page_is_open_and_shows_what_it_made(
    gate: Gate, open_page: OpenPage
) -> None:
    page = open_page("data", view="import")
    finish(page, gate)
    assert "mine: 4 images" in page.success[0].value
    assert (query(page, "view"), query(page, "dataset")) == ("browse", "mine")
    assert TASKS == {}


def test_a_second_start_is_the_work_that_goes_on(gate: Gate) -> None:
    task = TASKS["import-start"]
    assert background.start("import-start", "Import", lambda task: None) is task
    gate.opened.set()
    task.wait(60)
    other = background.start("import-start", "Import", lambda task: 3)
    other.wait(60)
    assert (other is task, other.result) == (False, 3)


def test_what_went_wrong_stays_until_the_next_start(open_page: OpenPage) -> None:
    page = open_page("data", view="import")
    page.button_group(key="import-format").set_value("labelme").run()
    page.text_input(key="import-name").set_value("mine")
    page.text_input(key="import-labelme").set_value("/no/such/folder").run()
    press(page, "import-start")
    assert "the folder does not exist" in page.table[0].value.to_string()
    assert [button.proto.label for button in page.get("download_button")] == ["Download the report"]
    page.text_input(key="import-name").set_value("other").run()
    assert page.table, "still there while the form is mended"
    page.button_group(key="import-format").set_value("masks").run()
    assert not page.table, "but not under another format"


def test_a_mistake_of_ours_is_not_hidden(open_page: OpenPage) -> None:
    background.start("import-start", "Import", lambda task: 1 // 0).wait(60)
    page = AppTest.from_file(str(PAGES / "data.py"), default_timeout=60)
    page.query_params["view"] = "import"
    page.run()
    assert "division" in page.exception[0].value


def test_cancelled_noise_adds_no_label_set(trained_run: RunDirectory) -> None:
    """Level 1 is calibrated, level 2 is cancelled at its first try."""
    stages = []

    class Impatient(Task):
        def stage(self, title: str) -> Report:
            stages.append(title)
            if "level 2" in title:
                self.cancel()
            return super().stage(title)

    task = Impatient("noise", lambda task: make_label_sets(task, NoiseRequest("hips", (1, 2, 4))))
    task.wait(60)
    assert isinstance(task.error, Cancelled)
    assert stages == [f"Calibrating level {level} of hips, try" for level in (1, 2)]
    assert Dataset.load("hips").label_names() == ["clean", "level3"]


def _counting_page(work, about):  # its source alone is run: no names of this file in it
    import streamlit as st

    from lab.ui.background import background_work
    from lab.ui.widgets import shown_errors

    with shown_errors():
        found = background_work("look", "Looking", work, nothing_done="nothing was found", about=about)
        st.markdown(f"found {found}")


def test_work_that_starts_by_itself_gives_its_result_once() -> None:
    page = AppTest.from_function(_counting_page, args=(lambda task: 7, "a"), default_timeout=60).run()
    assert page.markdown[0].value == "found 7"
    assert TASKS == {}


@pytest.mark.parametrize("about", ["a", None])
def test_work_that_starts_by_itself_is_not_tried_again_until_it_is_about_something_else(
    about: str | None,
) -> None:
    tries = []

    def fail(task: Task) -> None:
        tries.append(1)
        raise LvcnetError("no zip")

    page = AppTest.from_function(_counting_page, args=(fail, about), default_timeout=60).run()
    page.run()
    assert (page.error[0].value, len(tries)) == ("no zip", 1)
    page.args = (fail, "b")
    page.run()
    assert (page.error[0].value, len(tries)) == ("no zip", 2)


def test_work_that_starts_by_itself_can_be_cancelled() -> None:
    going = Event()

    def wait(task: Task) -> None:
        report = task.stage("Looking")
        report(1, 3)
        assert going.wait(60)
        report(2, 3)

    page = AppTest.from_function(_counting_page, args=(wait, "a"), default_timeout=60).run()
    assert [bar.proto.text for bar in page.get("progress")] == ["Looking: 1 of 3"]
    page.button(key="look-cancel").click().run()
    going.set()
    TASKS["look"].wait(60)
    page.run()
    assert page.info[0].value == "Cancelled: nothing was found."
