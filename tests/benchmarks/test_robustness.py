"""The robustness benchmark end to end on a tiny data set: trains, evaluates, times, reports; a second call trains nothing."""

from pathlib import Path

import grid_tables
import pytest
import robustness

from lvcnet.data.phantom.make import make_phantom
from lvcnet.errors import LvcnetError
from lvcnet.files import write_json
from lvcnet.runs.store import list_runs

SMALL = "--labels 4,clean --seeds 0 --workers 1 --set epochs=1 --set width=4 --set depth=2 --set batch_size=4"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LVCNET_HOME", str(tmp_path))
    make_phantom("small", 12, 6, 32).save()
    return tmp_path


def test_one_command_trains_what_is_missing_and_reports(workspace: Path, tmp_path: Path) -> None:
    output = tmp_path / "report"
    command = [
        *f"--workspace {workspace} --data small --output {output} --time {SMALL}".split(),
        "--methods",
        "unet,lvcnet-plus warps=1",
    ]
    robustness.main(command)
    names = {run.name: run.status()["started"] for run in list_runs() if run.config()["dataset"] == "small"}
    assert len(names) == 4  # two methods on clean labels and on level 4
    text = output.with_suffix(".md").read_text()
    for expected in (
        "--workspace DIR",
        "LVC-Net plus warps=1",
        "not measured",  # no level 1 and 5: targets stay open
        "Of Dice",
        "Time, side by side",
        "how good the predictions are in their place",
    ):
        assert expected in text, expected
    assert (
        "<svg" in output.with_suffix(".html").read_text()
        or "plotly" in output.with_suffix(".html").read_text()
    )
    one = next(run for run in list_runs() if run.name in names)
    write_json(one.path / "config.json", {**one.config(), "commit": "0123456789"})
    robustness.main(command)
    text = output.with_suffix(".md").read_text()
    assert "runs made at" in text.splitlines()[2]
    assert "0123456789 (1)" in text.splitlines()[2], "trainings of two commits do not hide under one"
    assert sum(line.startswith(f"| {one.name} |") and "0123456789" in line for line in text.splitlines()) == 1
    assert "trained with 2 commits of the project" in text
    again = {run.name: run.status()["started"] for run in list_runs() if run.config()["dataset"] == "small"}
    assert again == names


def test_unknown_data_are_named(workspace: Path) -> None:
    with pytest.raises(LvcnetError, match="nowhere"):
        robustness.main([*f"--workspace {workspace} --data nowhere {SMALL}".split()])


def test_smaller_data_sets_get_as_many_steps() -> None:
    config = robustness.TrainConfig(dataset="any", epochs=20, batch_size=16)
    # 300 images: 270 train, 16 batches, 320 steps; 80 images: 72 train, 4 batches.
    assert grid_tables.epochs_for(80, 300, config) * grid_tables.steps_an_epoch(80, config) == 320


def test_what_the_targets_need_is_trained_first(workspace: Path) -> None:
    names = "clean,3,1,dilated"
    options = robustness.parse_options([*f"--workspace {workspace} --data small --labels {names}".split()])
    robustness.prepare_data("small", names.split(","))
    plan = sorted(robustness.plan_data("small", options), key=robustness.decides)
    first = [cell.config.labels for cell in plan if (cell.config.seed, cell.config.method) == (0, "unet")]
    assert first == ["level1", "clean", "target0.65-markov-grow1", "level3"]
    assert [cell.config.seed for cell in plan] == sorted(cell.config.seed for cell in plan)
