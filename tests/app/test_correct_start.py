"""Judging labels on the correct page, in the background: the folds are trained, the page starts it and hears of its end."""

import pytest

from lab.ui import background
from lab.ui.background import TASKS, Cancelled
from lvcnet.correction.store import list_corrections
from lvcnet.data.phantom.make import make_phantom
from lvcnet.jobs import foreground
from lvcnet.jobs.correct import Request, judge, list_requests, prepare, queue_request
from lvcnet.noise.calibrate import make_noisy_labels
from lvcnet.training.run import train
from tests.app.conftest import OpenPage, press, query

TINY = {"width": 4, "depth": 2, "epochs": 1, "batch_size": 4, "device": "cpu", "threads": 1}
REQUEST = Request("pelves", "level3", "unet", 2, settings=TINY)
KEY = f"judge-{REQUEST.correction}"


@pytest.fixture(autouse=True)
def trained_folds(no_demo: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request of two folds that are trained, of six images each."""
    monkeypatch.setattr(foreground.queue.daemon, "ensure_worker", lambda: None)
    dataset = make_phantom("pelves", train=12, test=2, size=32)
    dataset.add_labels(make_noisy_labels(dataset, 3))
    dataset.save()
    queue_request(REQUEST)
    for cell in prepare(REQUEST).plan:
        assert train(cell.run) == "done"


def test_labels_are_judged_and_the_review_opens(open_page: OpenPage) -> None:
    page = open_page("correct", view="new")
    press(page, KEY)
    assert "12 labels judged" in page.success[0].value
    assert (query(page, "correction"), query(page, "view")) == (REQUEST.correction, "review")
    assert list_requests() == []


def test_the_end_is_heard_of_though_the_request_is_gone(open_page: OpenPage) -> None:
    work = background.start(
        KEY, "Judge", lambda task: judge(prepare(REQUEST), "cpu", report=task.stage("Judging"))
    )
    work.wait(60)
    assert list_requests() == []
    page = open_page("correct", view="new")
    assert "12 labels judged" in page.success[0].value
    assert TASKS == {}


def test_cancelled_judging_leaves_the_request_as_it_was(open_page: OpenPage) -> None:
    def cancelled(task: background.Task) -> object:
        task.cancel()
        return judge(prepare(REQUEST), "cpu", report=task.stage("Judging"))

    work = background.start(KEY, "Judge", cancelled)
    work.wait(60)
    assert isinstance(work.error, Cancelled)
    page = open_page("correct", view="new")
    assert page.info[0].value == "Cancelled: no label was judged; the folds stay trained."
    assert (list_requests(), list_corrections()) == ([REQUEST], [])
    press(page, KEY)
    assert list_corrections() == [REQUEST.correction]
