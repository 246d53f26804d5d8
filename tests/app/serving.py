"""Starting the real lab for a test, as the README does."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0


def free_port() -> int:
    """A port that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(url: str) -> tuple[int, str]:
    """Status and body of a GET request, also for statuses that are errors."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read().decode("utf-8", errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", errors="replace")


@contextmanager
def serve_lab(home: Path, log: Path) -> Iterator[str]:
    """Run `streamlit run lab/Home.py` with the workspace `home`; yields its address and stops it afterwards."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "lab/Home.py", "--server.headless", "true"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "--server.port", str(port)],
            cwd=ROOT,
            env={**os.environ, "LVCNET_HOME": str(home)},
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_healthy(process, address, log)
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_healthy(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            if fetch(f"{address}/_stcore/health")[0] == 200:
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the lab did not start:\n{log.read_text(errors='replace')}")
