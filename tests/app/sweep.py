"""A tiny sweep of three methods for the tests of compare and inspect; a pytest plugin."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from lvcnet.data.dataset import Dataset
from lvcnet.data.phantom.make import make_phantom
from lvcnet.evaluation.protocol import evaluate_run
from lvcnet.noise.calibrate import make_noisy_labels
from lvcnet.training.config import TrainConfig
from lvcnet.training.run import create_run, train


@pytest.fixture(scope="session")
def trained_sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the data set `hips` (levels 1 and 4) and four runs of six epochs, enough for predictions that
    have not collapsed; `fcn-4` is not evaluated."""
    home = tmp_path_factory.mktemp("sweep")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LVCNET_HOME", str(home))
        make_phantom("hips", train=6, test=4, size=64, seed=5).save()
        dataset = Dataset.load("hips")
        for level in (1, 4):
            dataset.add_labels(make_noisy_labels(dataset, level))
        for method, level in (("fcn", 4), ("unet", 4), ("lvcnet", 4), ("unet", 1)):
            run = create_run(_config(method, level, **ENOUGH), f"{method}-{level}")
            assert train(run) == "done"
            if method != "fcn":
                evaluate_run(run, device="cpu")
    return home


@pytest.fixture(scope="session")
def half_done(trained_sweep: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sweep somebody began in a hurry: too few steps, so that every prediction collapsed, and one U-Net with enough."""
    home = tmp_path_factory.mktemp("half-done")
    shutil.copytree(trained_sweep / "datasets", home / "datasets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LVCNET_HOME", str(home))
        for method, level in (("unet", 1), ("lvcnet", 1), ("lvcnet", 4)):
            run = create_run(_config(method, level, **TOO_FEW), f"{method}-{level}")
            assert train(run) == "done"
            evaluate_run(run, device="cpu")
    shutil.copytree(trained_sweep / "runs" / "unet-4", home / "runs" / "unet-4")
    return home


@pytest.fixture
def half_done_home(half_done: Path, workspace_home: Path, no_demo: None) -> Path:
    """The hurried sweep in a workspace of the test's own, without the demo runs."""
    shutil.copytree(half_done, workspace_home)
    return workspace_home


ENOUGH = {"epochs": 6, "width": 8, "batch_size": 2, "learning_rate": 0.02}
TOO_FEW = {"epochs": 1, "width": 8, "batch_size": 3, "learning_rate": 0.02}


def _config(method: str, level: int, **settings: Any) -> TrainConfig:
    return TrainConfig(
        dataset="hips",
        labels=f"level{level}",
        method=method,
        depth=3,
        snapshot_every=1,
        ema=0.0,
        device="cpu",
        threads=1,
        **settings,
    )


@pytest.fixture
def sweep_home(trained_sweep: Path, workspace_home: Path, no_demo: None) -> Path:
    """The sweep in a workspace of the test's own, without the demo runs."""
    shutil.copytree(trained_sweep, workspace_home)
    return workspace_home
