"""The institution's own login: where Streamlit's `[auth]` is configured (secrets.toml), its signed cookie counts here, too.

Streamlit talks to the provider at /auth/login and /oauth2callback. Whom the provider names is let in only if the operator has
listed the e-mail address among the users.
"""

import json
from collections.abc import Mapping

from streamlit.auth_util import encode_provider_token, get_secrets_auth_section
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks

OPEN = ("/auth/login", "/oauth2callback")
SIGN_OUT = "/auth/logout"


def is_configured() -> bool:
    """Whether there is a provider."""
    section = get_secrets_auth_section()
    return bool(section) and "cookie_secret" in section and "client_id" in section


def is_open(path: str) -> bool:
    """Whether an address belongs to the way to the provider and back."""
    return path in (*OPEN, SIGN_OUT) and is_configured()


def address() -> str:
    """Where the way to the provider begins; empty if there is none."""
    return f"{OPEN[0]}?provider={encode_provider_token('default')}" if is_configured() else ""


def user(cookies: Mapping[str, str]) -> str | None:
    """E-mail address of whom the provider has named, if the cookie is Streamlit's and the address is confirmed."""
    if USER_COOKIE_NAME not in cookies or not is_configured():
        return None
    signed = _get_signed_cookie_with_chunks(dict(cookies), USER_COOKIE_NAME)
    try:
        told = json.loads(signed) if signed else {}
    except ValueError:
        return None
    known = (
        isinstance(told, dict)
        and told.get("is_logged_in") is True
        and told.get("email_verified", True) is True
    )
    return str(told["email"]) if known and isinstance(told.get("email"), str) else None


def sign_out(cookies: Mapping[str, str]) -> str:
    """Where the provider's session ends; empty if there is none."""
    return SIGN_OUT if USER_COOKIE_NAME in cookies and is_configured() else ""
