"""The correct page, run without a browser: deciding, conflicts, undoing, and what becomes of it."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from lab.correct import edit as correct_edit
from lab.correct.pictures import LEGEND, review_layers
from lab.ui.mask_editor import Stroke
from lvcnet.correction.review import review_rows
from lvcnet.correction.reviewed import blend, reviewed_masks
from lvcnet.correction.store import Correction
from lvcnet.data.dataset import Dataset
from lvcnet.jobs.correct import list_requests
from lvcnet.jobs.foreground import queue
from lvcnet.runs.store import list_runs
from tests.app.conftest import OpenPage, query

pytest_plugins = ["tests.app.reviewing"]


@pytest.fixture
def keys(correction: Correction) -> list[str]:
    """Images, worst label first."""
    return [row["key"] for row in review_rows(correction)]


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is queued waits."""
    monkeypatch.setattr(queue.daemon, "ensure_worker", lambda: None)


def click(page: AppTest, key: str) -> None:
    page.button(key=key).click().run()
    assert not page.exception


def texts(page: AppTest) -> str:
    return "\n".join(str(element.value) for element in [*page.markdown, *page.caption, *page.info])


def test_without_a_correction_the_next_step_is_named(open_page: OpenPage) -> None:
    page = open_page("correct")
    assert "There is no correction yet" in page.info[0].value
    click(page, "go-new")
    assert query(page, "view") == "new"
    assert "There is no data set yet" in page.info[0].value


def test_the_worst_label_comes_first_and_decisions_are_signed(
    correction: Correction, keys: list[str], open_page: OpenPage
) -> None:
    page = open_page("correct")
    assert query(page, "image") == keys[0]
    assert f"**{keys[0]}** · number 1 of 6" in texts(page)
    assert page.button(key="decide-Accept").disabled
    assert "decisions are signed" in page.info[0].value
    page = open_page("correct", reviewer="Anna")
    click(page, "decide-Accept")
    (event,) = correction.decisions.history()
    assert (event.key, event.decision, event.reviewer) == (keys[0], "accept", "Anna")
    assert query(page, "image") == keys[1]
    click(page, "decide-Reject")
    assert [event.decision for event in correction.decisions.history()] == ["accept", "reject"]
    assert query(page, "image") == keys[2]


def test_a_part_is_stored_as_the_slider_says(
    correction: Correction, keys: list[str], open_page: OpenPage
) -> None:
    page = open_page("correct", reviewer="Anna", image=keys[1])
    page.slider[0].set_value(40).run()
    click(page, "decide-Take this")
    assert correction.decisions.verdicts()[keys[1]].details == {"blend": 0.4}
    again = open_page("correct", image=keys[1])
    assert again.slider[0].value == 40, "who comes back sees what was taken"


def test_regions_are_taken_by_check_boxes(
    correction: Correction, keys: list[str], open_page: OpenPage
) -> None:
    regions = {row["key"]: len(row["regions"]) for row in correction.rows}
    key = next(key for key in keys if regions[key] > 1)
    page = open_page("correct", reviewer="Anna", image=key)
    assert len(page.checkbox) == regions[key]
    page.checkbox[0].uncheck().run()
    click(page, "decide-Take this")
    verdict = correction.decisions.verdicts()[key]
    assert verdict.details == {"regions": list(range(1, regions[key]))}


def test_skip_back_and_the_filter(correction: Correction, keys: list[str], open_page: OpenPage) -> None:
    page = open_page("correct", reviewer="Anna")
    click(page, "move-Skip")
    assert query(page, "image") == keys[1]
    click(page, "move-Back")
    assert (query(page, "image"), page.button(key="move-Back").disabled) == (keys[0], True)
    correction.decisions.decide(keys[3], "reject", "Ben")
    page.selectbox(key="pick-show").select("reject").run()
    assert query(page, "image") == keys[3]
    page.selectbox(key="pick-show").select("edited").run()
    assert "No image passes this filter" in page.info[0].value


def test_undo_takes_ones_own_last_decision_back(
    correction: Correction, keys: list[str], open_page: OpenPage
) -> None:
    page = open_page("correct", reviewer="Anna")
    assert page.button(key="undo").disabled
    click(page, "decide-Accept")
    correction.decisions.decide(keys[1], "reject", "Ben")
    page.run()
    click(page, "undo")
    assert query(page, "image") == keys[0]
    assert [event.decision for event in correction.decisions.history()] == ["accept", "reject", "undo"]
    assert list(correction.decisions.verdicts()) == [keys[1]]


def test_who_decided_meanwhile_is_not_overwritten(
    correction: Correction, keys: list[str], open_page: OpenPage
) -> None:
    page = open_page("correct", reviewer="Anna")
    correction.decisions.decide(keys[0], "reject", "Ben")
    click(page, "decide-Accept")
    assert "Ben rejected the proposal for image" in page.error[0].value
    assert [event.reviewer for event in correction.decisions.history()] == ["Ben"]
    assert query(page, "image") == keys[0]
    assert "Rejected] by Ben" in texts(page)
    click(page, "decide-Accept")
    assert correction.decisions.verdicts()[keys[0]].reviewer == "Anna", "now that it was seen"


def test_decisions_become_a_label_set_and_trainings(
    correction: Correction, keys: list[str], open_page: OpenPage, no_worker: None
) -> None:
    page = open_page("correct", view="use")
    assert page.button(key="make-labels").disabled
    correction.decisions.decide(keys[0], "accept", "Anna")
    correction.decisions.decide(keys[1], "reject", "Anna")
    page = open_page("correct", view="use")
    click(page, "make-labels")
    assert page.success[0].value == "Label set corrected-level3: 1 label repaired."
    dataset = Dataset.load("hips")
    row = dataset.index(keys[0])
    assert (dataset.labels("corrected-level3").masks[row] == dataset.labels("clean").masks[row]).all()
    assert {metric.label: metric.value for metric in page.metric}["Labels repaired"] == "1 of 6"
    assert page.dataframe[0].value["Decision"].tolist()[:3] == ["Accepted", "Rejected", "Undecided"]
    page.number_input(key="correct-auto-hips-level3-steps").set_value(1).run()
    assert page.button(key="correct-train").label == "Train 3 runs"
    click(page, "correct-train")
    assert {run.config()["labels"] for run in list_runs()} == {"level3", "corrected-level3", "clean"}
    assert "In the queue" in page.success[-1].value


def test_labels_that_changed_since_are_told(
    correction: Correction, keys: list[str], open_page: OpenPage
) -> None:
    dataset = Dataset.load("hips")
    labels = dataset.labels("level3")
    labels.masks[:] = False
    dataset.add_labels(labels)
    page = open_page("correct")
    assert "changed since they were judged" in page.warning[0].value


def test_judges_are_trained_in_the_background(
    correction: Correction, open_page: OpenPage, no_worker: None
) -> None:
    page = open_page("correct", view="new", labels="level3", method="unet")
    page.number_input(key="correct-folds").set_value(2).run()
    assert page.text_input(key="start-name").placeholder == correction.name
    click(page, "start-correct")
    assert "exists" in page.error[0].value
    page.text_input(key="start-name").set_value("second").run()
    click(page, "start-correct")
    assert [request.correction for request in list_requests()] == ["second"]
    assert len(list_runs()) == 2
    assert "2 folds in the queue" in page.success[0].value
    click(page, "cancel-second")
    assert list_requests() == []
    assert {run.status()["state"] for run in list_runs()} == {"cancelled"}


def test_the_picture_shows_outlines_and_suspicious_pixels() -> None:
    """A label that lies 4 px left of its proposal: one lacks 4 columns and has 4 others too many."""
    label, proposal = np.zeros((2, 1, 64, 64), bool)
    label[0, 20:40, 10:30], proposal[0, 20:40, 14:34] = True, True
    suspicion = np.where(label ^ proposal, 0.6, 0.0)
    suspicion[0, 20:30, 30:34] = 0.9
    colours = {name: colour for name, (_, colour) in LEGEND.items()}
    layers = review_layers(label, proposal, suspicion, blend(label, proposal, 0.5))
    areas = [(layer.colour, layer.path) for layer in layers if layer.fill]
    assert areas == [
        (colours["missed"], "M29.5 19.5L33.5 19.5L33.5 39.5L29.5 39.5Z"),
        (colours["missed"], "M29.5 19.5L33.5 19.5L33.5 29.5L29.5 29.5Z"),
        (colours["extra"], "M9.5 19.5L13.5 19.5L13.5 39.5L9.5 39.5Z"),
        (colours["extra"], ""),
    ]
    drawn = [(layer.colour, bool(layer.dash)) for layer in layers if not layer.fill]
    assert drawn == [(colours["proposal"], False), (colours["label"], True), (colours["result"], False)]
    assert len(review_layers(label, proposal, suspicion, None)) == len(layers) - 1


def test_what_is_drawn_by_hand_is_stored_as_edited(
    correction: Correction, keys: list[str], open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The editor itself is tested in a browser; here it answers at once."""
    begun, drawn = [], np.zeros((64, 64), bool)
    drawn[10:20, 10:20] = True

    def edit(image: np.ndarray, mask: np.ndarray, **more: object) -> Stroke | None:
        begun.append((mask, more))
        return Stroke("w-1", 0, drawn) if len(begun) == 1 else None

    monkeypatch.setattr(correct_edit, "edit_mask", edit)
    page = open_page("correct", mode="edit", image=keys[2])
    assert "Write your name under Reviewer" in texts(page)
    assert begun == [], "drafts are signed, so without a name nothing is drawn"
    page = open_page("correct", mode="edit", image=keys[2], reviewer="Anna")
    mask, more = begun[0]
    np.testing.assert_array_equal(mask, correction.proposal(keys[2])[0])
    np.testing.assert_array_equal(more["proposal"], mask)
    (event,) = correction.decisions.history()
    assert (event.decision, event.key, query(page, "image")) == ("edited", keys[2], keys[3])
    label = Dataset.load("hips").labels("level3").masks[0]
    np.testing.assert_array_equal(reviewed_masks(label, label, event)[0], drawn)
    assert correction.decisions.drafts.open() == []
    open_page("correct", mode="edit", image=keys[2], reviewer="Anna")
    np.testing.assert_array_equal(begun[-1][0], drawn, "who edits again goes on from there")


def test_drafts_are_named_before_a_label_set_is_made(
    correction: Correction, keys: list[str], open_page: OpenPage, no_worker: None
) -> None:
    drawn = np.zeros((64, 64), bool)
    drawn[10:20, 10:20] = True
    dataset = Dataset.load("hips")
    correction.decisions.drafts.save(keys[1], dataset.categories[0], "Ben", drawn)
    page = open_page("correct", view="use")
    assert f"{keys[1]} (Ben)" in page.warning[0].value.replace("\\", "")
    assert page.button(key="make-labels").disabled
    page.radio(key=f"made-drafts-{correction.name}").set_value("use").run()
    click(page, "make-labels")
    masks = Dataset.load("hips").labels("corrected-level3").masks[dataset.index(keys[1]), 0]
    np.testing.assert_array_equal(masks, drawn)
    assert correction.decisions.drafts.open() == []
