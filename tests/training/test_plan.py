"""The training plan: it follows from the data, and a run keeps it with what was done otherwise."""

from dataclasses import replace

import numpy as np
import pytest
import yaml

import lvcnet as lv
from lvcnet.data.dataset import Dataset, Item, LabelSet
from lvcnet.errors import LvcnetError
from lvcnet.training.config import build_config, read_yaml
from lvcnet.training.plan import derive, on_plan, plan_training, start_settings
from lvcnet.training.run import create_run


def _dataset(images: int, side: int = 20, thick: int = 20, names: tuple[str, ...] = ("square",)) -> Dataset:
    """Squares of a side (or lower bars) in training images of 64 px, one behind the other."""
    masks = np.zeros((images, len(names), 64, 64), bool)
    for channel in range(len(names)):
        left = 4 + 32 * channel
        masks[:, channel, 8 : 8 + thick, left : left + side] = True
    items = [Item(f"image-{n}", "train", 64, 64) for n in range(images)]
    dataset = Dataset("made", list(names), items, np.zeros((images, 64, 64), np.uint8))
    dataset.add_labels(LabelSet("clean", masks, np.ones(images, bool)))
    return dataset


def _settings(dataset: Dataset) -> dict[str, object]:
    return dict(derive(dataset, "clean").settings)


def test_every_choice_has_a_reason_in_one_sentence_and_is_a_setting() -> None:
    plan = derive(_dataset(40), "clean")
    for one in (plan.size, *plan.choices):
        assert one.reason.endswith("."), one
        assert "\n" not in one.reason
    assert build_config(dict(plan.settings), {"dataset": "made"}).steps == plan.settings["steps"]


def test_steps_by_hand() -> None:
    """A square of 26 px is 16.5 % of 64 px: the least. One of 8 px is 1.56 %: 800 * sqrt(10 / 1.56) = 2024, at most 2000.
    14 px are 4.79 %: 1156, rounded 1200. 3200 images, of which 320 are held out, ten times each, are 1800 steps."""
    assert _settings(_dataset(40, 26, 26))["steps"] == 800
    assert _settings(_dataset(40, 8, 8))["steps"] == 2000
    assert _settings(_dataset(40, 14, 14))["steps"] == 1200
    assert _settings(_dataset(3200, 26, 26))["steps"] == 1800
    assert _settings(_dataset(40, 14, 14))["epoch_steps"] == 60


def test_few_images_are_moved_further_and_give_smaller_steps() -> None:
    few, many = _settings(_dataset(20)), _settings(_dataset(200))
    assert (few["batch_size"], few["jitter"]) == (9, 1.5)
    assert (many["batch_size"], many["jitter"]) == (16, 1.0)


def test_images_are_mirrored_only_where_labels_stay_true() -> None:
    assert _settings(_dataset(20))["flip"] is True
    assert (
        _settings(_dataset(20, names=("1", "2")))["flip"] is False
    )  # they change places, and no name says so
    assert _settings(_dataset(20, names=("left lung", "right lung")))["flip"] is True


def test_a_data_set_that_was_imported_too_small_says_with_which_size_to_import_again() -> None:
    dataset = _dataset(20, 40, 3)
    dataset.items[:] = [replace(item, height=640, width=640) for item in dataset.items]
    plan = derive(dataset, "clean")
    assert plan.import_again == "imported at 64 px: import again with --size 192"  # 8 px of 3 in 64 are 171
    assert "--size 192" in plan.to_yaml()
    assert "square, the thinnest common structure, is 9 px thick then" in plan.size.reason


def test_the_file_is_a_configuration_with_a_reason_above_each_setting(squares, tmp_path) -> None:
    plan = plan_training("squares", "level3")
    path = tmp_path / "training-plan.yaml"
    path.write_text(plan.to_yaml())
    assert read_yaml(path) == {"dataset": "squares", "labels": "level3", **plan.settings}
    lines = plan.to_yaml().splitlines()
    for one in plan.choices:
        assert lines[lines.index(yaml.safe_dump({one.name: one.value}).strip()) - 1] == f"# {one.reason}"


def test_a_category_of_any_name_stays_in_its_comment(tmp_path) -> None:
    plan = derive(_dataset(20, names=("bone\nwidth: 999\u2028# x",)), "clean")
    path = tmp_path / "training-plan.yaml"
    path.write_text(plan.to_yaml())
    assert read_yaml(path) == {"dataset": "made", "labels": "clean", **plan.settings}


def test_presets_stand_on_the_plan_or_for_themselves(squares) -> None:
    plan = plan_training("squares", "level3")
    assert start_settings("auto", "squares", "level3") == {**plan.settings, "options": {}}
    assert start_settings("quick", squares, "level3") == {
        **plan.settings, "steps": 400, "epoch_steps": 50, "options": {},
    }  # fmt: skip
    assert on_plan("paper", plan)["epochs"] == 1200
    assert "loss" not in on_plan("paper", plan)
    with pytest.raises(LvcnetError, match="auto, quick, paper"):
        start_settings("fast", "squares")


def test_a_run_keeps_the_plan_and_what_it_does_otherwise(squares) -> None:
    auto = create_run(build_config(start_settings("auto", squares, "level3"), _named("level3")))
    kept = auto.config()["plan"]
    assert kept == plan_training(squares, "level3").record(auto.config())
    assert kept["overridden"] == {}
    other = build_config(
        start_settings("auto", squares, "level3"), _named("level3"), {"epochs": 3, "width": 4}
    )
    assert create_run(other).config()["plan"]["overridden"] == {"width": 4, "epochs": 3}


def test_the_same_plan_for_every_method_and_no_look_at_clean_labels(squares) -> None:
    """A plan of noisy labels does not change with the clean ones."""
    before = derive(squares, "level3")
    squares._labels["clean"] = replace(
        squares.labels("clean"), masks=np.zeros_like(squares.labels("clean").masks)
    )
    assert derive(squares, "level3") == before


def test_a_plan_is_made_anew_when_its_labels_change(squares) -> None:
    before = lv.plan_training(squares, "level3")
    assert lv.plan_training(squares, "level3") is before
    labels = squares.labels("level3")
    squares.add_labels(replace(labels, masks=labels.masks & (np.arange(32) < 18)))
    assert lv.plan_training("squares", "level3").traits.categories != before.traits.categories


def _named(labels: str) -> dict[str, str]:
    return {"dataset": "squares", "labels": labels, "method": "unet"}
