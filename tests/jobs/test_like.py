"""Copying what a run was asked for, from the library and the command line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lvcnet.cli import app
from lvcnet.data.phantom.make import make_phantom
from lvcnet.errors import LvcnetError
from lvcnet.jobs import like
from lvcnet.runs.directory import RunDirectory
from lvcnet.training.config import TrainConfig
from lvcnet.training.run import create_run


@pytest.fixture
def first(workspace_home: Path) -> RunDirectory:
    """A run on `hips` with settings that no preset has."""
    make_phantom("hips", train=4, test=2, size=32, seed=0).save()
    config = TrainConfig(
        dataset="hips", method="lvcnet", seed=4, width=8, depth=2, epochs=7, options={"warps": 2}, ema=0.5
    )
    return create_run(config, "first")


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr("lvcnet.jobs.submit", lambda run: names.append(run.name))
    return names


def test_settings_are_all_settings_and_nothing_that_was_recorded_beside_them(first: RunDirectory) -> None:
    settings = like.settings_like(first)
    assert set(settings) == set(TrainConfig.model_fields)
    assert (settings["seed"], settings["width"], settings["options"]) == (4, 8, {"warps": 2})
    assert like.settings_like(first, "lvcnet")["options"] == {"warps": 2}
    assert like.settings_like(first, "unet")["options"] == {}


def test_a_run_of_settings_that_are_not_valid_is_refused_by_name(first: RunDirectory) -> None:
    (first.path / "config.json").write_text(json.dumps({**first.config(), "epochs": 0}))
    with pytest.raises(LvcnetError, match=r"run 'first' cannot be copied: .*epochs"):
        like.settings_like(first)


def test_the_copy_differs_only_in_what_was_given(first: RunDirectory, queued: list[str]) -> None:
    done = CliRunner().invoke(app, ["train", "--like", "first", "--seed", "9", "--queue", "--json"])
    assert done.exit_code == 0, done.output
    assert queued == ["hips-lvcnet-clean-s9"]
    assert RunDirectory(first.path.with_name(queued[0])).config() == {**first.config(), "seed": 9}


def test_a_preset_given_beside_it_wins(first: RunDirectory, queued: list[str]) -> None:
    CliRunner().invoke(app, ["train", "--like", "first", "--preset", "quick", "--queue"])
    config = RunDirectory(first.path.with_name(queued[0])).config()
    assert (config["width"], config["epochs"], config["steps"], config["seed"]) == (16, None, 400, 4)


def test_without_data_and_without_a_run_nothing_can_be_trained(workspace_home: Path) -> None:
    done = CliRunner().invoke(app, ["train"])
    assert isinstance(done.exception, LvcnetError)
    assert "--like RUN" in str(done.exception)
