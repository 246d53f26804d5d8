"""A tiny sweep of three methods for the tests of compare and inspect; a pytest plugin."""

import shutil
from pathlib import Path

import pytest

from lvcnet.data.dataset import Dataset
from lvcnet.data.phantom import make_phantom
from lvcnet.evaluation.protocol import evaluate_run
from lvcnet.noise.calibrate import make_noisy_labels
from lvcnet.training.config import TrainConfig
from lvcnet.training.loop import create_run, train


@pytest.fixture(scope="session")
def trained_sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the data set `hips` (levels 1 and 4) and four runs of two epochs; `fcn-4` is not evaluated."""
    home = tmp_path_factory.mktemp("sweep")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LVCNET_HOME", str(home))
        make_phantom("hips", train=6, test=4, size=64, seed=5).save()
        dataset = Dataset.load("hips")
        for level in (1, 4):
            dataset.add_labels(make_noisy_labels(dataset, level))
        for method, level in (("fcn", 4), ("unet", 4), ("lvcnet", 4), ("unet", 1)):
            run = create_run(_config(method, level), f"{method}-{level}")
            assert train(run) == "done"
            if method != "fcn":
                evaluate_run(run, device="cpu")
    return home


def _config(method: str, level: int) -> TrainConfig:
    return TrainConfig(
        dataset="hips",
        labels=f"level{level}",
        method=method,
        epochs=2,
        width=4,
        depth=3,
        batch_size=3,
        snapshot_every=1,
        learning_rate=0.01,
        ema=0.0,
        device="cpu",
        threads=1,
    )


@pytest.fixture
def sweep_home(trained_sweep: Path, workspace_home: Path, no_demo: None) -> Path:
    """The sweep in a workspace of the test's own, without the demo runs."""
    shutil.copytree(trained_sweep, workspace_home)
    return workspace_home
