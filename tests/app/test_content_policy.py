"""The content security policy: on every response, and kept by a real browser. That no page breaks it, see test_accessibility."""

from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, expect
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from lab.headless import wait_until_idle
from lab.ui.content_policy import ContentPolicy
from lvcnet.figures.html import script_digests
from tests.app.hostile import counting_server

PAGE = "<html><script>known()</script><p>x</p></html>"
NAME = "content-security-policy"


@pytest.fixture
def client() -> TestClient:
    async def parts():
        for part in (PAGE[:20].encode(), PAGE[20:].encode()):
            yield part

    app = Starlette(
        routes=[
            Route("/", lambda request: HTMLResponse(PAGE)),
            Route("/parts", lambda request: StreamingResponse(parts(), media_type="text/html")),
            Route("/kept", lambda request: Response(status_code=304)),
            Route("/text", lambda request: PlainTextResponse("text")),
            Route("/gradio/", lambda request: HTMLResponse(PAGE)),
        ]
    )
    return TestClient(ContentPolicy(app, ["<script>late()</script>"], gradio="/gradio/"))


@pytest.mark.parametrize("path", ["/", "/parts"])
def test_only_scripts_that_the_server_wrote_may_run(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"Accept": "text/html"})
    assert answer.text == PAGE
    scripts = next(part for part in answer.headers[NAME].split("; ") if part.startswith("script-src"))
    late, known = script_digests(b"<script>late()</script>"), script_digests(PAGE.encode())
    assert scripts.split() == ["script-src", "'self'", "blob:", *late, *known]


def test_text_is_made_code_in_the_gradio_app_alone(client: TestClient) -> None:
    assert "'unsafe-eval'" in client.get("/gradio/").headers[NAME]
    assert "'unsafe-eval'" not in client.get("/gradiolike").headers[NAME]


def test_what_is_no_page_has_the_policy_too(client: TestClient) -> None:
    for path in ("/text", "/nowhere"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers[NAME]
        assert headers["x-content-type-options"] == "nosniff"
    assert NAME not in client.get("/kept").headers, "the browser keeps the one it has"


@pytest.mark.browser
def test_every_kind_of_response_of_the_lab_has_it(demo_lab: str) -> None:
    for path in ("/", "/data", "/gradio/", "/plotly.min.js", "/_stcore/health", "/gradio/config"):
        request = Request(demo_lab + path, headers={"Accept": "text/html", "Accept-Encoding": "gzip"})
        with urlopen(request) as answer:
            assert "default-src 'self'" in answer.headers[NAME], path
            assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


PLANTED = """address => {
  window.ran = false;
  document.body.insertAdjacentHTML("beforeend", `<img src="http://${address}/image">
    <img src="x" onerror="window.ran = true"><iframe src="http://${address}/frame"></iframe>
    <style>@import url(http://${address}/style); body { background: url(http://${address}/background) }</style>
    <video src="http://${address}/video"></video><object data="http://${address}/object"></object>`);
  const script = document.createElement("script");
  script.textContent = "window.ran = true";
  document.body.append(script);
  const foreign = document.createElement("script");
  foreign.src = `http://${address}/script`;
  document.body.append(foreign);
  return Promise.all([
    fetch(`http://${address}/fetch`).catch(() => null),
    new Promise(done => { new WebSocket(`ws://${address}/socket`).onerror = done; }),
    new Promise(done => setTimeout(done, 1000)),
  ]).then(() => window.ran);
}"""


@pytest.mark.browser
@pytest.mark.parametrize("path", ["overview", "gradio/"])
def test_what_is_planted_in_a_page_fetches_and_runs_nothing(
    demo_lab: str, browser: Browser, path: str
) -> None:
    page = browser.new_page()
    with counting_server() as (address, asked):
        page.goto(f"{demo_lab}/{path}")
        if path == "overview":
            wait_until_idle(page)
        else:
            expect(page.locator(".token").first).to_be_visible(timeout=60_000)
        assert page.evaluate(PLANTED, address) is False
        assert asked == []
    page.close()
