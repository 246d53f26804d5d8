"""Uploads and unpacked files go with their process, however it ends; what a kill leaves is swept at the next start."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from lab.headless import ROOT, free_port
from lvcnet import scratch

SAMPLE = ROOT / "assets" / "samples" / "hip-4.dcm"
APPS = {"mounted": "/gradio", "alone": ""}
HOLD = """
import sys, time
from pathlib import Path
from lvcnet.data.importing.archive import unpacked
with unpacked(Path(sys.argv[1])) as folder:
    print(folder, flush=True)
    time.sleep(60)
"""


def heed_hangups() -> None:
    """Under nohup processes ignore SIGHUP, and hand that down to what they start."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def start(app: str, folder: Path) -> tuple["subprocess.Popen[bytes]", str]:
    """An app with its temporary files in `folder`, and the address of Gradio once it answers."""
    port = free_port()
    mounted = [
        "-m",
        "streamlit",
        "run",
        "lab/Home.py",
        "--server.headless",
        "true",
        "--server.port",
        str(port),
    ]
    own = {"TMPDIR": str(folder), "LVCNET_HOME": str(folder / "home"), "GRADIO_SERVER_PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, *(mounted if app == "mounted" else ["-m", "lab.inference.app"])],
        cwd=ROOT,
        env={**os.environ, **own},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=heed_hangups,
    )
    address = f"http://127.0.0.1:{port}{APPS[app]}"
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"{address}/config", timeout=30).status_code == 200:
                break
        except httpx.HTTPError:
            time.sleep(0.2)
    return process, address


def upload(address: str) -> Path:
    answer = httpx.post(
        f"{address}/gradio_api/upload", files={"files": ("a.dcm", SAMPLE.read_bytes())}, timeout=60
    )
    return Path(answer.json()[0])


def left(folder: Path) -> list[str]:
    """What holds files; Gradio makes an empty folder when it is imported."""
    made = [path for path in folder.iterdir() if "lvcnet" in path.name or "gradio" in path.name]
    return [path.name for path in made if any(part.is_file() for part in path.rglob("*"))]


@pytest.mark.parametrize(
    ("app", "sent"), [("alone", "SIGINT"), ("alone", "SIGHUP"), ("mounted", "SIGTERM"), ("mounted", "SIGHUP")]
)
def test_a_server_that_ends_leaves_nothing(app: str, sent: str, tmp_path: Path) -> None:
    """Also with a stream open, as every page of Gradio has one."""
    process, address = start(app, tmp_path)
    try:
        stored = upload(address)
        assert stored.is_file()
        assert stored.is_relative_to(tmp_path)
        assert [path.stat().st_mode & 0o777 for path in tmp_path.glob("lvcnet-*")] == [0o700]
        with httpx.stream("GET", f"{address}/gradio_api/heartbeat/a", timeout=60) as stream:
            assert stream.status_code == 200
            process.send_signal(getattr(signal, sent))
            process.wait(60)
    finally:
        process.kill()
        process.wait()
    assert left(tmp_path) == []


def test_what_a_killed_server_leaves_is_swept_by_the_next(tmp_path: Path) -> None:
    process, address = start("alone", tmp_path)
    stored = upload(address)
    process.kill()
    process.wait()
    assert stored.is_file()
    following, _ = start("alone", tmp_path)
    try:
        assert not stored.exists()
        assert len(left(tmp_path)) == 1
    finally:
        following.send_signal(signal.SIGTERM)
        following.wait(60)
    assert left(tmp_path) == []


@pytest.mark.parametrize("sent", ["SIGTERM", "SIGHUP", "SIGINT", "SIGKILL"])
def test_an_unpacked_zip_goes_with_its_process(
    sent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, name in (("images", "hip-4.dcm"), ("masks", "hip-4.png")):
        (tmp_path / "content" / kind).mkdir(parents=True)
        shutil.copy(SAMPLE, tmp_path / "content" / kind / name)
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "content"))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(packed)],
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=heed_hangups,
    )
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    assert (folder / "images" / "hip-4.dcm").is_file()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    assert scratch.sweep() == []  # its process lives
    process.send_signal(getattr(signal, sent))
    assert process.wait(30) != 0
    if sent == "SIGKILL":
        assert (folder / "images" / "hip-4.dcm").is_file()
        assert len(scratch.sweep()) == 1
    assert left(temporary) == []
