"""The train page: what it starts is what it says, and what the command line would start."""

import json
import shlex
import shutil
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, Field
from typer.testing import CliRunner

from lvcnet import jobs
from lvcnet.cli import app
from lvcnet.data.dataset import Dataset, LabelSet
from lvcnet.former import GENERATOR
from lvcnet.jobs import queue
from lvcnet.methods import METHODS, MethodSpec
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import list_runs
from lvcnet.training.config import as_yaml, parse_settings
from lvcnet.training.plan import plan_training
from tests.app.conftest import OpenPage

HOW = ("version", "commit")


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the runs that were put into the queue; no worker is started."""
    names: list[str] = []
    monkeypatch.setattr(jobs, "submit", lambda run, evaluate=True: names.append(run.name))
    monkeypatch.setattr(queue, "submit", lambda run, evaluate=True: names.append(run.name))
    return names


def test_without_data_the_page_says_so(open_page: OpenPage) -> None:
    assert "no data set yet" in open_page("train").info[0].value


def test_a_run_is_started_with_its_settings_and_the_command_starts_the_same(
    trained_run: RunDirectory, open_page: OpenPage, submitted: list[str]
) -> None:
    page = open_page("train", method="unet", labels="level3")
    page.number_input(key="run-auto-hips-level3-steps").set_value(2)
    page.number_input(key="run-auto-hips-level3-width").set_value(4)
    page.checkbox(key="run-auto-hips-level3-flip").set_value(False)
    page.number_input(key="run-seed").set_value(7).run()
    command = page.code[0].value
    assert command == (
        "lvcnet train hips --method unet --labels level3 --preset auto --seed 7"
        " --steps 2 --set width=4 --set flip=false --queue"
    )
    page.button(key="run-start").click().run()
    assert not page.exception
    assert submitted == ["hips-unet-level3-s7"]
    assert "hips-unet-level3-s7" in page.success[0].value
    assert CliRunner().invoke(app, shlex.split(command)[1:]).exit_code == 0
    ours, theirs = (RunDirectory(trained_run.path.with_name(name)).config() for name in submitted)
    assert (ours["steps"], ours["width"], ours["flip"], ours["seed"]) == (2, 4, False, 7)
    assert ours == theirs


def test_a_preset_brings_its_own_values(trained_run: RunDirectory, open_page: OpenPage) -> None:
    page = open_page("train")
    page.selectbox(key="run-preset").set_value("paper").run()
    assert page.number_input(key="run-paper-epochs").value == 1200
    assert page.selectbox(key="run-paper-optimizer").value == "sgd"
    assert page.number_input(key="run-paper-learning_rate").value == pytest.approx(1e-4)
    assert "--set" not in page.code[0].value


def test_a_method_with_its_own_network_has_none_to_choose(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    page = open_page("train", method="unet", labels="clean")
    page.selectbox(key="run-auto-hips-clean-network").set_value("segnet").run()
    assert "--set network=segnet" in page.code[0].value
    page = open_page("train", method="fcn", labels="clean")
    choice = page.selectbox(key="run-auto-hips-clean-no-network")
    assert (choice.disabled, choice.value) == (True, "FCN")
    assert "network" not in page.code[0].value


def test_options_of_lvcnet(trained_run: RunDirectory, open_page: OpenPage, submitted: list[str]) -> None:
    page = open_page("train", method="lvcnet", labels="clean")
    usual = GENERATOR["lvcnet"]
    page.checkbox(key=f"run-auto-hips-clean-lvcnet-{usual}-generator").set_value(not usual)
    page.number_input(key="run-auto-hips-clean-lvcnet-4-warps").set_value(2)
    page.text_input(key="run-name").set_value("my-run").run()
    assert f"--set options.generator={str(not usual).lower()} --set options.warps=2" in page.code[0].value
    page.button(key="run-start").click().run()
    config = RunDirectory(trained_run.path.with_name(submitted[0])).config()
    assert submitted == ["my-run"]
    assert config["options"] == {"generator": not usual, "warps": 2}


def test_the_printed_method_has_the_settings_that_the_paper_leaves_open(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    page = open_page("train", method="lvcnet-paper", labels="clean")
    assert page.number_input(key="run-auto-hips-clean-lvcnet-paper-1-warps").value == 1
    page.number_input(key="run-auto-hips-clean-lvcnet-paper-1-warps").set_value(4)
    page.selectbox(key="run-auto-hips-clean-lvcnet-paper-alternate-training").set_value("successive")
    page.checkbox(key="run-auto-hips-clean-lvcnet-paper-True-printed_losses").set_value(False).run()
    command = page.code[0].value
    assert "--method lvcnet-paper" in command
    for setting in ("training=successive", "printed_losses=false", "warps=4"):
        assert f"--set options.{setting}" in command


def test_a_run_with_a_setting_that_is_gone_is_not_copied(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    old = trained_run.path.with_name("old")
    shutil.copytree(trained_run.path, old)
    config = json.loads((old / "config.json").read_text())
    (old / "config.json").write_text(
        json.dumps({**config, "method": "lvcnet", "options": {"stray_weight": 0.1}})
    )
    page = open_page("train", like="old")
    assert not page.exception
    assert "options.stray_weight is gone from lvcnet" in page.warning[0].value


def test_a_name_that_is_not_usable_is_refused_in_place(
    trained_run: RunDirectory, open_page: OpenPage, submitted: list[str]
) -> None:
    page = open_page("train")
    page.text_input(key="run-name").set_value("../evil").run()
    page.button(key="run-start").click().run()
    assert "not a usable name" in page.error[0].value
    assert submitted == []
    assert [run.name for run in list_runs()] == ["tiny"]


def test_a_sweep_says_how_many_runs_it_has_and_queues_them_once(
    trained_run: RunDirectory, open_page: OpenPage, submitted: list[str]
) -> None:
    page = open_page("train", form="sweep")
    page.multiselect(key="sweep-methods").set_value(["fcn", "unet"])
    page.multiselect(key="sweep-levels").set_value(["clean", "level3"])
    page.multiselect(key="sweep-seeds").set_value(["0", "1"]).run()
    page.number_input(key="sweep-auto-hips-clean-width").set_value(4).run()
    assert not page.exception
    assert any("**8 runs**: 8 to train" in element.value for element in page.markdown)
    assert page.button(key="sweep-start").label == "Queue 8 runs"
    assert "--methods fcn,unet --labels clean,level3 --seeds 0,1" in page.code[0].value
    page.button(key="sweep-start").click().run()
    assert len(submitted) == len(set(submitted)) == 8
    page.run()
    assert any("8 waiting or running" in element.value for element in page.markdown)
    assert page.button(key="sweep-start").disabled


def test_a_sweep_starts_from_the_noise_levels_and_not_from_an_annotator_of_that_name(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    dataset = Dataset.load("hips")
    level3 = dataset.labels("level3")
    dataset.add_labels(LabelSet("level2", level3.masks, level3.covered, {"kind": "import"}))
    page = open_page("train", form="sweep")
    field = page.multiselect(key="sweep-levels")
    assert ("level2" in field.options, field.value) == (True, ["level3"])


def test_the_yaml_of_a_sweep_plans_the_same_runs_on_the_command_line(
    trained_run: RunDirectory, open_page: OpenPage, submitted: list[str], tmp_path: Path
) -> None:
    page = open_page("train", form="sweep")
    page.multiselect(key="sweep-methods").set_value(["fcn", "unet"])
    page.multiselect(key="sweep-levels").set_value(["clean", "level3"])
    page.multiselect(key="sweep-seeds").set_value(["0", "3"]).run()
    page.number_input(key="sweep-auto-hips-clean-width").set_value(4)
    page.checkbox(key="sweep-auto-hips-clean-flip").set_value(False).run()
    assert any("`lvcnet sweep --config hips-sweep.yaml` reads it" in one.value for one in page.caption)
    (shown,) = [code.value for code in page.code if code.language == "yaml"]
    planned = next(one.value["Run"].tolist() for one in page.table if "Run" in one.value)
    assert len(planned) == len(set(planned)) == 8

    file = tmp_path / "hips-sweep.yaml"
    file.write_text(shown)
    result = CliRunner().invoke(app, ["sweep", "--config", str(file), "--queue"])
    assert (result.exit_code, submitted) == (0, planned)
    theirs = {name: RunDirectory(trained_run.path.with_name(name)).config() for name in submitted}
    page.run()
    assert any("**8 runs**: 8 waiting or running" in one.value for one in page.markdown)

    for name in planned:
        shutil.rmtree(trained_run.path.with_name(name))
    submitted.clear()
    page.run()
    page.button(key="sweep-start").click().run()
    assert submitted == planned
    assert theirs == {name: RunDirectory(trained_run.path.with_name(name)).config() for name in submitted}
    assert {config["flip"] for config in theirs.values()} == {False}


def test_a_seed_that_is_no_number_is_refused_in_place(trained_run: RunDirectory, open_page: OpenPage) -> None:
    page = open_page("train", form="sweep")
    page.multiselect(key="sweep-methods").set_value([]).run()
    assert "at least one method" in page.error[0].value


@pytest.mark.parametrize("value", [True, 0.002, 1e-5, 12, "paper", "bf16"])
def test_values_survive_the_command_line(value: object) -> None:
    assert parse_settings([f"key={as_yaml(value)}"]) == {"key": value}


def test_a_run_is_copied_with_every_setting_and_the_command_copies_the_same(
    trained_run: RunDirectory, open_page: OpenPage, submitted: list[str]
) -> None:
    before = trained_run.config()
    before["options"] = {"warps": 3, "damping": 0.5}
    before["seed"] = 5
    (trained_run.path / "config.json").write_text(json.dumps(before))
    page = open_page("train", like="tiny", dataset="hips", labels="clean", method="lvcnet")
    assert "every setting of tiny" in page.info[0].value
    assert page.number_input(key="run-tiny-width").value == 4
    assert page.number_input(key="run-tiny-lvcnet-3-warps").value == 3
    assert page.number_input(key="run-seed").value == 5
    assert any("damping = 0.5" in element.value for element in page.caption)
    page.number_input(key="run-tiny-epochs").set_value(3).run()
    command = page.code[0].value
    assert command == (
        "lvcnet train hips --method lvcnet --labels clean --like tiny --seed 5 --epochs 3 --queue"
    )
    page.button(key="run-start").click().run()
    assert CliRunner().invoke(app, shlex.split(command)[1:]).exit_code == 0
    ours, theirs = (RunDirectory(trained_run.path.with_name(name)).config() for name in submitted)
    assert ours == theirs == {**before, "epochs": 3, "plan": ours["plan"]}
    assert ours["plan"]["overridden"] == {**before["plan"]["overridden"], "epochs": 3}


def test_another_method_does_not_take_the_options_and_presets_stay_at_hand(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    page = open_page("train", like="tiny", method="lvcnet")
    page.selectbox(key="pick-method").set_value("unet").run()
    assert not page.exception
    assert "--method unet" in page.code[0].value
    page.selectbox(key="run-preset").set_value("quick").run()
    assert "--preset quick" in page.code[0].value
    assert page.number_input(key="run-quick-hips-clean-width").value == 16


def test_a_run_that_is_gone_cannot_be_copied(trained_run: RunDirectory, open_page: OpenPage) -> None:
    page = open_page("train", like="gone")
    assert "there is no run 'gone'" in page.warning[0].value
    assert "--preset auto" in page.code[0].value


def test_how_long_it_takes_is_known_from_earlier_runs_of_the_same_pace(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    before = trained_run.config()
    assert (before["width"], before["depth"], before["batch_size"]) == (4, 2, 4)
    trained_run.update_status(seconds_per_epoch=3.0)
    page = open_page("train", like="tiny", dataset="hips", labels="clean", method="lvcnet")
    page.number_input(key="run-tiny-epochs").set_value(20).run()
    text = next(element.value for element in page.markdown if "It trains on" in element.value)
    assert text.startswith("About 1 min 0 s of training")
    assert text.endswith("cpu and starts at once.")
    page.number_input(key="run-tiny-width").set_value(8).run()
    assert any("judged by steps timed just now" in element.value for element in page.markdown)


class Manners(BaseModel, extra="forbid"):
    mode: Literal["mild", "bold"] = Field("mild", description="How it behaves.")
    trust: float = Field(0.5, ge=0, le=1, description="Share of the label.")
    hidden: int = 3


def test_the_form_of_a_method_is_made_from_its_options(
    trained_run: RunDirectory, open_page: OpenPage, submitted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = MethodSpec("polite", "Polite", "says please", METHODS["unet"].build, Manners)
    monkeypatch.setitem(METHODS._specs, "polite", spec)  # as a plug-in would
    page = open_page("train", method="polite", labels="clean")
    assert not page.exception
    assert "Polite says please" in page.selectbox(key="pick-method").help
    page.selectbox(key="run-auto-hips-clean-polite-mild-mode").set_value("bold")
    page.number_input(key="run-auto-hips-clean-polite-0.5-trust").set_value(0.25)
    page.selectbox(key="run-auto-hips-clean-network").set_value("segnet").run()
    assert not [one for one in page.number_input if one.label == "Hidden"]
    assert "--set network=segnet --set options.mode=bold --set options.trust=0.25" in page.code[0].value
    page.button(key="run-start").click().run()
    config = RunDirectory(trained_run.path.with_name(submitted[0])).config()
    assert (config["network"], config["options"]) == ("segnet", {"mode": "bold", "trust": 0.25})
    assert submitted == ["hips-polite-segnet-clean-s0"]


def test_a_plug_in_that_was_left_out_is_named(
    trained_run: RunDirectory, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(METHODS, "_problems", ["plug-in broken (lvcnet.methods: broken:X) is left out: no"])
    assert "plug-in broken" in open_page("train").warning[0].value


def test_the_plan_is_shown_with_its_reasons_and_what_the_form_does_otherwise(
    trained_run: RunDirectory, open_page: OpenPage
) -> None:
    page = open_page("train", method="unet", labels="level3")
    plan = plan_training("hips", "level3")
    (shown,) = [one.value for one in page.table if "Why" in one.value]
    assert shown["Setting"].tolist()[:3] == ["Working size (px)", "Images a step", "Steps"]
    assert shown["Plan"].tolist()[2] == str(plan.settings["steps"])
    assert "Innominate bone" in shown["Why"].tolist()[2]
    assert "This run" not in shown
    page.number_input(key="run-auto-hips-level3-steps").set_value(3).run()
    (shown,) = [one.value for one in page.table if "Why" in one.value]
    assert shown["This run"].tolist()[1:4] == ["", "3", ""]
    page.selectbox(key="run-preset").set_value("paper").run()
    (shown,) = [one.value for one in page.table if "Why" in one.value]
    assert shown["This run"].tolist()[2] == "1200 epochs"
