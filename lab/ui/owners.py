"""Who is at the other end: one browser, told from others by a cookie, and one session, which a reload replaces.

The cookie is a random number. It says nothing, opens nothing, and pages cannot read it: it only tells whose work goes on.
"""

import secrets

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime import Runtime, exists, get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

from lab.ui.identity import user

COOKIE = "lvcnet-browser"


def owner() -> str:
    """Who looks at the page, also after a reload; empty where no server runs (in a test).

    Where there is a login, that is who signed in, in any browser; otherwise it is the browser.
    """
    if not session():
        return ""
    name = user()
    return f"user {name}" if name else str(st.context.cookies.get(COOKIE) or session())


def session() -> str:
    """The session that looks at the page; empty where no server runs."""
    context = get_script_run_ctx(suppress_warning=True)
    return context.session_id if context and _is_served() else ""


def is_open(name: str) -> bool:
    """Whether a session's page is still open."""
    return _is_served() and get_instance().is_active_session(name)


def _is_served() -> bool:
    return exists() and type(get_instance()) is Runtime  # AppTest puts something else there


class BrowserCookie:
    """Middleware that gives a browser its cookie with the first page it asks for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; a page for a browser without cookie brings one."""
        asked = Headers(scope=scope) if scope["type"] == "http" else Headers()
        if "text/html" not in asked.get("accept", "") or f"{COOKIE}=" in asked.get("cookie", ""):
            await self.app(scope, receive, send)
            return

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                secure = "; Secure" if scope["scheme"] == "https" else ""
                MutableHeaders(scope=message).append(
                    "Set-Cookie",
                    f"{COOKIE}={secrets.token_urlsafe(16)}; Path=/; HttpOnly; SameSite=Lax{secure}",
                )
            await send(message)

        await self.app(scope, receive, named)
