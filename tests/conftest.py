"""Shared fixtures: an isolated workspace for every test, and the optional real data."""

from pathlib import Path

import pytest

from lvcnet import workspace

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def workspace_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has its own empty LVCNET_HOME."""
    folder = tmp_path / "home"
    monkeypatch.setenv("LVCNET_HOME", str(folder))
    return folder


@pytest.fixture
def no_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project without the data, runs and corrections that ship with it."""
    monkeypatch.setattr(workspace, "assets_dir", lambda: tmp_path / "no-assets")


@pytest.fixture(scope="session")
def mandible() -> Path:
    """The shared mandible radiographs, where they are available."""
    folder = ROOT.parent / "shared" / "data" / "mandible"
    if not folder.is_dir():
        pytest.skip(f"the mandible radiographs are not at {folder}")
    return folder
