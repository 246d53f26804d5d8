"""Shared fixtures: an isolated workspace for every test, and the optional real data."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def workspace_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has its own empty LVCNET_HOME."""
    folder = tmp_path / "home"
    monkeypatch.setenv("LVCNET_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def mandible() -> Path:
    """The shared mandible radiographs, where they are available."""
    folder = ROOT.parent / "shared" / "data" / "mandible"
    if not folder.is_dir():
        pytest.skip(f"the mandible radiographs are not at {folder}")
    return folder
