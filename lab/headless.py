"""The real lab and a real browser without a screen, for the tests and the screenshots of the README.

Needs the `dev` extra (playwright) and a Chromium: the system's, else playwright's own.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 120.0
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_ARGUMENTS = (
    "--no-sandbox",  # containers run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
IDLE = "[data-testid='stApp'][data-test-script-state='notRunning']"
PROBES = ("/_stcore/health", "/_stcore/host-config")
"""Streamlit looks for its server under the page's address first, where it gets a 404, and then at the root."""
WIDTH = """() => {
  const main = document.querySelector("[data-testid=stMain]") ?? document.documentElement;
  return Math.max(main.scrollWidth - main.clientWidth, document.documentElement.scrollWidth - window.innerWidth);
}"""


def free_port() -> int:
    """A port that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(url: str) -> tuple[int, str]:
    """Status and body of a GET request, also for statuses that are errors."""
    try:
        # the tests name their own servers
        with urllib.request.urlopen(url, timeout=30) as answer:  # nosec B310
            return answer.status, answer.read().decode("utf-8", errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", errors="replace")


@contextmanager
def serve_lab(
    home: Path, log: Path, script: str = "lab/Home.py", environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run `streamlit run SCRIPT` with the workspace `home`; yields its address and stops it afterwards."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", script]
    command += ["--server.headless", "true", "--server.port", str(port)]
    with served(command, port, "/_stcore/health", log, {"LVCNET_HOME": str(home), **(environment or {})}):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def serve_inference(home: Path, log: Path, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run `python -m lab.inference.app` with the workspace `home`; yields its address and stops it afterwards."""
    port = free_port()
    own = {"LVCNET_HOME": str(home), "GRADIO_SERVER_PORT": str(port), **(environment or {})}
    with served([sys.executable, "-m", "lab.inference.app"], port, "/config", log, own):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def served(
    command: Sequence[str],
    port: int,
    health: str,
    log: Path,
    environment: Mapping[str, str],
    folder: Path = ROOT,
) -> Iterator[None]:
    """Run a server in `folder` and stop it afterwards; open from when the address of its health answers."""
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_healthy(process, f"http://127.0.0.1:{port}{health}", log)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def run_page(address: str, key: str) -> list[str]:
    """One session without a browser: connect, run a page's script, leave; the exceptions that the page shows.

    Raises:
        OSError, WebSocketException, TimeoutError: if the server does not answer.
    """
    found = []
    url = address.replace("http", "ws") + "/_stcore/stream"
    async with connect(
        url, origin=Origin(address), subprotocols=[Subprotocol("streamlit")], max_size=None
    ) as socket:
        ask = BackMsg()
        ask.rerun_script.page_name = "" if key == "overview" else key
        await socket.send(ask.SerializeToString())
        async with asyncio.timeout(PATIENCE):
            while True:
                message = ForwardMsg.FromString(await socket.recv())
                kind = message.WhichOneof("type")
                if kind == "delta" and message.delta.new_element.WhichOneof("type") == "exception":
                    found.append(message.delta.new_element.exception.message)
                if kind == "script_finished":
                    break
    return found


def find_browser() -> str | None:
    """The system's Chromium, if it has one."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A headless Chromium that talks to nobody on its own account."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=list(BROWSER_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def wait_until_idle(page: Page) -> None:
    """Until the page's script has run and stayed at rest for half a second."""
    page.wait_for_selector(IDLE, timeout=60_000)
    page.wait_for_timeout(500)
    page.wait_for_selector(IDLE, timeout=60_000)


def foreign_requests(page: Page) -> list[str]:
    """A list that fills with the addresses outside this machine that the page asks for from now on."""
    seen: list[str] = []
    local = ("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")
    page.on("request", lambda request: None if request.url.startswith(local) else seen.append(request.url))
    return seen


def console_errors(page: Page) -> list[str]:
    """A list that fills with what the page writes to the console as an error, and what its scripts do not catch."""
    seen: list[str] = []
    page.on("console", lambda message: _note_error(message, seen))
    page.on("pageerror", lambda error: seen.append(str(error)))
    return seen


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than its window; content may scroll inside of its own box."""
    return int(page.evaluate(WIDTH))


def _note_error(message: ConsoleMessage, seen: list[str]) -> None:
    address = message.location.get("url", "")
    probe = message.text.endswith("404 (Not Found)") and address.endswith(PROBES)
    if message.type == "error" and not probe:
        seen.append(f"{message.text} ({address})")


def _wait_until_healthy(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            if fetch(address)[0] == 200:
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the lab did not start:\n{log.read_text(errors='replace')}")
