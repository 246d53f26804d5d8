"""The audit page: nothing to audit, labels that are audited in the background, and what is shown of them."""

import pytest

from lvcnet.data.phantom.make import make_phantom
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import list_runs
from lvcnet.training import plan
from tests.app.conftest import OpenPage, press

TINY = {"width": 4, "depth": 2}


def test_without_data_the_page_says_so(open_page: OpenPage) -> None:
    page = open_page("audit")
    assert "no data set yet" in page.info[0].value
    assert not page.button


def test_labels_are_audited_and_the_report_is_shown(
    trained_run: RunDirectory, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = plan.start_settings
    monkeypatch.setattr(plan, "start_settings", lambda *given: {**start(*given), **TINY})
    page = open_page("audit", dataset="hips", labels="level3")
    assert "were not audited in this session" in page.info[0].value
    page.number_input(key="audit-folds").set_value(2).run()
    steps = next(one for one in page.number_input if one.label == "Steps")
    steps.set_value(2).run()
    assert page.code[0].value == "lvcnet audit hips --labels level3 --folds 2 --steps 2"
    press(page, "audit")
    assert page.header[0].value == "Labels level3 of hips"
    verdict = [*page.success, *page.warning, *page.info][0].value
    assert verdict.startswith("**")
    titles = [one.value for one in page.subheader]
    assert titles.index("Label quality") < titles.index("Images to look at first")
    assert len(list_runs("hips", demo=False)) == 5
    page.selectbox(key="pick-labels").set_value("clean").run()
    assert not page.header, "what was found is not shown beside other labels"


def test_too_few_images_are_explained(open_page: OpenPage) -> None:
    make_phantom("one", train=1, test=1, size=32).save()
    page = open_page("audit", dataset="one")
    press(page, "audit")
    assert "label more images or choose another number of folds" in page.error[0].value
