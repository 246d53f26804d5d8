"""One login in front of everything: pages, websocket, Gradio, its API and files. What is not open is closed.

A browser has a cookie (or the one of the institution's login, which Streamlit signs), a program a token in
`Authorization: Bearer TOKEN`. What lies behind finds the user's name in the header `x-lvcnet-user`, which clients cannot set.
"""

import logging
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, quote

import anyio
from anyio.to_thread import run_sync
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lab.serving import oidc
from lab.serving.login_page import sign_in_page, sign_out_page
from lab.serving.origins import refuse
from lab.serving.sessions import LASTS, Users
from lab.serving.settings import Serving
from lvcnet.errors import LvcnetError

USER_HEADER = "x-lvcnet-user"
COOKIE = "lvcnet_session"
OPEN = ("/_stcore/health",)
LONGEST_FORM = 8192
WRONG = "Name or password is wrong."
TOO_OFTEN = "Too many wrong passwords. Try again in ten minutes."
log = logging.getLogger("lvcnet.login")


class Login:
    """Lets through who is signed in, and shows others the way; without a file of users everybody is nobody."""

    def __init__(self, app: ASGIApp, serving: Serving) -> None:
        """Read the users.

        Raises:
            LvcnetError: if their file cannot be used.
        """
        self.app = app
        self.users = Users(serving.auth) if serving.auth else None
        self.hashing = anyio.Semaphore(2)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or websocket."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        scope["headers"] = [
            (name, value) for name, value in scope["headers"] if name.lower() != USER_HEADER.encode()
        ]
        if self.users is None:
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        user = self._user(scope)
        if scope["type"] == "http" and path in ("/login", "/logout"):
            await self._own_page(scope, receive, send, user)
        elif user is not None:
            MutableHeaders(scope=scope)[USER_HEADER] = user
            await self._served(scope, receive, send)
        elif scope["type"] == "http" and (path in OPEN or oidc.is_open(path)):
            await self.app(scope, receive, send)
        elif scope["type"] == "http" and _is_page(scope):
            query = scope["query_string"].decode("latin-1")
            then = quote(path + (f"?{query}" if query else ""), safe="")
            await RedirectResponse(f"/login?then={then}", 303)(scope, receive, send)
        else:
            await refuse(
                scope, receive, send, 401, "Sign in first: at /login, or with `Authorization: Bearer TOKEN`."
            )

    def _user(self, scope: Scope) -> str | None:
        """Who asks; nobody where the users' file cannot be read any more."""
        assert self.users is not None
        headers = Headers(scope=scope)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        cookies = _cookies(headers)
        try:
            if scheme.lower() == "bearer":
                return self.users.accounts().owner(token.strip())
            if COOKIE in cookies and (user := self.users.signed_in(cookies[COOKIE])):
                return user
            name = oidc.user(cookies)
            return name if name is not None and self.users.account(name) is not None else None
        except LvcnetError as error:
            log.error("nobody can sign in: %s", error)
            return None

    async def _served(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on; a websocket is closed when its user signs out."""
        if scope["type"] == "http":
            await self.app(scope, receive, send)
            return

        async def watched() -> Message:
            message = await receive()
            return message if self._user(scope) else {"type": "websocket.disconnect", "code": 1008}

        await self.app(scope, watched, send)

    async def _own_page(self, scope: Scope, receive: Receive, send: Send, user: str | None) -> None:
        if scope["method"] == "POST":
            answer = await (
                self._sign_in(scope, receive) if scope["path"] == "/login" else self._sign_out(scope)
            )
        elif scope["method"] not in ("GET", "HEAD"):
            answer = Response(status_code=405)
        elif scope["path"] == "/logout":
            answer = HTMLResponse(sign_out_page(user)) if user else RedirectResponse("/login", 303)
        else:
            then = parse_qs(scope["query_string"].decode("latin-1")).get("then", ["/"])[0]
            page = sign_in_page(local(then), institution=oidc.address())
            answer = RedirectResponse(local(then), 303) if user else HTMLResponse(page)
        answer.headers["cache-control"] = "no-store"
        await answer(scope, receive, send)

    async def _sign_in(self, scope: Scope, receive: Receive) -> Response:
        assert self.users is not None
        form = parse_qs((await _form(receive)).decode("utf-8", "replace"))
        name, password, then = (form.get(key, [""])[0] for key in ("name", "password", "then"))
        address = str((scope.get("client") or ("",))[0])
        if not self.users.may_try(name, address):
            return HTMLResponse(sign_in_page(local(then), TOO_OFTEN, oidc.address()), 429)
        # counted before it is known to be wrong: guesses that come at once do not get past the brake
        self.users.failed(name, address)
        async with self.hashing:
            right = await run_sync(self.users.accounts().has_password, name, password)
        if not right:
            log.warning("a sign-in failed from %s", address)
            return HTMLResponse(sign_in_page(local(then), WRONG, oidc.address()), 401)
        self.users.forgive(name, address)
        log.info("%s signed in from %s", name, address)
        answer = RedirectResponse(local(then), 303)
        secure = scope["scheme"] in ("https", "wss")
        answer.set_cookie(
            COOKIE,
            self.users.begin(name),
            max_age=int(LASTS),
            httponly=True,
            samesite="strict",
            secure=secure,
        )
        return answer

    async def _sign_out(self, scope: Scope) -> Response:
        assert self.users is not None
        cookies = _cookies(Headers(scope=scope))
        self.users.end(cookies.get(COOKIE, ""))
        answer = RedirectResponse(oidc.sign_out(cookies) or "/login", 303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer


def local(then: str) -> str:
    r"""Where to go after signing in: only to the lab itself.

    >>> local("/runs?run=a"), local("//evil.example"), local("https://evil.example"), local("/\\evil.example")
    ('/runs?run=a', '/', '/', '/')
    """
    plain = then.startswith("/") and not then.startswith(("//", "/\\")) and then.isprintable()
    return then if plain and not then.startswith(("/login", "/logout")) else "/"


def _is_page(scope: Scope) -> bool:
    return scope["method"] in ("GET", "HEAD") and "text/html" in Headers(scope=scope).get("accept", "")


def _cookies(headers: Headers) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        return {}


async def _form(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LONGEST_FORM or not message.get("more_body"):
            return bytes(body[:LONGEST_FORM])
