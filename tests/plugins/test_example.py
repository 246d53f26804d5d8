"""The package of docs/plugins.md, really installed: command line and trainer process find what it adds."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lvcnet.data.phantom.make import make_phantom
from lvcnet.runs.store import find_run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `pip install --target` filled."""
    text = (ROOT / "docs" / "plugins.md").read_text()
    source, target = tmp_path_factory.mktemp("example"), tmp_path_factory.mktemp("site")
    for name, language in (("pyproject.toml", "toml"), ("lvcnet_example.py", "python")):
        (block,) = re.findall(rf"```{language}\n(.*?)```", text, re.S)
        (source / name).write_text(block)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    subprocess.run([*pip, "--target", str(target), str(source)], check=True)
    return target


@pytest.fixture
def lvcnet_with(installed: Path, workspace_home: Path):
    """`lvcnet ARGUMENTS` in a process of its own that has the package."""
    paths = os.pathsep.join([str(installed), str(ROOT)])

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from lvcnet.cli import main; main()", *arguments],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": paths, "LVCNET_HOME": str(workspace_home)},
            timeout=240,
        )

    return call


def test_the_example_trains_in_a_trainer_process_on_its_own_noise_and_is_measured_by_its_own_metric(
    lvcnet_with, workspace_home: Path
) -> None:
    make_phantom("hips", 8, 4, 32).save()
    made = lvcnet_with("noise", "hips", "--target", "0.8", "--family", "speckle", "--json")
    assert made.returncode == 0, made.stderr
    (labels,) = json.loads(made.stdout)["labels"]
    assert labels["mean_iou"] == pytest.approx(0.8, abs=0.005)
    assert labels["strength"] == pytest.approx(0.2, abs=0.03)  # with this probability a pixel is lost
    settings = ("width=4", "depth=2", "batch_size=4", "epochs=1", "device=cpu", "options.trust=0.8")
    swept = lvcnet_with(
        *("sweep", "hips", "--methods", "bootstrap", "--labels", labels["name"], "--network", "segnet"),
        *(part for setting in settings for part in ("--set", setting)),
        *("--workers", "1", "--json"),
    )
    assert swept.returncode == 0, swept.stderr
    (row,) = json.loads(swept.stdout)["runs"]
    assert (row["state"], row["method"], row["network"]) == ("done", "bootstrap", "segnet")
    evaluation = json.loads((find_run(row["run"]).path / "evaluation.json").read_text())
    assert 0 <= evaluation["area_error"] <= 1
    compared = lvcnet_with("compare", "hips", "--metric", "area_error")
    assert "Bootstrap on SegNet trust=0.8" in compared.stdout
    assert "Area error" in compared.stdout


def test_without_the_package_its_runs_stay_listed_and_say_what_is_missing(lvcnet, lvcnet_with) -> None:
    make_phantom("hips", 8, 4, 32).save()
    tiny = ("width=4", "depth=2", "batch_size=4", "epochs=1", "device=cpu")
    trained = lvcnet_with(
        *("train", "hips", "--method", "bootstrap"), *(part for one in tiny for part in ("--set", one))
    )
    assert trained.returncode == 0, trained.stderr
    assert "bootstrap" in lvcnet("runs", "--json")[1]
    status, _, err = lvcnet("evaluate", "hips-bootstrap-clean-s0")
    assert (status, err.count("\n")) == (2, 1)
    assert "method 'bootstrap' does not exist: choose one of fcn, unet, lvcnet, lvcnet-plus" in err


def test_help_and_doctor_name_plug_ins(lvcnet_with, installed: Path, tmp_path: Path) -> None:
    assert "bootstrap" in lvcnet_with("train", "--help").stdout
    found = json.loads(lvcnet_with("doctor", "--json").stdout)["findings"]
    assert [(one["state"], one["what"]) for one in found if one["area"] == "plugins"] == [("ok", "3 in use")]
