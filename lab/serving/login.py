"""One login in front of everything: pages, websocket, Gradio, its API and files. What is not open is closed.

A browser has a cookie, whether it signed in by password or through the institution (oidc.py), a program a token in
`Authorization: Bearer TOKEN`. What lies behind finds the user's name in the header `x-lvcnet-user`, which clients cannot set.
"""

import logging
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, quote, unquote

import anyio
from anyio.to_thread import run_sync
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lab.serving import oidc
from lab.serving.login_page import moving_page, sign_in_page, sign_out_page
from lab.serving.origins import refuse
from lab.serving.sessions import LASTS, Users
from lab.serving.settings import Serving
from lvcnet.errors import LvcnetError

USER_HEADER = "x-lvcnet-user"
COOKIE = "lvcnet_session"
THEN = "lvcnet_then"
"""Cookie that holds where to go after the way to the institution and back."""
THEN_LASTS = 600
OPEN = ("/_stcore/health",)
LONGEST_FORM = 8192
WRONG = "Name or password is wrong."
TOO_OFTEN = "Too many wrong passwords. Try again in ten minutes."
NOBODY = "Nobody can sign in at the moment: tell who runs this lab."
log = logging.getLogger("lvcnet.login")


class Login:
    """Lets through who is signed in, and shows others the way; without a file of users everybody is nobody."""

    def __init__(self, app: ASGIApp, serving: Serving, institution: bool = False) -> None:
        """Read the users; `institution`: one may sign in there, too.

        Raises:
            LvcnetError: if their file cannot be used.
        """
        self.app, self.institution = app, institution
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
        own = ("/login", "/logout", *((oidc.BEGIN, oidc.BACK) if self.institution else ()))
        if scope["type"] == "http" and path in own:
            await self._own_page(scope, receive, send, user)
        elif user is not None:
            MutableHeaders(scope=scope)[USER_HEADER] = user
            await self._served(scope, receive, send)
        elif scope["type"] == "http" and path in OPEN:
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
            return self.users.signed_in(cookies[COOKIE]) if COOKIE in cookies else None
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
        try:
            answer = await self._own_answer(scope, receive, user)
        except LvcnetError as error:
            log.error("nobody can sign in: %s", error)
            answer = self._refused("/", NOBODY, 503)
        answer.headers["cache-control"] = "no-store"
        await answer(scope, receive, send)

    async def _own_answer(self, scope: Scope, receive: Receive, user: str | None) -> Response:
        path, method = scope["path"], scope["method"]
        if method == "POST" and path == "/login":
            return await self._sign_in(scope, receive)
        if method == "POST" and path == "/logout":
            return await self._sign_out(scope)
        if method not in ("GET", "HEAD"):
            return Response(status_code=405)
        if path == oidc.BACK:
            return await self._back_from_institution(scope)
        if path == "/logout":
            return HTMLResponse(sign_out_page(user)) if user else RedirectResponse("/login", 303)
        then = local(parse_qs(scope["query_string"].decode("latin-1")).get("then", ["/"])[0])
        if user:
            return RedirectResponse(then, 303)
        if path == "/login":
            return HTMLResponse(sign_in_page(then, institution=self.institution))
        return await self._to_institution(scope, then)

    async def _sign_in(self, scope: Scope, receive: Receive) -> Response:
        assert self.users is not None
        form = parse_qs((await _form(receive)).decode("utf-8", "replace"))
        name, password, then = (form.get(key, [""])[0] for key in ("name", "password", "then"))
        address = _address(scope)
        if not self.users.may_try(name, address):
            return self._refused(then, TOO_OFTEN, 429, name)
        # counted before it is known to be wrong: guesses that come at once do not get past the brake
        self.users.failed(name, address)
        async with self.hashing:
            right = await run_sync(self.users.accounts().has_password, name, password)
        if not right:
            log.warning("a sign-in failed from %s", address)
            return self._refused(then, WRONG, 401, name)
        self.users.forgive(name, address)
        return self._let_in(RedirectResponse(local(then), 303), scope, name)

    async def _to_institution(self, scope: Scope, then: str) -> Response:
        there = await oidc.to_provider(self.app, scope)
        if not there.location.startswith(("https://", "http://")):
            return self._refused(then, oidc.UNREACHED, 502)
        answer = _with_cookies(RedirectResponse(there.location, 303), there.lines)
        # lax: the provider's page is another site's, and sends people back here
        answer.set_cookie(
            THEN, quote(then, safe=""), THEN_LASTS, httponly=True, samesite="lax", secure=_is_tls(scope)
        )
        return answer

    async def _back_from_institution(self, scope: Scope) -> Response:
        assert self.users is not None
        if not oidc.is_answer(scope):  # from signing out there
            return RedirectResponse("/login", 303)
        then = local(unquote(_cookies(Headers(scope=scope)).get(THEN, "/")))
        back = await oidc.from_provider(self.app, scope)
        name, problem = oidc.admitted(oidc.claims(back.kept), self.users.accounts())
        if name is None:
            log.warning("a sign-in through the institution failed from %s", _address(scope))
            answer = self._refused(then, problem, 403)
        else:
            # not a redirection: that would still be the other site's, for which the browser keeps strict cookies back
            page = HTMLResponse(moving_page("You are signed in.", then))
            answer = self._let_in(page, scope, name, back.kept)
        answer.delete_cookie(THEN, httponly=True, samesite="lax")
        return _with_cookies(answer, back.lines)

    def _let_in(
        self, answer: Response, scope: Scope, name: str, institution: dict[str, str] | None = None
    ) -> Response:
        """Begin a session, and give its name with the answer."""
        assert self.users is not None
        log.info("%s signed in from %s", name, _address(scope))
        session = self.users.begin(name, institution)
        answer.set_cookie(
            COOKIE, session, int(LASTS), httponly=True, samesite="strict", secure=_is_tls(scope)
        )
        return answer

    def _refused(self, then: str, problem: str, status: int, name: str = "") -> Response:
        return HTMLResponse(sign_in_page(local(then), problem, self.institution, name), status)

    async def _sign_out(self, scope: Scope) -> Response:
        assert self.users is not None
        session = self.users.end(_cookies(Headers(scope=scope)).get(COOKIE, ""))
        answer: Response = RedirectResponse("/login", 303)
        if session is not None and session.institution:
            there = (await oidc.end(self.app, scope, session.institution)).location
            if there.startswith(("https://", "http://")):
                # not a redirection: the content policy does not let a form lead to the provider
                answer = HTMLResponse(moving_page("You are signed out of the lab.", there))
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer


def local(then: str) -> str:
    r"""Where to go after signing in: only to the lab itself.

    >>> local("/runs?run=a"), local("//evil.example"), local("https://evil.example"), local("/\\evil.example")
    ('/runs?run=a', '/', '/', '/')
    """
    plain = then.startswith("/") and not then.startswith(("//", "/\\")) and then.isprintable()
    return then if plain and not then.startswith(("/login", "/logout")) else "/"


def _with_cookies(answer: Response, lines: list[str]) -> Response:
    for line in lines:
        answer.headers.append("set-cookie", line)
    return answer


def _address(scope: Scope) -> str:
    return str((scope.get("client") or ("",))[0])


def _is_tls(scope: Scope) -> bool:
    return scope["scheme"] in ("https", "wss")


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
