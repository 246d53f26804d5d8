"""Shared fixtures: an isolated workspace for every test, and the optional real data."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lvcnet import workspace

ROOT = Path(__file__).resolve().parent.parent


FAST = ("cues", "data", "evaluation", "masks", "methods", "models", "noise", "runs")
"""Folders whose tests neither browse nor serve, start no processes, and train next to nothing."""
NOT_FAST = (
    *("data/test_bombs.py", "data/test_label_sets.py", "noise/test_calibrate.py", "noise/test_preview.py"),
    *("evaluation/test_evaluate_cli.py", "evaluation/test_timing.py"),
)
"""Files in them that take long all the same, as measured."""


def pytest_configure(config: pytest.Config) -> None:
    """`pytest -m fast` does not even read the other tests: importing them takes longer than running these."""
    if config.option.markexpr == "fast":
        tests = ROOT / "tests"
        others = [path for path in tests.iterdir() if path.is_dir() and path.name not in FAST]
        others += [tests / name for name in NOT_FAST] + [
            *tests.glob("test_*.py"),
            ROOT / "lab",
            ROOT / "benchmarks",
        ]
        config.option.ignore = [*(config.option.ignore or []), *map(str, others)]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `pytest -m fast` runs: by folder, and the examples in docstrings of the library."""
    for item in items:
        folder = item.path.relative_to(ROOT).parts[0]
        name = item.path.relative_to(ROOT / folder)
        fast = name.parts[0] in FAST and name.as_posix() not in NOT_FAST
        if folder == "lvcnet" or (folder == "tests" and fast):
            item.add_marker("fast")


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
