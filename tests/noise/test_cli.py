"""`lvcnet noise`: what it stores, prints and exports."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lvcnet.cli import app, main
from lvcnet.data.dataset import Dataset, LabelSet
from lvcnet.noise.calibrate import make_noisy_labels
from lvcnet.planner.clicks import outlines_of
from tests.noise.helpers import make_dataset


@pytest.fixture
def stored() -> Dataset:
    keys = [f"image{number}" for number in range(14)]
    dataset = make_dataset(keys, test_keys=tuple(keys[10:]))
    dataset.save()
    return dataset


def test_json_is_one_object_and_labels_are_stored(stored: Dataset, tmp_path: Path) -> None:
    arguments = ["noise", "shapes", "--levels", "1,3", "--export", str(tmp_path / "coco"), "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["dataset"] == "shapes"
    assert [entry["name"] for entry in answer["labels"]] == ["level1", "level3"]
    assert answer["labels"][1]["mean_iou"] == pytest.approx(0.82, abs=0.005)
    again = Dataset.load("shapes")
    assert again.label_names() == ["clean", "level1", "level3"]
    assert again.manifest("level3")["strength"] == answer["labels"][1]["strength"]
    coco = json.loads(Path(answer["labels"][0]["file"]).read_text())
    assert len(coco["images"]) == 10
    assert {category["name"] for category in coco["categories"]} == {"bones", "ring"}


def test_table_and_target(stored: Dataset) -> None:
    arguments = ["noise", "shapes", "--target", "0.85", "--family", "shift", "--include-test"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "Target IoU" in result.stdout
    assert "0.850" in result.stdout
    assert Dataset.load("shapes").labels("target0.85-shift").covered.all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--levels", "1,x"], "--levels '1,x' is not a list of numbers"),
        (["--levels", "7"], "noise level 7 does not exist"),
        (["--levels", "1", "--target", "0.8"], "--levels and --target were both given"),
        (["--family", "box", "--target", "0.05"], "cannot reach"),
    ],
)
def test_errors_are_one_line_and_leave_the_data_set_alone(
    stored: Dataset,
    options: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["lvcnet", "noise", "shapes", *options])
    with pytest.raises(SystemExit) as exit:
        main()
    assert exit.value.code == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert [line for line in captured.err.splitlines() if line.strip()] == [captured.err.strip()]
    assert Dataset.load("shapes").label_names() == ["clean"]


def test_help_has_an_example() -> None:
    assert "Example:" in CliRunner().invoke(app, ["noise", "--help"]).stdout


def test_a_dry_run_tells_everything_and_adds_nothing(stored: Dataset) -> None:
    arguments = ["noise", "shapes", "--levels", "2", "--dry-run", "--json"]
    dry = json.loads(CliRunner().invoke(app, arguments).stdout)["labels"]
    assert Dataset.load("shapes").label_names() == ["clean"]
    made = json.loads(CliRunner().invoke(app, [*arguments[:-2], "--json"]).stdout)["labels"]
    assert dry == made
    expected = outlines_of(Dataset.load("shapes"), "level2", Dataset.load("shapes").manifest("level2"))
    assert made[0]["clicks"] == expected.clicks
    shifted = json.loads(CliRunner().invoke(app, [*arguments, "--family", "shift"]).stdout)["labels"]
    assert shifted[0]["clicks"] is None


def test_ctrl_c_while_a_later_level_is_calibrated_adds_none(
    stored: Dataset, lvcnet: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(dataset: Dataset, level: int, *rest: object, **more: object) -> LabelSet:
        if level == 2:
            raise KeyboardInterrupt
        return make_noisy_labels(dataset, level, *rest, **more)

    monkeypatch.setattr("lvcnet.noise.calibrate.make_noisy_labels", make)
    status, out, err = lvcnet("noise", "shapes", "--levels", "1,2")
    assert (status, out) == (130, "")
    assert err.strip() == "lvcnet: interrupted; no label set was added"
    assert Dataset.load("shapes").label_names() == ["clean"]
