"""The compare page, run without a browser on a tiny sweep."""

import ast
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lab.compare import loading
from lab.headless import ROOT
from lvcnet.comparison.tables import comparison_tables
from lvcnet.data.dataset import Dataset
from lvcnet.data.phantom.make import make_phantom
from lvcnet.files import read_json
from lvcnet.masks.metrics import METRICS
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import list_runs
from tests.app.conftest import OpenPage, press

pytest_plugins = ["tests.app.sweep"]


def texts(page: AppTest) -> str:
    """Everything written on the page."""
    written = [str(element.value) for element in [*page.markdown, *page.caption, *page.info, *page.warning]]
    return "\n".join([*written, *(link.proto.label for link in page.get("page_link"))])


def legend(page: AppTest) -> str:
    """Titles of the colours."""
    return "".join(element.proto.body for element in page.get("html"))


def viewer(page: AppTest) -> dict[str, Any]:
    """What the side-by-side viewer was given."""
    (found,) = [one for one in page.get("bidi_component") if one.proto.component_name == "lvcnet_viewer"]
    data: dict[str, Any] = json.loads(found.proto.json)
    return data


def notes(page: AppTest) -> dict[str, str]:
    """Title of every panel -> the note below it."""
    return {panel["title"]: panel["note"] for panel in viewer(page)["panels"]}


def evaluation(home: Path, name: str) -> dict[str, object]:
    found: dict[str, object] = read_json(home / "runs" / name / "evaluation.json")
    return found


def test_without_runs_the_next_step_is_named(open_page: OpenPage) -> None:
    page = open_page("compare")
    assert "There is no run yet" in page.info[0].value
    assert "Train a method" in texts(page)


def test_a_data_set_without_runs_leads_to_the_train_page(sweep_home: Path, open_page: OpenPage) -> None:
    make_phantom("bare", train=2, test=1, size=32, seed=0).save()
    page = open_page("compare", dataset="bare")
    assert page.selectbox(key="pick-dataset").value == "bare"
    assert "There is nothing to compare on data set 'bare'" in page.info[0].value
    assert "Train on this data set" in texts(page)
    assert open_page("compare").selectbox(key="pick-dataset").value == "hips"


def test_results_show_the_evaluations_numbers(sweep_home: Path, open_page: OpenPage) -> None:
    page = open_page("compare")
    scores = {metric.label: metric.value for metric in page.metric}
    unet, lvcnet = (evaluation(sweep_home, name) for name in ("unet-4", "lvcnet-4"))
    assert scores == {"U-Net": f"{unet['iou']:.3f}", "LVC-Net": f"{lvcnet['iou']:.3f}"}
    assert page.metric[1].delta == f"{float(lvcnet['iou']) - float(unet['iou']):+.3f}"  # type: ignore[arg-type]
    assert "On the same 4 images its IoU (foreground) is" in texts(page)
    assert "one training" in texts(page)
    assert "5 rounds of 3 of 4 test images" in texts(page)  # 80 % of four, not 50


def test_where_runs_differ_in_a_setting_the_user_chooses_which_are_compared(
    sweep_home: Path, open_page: OpenPage
) -> None:
    assert "where-width" not in open_page("compare").session_state
    for name in ("unet-4", "lvcnet-4"):
        path = sweep_home / "runs" / name / "config.json"
        path.write_text(json.dumps(read_json(path) | {"width": 6}))
    page = open_page("compare", dataset="hips")
    page.selectbox(key="pick-where-width").set_value("6").run()
    assert not page.exception
    labels = set(page.dataframe[0].value["Labels"])
    assert labels == {"Level 4"}
    assert "Only runs with width 6" in texts(page)
    shown = open_page("compare", dataset="hips", view="export", **{"where-width": "6"})
    assert "--where width=6" in shown.code[0].value


def test_no_page_shows_what_explains_its_code() -> None:
    """A string that stands alone in a page's script would be written to the page by Streamlit's magic."""
    for path in (ROOT / "pages").glob("*.py"):
        alone = [
            node.value.value
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ]
        functions = [
            ast.get_docstring(node, clean=False)
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        ]
        assert set(alone) <= set(functions), path


def test_table_1_has_our_rounds_beside_the_papers(sweep_home: Path, open_page: OpenPage) -> None:
    table = open_page("compare", metric="hd95").dataframe[0].value
    rounds = evaluation(sweep_home, "lvcnet-4")["rounds"]["miou"]  # type: ignore[index]
    row = table[(table["Labels"] == "Level 4") & (table["Method"] == "LVC-Net")].iloc[0]
    assert row["mIoU"] == f"{rounds['mean']:.3f} ± {rounds['sd']:.3f}"
    assert (row["Paper: Precision"], row["Paper: Recall"], row["Paper: mIoU"]) == ("0.815", "0.796", "0.738")
    assert row[METRICS["hd95"].title] == f"{evaluation(sweep_home, 'lvcnet-4')['hd95']:.3f}"
    assert list(table["Labels"]) == ["Level 1", "Level 4", "Level 4"]


def test_runs_that_wait_are_evaluated_by_a_button(sweep_home: Path, open_page: OpenPage) -> None:
    page = open_page("compare")
    assert page.button(key="evaluate-runs-of-hips").label == "Evaluate 1 run"
    press(page, "evaluate-runs-of-hips")
    assert page.success[0].value == "1 run evaluated."
    assert RunDirectory(sweep_home / "runs" / "fcn-4").evaluation() is not None
    assert [metric.label for metric in page.metric] == ["FCN", "U-Net", "LVC-Net"]
    assert not [button for button in page.button if button.key.startswith("evaluate")]


def test_the_same_image_under_every_method(sweep_home: Path, open_page: OpenPage) -> None:
    page = open_page("compare", view="side-by-side", labels="level4", order="worst:unet")
    assert list(notes(page)) == ["Labels", "U-Net", "LVC-Net"]
    scores = {row["key"]: row["iou"] for row in evaluation(sweep_home, "unet-4")["per_image"]}  # type: ignore[attr-defined]
    worst = min(scores, key=lambda key: scores[key])
    assert page.selectbox(key="pick-image").value == worst
    assert notes(page)["U-Net"].startswith(f"IoU {scores[worst]:.3f}")
    page.segmented_control(key="viewer-mode").set_value("errors")
    page.slider(key="viewer-opacity").set_value(0.6)
    page.run()
    assert not page.exception
    assert viewer(page)["opacity"] == 0.6
    assert "Missed" in legend(page)


def test_training_images_show_the_noisy_label(sweep_home: Path, open_page: OpenPage) -> None:
    page = open_page("compare", view="side-by-side", labels="level4", image="train-0002")
    assert page.selectbox(key="pick-image").value == "train-0002"
    assert "A training image with the level 4 label" in notes(page)["Labels"]
    assert "Label in training" in legend(page)
    plain = [len(panel["layers"]) for panel in viewer(page)["panels"]]
    page.toggle(key="viewer-noisy").set_value(True).run()
    assert [len(panel["layers"]) for panel in viewer(page)["panels"]] == [
        plain[0],
        *(count + 1 for count in plain[1:]),
    ]


def test_without_checkpoints_the_viewer_shows_snapshots_and_says_so(
    sweep_home: Path, open_page: OpenPage
) -> None:
    for name in ("unet-4", "lvcnet-4"):
        for path in (sweep_home / "runs" / name / "checkpoints").glob("*"):
            path.unlink()
    page = open_page("compare", view="side-by-side", labels="level4")
    assert len(page.selectbox(key="pick-image").options) == 4  # two training and two test images
    assert len(notes(page)) == 3
    assert "Predictions: snapshot of epoch 6." in texts(page)
    shown = page.selectbox(key="pick-image").options
    measured = [row["key"] for row in evaluation(sweep_home, "unet-4")["per_image"]]  # type: ignore[attr-defined]
    hidden = next(key for key in measured if not any(option.startswith(key) for option in shown))
    page = open_page("compare", view="side-by-side", labels="level4", image=hidden)
    assert f"Image {hidden} was measured, but these runs have no usable checkpoint here" in texts(page)


def test_a_run_without_anything_to_show_is_named_and_the_others_shown(
    sweep_home: Path, open_page: OpenPage
) -> None:
    run = RunDirectory(sweep_home / "runs" / "unet-4")
    for path in [*run.checkpoints.glob("*"), *run.snapshots.glob("*")]:
        path.unlink()
    page = open_page("compare", view="side-by-side", labels="level4")
    assert "run 'unet-4' has neither a checkpoint nor snapshots here" in texts(page)
    assert len(notes(page)) == 2


def test_a_checkpoint_that_does_not_fit_is_an_error_in_words(sweep_home: Path, open_page: OpenPage) -> None:
    config = read_json(sweep_home / "runs" / "unet-4" / "config.json")
    (sweep_home / "runs" / "unet-4" / "config.json").write_text(json.dumps({**config, "width": 16}))
    page = open_page("compare", view="side-by-side", labels="level4", image="test-0004")
    assert "does not fit the network of its run: it was made by another version" in texts(page)


def test_image_by_image_counts_who_is_better(sweep_home: Path, open_page: OpenPage) -> None:
    page = open_page("compare", view="image-by-image", labels="level4", metric="hd95")
    first, second = (
        {row["key"]: row["hd95"] for row in evaluation(sweep_home, name)["per_image"]}  # type: ignore[attr-defined]
        for name in ("unet-4", "lvcnet-4")
    )
    wins = sum(second[key] < first[key] for key in first)  # a distance: less is better
    assert f"LVC-Net is better on **{wins} of 4** test images" in texts(page)


def test_one_method_alone_cannot_be_paired(sweep_home: Path, open_page: OpenPage) -> None:
    assert "Only one method learned from these labels" in texts(
        open_page("compare", view="image-by-image", labels="level1")
    )


def test_export_offers_four_files(sweep_home: Path, open_page: OpenPage) -> None:
    page = open_page("compare", view="export")
    assert [button.proto.label for button in page.get("download_button")] == [
        "CSV",
        "Markdown",
        "JSON",
        "HTML report",
    ]


def test_the_tables_are_those_of_the_report(sweep_home: Path, open_page: OpenPage) -> None:
    page = open_page("compare", view="tables")
    expected = comparison_tables(loading.load_comparison("hips", "iou"))
    assert [title.value for title in page.header] == [table.title for table in expected]
    assert len(page.get("download_button")) == len(expected)
    for shown, table in zip(page.dataframe, expected, strict=True):
        assert [shown.value.columns.tolist(), *shown.value.to_numpy().tolist()] == [table.header, *table.rows]


def test_retention_over_clean_labels_says_what_it_needs(sweep_home: Path, open_page: OpenPage) -> None:
    page = open_page("compare")
    page.segmented_control(key="retention-kind").set_value("retention_clean").run()
    assert not page.exception
    assert "train U-Net on them" in texts(page)


def test_an_address_that_makes_no_sense_falls_back(sweep_home: Path, open_page: OpenPage) -> None:
    page = open_page("compare", dataset="gone", metric="luck", view="nowhere")
    assert page.selectbox(key="pick-metric").value == "iou"
    assert page.metric


def test_changed_data_leave_nothing_to_compare_and_say_why(sweep_home: Path, open_page: OpenPage) -> None:
    dataset = Dataset.load("hips")
    dataset.add_labels(type(clean := dataset.labels("clean"))("clean", ~clean.masks, clean.covered))
    assert "the data set changed since" in open_page("compare").info[0].value


@pytest.mark.parametrize("metric", list(METRICS))
def test_every_metric_can_be_compared(sweep_home: Path, open_page: OpenPage, metric: str) -> None:
    assert open_page("compare", metric=metric).metric


def test_the_planner_shows_clicks_budget_and_command(sweep_home: Path, open_page: OpenPage) -> None:
    page = open_page("compare", view="planner", metric="hd95")
    assert len(page.get("plotly_chart")) == 1
    table = page.dataframe[0].value
    assert list(table["Method"]) == ["U-Net", "U-Net", "LVC-Net"]
    assert "level 4 outlines with LVC-Net" in texts(page).replace("Level 4 out", "level 4 out")
    assert "about foreground IoU, whatever the metric above" in texts(page)
    assert "one training" in texts(page)
    page.number_input(key="plan-budget-hips").set_value(6)
    page.run()
    assert not page.exception
    assert "6 clicks over 6 images are 1.0 an image, fewer than the roughest measured outlines take" in texts(
        page
    )
    assert "lvcnet plan hips --budget 6" in page.code[0].value


def test_the_planner_without_the_data_says_what_is_missing(sweep_home: Path, open_page: OpenPage) -> None:
    shutil.rmtree(sweep_home / "datasets" / "hips")
    page = open_page("compare", view="planner")
    assert "no data set 'hips'" in page.info[0].value
    assert "Train on this data set" in texts(page)


def test_a_hurried_sweep_says_that_nothing_can_be_concluded_and_why(
    half_done_home: Path, open_page: OpenPage
) -> None:
    page = open_page("compare", labels="level4")
    said = page.warning[0].value
    assert "Level 4: nothing can be said about LVC-Net." in said
    assert "epochs 1 instead of 6" in said
    assert "on 4 of 4 images" in said
    assert "train it with their settings" in said
    assert "No method can be called better or worse" in texts(page)
    assert "is better than" not in texts(page)
    assert not [metric.delta for metric in page.metric if metric.delta]
    assert "Nothing is concluded from LVC-Net on level1" in texts(page)
    for kind in ("retention", "retention_clean"):
        page.segmented_control(key="retention-kind").set_value(kind).run()
        assert "This is the score at a level over" in texts(page)  # and no bar
    table = page.dataframe[0].value
    assert list(table["Method"]) == ["U-Net †", "LVC-Net †", "U-Net", "LVC-Net †"]


def test_what_a_run_did_not_learn_is_said_above_the_figures(sweep_home: Path, open_page: OpenPage) -> None:
    run = next(one for one in list_runs("hips") if one.status()["state"] == "done")
    name, *_ = run.config()["data"]["categories"]
    before = [element.value for element in open_page("compare").warning]
    found = {**evaluation(sweep_home, run.name), "masks": {}, "shown": {name: {"images": 3, "iou": 0.04}}}
    found["per_category"] = {name: found["per_category"][name]}  # type: ignore[index]
    run.write_evaluation(found)
    said = [element.value for element in open_page("compare").warning]
    assert not any("is not learned" in one for one in before)
    assert any("is not learned: IoU 0.04 on 3 test images; trained" in one for one in said), said


def test_the_planner_of_a_hurried_sweep_claims_nothing(half_done_home: Path, open_page: OpenPage) -> None:
    page = open_page("compare", view="planner")
    assert "Level 1: nothing can be said about LVC-Net and U-Net." in page.warning[0].value
    assert "No outlines can be called equal" in texts(page)
    assert "fewer clicks" not in texts(page)
    assert list(page.dataframe[0].value["Method"]) == ["U-Net"]


def test_images_of_a_collapsed_run_are_shown_without_a_winner(
    half_done_home: Path, open_page: OpenPage
) -> None:
    said = texts(open_page("compare", view="image-by-image", labels="level4"))
    assert "Nothing can be concluded from these images: run lvcnet-4 " in said
    assert "is better on" not in said
    assert notes(open_page("compare", view="side-by-side", labels="level4"))["LVC-Net"].endswith("†")


def test_the_overview_gives_no_retention_of_a_collapsed_run(
    half_done_home: Path, open_page: OpenPage
) -> None:
    page = open_page("overview")
    shown = page.table[0].value.to_string()
    assert "†" in shown
    assert "%" not in shown
    assert "nothing can be said about LVC-Net" in texts(page)
