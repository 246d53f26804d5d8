"""Announcements: every page says once that a training ended, and where to see it."""

import shutil

import pytest

from lab.ui.announce import anything_to_wait_for, news, states
from lab.ui.navigation import ENTRIES
from lvcnet.runs.directory import RunDirectory
from lvcnet.training.run import create_run
from tests.app.conftest import OpenPage
from tests.tiny import tiny_config


@pytest.fixture
def waiting(trained_run: RunDirectory) -> RunDirectory:
    """A run that was created and not started, beside the run `tiny`."""
    return create_run(tiny_config("hips", method="unet", epochs=9), "waiting")


@pytest.mark.parametrize("key", [key for key in ENTRIES if key not in ("inference", "inspect")])
def test_every_page_says_once_that_a_run_ended(waiting: RunDirectory, open_page: OpenPage, key: str) -> None:
    page = open_page(ENTRIES[key].path.stem, run="waiting")
    assert not page.toast
    waiting.update_status(state="failed", error="MemoryError: too many images")
    page.run()
    assert [toast.value for toast in page.toast] == ["**waiting** failed. [Show the run](runs?run=waiting)"]
    page.run()
    assert not page.toast


def test_the_runs_page_says_why_it_failed(waiting: RunDirectory, open_page: OpenPage) -> None:
    page = open_page("runs", run="waiting")
    waiting.update_status(state="failed", error="MemoryError: too many images")
    assert page.run().error[0].value == "MemoryError: too many images"


def test_a_run_that_came_and_ended_between_two_looks_is_news() -> None:
    assert [name for name, *_ in news({}, {"quick": "done evaluated", "next": "queued"})] == ["quick"]


def test_a_run_that_cannot_be_read_for_a_moment_is_not_announced_again(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    page = open_page("runs")
    status = (trained_run.path / "status.json").read_text()
    (trained_run.path / "status.json").unlink()
    page.run()
    (trained_run.path / "status.json").write_text(status)
    assert not page.run().toast


def test_resuming_and_evaluating_again_are_no_news_but_the_next_end_is() -> None:
    assert news({"a": "cancelled"}, {"a": "running"}) == []
    assert news({"a": "done evaluated"}, {"a": "done evaluated"}) == []
    assert [words for _, words, _ in news({"a": "running"}, {"a": "interrupted"})] == [
        "was interrupted and can be resumed"
    ]


def test_pages_poll_faster_while_there_is_something_to_wait_for(waiting: RunDirectory) -> None:
    assert anything_to_wait_for([waiting])
    waiting.update_status(state="cancelled")
    assert not anything_to_wait_for([waiting])
    shutil.rmtree(waiting.path)
    assert not anything_to_wait_for([waiting])
    assert states([waiting]) == {}
