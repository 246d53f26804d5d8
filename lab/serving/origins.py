"""The outermost layer: whom the lab answers at all.

A web page may point a name of its own at 127.0.0.1 (DNS rebinding) or post to the lab from elsewhere. So the Host header has
to name this machine, or what the operator allowed, and an Origin header has to name the same host and port: other ports of
this machine are foreign. Where nobody signs in, connections that do not come over the loopback interface are refused, too.
"""

import asyncio
import ipaddress
from contextlib import suppress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from lab.serving.settings import LOOPBACK, Serving, is_loopback

PORTS = {"http": 80, "https": 443}
Host = tuple[str, int | None]


class SameOrigin:
    """Answers 403 to foreign hosts, foreign origins and, without a login, other machines."""

    def __init__(self, app: ASGIApp, serving: Serving) -> None:
        self.app = app
        self.serving = serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or websocket handshake."""
        problem = self._problem(scope) if scope["type"] in ("http", "websocket") else ""
        if not problem and scope["type"] == "http":
            # cancelled is only what is still open some seconds after the server was told to stop: a stream, and no error
            with suppress(asyncio.CancelledError):
                await self.app(scope, receive, send)
        elif not problem:
            await self.app(scope, receive, send)
        else:
            await refuse(scope, receive, send, 403, problem)

    def _problem(self, scope: Scope) -> str:
        """Why it is not answered; empty if it is."""
        headers = Headers(scope=scope)
        here = str((scope.get("server") or ("",))[0])
        if self.serving.auth is None and not is_loopback(here):
            return "This lab has no login and serves only the machine that it runs on."
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        host = split_host(hosts[0]) if len(hosts) == 1 else None
        if host is None or not self._is_ours(host[0], here):
            return "This lab is not known under that name. Its operator may allow it: lvcnet lab --host NAME."
        if origins and (len(origins) > 1 or not same_origin(origins[0], host)):
            return "Another page asked for this; only the lab's own pages may."
        return ""

    def _is_ours(self, name: str, here: str) -> bool:
        if name in LOOPBACK or name in self.serving.hosts:
            return True
        # a number cannot be made to mean another machine, and this one answered under it
        return _number(name) is not None and _number(name) == _number(here)


async def refuse(scope: Scope, receive: Receive, send: Send, status: int, problem: str) -> None:
    """Answer a request with one line, or turn a websocket away before it is open."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
    else:
        await PlainTextResponse(f"{problem}\n", status)(scope, receive, send)


def split_host(header: str) -> Host | None:
    """Name and port of a Host header; None if it is not one.

    >>> split_host("LAB.example:8501"), split_host("[::1]"), split_host("a@b"), split_host("lab/x")
    (('lab.example', 8501), ('::1', None), None, None)
    """
    try:
        parts = urlsplit(f"//{header}")
        port = parts.port
    except ValueError:
        return None
    name = parts.hostname
    plain = name and header.lower() in (name, f"[{name}]", f"{name}:{port}", f"[{name}]:{port}")
    return (str(name), port) if plain else None


def same_origin(origin: str, host: Host) -> bool:
    """Whether an Origin header means the host that was asked; the scheme may differ, as behind a proxy with TLS.

    >>> same_origin("https://lab.example", ("lab.example", None)), same_origin("http://localhost:1", ("localhost", 2))
    (True, False)
    """
    scheme, _, rest = origin.lower().partition("://")
    named = split_host(rest)
    if named is None or scheme not in PORTS:
        return False
    return named[0] == host[0] and (named[1] or PORTS[scheme]) == (host[1] or PORTS[scheme])


def _number(name: str) -> object:
    try:
        found = ipaddress.ip_address(name)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
