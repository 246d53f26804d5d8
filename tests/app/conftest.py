"""A tiny trained run and a way to open a page, shared by the tests of the lab."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from streamlit.testing.v1 import AppTest

from lab.headless import ROOT, fetch, find_browser, free_port, open_browser, serve_lab
from lab.ui.background import TASKS
from lvcnet import jobs
from lvcnet.data.phantom.make import make_phantom
from lvcnet.jobs.daemon import worker_pid
from lvcnet.noise.calibrate import make_noisy_labels
from lvcnet.runs.directory import ACTIVE, RunDirectory
from lvcnet.runs.store import list_runs
from lvcnet.training.run import create_run, train
from tests.tiny import tiny_config

PAGES = Path(__file__).resolve().parents[2] / "pages"
OpenPage = Callable[..., AppTest]


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the data set `hips`, its labels `level3`, and the finished run `tiny` (LVC-Net, one epoch)."""
    home = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LVCNET_HOME", str(home))
        dataset = make_phantom("hips", train=8, test=2, size=64, seed=3)
        dataset.save()
        dataset.add_labels(make_noisy_labels(dataset, level=3))
        assert train(create_run(tiny_config("hips", method="lvcnet", epochs=1), "tiny")) == "done"
    return home


@pytest.fixture
def trained_run(trained_home: Path, workspace_home: Path) -> RunDirectory:
    """The run `tiny` in a workspace of the test's own."""
    shutil.copytree(trained_home, workspace_home)
    return RunDirectory(workspace_home / "runs" / "tiny")


@pytest.fixture
def open_page(no_demo: None) -> OpenPage:
    """`open_page("data", view="import")`: the page as it is drawn first; it must not show an exception."""
    return _open_page


def _open_page(key: str, **query: str) -> AppTest:
    page = AppTest.from_file(str(PAGES / f"{key}.py"), default_timeout=60)
    for name, value in query.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


def press(page: AppTest, key: str) -> None:
    """Press a button whose work goes on in the background, and see what comes of it."""
    page.button(key=key).click().run()
    if key in TASKS:
        TASKS[key].wait(60)
        page.run()
    assert not page.exception
    assert key not in TASKS


def settle(page: AppTest) -> None:
    """Wait for work that the page started by itself, and draw the page as it would draw itself."""
    while TASKS:
        for task in list(TASKS.values()):
            task.wait(60)
            assert task.ended
        page.run()
        assert not page.exception


def query(page: AppTest, name: str) -> str:
    """A query parameter; AppTest holds a list until the script has set it."""
    value = page.query_params[name]
    return value if isinstance(value, str) else value[0]


@contextmanager
def lab_that_trains(home: Path) -> Iterator[str]:
    """Address of a running lab with the workspace `home` (this process's, too); its trainings and worker end with it."""
    log = home.with_name("log.txt")
    with serve_lab(home, log) as address:
        yield address
    for run in list_runs(demo=False):
        if run.status()["state"] in ACTIVE:
            jobs.cancel(run)
            jobs.wait(run, 120)
    if pid := worker_pid():
        os.kill(pid, signal.SIGTERM)
    assert "Traceback" not in log.read_text()


@contextmanager
def team_lab(folder: Path, *options: str) -> Iterator[str]:
    """Address of `lvcnet lab OPTIONS`, started in `folder`, with its workspace `home` and `log.txt` there."""
    port = free_port()
    own = {"LVCNET_HOME": str(folder / "home"), "STREAMLIT_SERVER_HEADLESS": "true", "PYTHONPATH": str(ROOT)}
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from lvcnet.cli import main; main()",
                "lab",
                "--port",
                str(port),
                *options,
            ],
            cwd=folder,
            env={**os.environ, **own},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        try:
            if fetch(f"http://127.0.0.1:{port}/_stcore/health")[0] == 200:
                break
        except OSError:
            time.sleep(0.2)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert "Traceback" not in (folder / "log.txt").read_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium; without one these tests are skipped, but never by the gate, which installs it."""
    if find_browser() is None and "CI" not in os.environ:
        pytest.skip(
            "there is no Chromium on this machine: install it (Debian: apt install chromium) to run these tests"
        )
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="session")
def demo_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a running lab with an empty workspace: it shows the demo. Tests must leave the workspace empty."""
    folder = tmp_path_factory.mktemp("demo")
    with serve_lab(folder / "home", folder / "log.txt") as address:
        yield address
    assert "Traceback" not in (folder / "log.txt").read_text()
