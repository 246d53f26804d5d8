"""One login before everything: `lvcnet lab --auth FILE` as a stranger, as a user, and as a program meets it."""

import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from gradio_client import Client
from playwright.sync_api import Browser, expect

from lab.headless import fetch, sideways, wait_until_idle
from lab.serving.login import local
from lab.serving.sessions import MOST_OF_NAME, Users
from lvcnet.accounts import Accounts, read_accounts, write_accounts
from lvcnet.errors import LvcnetError

from .conftest import team_lab
from .test_accessibility import axe_findings
from .test_serving_origins import ask, shake

PASSWORD = "correct horse battery"
OF_OTHERS = [
    "/",
    "/runs",
    "/_stcore/host-config",
    "/_stcore/metrics",
    "/static/x.js",
    "/plotly.min.js",
    "/media/x",
]
OF_GRADIO = [
    "/",
    "/config",
    "/gradio_api/info",
    "/gradio_api/openapi.json",
    "/gradio_api/file=/etc/hostname",
    "/theme.css",
]


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """anna and ben may sign in."""
    path = tmp_path_factory.mktemp("users") / "users.json"
    write_accounts(path, Accounts().with_user("anna", PASSWORD).with_user("ben", f"{PASSWORD} of ben"))
    return path


@pytest.fixture(scope="module")
def token(users: Path) -> str:
    accounts, made = read_accounts(users).with_token("anna")
    write_accounts(users, accounts)
    return made


@pytest.fixture(scope="module")
def team(users: Path, token: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a lab with a login."""
    with team_lab(tmp_path_factory.mktemp("team"), "--auth", str(users), "--upload-quota", "3MB") as address:
        yield address


def sign_in(
    address: str, name: str = "anna", password: str = PASSWORD, then: str = "/runs"
) -> httpx.Response:
    form = {"name": name, "password": password, "then": then}
    return httpx.post(f"{address}/login", data=form, timeout=60)


def test_a_stranger_gets_nothing_but_the_way_to_sign_in(team: str) -> None:
    for path in OF_OTHERS + [f"/gradio{path}" for path in OF_GRADIO]:
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            for target in (
                path,
                f"/{path}",
                path.replace("g", "%67"),
                f"{path}?x=/login",
                f"/login/..{path}",
            ):
                assert ask(team, f"{method} {target}", ["Host: 127.0.0.1"]) in (400, 401), (method, target)
    page = httpx.get(f"{team}/runs?run=a", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/login?then=%2Fruns%3Frun%3Da")
    for headers in ([], ["Cookie: lvcnet_session=x"], ["x-lvcnet-user: anna"], ["Authorization: Bearer x"]):
        assert shake(team, "/_stcore/stream", ["Host: 127.0.0.1", *headers]) == 403
        assert ask(team, "GET /gradio/config", ["Host: 127.0.0.1", *headers]) == 401
        assert ask(team, "POST /gradio/gradio_api/upload", ["Host: 127.0.0.1", *headers]) == 401
    assert fetch(f"{team}/_stcore/health")[0] == 200


def test_a_user_is_let_in_until_signing_out(team: str) -> None:
    answer = sign_in(team)
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    name = cookie.split(";")[0]
    for path in ("/", "/gradio/", "/gradio/config", "/_stcore/host-config"):
        assert ask(team, f"GET {path}", ["Host: 127.0.0.1", f"Cookie: {name}"]) == 200
    assert shake(team, "/_stcore/stream", ["Host: 127.0.0.1", f"Cookie: {name}"]) == 101
    assert ask(team, "GET /gradio/config", ["Host: 127.0.0.1", f"Cookie: {name[:-1]}"]) == 401
    assert (
        ask(team, "POST /logout", ["Host: 127.0.0.1", "Origin: http://evil.example", f"Cookie: {name}"])
        == 403
    )
    assert ask(team, "POST /logout", ["Host: 127.0.0.1", f"Cookie: {name}"]) == 303
    assert ask(team, "GET /gradio/config", ["Host: 127.0.0.1", f"Cookie: {name}"]) == 401


def test_a_session_is_never_one_that_the_browser_brought(team: str) -> None:
    form = {"name": "anna", "password": PASSWORD}
    answer = httpx.post(f"{team}/login", data=form, headers={"Cookie": "lvcnet_session=fixed"}, timeout=60)
    assert "lvcnet_session=fixed" not in answer.headers["set-cookie"]
    assert ask(team, "GET /gradio/config", ["Host: 127.0.0.1", "Cookie: lvcnet_session=fixed"]) == 401


def test_behind_tls_the_cookie_is_for_tls_only(team: str) -> None:
    form = {"name": "anna", "password": PASSWORD}
    answer = httpx.post(f"{team}/login", data=form, headers={"X-Forwarded-Proto": "https"}, timeout=60)
    assert "Secure" in answer.headers["set-cookie"]


def test_a_program_signs_in_with_its_token(team: str, token: str) -> None:
    client = Client(f"{team}/gradio/", headers={"Authorization": f"Bearer {token}"}, verbose=False)
    assert "/segment" in str(client.view_api(return_format="dict"))
    assert (
        ask(team, "GET /gradio/gradio_api/info", ["Host: 127.0.0.1", f"Authorization: Bearer {token}x"])
        == 401
    )


def test_guessing_is_slowed_down(team: str) -> None:
    answers = [sign_in(team, "ben", "wrong").status_code for _ in range(MOST_OF_NAME + 1)]
    assert answers == [401] * MOST_OF_NAME + [429]
    assert sign_in(team, "ben", f"{PASSWORD} of ben").status_code == 429
    assert sign_in(team).status_code == 303  # another user is not shut out


def test_a_user_uploads_only_so_much_in_an_hour(team: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    files = {"files": ("a.png", b"0" * 2_000_000)}
    upload = f"{team}/gradio/gradio_api/upload"
    assert httpx.post(upload, files=files, headers=headers, timeout=60).status_code == 200
    assert httpx.post(upload, files=files, headers=headers, timeout=60).status_code == 429
    chunks = (b"0" * 100_000 for _ in range(20))
    put = httpx.put(f"{team}/_stcore/upload_file/a/b", content=chunks, headers=headers, timeout=60)
    assert put.status_code in (403, 429)  # Streamlit refuses what has no session of its own before reading it


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_the_login_in_a_browser(team: str, browser: Browser, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{team}/runs")
    assert axe_findings(page) == []
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
    assert (axe_findings(page), sideways(page) <= 0) == ([], True)
    expect(page.get_by_label("Name")).to_have_value("anna")
    expect(page.get_by_label("Password")).to_be_focused()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{team}/runs*")
    wait_until_idle(page)
    page.goto(f"{team}/logout")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{team}/login")
    context.close()


def test_while_the_file_of_users_is_damaged_nobody_gets_in_and_is_told_so(team: str, users: Path) -> None:
    name = sign_in(team).headers["set-cookie"].split(";")[0]
    before = read_accounts(users)
    users.write_text("{}")
    answer = sign_in(team)
    assert (answer.status_code, "Nobody can sign in at the moment" in answer.text) == (503, True)
    assert ask(team, "GET /gradio/config", ["Host: 127.0.0.1", f"Cookie: {name}"]) == 401
    write_accounts(users, before)
    assert sign_in(team).status_code == 303


def test_after_signing_in_one_stays_in_the_lab() -> None:
    for foreign in (
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/a\nb",
        "evil",
        "",
    ):
        assert local(foreign) == "/", foreign
    assert local("/runs?run=a") == "/runs?run=a"


def test_another_password_or_no_account_ends_sessions(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    write_accounts(path, Accounts().with_user("anna", PASSWORD).with_user("ben", PASSWORD))
    users = Users(path)
    anna, ben = users.begin("anna"), users.begin("ben")
    assert (users.signed_in(anna), users.signed_in(ben)) == ("anna", "ben")
    write_accounts(path, read_accounts(path).with_user("anna", f"{PASSWORD}!").without_user("ben"))
    assert (users.signed_in(anna), users.signed_in(ben)) == (None, None)


def test_the_file_of_users_is_for_its_owner_only(
    tmp_path: Path, lvcnet: Callable[..., tuple[int, str, str]]
) -> None:
    path = tmp_path / "users.json"
    write_accounts(path, Accounts().with_user("anna", PASSWORD))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert PASSWORD not in path.read_text()
    code, made, _ = lvcnet("lab-user", "token", str(path), "anna")
    assert code == 0
    assert made.strip() not in path.read_text()
    assert read_accounts(path).owner(made.strip()) == "anna"
    assert lvcnet("lab-user", "list", str(path))[1] == "anna  password: yes  tokens: 1\n"
    assert lvcnet("lab-user", "token", str(path), "anna", "--revoke")[0] == 0
    assert read_accounts(path).owner(made.strip()) is None
    path.chmod(0o640)
    code, _, said = lvcnet("lab", "--auth", str(path))
    assert (code, "chmod 600" in said) == (2, True)
    code, _, said = lvcnet("lab", "--address", "0.0.0.0")
    assert (code, "without a login" in said) == (2, True)


@pytest.mark.parametrize(
    "content", ["", "null", "[]", "{}", '{"format": "lvcnet-users", "version": 2, "users": {}}']
)
def test_a_damaged_file_of_users_lets_nobody_in(tmp_path: Path, content: str) -> None:
    path = tmp_path / "users.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(LvcnetError, match="no file of users"):
        read_accounts(path)


def test_names_and_passwords_are_checked() -> None:
    with pytest.raises(LvcnetError, match="no user name"):
        Accounts().with_user("an na", PASSWORD)
    with pytest.raises(LvcnetError, match="12 at least"):
        Accounts().with_user("anna", "short")
    assert not Accounts().has_password("anna", PASSWORD)
    assert re.fullmatch(
        r"scrypt\$32768\$8\$1\$[0-9a-f]{32}\$[0-9a-f]{64}",
        Accounts().with_user("a", PASSWORD).of("a").password or "",
    )
