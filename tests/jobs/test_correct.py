"""Label repair in the background: a request is kept while its folds train, and then judged."""

import pytest

from lvcnet import workspace
from lvcnet.correction.store import list_corrections
from lvcnet.data.dataset import Dataset
from lvcnet.data.phantom.make import make_phantom
from lvcnet.errors import LvcnetError
from lvcnet.jobs import foreground
from lvcnet.jobs.correct import (
    Request,
    cancel_request,
    judge,
    list_requests,
    prepare,
    queue_request,
    request_progress,
)
from lvcnet.noise.calibrate import make_noisy_labels
from lvcnet.training.run import train

TINY = {"width": 4, "depth": 2, "epochs": 1, "batch_size": 4, "device": "cpu", "threads": 1}
REQUEST = Request("pelves", "level3", "unet", 2, settings=TINY)


@pytest.fixture
def pelves(no_demo: None, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """Twelve training images with noisy labels; queued runs wait, as no worker is started."""
    monkeypatch.setattr(foreground.queue.daemon, "ensure_worker", lambda: None)
    dataset = make_phantom("pelves", train=12, test=2, size=32)
    dataset.add_labels(make_noisy_labels(dataset, 3))
    dataset.save()
    return dataset


def test_a_request_waits_for_its_folds_and_is_judged(pelves: Dataset) -> None:
    names = queue_request(REQUEST)
    assert len(names) == 2
    assert list_requests() == [REQUEST]
    prepared = prepare(REQUEST)
    with pytest.raises(LvcnetError, match="is queued: labels are judged when all runs"):
        judge(prepared, "cpu")
    assert list_requests() == [REQUEST], "it can be tried again"
    for cell in prepared.plan:
        assert train(cell.run) == "done"
    again = prepare(REQUEST)
    assert (request_progress(again).runs_done, request_progress(again).runs) == (2, 2)
    correction = judge(again, "cpu")
    assert len(correction.rows) == 12
    assert (list_requests(), list_corrections()) == ([], ["pelves-level3-unet-s0"])
    with pytest.raises(LvcnetError, match="exists"):
        queue_request(REQUEST)


def test_a_cancelled_request_is_forgotten_with_its_runs(pelves: Dataset) -> None:
    queue_request(REQUEST)
    cancel_request(REQUEST)
    assert list_requests() == []
    assert [cell.state for cell in prepare(REQUEST).plan] == ["cancelled", "cancelled"]
    with pytest.raises(LvcnetError, match="no request"):
        cancel_request(REQUEST)


@pytest.mark.parametrize(
    ("change", "problem"),
    [({"folds": 1}, "1 folds are too few"), ({"labels": "level4"}, "no label set"), ({"method": "x"}, "x")],
)
def test_what_cannot_be_judged_leaves_nothing_behind(
    pelves: Dataset, change: dict[str, object], problem: str
) -> None:
    with pytest.raises(LvcnetError, match=problem):
        queue_request(Request(**{"dataset": "pelves", "labels": "level3", **change}))  # type: ignore[arg-type]
    assert pelves.label_names() == ["clean", "level3"]
    assert not workspace.corrections_dir().exists()


def test_other_files_do_not_hide_requests(pelves: Dataset) -> None:
    queue_request(REQUEST)
    (workspace.corrections_dir() / "a.request.json").write_text("{")
    (workspace.corrections_dir() / "b.request.json").write_text('{"colour": 1}')
    assert list_requests() == [REQUEST]
