"""The institution's own login, by way of Streamlit: where its `[auth]` is configured, a provider may say who somebody is.

Streamlit knows the way to the provider, checks what it says on the way back, and knows where one signs out there. The lab asks
it for that behind its own addresses. Streamlit would keep whom the provider named, and the provider's tokens, for 30 days in
cookies of the browser, which no sign-out takes back, and which grow too long for a websocket where the provider names many
groups. Here they stay on the server, with the lab's own session (sessions.py), and such a cookie of a browser opens nothing.
"""

import json
import logging
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import streamlit as st
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Scope
from streamlit.errors import StreamlitSecretNotFoundError

from lab.serving.settings import Serving, is_loopback
from lvcnet.accounts import Accounts
from lvcnet.errors import LvcnetError

BEGIN = "/login/institution"
BACK = "/oauth2callback"
NEEDED = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
SHORTEST = 32
INSTALL = 'pip install "lvcnet-lab[oidc]"'
try:  # parts of Streamlit that it may move without notice: then this login is missing, and everything else works
    from streamlit.auth_util import encode_provider_token, is_authlib_installed
    from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
    from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks

    MOVED = ""
except ImportError as error:
    MOVED = str(error)
STREAMLIT_LOG = "streamlit.web.server.starlette.starlette_auth_routes"
FAILED = "Your institution's login did not succeed. Try again; if it fails again, tell who runs this lab."
UNREACHED = "Your institution's login cannot be reached. Try again later, or tell who runs this lab."
NO_ADDRESS = (
    "Your institution did not say your e-mail address: who runs this lab has to ask it for the scope `email`."
)


def is_ready(serving: Serving) -> bool:
    """Whether there is a provider; looked up once, before anybody needs it.

    Raises:
        LvcnetError: if its configuration cannot work, or can be read by others.
    """
    section = _section()
    if not section:
        return False
    if MOVED:
        raise LvcnetError(
            f"the institution's login does not work with Streamlit {version('streamlit')} ({MOVED}): install the version that"
            " requirements.txt names"
        )
    if not is_authlib_installed():
        raise LvcnetError(
            f"[auth] in secrets.toml asks for the institution's login, which needs Authlib: {INSTALL}"
        )
    if missing := [key for key in NEEDED if not section.get(key)]:
        raise LvcnetError(f"[auth] in secrets.toml lacks {', '.join(missing)}: see docs/serving.md")
    if len(str(section["cookie_secret"])) < SHORTEST:
        raise LvcnetError(
            f"cookie_secret in secrets.toml is short: use {SHORTEST} random characters at least"
        )
    back = urlsplit(str(section["redirect_uri"]))
    name = back.hostname or ""
    if back.path != BACK or not (name in serving.hosts or is_loopback(name)):
        raise LvcnetError(
            f"redirect_uri in secrets.toml is {section['redirect_uri']}: it has to be https://NAME{BACK}, and NAME has to be"
            " given as `lvcnet lab --host NAME`"
        )
    for path in map(Path, st.get_option("secrets.files")):
        if os.name == "posix" and path.is_file() and (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077:
            raise LvcnetError(f"{path} can be read by others (mode {mode:o}): chmod 600 {path}")
    logging.getLogger(STREAMLIT_LOG).addFilter(_in_one_line)
    return True


@dataclass(frozen=True)
class Answer:
    """What Streamlit answers to a browser.

    Attributes:
        location: where it sends the browser; empty: nowhere.
        lines: cookies as they are to be set, but for those below.
        kept: cookies that say who the provider named, and its tokens, as a browser would bring them.
    """

    location: str
    lines: list[str]
    kept: dict[str, str]


async def to_provider(app: ASGIApp, scope: Scope) -> Answer:
    """Begin the way to the provider: where it is, and a cookie that tells the way back from a forged one."""
    return await _ask(app, scope, "/auth/login", f"provider={encode_provider_token('default')}")


async def from_provider(app: ASGIApp, scope: Scope) -> Answer:
    """Check what a browser brings back from there."""
    return await _ask(app, scope, BACK, scope["query_string"].decode("latin-1"))


async def end(app: ASGIApp, scope: Scope, kept: dict[str, str]) -> Answer:
    """Where the provider's session ends, if the provider knows such a place."""
    return await _ask(app, scope, "/auth/logout", "", kept)


def is_answer(scope: Scope) -> bool:
    """Whether somebody comes back with an answer of the provider, and not from signing out there."""
    asked = parse_qs(scope["query_string"].decode("latin-1"))
    return "code" in asked or "error" in asked


def claims(kept: dict[str, str]) -> dict[str, Any] | None:
    """What the provider says of whom; None if nothing that holds."""
    try:
        signed = _get_signed_cookie_with_chunks(kept, USER_COOKIE_NAME)
        told = json.loads(signed) if signed else None
    except ValueError:
        return None
    return told if isinstance(told, dict) and told.get("is_logged_in") is True else None


def admitted(told: dict[str, Any] | None, accounts: Accounts) -> tuple[str | None, str]:
    """The user whom a provider means; or None and, in a sentence, why it is none.

    Args:
        told: the claims of the identity token; None: there is none that holds.
        accounts: who may sign in. Capitals do not count unless two accounts differ in nothing else.
    """
    if told is None:
        return None, FAILED
    email = told.get("email")
    if not isinstance(email, str) or not email:
        return None, NO_ADDRESS
    if told.get("email_verified", True) not in (True, "true"):
        return None, f"Your institution has not confirmed that {email} is yours, so it does not count here."
    # some letters that are not ASCII become ASCII when they are made small
    same = [name for name in accounts.users if email.isascii() and name.lower() == email.lower()]
    if email in same:
        return email, ""
    if len(same) == 1:
        return same[0], ""
    return None, f"{email} may not use this lab yet: ask who runs it to list that address."


async def _ask(
    app: ASGIApp, scope: Scope, path: str, query: str, cookies: dict[str, str] | None = None
) -> Answer:
    """Ask Streamlit for one of its addresses; `cookies`: instead of the browser's."""
    headers = [(name, value) for name, value in scope["headers"] if cookies is None or name != b"cookie"]
    if cookies:
        brought = "; ".join(f"{name}={value}" for name, value in cookies.items())
        headers.append((b"cookie", brought.encode("latin-1")))
    asked = {
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode("latin-1"),
        "headers": headers,
    }
    answered = Headers()

    async def nothing() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def taken(message: Message) -> None:
        nonlocal answered
        if message["type"] == "http.response.start":
            answered = Headers(raw=message["headers"])

    await app({**scope, "method": "GET", **asked}, nothing, taken)
    lines: list[str] = []
    kept: dict[str, str] = {}
    for line in answered.getlist("set-cookie"):
        if line.startswith(USER_COOKIE_NAME):
            kept |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        else:
            lines.append(line)
    return Answer(answered.get("location", ""), lines, kept)


def _section() -> dict[str, Any]:
    """Streamlit's `[auth]`; empty where there is none.

    Raises:
        LvcnetError: if a file of secrets cannot be read.
    """
    try:
        section = st.secrets.get("auth", {})
        return dict(section) if isinstance(section, Mapping) else {}
    except StreamlitSecretNotFoundError as error:
        if any(Path(path).exists() for path in st.get_option("secrets.files")):
            raise LvcnetError(f"the secrets of Streamlit cannot be read: {error}") from None
        return {}


def _in_one_line(record: logging.LogRecord) -> bool:
    """A filter that keeps what Streamlit logs of an answer that does not hold, without the trace of its calls."""
    if record.exc_info and record.exc_info[1]:
        error, said = record.exc_info[1], str(record.exc_info[1]).partition("\n")[0]
        record.msg, record.args = f"{record.getMessage()} {type(error).__name__}: {said}", ()
        record.exc_info = None
    return True
