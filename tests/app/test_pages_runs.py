"""The runs page: states, curves, actions, announcements."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from lab.draw.curves import NOT_A_LOSS, iou_curves, loss_curves
from lab.runs import views as run_view
from lvcnet import jobs
from lvcnet.data.displacement import told
from lvcnet.jobs import daemon
from lvcnet.masks.displacement import Displacement, Verdict
from lvcnet.runs.about import About, read_about
from lvcnet.runs.directory import RunDirectory, process_record
from lvcnet.training.run import create_run
from tests.app.conftest import OpenPage, press, query
from tests.tiny import tiny_config


@pytest.fixture
def waiting(trained_run: RunDirectory) -> RunDirectory:
    """A run that was created and not started, beside the run `tiny`."""
    return create_run(tiny_config("hips", method="unet", epochs=9), "waiting")


def figures(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_without_runs_the_page_says_so(open_page: OpenPage) -> None:
    assert "no run yet" in open_page("runs").info[0].value


def test_active_runs_come_first_and_the_address_chooses(waiting: RunDirectory, open_page: OpenPage) -> None:
    page = open_page("runs", run="tiny")
    assert page.dataframe[0].value["Run"].tolist() == ["waiting", "tiny"]
    assert page.selectbox(key="pick-run").value == "tiny"
    assert figures(page)["Epoch"] == "1 of 1"
    page.selectbox(key="pick-run").set_value("waiting").run()
    assert query(page, "run") == "waiting"
    assert figures(page)["State"] == "queued"
    assert any("Curves appear" in element.value for element in page.info)


def test_a_run_is_cancelled_resumed_and_deleted(
    waiting: RunDirectory, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    resumed: list[str] = []
    monkeypatch.setattr(jobs, "resume", lambda run: resumed.append(run.name))
    page = open_page("runs", run="waiting")
    page.button(key="cancel-waiting").click().run()
    assert waiting.status()["state"] == "cancelled"
    assert "asked to save its state" in page.success[0].value
    said = [element.value for element in page.info]
    assert said == [
        "It stopped within its first epoch.",
        "Not evaluated (cancelled). Resume the run: it is evaluated when it is done.",
    ]
    page.button(key="resume-waiting").click().run()
    assert resumed == ["waiting"]
    page.button(key="delete-run-waiting").click().run()
    page.button(key="sure-run-waiting").click().run()
    assert not page.exception
    assert not waiting.path.exists()
    assert page.selectbox(key="pick-run").value == "tiny"


def test_a_link_to_a_run_that_is_gone_says_so(trained_run: RunDirectory, open_page: OpenPage) -> None:
    page = open_page("runs", run="gone")
    (said,) = page.warning
    assert said.value == "There is no run gone to show here: this is tiny."
    assert not page.run().warning


def test_what_cannot_be_done_is_explained(waiting: RunDirectory, open_page: OpenPage) -> None:
    page = open_page("runs", run="waiting")
    waiting.update_status(state="done")
    page.button(key="cancel-waiting").click().run()
    assert "nothing to cancel" in page.error[0].value


def test_a_run_is_evaluated_and_shows_the_figures(trained_run: RunDirectory, open_page: OpenPage) -> None:
    page = open_page("runs")
    assert any("Not evaluated yet" in element.value for element in page.info)
    press(page, f"evaluate-{trained_run.name}")
    evaluation = trained_run.evaluation()
    assert evaluation is not None
    table = page.table[0].value.set_index("Metric")["All test images"]
    assert table["IoU (foreground)"] == f"{evaluation['iou']:.3f}"
    assert table["HD95 (px)"] == f"{evaluation['hd95']:.3f}"
    assert page.dataframe[0].value["IoU"].tolist() == [f"{evaluation['iou']:.3f} †"]


def test_curves_hold_the_rows_of_the_run(trained_run: RunDirectory) -> None:
    rows = trained_run.metrics()
    losses = loss_curves(rows)
    categories = {f"validation_iou/{name}" for name in trained_run.config()["data"]["categories"]}
    assert categories < set(rows[0])
    assert len(losses.data) == len(set(rows[0]) - NOT_A_LOSS - categories)
    assert losses.data[0].name == "Total"
    assert list(losses.data[0].y) == [rows[0]["loss"]]
    noisy, clean, level = iou_curves(rows, "level3", 0.82).data
    assert "level3" in noisy.name
    assert list(clean.y) == [rows[0]["test_iou"]]
    assert list(level.y) == [0.82, 0.82]
    assert losses.layout.xaxis.title.text == "Step"
    assert list(losses.data[0].x) == [rows[0]["step"]]
    older = [{name: value for name, value in row.items() if name != "step"} for row in rows]
    assert loss_curves(rows, others={"older": older}).layout.xaxis.title.text == "Epoch"  # what both know


def test_the_page_says_what_is_not_learned_and_that_a_stopped_run_can_go_on(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    for epoch in range(1, 9):
        row = {"epoch": epoch, "loss": 1 - 0.05 * epoch, "validation_iou": 0.5 + 0.02 * epoch}
        trained_run.append_metrics({**row, "validation_iou/<b>clavicles</b>": 0.0})
    trained_run.update_status(state="cancelled", epoch=8, epochs=50, step=240, steps=1500)
    said = [element.value for element in open_page("runs").warning]
    assert any(
        "\\<b>clavicles\\</b>' is not learned: IoU 0.00 on held-out labels; trained 240 of 1,500 steps: resume it"
        in one
        for one in said
    ), said
    assert any("still rose when it stopped" in one for one in said), said


def test_epochs_without_a_check_leave_no_point() -> None:
    rows = [{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": 0.5, "validation_iou": None, "test_iou": 0.7}]
    noisy, clean = iou_curves(rows, "clean", None).data
    assert list(noisy.x) == []
    assert list(clean.x) == [2]


def test_a_configuration_can_be_cloned(
    waiting: RunDirectory, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    links: list[tuple[str, dict[str, str] | None]] = []
    monkeypatch.setattr(run_view, "link_to", lambda key, *_, query=None: links.append((key, query)))
    open_page("runs", run="waiting")
    wanted = {"like": "waiting", "form": "run", "dataset": "hips", "labels": "clean", "method": "unet"}
    assert ("train", wanted) in links


def test_title_and_note_are_edited_in_place(waiting: RunDirectory, open_page: OpenPage) -> None:
    page = open_page("runs", run="waiting")
    assert not {"Title", "Note", "Time left"} & set(page.dataframe[0].value)
    page.text_input(key="run-title-waiting").set_value("Rough *labels*")
    page.text_area(key="run-note-waiting").set_value("For the second figure")
    next(button for button in page.button if button.label == "Save").click().run()
    assert not page.exception
    assert read_about(waiting) == About("Rough *labels*", "For the second figure")
    assert page.dataframe[0].value["Title"].tolist() == ["Rough *labels*", ""]
    assert page.dataframe[0].value["Note"].tolist() == ["For the second figure", ""]
    assert page.header[0].value == r"Rough \*labels\*"
    assert page.selectbox(key="pick-run").options[0].startswith("Rough *labels*: waiting (")
    assert query(page, "run") == "waiting"


def test_what_a_running_trainer_takes_is_shown_and_then_what_it_took(
    waiting: RunDirectory, open_page: OpenPage
) -> None:
    waiting.append_metrics({"epoch": 1, "loss": 1.0, "images_per_second": 1234.5, "memory_mb": 450.4})
    waiting.update_status(state="running", **process_record())
    waiting.update_status(epoch=1, seconds_per_epoch=3.0)
    page = open_page("runs", run="waiting")
    assert page.dataframe[0].value["Time left"].tolist() == ["24 s", ""]
    shown = figures(page)
    assert (shown["Images per second"], shown["CPU"]) == ("1,234", "—")
    assert figures(page.run())["CPU"].endswith(" %")
    assert shown["Memory (MB)"] not in ("450", "—")
    waiting.update_status(state="cancelled")
    shown = figures(open_page("runs", run="waiting"))
    assert "CPU" not in shown
    assert shown["Memory (MB)"] == "450"


def test_waiting_runs_show_their_place(
    waiting: RunDirectory, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "ensure_worker", lambda: None)
    jobs.submit(waiting)
    page = open_page("runs", run="waiting")
    assert figures(page)["State"] == "queued, place 1"
    assert page.dataframe[0].value["State"].tolist() == ["… queued (1)", "✓ done"]


def test_smoothing_keeps_what_was_measured_behind_and_other_runs_are_broken_lines() -> None:
    rows = [
        {"epoch": epoch, "loss": value, "test_iou": 0.5} for epoch, value in ((1, 1.0), (2, 1.0), (3, 4.0))
    ]
    raw, smooth, *other = loss_curves(rows, 0.5, {"other": rows[:2]}).data
    assert (list(raw.y), raw.showlegend) == ([1.0, 1.0, 4.0], False)
    assert list(smooth.y) == pytest.approx([1.0, 1.0, (0.125 + 0.25 + 0.5 * 4) / 0.875])
    assert [(line.line.dash, list(line.x)) for line in other] == [("dash", [1, 2])] * 2
    assert other[1].name == "other, total"
    assert iou_curves(rows, "clean", None, 0.0, {"other": rows}).data[-1].name == "other, clean labels"


def test_runs_are_laid_over_each_other_and_the_log_is_a_file(
    trained_run: RunDirectory, waiting: RunDirectory, open_page: OpenPage
) -> None:
    waiting.append_metrics({"epoch": 1, "loss": 1.0, "test_iou": 0.25})
    page = open_page("runs", run="tiny")
    page.multiselect(key="curve-runs").set_value(["waiting"])
    page.slider(key="curve-smoothing").set_value(0.5).run()
    assert not page.exception
    drawn = [chart.proto.spec for chart in page.get("plotly_chart")]
    assert all("waiting, " in spec for spec in drawn)
    assert any(button.label == "Download the log" for button in page.get("download_button"))


def test_a_run_shows_its_plan_and_what_it_did_otherwise(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    page = open_page("runs", run="tiny")
    assert any(
        "Trained otherwise: " in one.value and "width 4 instead of 16" in one.value for one in page.markdown
    )
    (shown,) = [one.value for one in page.table if "Why" in one.value]
    row = shown.set_index("Setting").loc["Width"]
    assert (row["Plan"], row["This run"]) == ("16", "4")
    config = trained_run.config()
    del config["plan"]  # as a run of before
    (trained_run.path / "config.json").write_text(json.dumps(config))
    page = open_page("runs", run="tiny")
    assert not page.exception
    assert not [one for one in page.table if "Why" in one.value]


def test_a_run_shows_how_far_outlines_were_moved_before_training(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    before = Displacement(5.46, 5.1, 5.9, 1.5, Verdict.BESIDE, 60)
    small = Displacement(0.8, 0.5, 1.0, 1.5, Verdict.ON, 60)
    said = told({"lungs": before, "heart": small}, True)
    trained_run.write_displacement({"asked": "edges", "mm_a_pixel": None, "categories": said})
    page = open_page("runs", run="tiny")
    (table,) = [one.value for one in page.table if "Moved by (px)" in one.value]
    assert table["Moved by (px)"].tolist() == ["5.5", "0.8"]
    assert "more than a convention explains" in table["What the images said"][0]
    assert any("costs up to 13 points of IoU" in one.value for one in page.warning)

    (trained_run.path / "displacement.json").write_text("{}")
    page = open_page("runs")
    assert not page.exception
