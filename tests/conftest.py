"""Shared fixtures: an isolated workspace for every test, and the optional real data."""

import sys
from collections.abc import Callable
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


@pytest.fixture
def lvcnet(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Exit status, stdout and stderr of `lvcnet ARGUMENTS`, through the real entry point."""
    from lvcnet.cli import main  # it imports torch, which not every test needs

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lvcnet", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return call


@pytest.fixture(scope="session")
def mandible() -> Path:
    """The shared mandible radiographs, where they are available."""
    folder = ROOT.parent / "shared" / "data" / "mandible"
    if not folder.is_dir():
        pytest.skip(f"the mandible radiographs are not at {folder}")
    return folder
