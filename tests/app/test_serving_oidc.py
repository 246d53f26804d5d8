"""The institution's own login, with a provider as they are: who is let in, who is told why not, and what is not believed."""

import importlib
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import streamlit as st
from joserfc.jwk import RSAKey
from playwright.sync_api import Browser, Page, expect
from streamlit import config
from streamlit.runtime.secrets import Secrets
from streamlit.web.server.starlette import starlette_app_utils, starlette_websocket

from lab.headless import ROOT, sideways, wait_until_idle
from lab.serving import oidc
from lab.serving.settings import Serving
from lvcnet.accounts import Accounts, write_accounts
from lvcnet.data.phantom.make import make_phantom
from lvcnet.errors import LvcnetError
from lvcnet.trash import list_trash

from . import provider as institution
from .conftest import team_lab
from .provider import Provider, serve_provider
from .test_accessibility import axe_findings
from .test_background_owners import FORM, MANY, create

ANNA = "anna@clinic.example"
PASSWORD = "correct horse battery"
COOKIE_SECRET = "0123456789abcdef0123456789abcdef"
WITHOUT_GROUPS = {"email": ANNA, "email_verified": True}
OF_ANNA = {**WITHOUT_GROUPS, "groups": [random.Random(seed).randbytes(32).hex() for seed in range(128)]}
"""More than a cookie holds, and than a websocket lets a browser bring."""
BUTTON = "Sign in with your institution"
SOON = 60_000


def secrets(folder: Path, address: str, **other: str) -> Path:
    """A file as docs/serving.md describes it."""
    values = {
        "redirect_uri": "http://127.0.0.1:{port}/oauth2callback",  # Streamlit knows the port
        "cookie_secret": COOKIE_SECRET,
        "client_id": institution.CLIENT,
        "client_secret": institution.SECRET,
        "server_metadata_url": f"{address}/.well-known/openid-configuration",
        **other,
    }
    path = folder / "institution.toml"
    path.write_text("[auth]\n" + "".join(f'{key} = "{value}"\n' for key, value in values.items() if value))
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def served() -> Iterator[Provider]:
    with serve_provider() as provider:
        yield provider


@pytest.fixture
def provider(served: Provider) -> Provider:
    """A provider that says the truth about nobody in particular."""
    served.person, served.used, served.algorithm = dict(OF_ANNA), served.key, "RS256"
    served.silent = False
    return served


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the data set `small`."""
    folder = tmp_path_factory.mktemp("institution") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LVCNET_HOME", str(folder))
        make_phantom("small", 4, 1, 32).save()
    return folder


@pytest.fixture(scope="module")
def lab(served: Provider, home: Path) -> Iterator[str]:
    """Address of a lab with a login, where anna comes from the institution and ben has a password."""
    users = home.with_name("users.json")
    write_accounts(users, Accounts().with_user(ANNA, None).with_user("ben", PASSWORD))
    path = secrets(home.parent, served.address)
    with team_lab(home.parent, "--auth", str(users), "--oidc", str(path)) as address:
        yield address


def come_back(lab: str, then: str = "/runs") -> tuple[httpx.Client, httpx.Response]:
    """What a browser gets at the end of the way to the institution and back."""
    client = httpx.Client(follow_redirects=True, timeout=60)
    return client, client.get(f"{lab}/login/institution", params={"then": then})


def sign_in(page: Page, lab: str, path: str = "/runs") -> None:
    page.goto(f"{lab}{path}", timeout=SOON)
    page.get_by_role("link", name=BUTTON).click()


@pytest.mark.browser
def test_in_by_the_institution_and_out_again(
    lab: str, provider: Provider, home: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Work belongs to who signed in, in any browser; after signing out nothing opens the lab again."""
    provider.person = {**OF_ANNA, "email": "Anna@Clinic.example"}
    context, other = browser.new_context(), browser.new_context()
    page, elsewhere = context.new_page(), other.new_page()
    sign_in(page, lab, "/data?view=manage")
    page.wait_for_url(f"{lab}/data?view=manage*", timeout=SOON)
    wait_until_idle(page)
    expect(page.get_by_text(ANNA).first).to_be_attached()

    page.locator(".st-key-delete-data-set-small button").first.click()
    page.get_by_role("button", name="Delete small").click(timeout=SOON)
    expect(page.get_by_text("is in the trash")).to_be_visible(timeout=SOON)
    expect(page.get_by_role("dialog")).to_have_count(0)
    monkeypatch.setenv("LVCNET_HOME", str(home))
    assert [(entry.name, entry.by) for entry in list_trash()] == [("small", ANNA)]

    page.goto(f"{lab}/{FORM}", timeout=SOON)
    create(page, "hers", MANY)
    expect(page.get_by_text("Rendering hers")).to_be_visible(timeout=SOON)
    sign_in(elsewhere, lab, f"/{FORM}")
    elsewhere.get_by_role("button", name="Cancel", exact=True).click(timeout=SOON)
    expect(page.get_by_text("Cancelled: nothing was created.")).to_be_visible(timeout=SOON)

    kept = {str(cookie["name"]): str(cookie["value"]) for cookie in context.cookies(lab)}
    assert "lvcnet_session" in kept
    assert not {name for name in kept if name.startswith(("lvcnet_then", "_streamlit_user"))}
    assert opens(lab, kept)
    provider.ended.clear()
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{lab}/login", timeout=SOON)
    left = {str(cookie["name"]) for cookie in context.cookies()}
    assert not {name for name in left if name.startswith(("lvcnet_s", "_streamlit_user", institution.COOKIE))}
    assert [set(asked) >= {"id_token_hint", "client_id"} for asked in provider.ended] == [True]
    assert not opens(lab, kept)
    context.close()
    other.close()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_who_is_not_listed_is_told_so_and_may_try_again(
    lab: str, provider: Provider, browser: Browser, width: int, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    provider.person = {"email": "eve@clinic.example", "email_verified": True}
    sign_in(page, lab)
    expect(page.get_by_role("alert")).to_have_text(
        "eve@clinic.example may not use this lab yet: ask who runs it to list that address."
    )
    assert (axe_findings(page), sideways(page) <= 0) == ([], True)
    names = {str(cookie["name"]) for cookie in context.cookies(lab)}
    assert not {name for name in names if name.startswith(("lvcnet_s", "_streamlit_user"))}
    provider.person = dict(WITHOUT_GROUPS)
    page.get_by_role("link", name=BUTTON).click()
    page.wait_for_url(f"{lab}/runs*", timeout=SOON)
    for key in ("", "runs", "inference"):
        page.goto(f"{lab}/{key}", timeout=SOON)
        wait_until_idle(page)
        link = page.get_by_role("link", name="Sign out")
        expect(page.locator(".account")).to_have_text(f"Signed in as {ANNA}Sign out")
        expect(link).to_be_in_viewport(ratio=1)
        link.click(trial=True)  # nothing lies over it
        assert axe_findings(page) == []
    page.goto(f"{lab}/logout", timeout=SOON)
    assert (axe_findings(page), sideways(page) <= 0) == ([], True)
    context.close()


def opens(lab: str, cookies: dict[str, str]) -> bool:
    """Whether the lab believes in cookies."""
    return httpx.get(f"{lab}/gradio/config", cookies=cookies, timeout=60).status_code == 200


@pytest.mark.parametrize(
    ("person", "said"),
    [
        ({**WITHOUT_GROUPS, "email_verified": False}, "has not confirmed"),
        ({**WITHOUT_GROUPS, "email_verified": "false"}, "has not confirmed"),
        ({**WITHOUT_GROUPS, "email": None}, "did not say your e-mail address"),
        ({"email": ["anna@clinic.example"]}, "did not say your e-mail address"),
        ({"email": "<b>eve</b>@clinic.example"}, "&lt;b&gt;eve&lt;/b&gt;@clinic.example may not use"),
        ({"email": "\u212aim@clinic.example"}, "may not use this lab"),  # the sign for kelvin
        (None, "did not succeed"),
        ({**WITHOUT_GROUPS, "iss": "http://evil.example"}, "did not succeed"),
        ({**WITHOUT_GROUPS, "aud": "another"}, "did not succeed"),
        ({**WITHOUT_GROUPS, "nonce": "another"}, "did not succeed"),
        ({**WITHOUT_GROUPS, "exp": 1}, "did not succeed"),
    ],
)
def test_what_the_provider_says_is_weighed(
    lab: str, provider: Provider, person: dict[str, Any] | None, said: str
) -> None:
    provider.person = person
    client, answer = come_back(lab)
    assert (answer.status_code, said in answer.text) == (403, True), answer.text
    assert not [name for name in client.cookies if name.startswith(("lvcnet_s", "_streamlit_user"))]
    assert client.get(f"{lab}/gradio/config").status_code == 401


@pytest.mark.parametrize("forgery", ["unsigned", "another key"])
def test_an_identity_token_that_the_provider_did_not_sign_is_not_believed(
    lab: str, provider: Provider, forgery: str
) -> None:
    if forgery == "unsigned":
        provider.algorithm = "none"
    else:
        provider.used = RSAKey.generate_key(2048, {"kid": "1"})
    client, answer = come_back(lab)
    assert (answer.status_code, "did not succeed" in answer.text) == (403, True)
    assert client.get(f"{lab}/gradio/config").status_code == 401


def test_an_answer_that_nobody_asked_for_is_not_believed(lab: str, provider: Provider) -> None:
    for query in ("code=a&state=b", "code=a", "error=x&error_description=<b>y</b>"):
        answer = httpx.get(f"{lab}/oauth2callback?{query}", timeout=60)
        assert (answer.status_code, "did not succeed" in answer.text, "<b>" in answer.text) == (
            403,
            True,
            False,
        )
    assert httpx.get(f"{lab}/oauth2callback", timeout=60).headers["location"] == "/login"
    assert httpx.post(f"{lab}/oauth2callback?code=a&state=b", timeout=60).status_code == 405


def test_streamlits_cookie_opens_nothing(lab: str, provider: Provider) -> None:
    """Forged in three ways, the last of which takes the secret of the server."""
    told = json.dumps({**WITHOUT_GROUPS, "is_logged_in": True, "origin": lab, "provider": "default"})
    sign = starlette_app_utils.create_signed_value
    for value in (
        told,
        sign("another secret", "_streamlit_user", told).decode(),
        sign(COOKIE_SECRET, "_streamlit_user", told).decode(),
    ):
        assert not opens(lab, {"_streamlit_user": value})
    client, _ = come_back(lab)
    assert opens(lab, dict(client.cookies))


def test_after_the_way_back_one_stays_in_the_lab(lab: str, provider: Provider) -> None:
    for then, there in (("/runs?run=a&b", "/runs?run=a&amp;b"), ("//evil.example", "/")):
        client, answer = come_back(lab, then)
        assert answer.status_code == 200
        assert f'content="0;url={there}"' in answer.text
        assert client.get(f"{lab}/login", follow_redirects=False).status_code == 303


def test_a_provider_that_does_not_answer_is_named(lab: str, provider: Provider) -> None:
    provider.silent = True
    _, answer = come_back(lab)
    assert (answer.status_code, "cannot be reached" in answer.text) == (502, True)


def test_a_password_is_as_good_as_before(lab: str) -> None:
    form = {"name": "ben", "password": PASSWORD, "then": "/runs"}
    answer = httpx.post(f"{lab}/login", data=form, timeout=60)
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
    wrong = httpx.post(f"{lab}/login", data={**form, "name": ANNA, "password": ""}, timeout=60)
    assert (wrong.status_code, BUTTON in wrong.text) == (401, True)


def test_capitals_of_an_address_do_not_matter_unless_two_accounts_differ_in_them() -> None:
    accounts = Accounts().with_user(ANNA, None).with_user("ben@x", None).with_user("BEN@x", None)
    for email, name in ((ANNA, ANNA), ("ANNA@Clinic.EXAMPLE", ANNA), ("ben@x", "ben@x"), ("Ben@x", None)):
        assert oidc.admitted({"email": email}, accounts)[0] == name
    assert oidc.admitted({"email": "\u212aim@x"}, Accounts().with_user("kim@x", None))[0] is None


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """`configured(cookie_secret="x")` makes that the secrets of this process."""
    monkeypatch.setattr(st, "secrets", Secrets())
    before = config.get_option("secrets.files")

    def write(**other: str) -> Path:
        path = secrets(tmp_path, "http://localhost:1", **other)
        config.set_option("secrets.files", [str(path)])
        return path

    yield write
    config.set_option("secrets.files", before)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"client_secret": ""}, "lacks client_secret"),
        ({"cookie_secret": "short"}, "cookie_secret in secrets.toml is short"),
        ({"redirect_uri": "https://lab.clinic.example/"}, "has to be https://NAME/oauth2callback"),
        ({"redirect_uri": "https://other.example/oauth2callback"}, "lvcnet lab --host NAME"),
    ],
)
def test_a_configuration_that_cannot_work_is_named(
    configured: Callable[..., Path], other: dict[str, str], said: str
) -> None:
    configured(**other)
    with pytest.raises(LvcnetError, match=re.escape(said)):
        oidc.is_ready(Serving(hosts=("lab.clinic.example",)))


def test_what_the_login_needs_is_there_or_named(
    configured: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new Streamlit may move what is not for others: the lab says so at its start, and only where there is a provider."""
    path = configured()
    assert oidc.MOVED == "", "see what this Streamlit calls it now, and mend lab/serving/oidc.py"
    assert oidc.is_ready(Serving())
    with monkeypatch.context() as patch:
        patch.delattr(starlette_websocket, "_get_signed_cookie_with_chunks")
        importlib.reload(oidc)
        with pytest.raises(
            LvcnetError, match=r"does not work with Streamlit .* install the version that requirements"
        ):
            oidc.is_ready(Serving())
    importlib.reload(oidc)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "authlib", None)
        with pytest.raises(LvcnetError, match=r'needs Authlib: pip install "lvcnet-lab\[oidc\]"'):
            oidc.is_ready(Serving())
    path.chmod(0o644)
    with pytest.raises(LvcnetError, match=f"chmod 600 {path}"):
        oidc.is_ready(Serving())
    monkeypatch.setattr(st, "secrets", Secrets())
    path.write_text("[auth")
    with pytest.raises(LvcnetError, match="cannot be read"):
        oidc.is_ready(Serving())
    path.unlink()
    assert not oidc.is_ready(Serving())


def test_the_lab_does_not_start_with_secrets_that_others_read(tmp_path: Path) -> None:
    users = tmp_path / "users.json"
    write_accounts(users, Accounts().with_user(ANNA, None))
    path = secrets(tmp_path, "http://localhost:1")
    path.chmod(0o640)
    own = {**os.environ, "STREAMLIT_SERVER_HEADLESS": "true", "PYTHONPATH": str(ROOT)}
    command = ["from lvcnet.cli import main; main()", "lab", "--auth", str(users), "--oidc", str(path)]
    done = subprocess.run(
        [sys.executable, "-c", *command], env=own, cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert f"lvcnet lab: {path} can be read by others (mode 640): chmod 600 {path}" in said
    assert "Traceback" not in said


def test_the_option_names_a_file_and_goes_with_users(
    tmp_path: Path, lvcnet: Callable[..., tuple[int, str, str]]
) -> None:
    path = secrets(tmp_path, "http://localhost:1")
    code, _, said = lvcnet("lab", "--oidc", str(path))
    assert (code, "give both" in said) == (2, True)
    users = tmp_path / "users.json"
    write_accounts(users, Accounts().with_user(ANNA, None))
    code, _, said = lvcnet("lab", "--auth", str(users), "--oidc", str(tmp_path / "none.toml"))
    assert (code, "no file of secrets" in said) == (2, True)
