"""No endpoint of the inference app reads a file that its caller did not upload: posted to all of them, in both apps."""

import itertools
import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from lab.headless import ROOT, serve_inference, serve_lab

SAMPLES = ROOT / "assets" / "samples"
SEGMENTED = ["/segment", "/segment_batch"]
Json = dict[str, Any]


@pytest.fixture(scope="module", params=["mounted", "alone"])
def api(
    request: pytest.FixtureRequest, trained_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A client of the Gradio app; its server's temporary files lie in the folder `temporary` of `server_folder`."""
    folder = server_folder(request, tmp_path_factory)
    shutil.copytree(trained_home, folder / "home")
    serve, path = (serve_lab, "/gradio/") if request.param == "mounted" else (serve_inference, "/")
    temporary = {"TMPDIR": str(folder / "temporary")}
    with (
        serve(folder / "home", folder / "log.txt", environment=temporary) as address,
        httpx.Client(base_url=f"{address}{path}", timeout=60) as client,
    ):
        client.folder = folder  # type: ignore[attr-defined]
        yield client


def server_folder(request: pytest.FixtureRequest, factory: pytest.TempPathFactory) -> Path:
    folder = factory.mktemp(str(request.param))
    (folder / "temporary").mkdir()
    return folder


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A radiograph of another patient on the server, with a mark that is found wherever it is copied to."""
    path = tmp_path / "other" / "patient.png"
    path.parent.mkdir()
    path.write_bytes((SAMPLES / "hip-2.png").read_bytes() + uuid.uuid4().hex.encode())
    return path


def upload(api: httpx.Client, path: Path) -> str:
    """Where the server put a copy of the file."""
    answer = api.post("gradio_api/upload", files={"files": (path.name, path.read_bytes())})
    (stored,) = answer.json()
    return str(stored)


def file_data(path: str, **more: object) -> Json:
    return {"path": path, "meta": {"_type": "gradio.FileData"}, **more}


def inputs(config: Json) -> Iterator[tuple[Json, int]]:
    """Every endpoint, private ones too, with the number of each of its inputs."""
    for endpoint in config["dependencies"]:
        for number in range(len(endpoint["inputs"])):
            yield endpoint, number


def join(api: httpx.Client, endpoint: Json, number: int, value: object) -> tuple[int, str, str]:
    """Call an endpoint as the page does: status, session, and all that its stream of events says."""
    session = uuid.uuid4().hex
    data: list[object] = [None] * len(endpoint["inputs"])
    data[number] = value
    call = {"data": data, "fn_index": endpoint["id"], "session_hash": session}
    answer = api.post("gradio_api/queue/join", json=call)
    if answer.status_code != 200:
        return answer.status_code, session, answer.text
    events = []
    with api.stream("GET", "gradio_api/queue/data", params={"session_hash": session}) as stream:
        for line in stream.iter_lines():
            events.append(line)
            if '"msg":"process_completed"' in line:
                break
    return 200, session, "\n".join(events)


def copies(api: httpx.Client, secret: Path) -> list[Path]:
    """Files of the server's temporary folder that hold the secret's bytes."""
    mark, temporary = secret.read_bytes()[-32:], api.folder / "temporary"  # type: ignore[attr-defined]
    return [path for path in temporary.rglob("*") if path.is_file() and mark in path.read_bytes()]


def named(secret: Path) -> dict[str, Callable[[Path], object]]:
    """Ways to name a file of the server: what makes a value for an input of its path."""
    up = "../" * 30
    return {
        "absolute": lambda path: file_data(str(path)),
        "relative": lambda path: file_data(f"{up}{path}".replace("//", "/")),
        "through the samples": lambda path: file_data(f"{SAMPLES}/{up}{path}".replace("//", "/")),
        "in a list": lambda path: [file_data(str(path))],
        "nested": lambda path: {"value": [{"image": file_data(str(path)), "caption": None}]},
        "stream": lambda path: file_data(str(path), is_stream=True),
        "file address": lambda path: file_data(f"file://{path}"),
        "address of the server": lambda path: file_data(
            f"http://127.0.0.1/gradio_api/file={path}", url=f"/gradio_api/file={path}"
        ),
        "address beside": lambda path: file_data("", url=f"file://{path}"),
    }


def test_no_endpoint_takes_a_path_of_the_server(api: httpx.Client, secret: Path) -> None:
    """Nothing is copied, nothing comes back, and a file that exists is answered like one that does not."""
    config = api.get("config").json()
    tries = list(named_everywhere(config, secret))
    assert len(tries) > 100
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda tried: refused(api, secret, *tried), tries))
    assert copies(api, secret) == []


def named_everywhere(config: Json, secret: Path) -> Iterator[tuple[Json, int, str, Callable[[Path], object]]]:
    """Every input of every endpoint with a plain path, and every component, which may be an input of many, in all ways."""
    seen = set()
    for endpoint, number in inputs(config):
        component = endpoint["inputs"][number]
        for way, name in named(secret).items():
            if way == "absolute" or component not in seen:
                yield endpoint, number, way, name
        seen.add(component)


def refused(
    api: httpx.Client, secret: Path, endpoint: Json, number: int, way: str, name: Callable[[Path], object]
) -> None:
    about = f"{endpoint['api_name'] or endpoint['id']}, input {number}, {way}"
    status, session, said = join(api, endpoint, number, name(secret))
    absent = secret.with_name("absent.png")
    _, other, said_of_absent = join(api, endpoint, number, name(absent))
    assert neutral(said, secret, session) == neutral(said_of_absent, absent, other), about
    assert not deep_linked(api, session, secret), about
    assert status != 500, about


def neutral(said: str, path: Path, session: str) -> list[str]:
    """What an answer says, without the names that differ between any two calls."""
    kept = []
    for line in said.splitlines():
        if not line.startswith("data: "):
            kept.append(line.replace(str(path), "PATH"))
            continue
        event = json.loads(line.removeprefix("data: "))
        if event["msg"] == "process_completed":
            kept.append(
                json.dumps([event["success"], event["output"].get("error"), event["output"].get("data")])
            )
    return [line.replace(str(path), "PATH").replace(path.name, "NAME").replace(session, "S") for line in kept]


def deep_linked(api: httpx.Client, session: str, secret: Path) -> bool:
    """Whether what a session holds can be had through a deep link, the way that was once open."""
    link = api.get("gradio_api/deep_link", params={"session_hash": session})
    if link.status_code != 200:
        return False
    shared = api.get("config", params={"deep_link": link.text.strip('"')}).text
    return secret.name in shared and str(secret.parent) not in shared


@pytest.mark.parametrize("route", ["run", "api", "call", "call/v2"])
def test_nor_do_the_ways_for_programs(api: httpx.Client, secret: Path, route: str) -> None:
    for endpoint, (way, name) in itertools.product(SEGMENTED, named(secret).items()):
        value = name(secret)
        given = value if endpoint == "/segment" or isinstance(value, list) else [value]
        body: Json = {
            "data": [given, "tiny", 0.5] + (["masks", False] if endpoint == "/segment_batch" else [])
        }
        if route == "call/v2":
            body = {"file" if endpoint == "/segment" else "files": given, "run": "tiny"}
        answer = api.post(f"gradio_api/{route}{endpoint}", json=body)
        said = answer.text
        if answer.status_code == 200 and "event_id" in answer.json():
            event = answer.json()["event_id"]
            said += api.get(f"gradio_api/call{endpoint}/{event}").text
        assert "event: complete" not in said, f"{endpoint}, {way}"
        assert "measurements" not in said, f"{endpoint}, {way}"
    assert copies(api, secret) == []


def test_no_address_of_a_file_leads_out_of_the_uploads(api: httpx.Client, secret: Path) -> None:
    stored = Path(upload(api, SAMPLES / "hip-1.png"))
    for path in (
        str(secret),
        f"{SAMPLES}/../../pyproject.toml",
        f"{stored.parent}/../../../../{secret}",
        f"{stored}/../../../{secret}",
        str(stored.parent),
        f"{stored.parent.parent}/deep_links",
    ):
        for written in (path, quote(path, safe=""), path.replace("..", "%2e%2e")):
            answer = api.get(f"gradio_api/file={written}")
            assert answer.status_code in (400, 403, 404), path
            assert secret.read_bytes()[-32:] not in answer.content
    assert api.get(f"gradio_api/file={stored}").content == (SAMPLES / "hip-1.png").read_bytes()
