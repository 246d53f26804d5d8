"""A tiny trained run, shared by the tests of the lab."""

import shutil
from pathlib import Path

import pytest

from lvcnet.data.phantom import make_phantom
from lvcnet.runs.directory import RunDirectory
from lvcnet.training.config import TrainConfig
from lvcnet.training.loop import create_run, train


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the data set `hips` and the finished run `tiny` (LVC-Net, one epoch)."""
    home = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LVCNET_HOME", str(home))
        make_phantom("hips", train=8, test=2, size=64, seed=3).save()
        config = TrainConfig(
            dataset="hips", method="lvcnet", epochs=1, width=4, depth=2, batch_size=4, device="cpu", threads=1
        )
        assert train(create_run(config, "tiny")) == "done"
    return home


@pytest.fixture
def trained_run(trained_home: Path, workspace_home: Path) -> RunDirectory:
    """The run `tiny` in a workspace of the test's own."""
    shutil.copytree(trained_home, workspace_home)
    return RunDirectory(workspace_home / "runs" / "tiny")
