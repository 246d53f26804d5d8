"""Configuration: layers, validation, presets."""

from pathlib import Path

import pytest

from lvcnet.errors import LvcnetError
from lvcnet.jobs.requests import TrainRequest
from lvcnet.training.config import (
    TrainConfig,
    build_config,
    list_presets,
    parse_settings,
    read_preset,
    read_yaml,
)


def test_later_layers_win_and_options_merge_key_by_key():
    config = build_config(
        {"dataset": "hips", "width": 8, "options": {"warps": 2, "sigma": 2.0}},
        {"width": 32, "options": {"warps": 4}},
    )
    assert (config.width, config.options) == (32, {"warps": 4, "sigma": 2.0})


def test_every_problem_is_named_at_once():
    with pytest.raises(LvcnetError) as error:
        build_config({"dataset": "hips", "width": 1, "epoch": 3})
    assert "width" in str(error.value)
    assert "epoch" in str(error.value)
    assert "allowed: dataset, labels" in str(error.value)


@pytest.mark.parametrize(
    "name",
    [
        "seed",
        "epochs",
        "batch_size",
        "learning_rate",
        "weight_decay",
        "threads",
        "validate_every",
        "snapshot_every",
    ],
)
def test_no_number_is_larger_than_a_run_can_be_read_with(name: str):
    with pytest.raises(LvcnetError, match=f"{name}.*less than or equal"):
        build_config({"dataset": "hips", name: 10**12})


def test_settings_are_read_as_yaml_and_nest_at_dots():
    settings = [
        "width=32",
        "options.warps=2",
        "options.polarity=false",
        "augment=false",
        "learning_rate=0.001",
    ]
    assert parse_settings(settings) == {
        "width": 32, "options": {"warps": 2, "polarity": False}, "augment": False, "learning_rate": 1e-3,
    }  # fmt: skip
    with pytest.raises(LvcnetError, match="key=value"):
        parse_settings(["width"])


@pytest.mark.parametrize("name", ["quick", "paper"])
def test_presets_are_valid(name):
    assert name in list_presets()
    config = build_config(read_preset(name), {"dataset": "hips"})
    assert (config.steps, config.epochs) == {"quick": (400, None), "paper": (None, 1200)}[name]


def test_the_paper_preset_is_the_papers():
    preset = build_config(read_preset("paper"), {"dataset": "hips"})
    assert (preset.optimizer, preset.learning_rate, preset.epochs) == ("sgd", 1e-4, 1200)


def test_files_that_are_missing_or_are_no_mapping_are_refused(tmp_path: Path):
    with pytest.raises(LvcnetError, match="does not exist"):
        read_yaml(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(LvcnetError, match="not a list"):
        read_yaml(tmp_path / "list.yaml")
    with pytest.raises(LvcnetError, match="auto, quick, paper"):
        read_preset("fast")


def test_level_and_labels_name_one_label_set():
    assert TrainRequest(level="3").label_set() == "level3"
    assert TrainRequest(level="5").label_set() == "level5"
    assert TrainRequest(level="clean").label_set() == "clean"
    assert TrainRequest(labels="dentist2").label_set() == "dentist2"
    assert TrainRequest().label_set() is None
    with pytest.raises(LvcnetError, match="give one of them"):
        TrainRequest(level="3", labels="dentist2").label_set()
    with pytest.raises(LvcnetError, match="1, 2, 3, 4, 5 or clean"):
        TrainRequest(level="6").label_set()


def test_steps_and_epochs_take_each_others_place_and_never_both_decide():
    config = build_config({"epochs": 20}, {"steps": 90}, {"dataset": "hips", "steps": None})
    assert (config.epochs, config.steps) == (20, None)
    config = build_config({"epochs": 20, "dataset": "hips"}, {"steps": 90})
    assert (config.epochs, config.steps, config.epoch_count) == (None, 90, 2)
    config = build_config({"steps": 90, "dataset": "hips"}, {"epochs": 3})
    assert (config.epochs, config.steps, config.epoch_count) == (3, None, 3)
    assert TrainConfig(dataset="hips").epochs == 20  # what a configuration of before meant that said nothing
    with pytest.raises(LvcnetError, match="epochs and steps both say how long"):
        build_config({"dataset": "hips", "epochs": 3, "steps": 90})
