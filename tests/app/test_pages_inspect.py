"""The inspect page, run without a browser on a tiny sweep."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

from lab.inspection import viewing
from lvcnet.data.dataset import CLEAN, Dataset, Item, LabelSet
from lvcnet.models.maps import title
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.snapshots import read_snapshot, snapshot_epochs
from lvcnet.training.run import create_run, train
from tests.app.conftest import OpenPage
from tests.tiny import tiny_config

pytest_plugins = ["tests.app.sweep"]


def texts(page: AppTest) -> str:
    """Everything written on the page."""
    written = [str(element.value) for element in [*page.markdown, *page.caption, *page.info, *page.warning]]
    return "\n".join([*written, *(link.proto.label for link in page.get("page_link"))])


def charts(page: AppTest) -> int:
    return len(page.get("plotly_chart"))


def viewer(page: AppTest) -> dict[str, Any]:
    """What the viewer of the boundary was given."""
    (found,) = [one for one in page.get("bidi_component") if one.proto.component_name == "lvcnet_viewer"]
    data: dict[str, Any] = json.loads(found.proto.json)
    return data


def test_without_runs_the_next_step_is_named(open_page: OpenPage) -> None:
    page = open_page("inspect_run")
    assert "There is nothing to inspect yet" in page.info[0].value
    assert "Start a training" in texts(page)


def test_every_map_of_a_snapshot_has_title_sentence_and_colour_bar(
    sweep_home: Path, open_page: OpenPage
) -> None:
    page = open_page("inspect_run", run="lvcnet-4", part="maps")
    snapshot = read_snapshot(sweep_home / "runs" / "lvcnet-4" / "snapshots", 2)
    assert {"edges", "lvc", "guidance", "offsets", "trunk"} <= set(snapshot.maps)
    for name in snapshot.maps:
        assert f"**{title(name)}**" in texts(page)
    assert charts(page) == len(snapshot.maps) + 1
    assert texts(page).count("$") == 2 * charts(page)  # one equation each


def test_boundary_and_move_of_an_epoch(sweep_home: Path, open_page: OpenPage) -> None:
    page = open_page("inspect_run", run="lvcnet-4", epoch="1", image="test-0002")
    assert page.select_slider(key="epoch-lvcnet-4").value == 1
    sight = viewing.from_snapshot(RunDirectory(sweep_home / "runs" / "lvcnet-4"), 1, "test-0002")
    after, before = sight.scores(), sight.scores("trunk")
    assert page.metric[0].value == f"{after['iou']:.3f}"
    assert page.metric[0].delta == f"{after['iou'] - before['iou']:+.3f}"
    assert charts(page) == 4  # arrows, length, direction, grid
    data = viewer(page)
    assert [panel["title"] for panel in data["panels"]] == [
        "Labels and prediction",
        "Boundary before and after",
    ]
    assert (
        f"IoU of this image {before['iou']:.3f} before, {after['iou']:.3f} after" in data["panels"][1]["note"]
    )
    assert {layer["part"] for layer in data["panels"][1]["layers"]} == {"all", "before", "after"}
    assert {"clean label", "final", "trunk prediction", "offsets V_s"} <= {
        name["title"] for name in data["names"]
    }
    assert page.selectbox(key="after").options == ["Final segmentation", *(f"Warp {n}" for n in (4, 3, 2, 1))]
    page.selectbox(key="after").set_value("warp1").run()
    assert viewer(page)["swipe"] == {"before": "Trunk prediction, before", "after": "Warp 1, after"}
    page.segmented_control(key="field").set_value("guidance").run()
    page.select_slider(key="arrow-every").set_value(8).run()
    assert not page.exception


def test_a_trunk_alone_has_no_maps_and_says_what_is_missing(sweep_home: Path, open_page: OpenPage) -> None:
    page = open_page("inspect_run", run="unet-4", part="maps")
    assert charts(page) == 1  # probability
    assert viewer(page)["swipe"] is None
    assert "U-Net predicts and nothing else" in page.info[0].value
    assert "Inspect lvcnet-4" in texts(page)
    assert "Train LVC-Net on the same labels" in texts(open_page("inspect_run", run="unet-1"))


def test_the_checkpoint_looks_at_any_image(sweep_home: Path, open_page: OpenPage) -> None:
    page = open_page("inspect_run", run="lvcnet-4", source="checkpoint", image="test-0004")
    assert len(page.selectbox(key="pick-image").options) == 10
    assert page.selectbox(key="pick-image").value == "test-0004"
    assert charts(page) == 4


def test_without_a_checkpoint_only_snapshots_are_offered(sweep_home: Path, open_page: OpenPage) -> None:
    shutil.rmtree(sweep_home / "runs" / "lvcnet-4" / "checkpoints")
    page = open_page("inspect_run", run="lvcnet-4", source="checkpoint")
    assert len(page.selectbox(key="pick-image").options) == 4
    assert [control.key for control in page.segmented_control] == ["pick-part", "field"]


def test_without_its_data_set_a_run_still_shows_its_snapshots(sweep_home: Path, open_page: OpenPage) -> None:
    shutil.rmtree(sweep_home / "datasets" / "hips")
    assert charts(open_page("inspect_run", run="lvcnet-4")) == 4


def test_the_film_has_a_frame_an_epoch(sweep_home: Path, open_page: OpenPage) -> None:
    page = open_page("inspect_run", run="unet-4", part="film")
    assert charts(page) == 1
    assert not page.select_slider  # the film brings its own


def test_a_run_in_training_shows_new_snapshots_by_itself(sweep_home: Path, open_page: OpenPage) -> None:
    run = RunDirectory(sweep_home / "runs" / "lvcnet-4")
    run.update_status(state="running", epoch=6)
    page = open_page("inspect_run", run="lvcnet-4")
    assert "Training: epoch 6 of 6" in texts(page)
    assert page.select_slider(key="epoch-lvcnet-4").value == 6
    shutil.copy(run.snapshots / "epoch-0006.npz", run.snapshots / "epoch-0007.npz")
    page.run()
    assert page.select_slider(key="epoch-lvcnet-4").value == 7
    page.select_slider(key="epoch-lvcnet-4").set_value(1).run()
    shutil.copy(run.snapshots / "epoch-0006.npz", run.snapshots / "epoch-0008.npz")
    page.run()
    assert page.select_slider(key="epoch-lvcnet-4").value == 1  # who looks at an old epoch is left in peace


def test_a_broken_snapshot_is_an_error_in_words(sweep_home: Path, open_page: OpenPage) -> None:
    folder = sweep_home / "runs" / "lvcnet-4" / "snapshots"
    (folder / "epoch-0001.npz").write_bytes(b"PK\x03\x04 torn")
    page = open_page("inspect_run", run="lvcnet-4", epoch="1")
    assert "epoch-0001.npz is damaged (File is not a zip file): choose another epoch" in page.error[0].value


def test_a_run_that_has_only_just_started(sweep_home: Path, open_page: OpenPage) -> None:
    run = RunDirectory(sweep_home / "runs" / "lvcnet-4")
    for epoch in snapshot_epochs(run.snapshots)[1:]:
        (run.snapshots / f"epoch-{epoch:04d}.npz").unlink()
    page = open_page("inspect_run", run="lvcnet-4")
    assert "One snapshot so far" in texts(page)
    assert charts(page) == 4


def test_each_of_two_categories_has_its_own_maps(open_page: OpenPage) -> None:
    masks = np.zeros((4, 2, 32, 32), dtype=bool)
    masks[:, 0, 4:20, 4:20] = True
    masks[:, 1, 12:28, 12:28] = True
    images = (40 + 80 * masks.sum(axis=1)).astype(np.uint8)
    items = [Item(f"image-{n}", "train" if n < 2 else "test", 32, 32) for n in range(4)]
    dataset = Dataset("squares", ["upper", "lower"], items, images)
    dataset.add_labels(LabelSet(CLEAN, masks, np.ones(4, dtype=bool)))
    dataset.save()
    config = tiny_config("squares", method="lvcnet", epochs=1, batch_size=2, validation=0)
    assert train(create_run(config, "two")) == "done"
    for part in ("boundary", "maps"):
        page = open_page("inspect_run", run="two", part=part, category="lower")
        assert page.selectbox(key="pick-category").value == "lower"
        assert charts(page) > 2
