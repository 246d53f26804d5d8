"""Foreign names, foreign pages and other machines: raw requests and handshakes to both apps as they really run."""

import base64
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import psutil
import pytest

from lab.headless import ROOT, free_port, serve_inference
from lab.serving.origins import same_origin, split_host
from lab.serving.settings import Serving, is_loopback
from lvcnet.errors import LvcnetError

FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:PORT",
    "127.0.0.1.evil.example",
    "localhost@evil.example",
    "10.0.0.1",
    "",
]
FOREIGN_ORIGINS = [
    "http://evil.example",
    "http://evil.example:PORT",
    "null",
    "http://127.0.0.1:1",
    "http://localhost:PORT",
    "x",
]
PAGES = [
    "/",
    "/runs",
    "/_stcore/health",
    "/plotly.min.js",
    "/gradio",
    "/gradio/",
    "/gradio/config",
    "/gradio/gradio_api/info",
]
POSTED = ["/gradio/gradio_api/upload", "/gradio/gradio_api/queue/join", "/gradio/gradio_api/call/segment"]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the inference app alone."""
    folder = tmp_path_factory.mktemp("alone")
    with serve_inference(folder / "home", folder / "log.txt") as address:
        yield address


@pytest.fixture(params=["mounted", "alone"])
def served(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Address of an app and where Gradio's routes begin."""
    name, path = ("demo_lab", "/gradio") if request.param == "mounted" else ("alone", "")
    return request.getfixturevalue(name), path


def ask(address: str, request: str, headers: list[str], body: str = "") -> int:
    """Status of a request that is written as it stands here, PORT replaced by the server's."""
    port = urlsplit(address).port
    lines = [f"{request} HTTP/1.1", *headers, f"Content-Length: {len(body)}", "Connection: close", "", body]
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall("\r\n".join(lines).replace("PORT", str(port)).encode())
        return int(re.findall(r"HTTP/1\.1 (\d+)", connection.recv(4096).decode("latin-1"))[0])


def shake(address: str, path: str, headers: list[str]) -> int:
    """Status of a websocket handshake: 101 is an open door."""
    key = base64.b64encode(os.urandom(16)).decode()
    upgrade = ["Upgrade: websocket", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
    port = urlsplit(address).port
    lines = [f"GET {path} HTTP/1.1", *headers, *upgrade, "Connection: Upgrade", "", ""]
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall("\r\n".join(lines).replace("PORT", str(port)).encode())
        return int(re.findall(r"HTTP/1\.1 (\d+)", connection.recv(4096).decode("latin-1"))[0])


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_foreign_name_gets_nothing(demo_lab: str, host: str) -> None:
    for path in PAGES:
        assert ask(demo_lab, f"GET {path}", [f"Host: {host}"]) in (400, 403), path
    for path in POSTED:
        assert ask(demo_lab, f"POST {path}", [f"Host: {host}", "Content-Type: application/json"], "{}") in (
            400,
            403,
        )
    assert shake(demo_lab, "/_stcore/stream", [f"Host: {host}"]) in (400, 403)


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_foreign_page_gets_nothing(served: tuple[str, str], origin: str) -> None:
    address, path = served
    headers = ["Host: 127.0.0.1:PORT", f"Origin: {origin}", "Content-Type: application/json"]
    for posted in POSTED:
        assert ask(address, f"POST {posted.replace('/gradio', path, 1)}", headers, "{}") == 403
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
        assert ask(address, f"{method} {path}/gradio_api/info", headers) == 403
    assert ask(address, "PUT /_stcore/upload_file/a/b", headers) == 403
    assert shake(address, "/_stcore/stream", headers) == 403


@pytest.mark.parametrize(
    "headers",
    [
        ["Host: 127.0.0.1:PORT", "Host: evil.example"],
        ["Host: evil.example", "X-Forwarded-Host: 127.0.0.1:PORT"],
        ["Host: evil.example", "Forwarded: host=127.0.0.1"],
        ["Host: 127.0.0.1:PORT", "Origin: http://127.0.0.1:PORT", "Origin: http://evil.example"],
    ],
)
def test_headers_that_contradict_each_other_help_nobody(served: tuple[str, str], headers: list[str]) -> None:
    address, path = served
    for target in (f"{path}/", f"//{path}/config", f"http://127.0.0.1:PORT{path}/config", f"{path}/%63onfig"):
        assert ask(address, f"GET {target}", headers) in (400, 403)


def test_the_labs_own_pages_and_programs_are_served(served: tuple[str, str]) -> None:
    address, path = served
    for host in ("127.0.0.1:PORT", "localhost:PORT", "LOCALHOST", "[::1]:9000"):
        assert ask(address, f"GET {path}/config", [f"Host: {host}"]) == 200
        assert ask(address, f"GET {path}/config", [f"Host: {host}", f"Origin: http://{host}"]) == 200
    tunnelled = ["Host: 127.0.0.1:9000", "Origin: http://127.0.0.1:9000"]
    if not path:
        return
    assert shake(address, "/_stcore/stream", tunnelled) == 101
    assert shake(address, "/_stcore/stream", ["Host: localhost:PORT"]) == 101


def test_every_answer_has_the_content_policy(served: tuple[str, str]) -> None:
    address, gradio = served
    for path in (f"{gradio}/", f"{gradio}/config"):
        with urlopen(f"{address}{path}", timeout=60) as answer:
            assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_hosts_and_origins_are_read_strictly() -> None:
    assert split_host("evil.example/127.0.0.1") is None
    assert split_host("127.0.0.1:port") is None
    assert split_host("127.0.0.1#a") is None
    assert same_origin("http://lab.example:80", ("lab.example", None))
    assert same_origin("http://LAB.example:9000", ("lab.example", 9000))
    for foreign in (
        "ftp://lab.example",
        "http://lab.example.evil.example",
        "http://a@lab.example",
        "//lab.example",
    ):
        assert not same_origin(foreign, ("lab.example", None)), foreign


def test_only_loopback_addresses_need_no_login() -> None:
    assert all(map(is_loopback, ["127.0.0.1", "127.8.0.1", "::1", "localhost", "::ffff:127.0.0.1"]))
    assert not any(map(is_loopback, [None, "", "0.0.0.0", "::", "192.0.2.1", "no-such-name.invalid"]))
    Serving().check_address("127.0.0.1")
    Serving(auth=Path("users.json")).check_address("0.0.0.0")
    with pytest.raises(LvcnetError, match="without a login"):
        Serving().check_address("0.0.0.0")


def started(folder: Path, *flags: str, **environment: str) -> "subprocess.Popen[str]":
    """`streamlit run .../lab/Home.py` from another folder."""
    command = ["-m", "streamlit", "run", str(ROOT / "lab" / "Home.py"), "--server.headless", "true", *flags]
    own = {"PYTHONPATH": str(ROOT), "LVCNET_HOME": str(folder / "home"), "HOME": str(folder), **environment}
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_from_another_folder_only_this_machine_is_served_and_nothing_is_told(tmp_path: Path) -> None:
    port = free_port()
    process = started(tmp_path, "--server.port", str(port))
    try:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                if ask(f"http://127.0.0.1:{port}", "GET /_stcore/health", ["Host: localhost"]) == 200:
                    break
            except OSError:
                time.sleep(0.2)
        listening = [
            c.laddr.ip
            for c in psutil.Process(process.pid).net_connections()
            if c.status == psutil.CONN_LISTEN
        ]
        assert listening == ["127.0.0.1"]
    finally:
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[0]
    assert "usage statistics" not in said
    assert "External" not in said


@pytest.mark.parametrize("way", ["flag", "variable", "wildcard"])
def test_an_address_that_others_reach_is_refused_without_a_login(tmp_path: Path, way: str) -> None:
    flags = {"flag": ["--server.address", "0.0.0.0"], "wildcard": ["--server.address", "::"], "variable": []}[
        way
    ]
    variable = {"STREAMLIT_SERVER_ADDRESS": "0.0.0.0"} if way == "variable" else {}
    process = started(tmp_path, *flags, "--server.port", str(free_port()), **variable)
    said = process.communicate(timeout=120)[0]
    assert process.returncode == 1
    assert "without a login" in said
    assert "Traceback" not in said


def test_another_server_of_the_lab_serves_no_other_machine(tmp_path: Path) -> None:
    """`uvicorn --host 0.0.0.0` asks the lab for no address: each connection is looked at."""
    shutil.rmtree(tmp_path / "home", ignore_errors=True)
    refused = {"type": "http", "server": ("192.0.2.7", 8501), "headers": [(b"host", b"192.0.2.7:8501")]}
    assert _status(refused, Serving()) == 403
    assert _status(refused, Serving(auth=Path("users.json"))) == 200
    named = {**refused, "headers": [(b"host", b"lab.example")]}
    assert _status(named, Serving(auth=Path("users.json"))) == 403
    assert _status(named, Serving(auth=Path("users.json"), hosts=("lab.example",))) == 200


def _status(scope: dict[str, object], serving: Serving) -> int:
    import anyio
    from starlette.responses import PlainTextResponse

    from lab.serving.origins import SameOrigin

    statuses: list[int] = []

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(int(str(message["status"])))

    async def receive() -> dict[str, object]:
        return {"type": "http.request"}

    app = SameOrigin(PlainTextResponse("ok"), serving)
    anyio.run(app, scope, receive, send)
    return statuses[0]
