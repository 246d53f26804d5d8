"""Ctrl-C in the middle of an import: a real process, a real signal, and nothing left behind."""

import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lvcnet import workspace
from tests.jobs.helpers import PATIENCE, eventually

COMMAND = [sys.executable, "-c", "from lvcnet.cli import main; main()"]
MANY = 400


@pytest.fixture
def slow_zip(tmp_path: Path) -> Path:
    """Images that take a few hundredths of a second each, so that their import lasts."""
    picture = io.BytesIO()
    Image.fromarray(np.full((1500, 1500), 90, np.uint8)).save(picture, "PNG")
    names = [f"{number:03}.png" for number in range(MANY)]
    size = {"width": 1500, "height": 1500}
    content = {
        "images": [{"id": number, "file_name": name, **size} for number, name in enumerate(names)],
        "annotations": [],
        "categories": [{"id": 1, "name": "bone"}],
    }
    path = tmp_path / "slow.zip"
    with zipfile.ZipFile(path, "w") as written:
        written.writestr("train.json", json.dumps(content))
        for name in names:
            written.writestr(f"images/{name}", picture.getvalue())
    return path


def interrupted(process: subprocess.Popen[str]) -> str:
    """Press Ctrl-C; what the process says before it ends."""
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, "")
    return errors.strip()


def test_ctrl_c_leaves_nothing_of_an_import(slow_zip: Path, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    command = [*COMMAND, "data", "import", "slow", "--zip", str(slow_zip), "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env={**os.environ, "TMPDIR": str(temporary)}, **pipes) as process:
        eventually(lambda: len(list(temporary.rglob("*.png"))) == MANY, "the zip to be unpacked")
        assert interrupted(process) == "lvcnet: interrupted; nothing was imported"
    assert list(temporary.iterdir()) == []
    assert [path for path in workspace.home().rglob("*") if path.is_file()] == []
