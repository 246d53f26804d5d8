"""A sweep as a file: layers, validation, and the same runs again."""

from pathlib import Path

import pytest

from lvcnet import formats
from lvcnet.jobs import queue
from lvcnet.jobs.sweep_config import build_sweep
from lvcnet.runs.store import list_runs
from lvcnet.training.config import read_preset, read_yaml
from tests.jobs.helpers import make_dataset

TINY = {"width": 4, "depth": 2}
SWEEP = """
dataset: discs
methods: [fcn, unet]
labels: [clean, 3]
seeds: [0, 2]
settings:
  width: 4
  depth: 2
  epochs: 7
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.yaml"
    path.write_text(SWEEP)
    return path


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch) -> None:
    """The data set, and a queue that trains nothing."""
    make_dataset()
    monkeypatch.setattr(queue, "submit", lambda run, evaluate=True: None)


def made() -> set[tuple[str, str, int, int]]:
    """Method, labels, seed and epochs of all runs there are."""
    configs = [run.config() for run in list_runs(demo=False)]
    return {(one["method"], one["labels"], one["seed"], one["epochs"]) for one in configs}


def test_a_file_is_all_that_a_sweep_needs(file: Path, lvcnet) -> None:
    status, out, err = lvcnet("sweep", "--config", str(file), "--queue", "--json")
    assert (status, err) == (0, "")
    expected = {
        (method, labels, seed, 7)
        for method in ("fcn", "unet") for labels in ("clean", "level3") for seed in (0, 2)
    }  # fmt: skip
    assert made() == expected
    assert out.count('"action": "train"') == 8


def test_what_the_command_line_says_wins_over_the_file(file: Path, lvcnet) -> None:
    file.write_text(SWEEP.replace("discs", "elsewhere"))
    arguments = ["--methods", "unet", "--labels", "clean", "--seeds", "1", "--set", "epochs=3"]
    assert lvcnet("sweep", "discs", "--config", str(file), *arguments, "--queue")[0] == 0
    assert made() == {("unet", "clean", 1, 3)}
    (run,) = list_runs(demo=False)
    assert (run.config()["width"], run.config()["depth"]) == (4, 2), "the file's, where nothing else is said"
    assert lvcnet("sweep", "discs", "--config", str(file), *arguments, "--epochs", "4", "--queue")[0] == 0
    assert made() == {("unet", "clean", 1, 3), ("unet", "clean", 1, 4)}


def test_the_file_wins_over_a_preset() -> None:
    sweep = build_sweep({"settings": read_preset("paper")}, {"dataset": "discs", "settings": {"epochs": 7}})
    assert (sweep.settings["epochs"], sweep.settings["optimizer"]) == (7, "sgd")
    assert (sweep.methods, sweep.labels, sweep.seeds) == (
        ["fcn", "unet", "lvcnet", "lvcnet-plus"],
        ["1", "2", "3", "4"],
        [0],
    )


def test_a_written_sweep_plans_the_same_runs(tmp_path: Path) -> None:
    layer = {
        "dataset": "discs",
        "methods": ["unet"],
        "labels": ["clean", 3],
        "seeds": [0, 1],
        "settings": TINY,
    }
    sweep = build_sweep(layer)
    (tmp_path / "sweep.yaml").write_text(sweep.to_yaml())
    again = build_sweep(read_yaml(tmp_path / "sweep.yaml", formats.SWEEP))
    assert again.plan() == sweep.plan()
    assert len(again.plan()) == 4
    assert again.settings["learning_rate"] == 2e-3, "defaults are written, too"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("levels: [1]", "levels: Extra inputs are not permitted (allowed: dataset, methods, labels, seeds, settings)"),
        ("settings: {widht: 8}", "settings.widht: Extra inputs are not permitted (allowed: network, width, depth, block"),
        ("settings: {epochs: 0}", "settings.epochs: Input should be greater than or equal to 1"),
        ("settings: {seed: 3}", "write `seeds:` beside the settings"),
        ("settings: [3]", "write e.g. `epochs: 5` below it"),
        ("settings: {options: 3}", "write e.g. options.warps=2"),
        ("methods: unet", "methods: Input should be a valid list"),
        ("methods: [vnet]", "method 'vnet' (there are fcn"),
        ("seeds: [-1, x]", "seeds.0: Input should be greater than or equal to 0; seeds.1"),
        ("labels: [9]", "label set 'level9'"),
        ("dataset:", "dataset: Input should be a valid string"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_nothing_is_made(file: Path, lvcnet, line: str, message: str) -> None:
    file.write_text(f"dataset: discs\nmethods: [unet]\nlabels: [clean]\n{line}\n")
    status, out, err = lvcnet("sweep", "--config", str(file), "--queue")
    assert (status, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1
    assert made() == set()


def test_without_a_data_set_it_says_where_one_can_be_named(file: Path, lvcnet) -> None:
    assert "--config FILE" in lvcnet("sweep")[2]
    file.write_text("methods: [unet]\n")
    assert f"add `dataset: NAME` to {file}" in lvcnet("sweep", "--config", str(file))[2]


def test_one_runs_file_names_its_data_set_too(file: Path, lvcnet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lvcnet.jobs.submit", lambda run: None)
    file.write_text("dataset: discs\nlabels: level3\nwidth: 4\ndepth: 2\nepochs: 7\n")
    assert lvcnet("train", "--config", str(file), "--queue")[0] == 0
    assert made() == {("lvcnet-plus", "level3", 0, 7)}
