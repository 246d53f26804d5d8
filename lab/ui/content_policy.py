"""What a browser may do with the lab's pages: fetch from the lab alone, and run the lab's own scripts alone.

A content security policy on every response, so that a name or file that slipped through as markup still reaches nobody
(https://www.w3.org/TR/CSP3/). Scripts within a page run only if the server wrote them: their digests are in the header.
"""

from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lvcnet.figures.html import script_digests

FETCHED = (
    "default-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' data: blob:"
)
STYLES = "style-src 'self' 'unsafe-inline'"
"""Streamlit, Gradio and Plotly write styles while they run; a style can fetch nothing that the other rules forbid."""
BOUNDS = "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
OTHERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",  # the inference page frames the app
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def policy(digests: Iterable[str], evaluates: bool = False) -> str:
    """The policy of a page whose own scripts have these digests; `evaluates`: they make code of text."""
    # blob: is how Streamlit loads the scripts of lab/ui/web/; only a script that runs already can make one
    scripts = " ".join(["script-src 'self' blob:", *(["'unsafe-eval'"] if evaluates else []), *digests])
    return (
        f"{FETCHED}; connect-src 'self' data: blob:; worker-src 'self' blob:; {scripts}; {STYLES}; {BOUNDS}"
    )


class ContentPolicy:
    """Middleware that adds the headers.

    Args:
        app: what it guards.
        scripts: pages of HTML whose scripts the browser puts into other pages while they run.
        gradio: path of the Gradio app. Its gr.HTML and its buttons make code of text when the page is opened; Streamlit's
            pages do not.
    """

    def __init__(self, app: ASGIApp, scripts: Iterable[str] = (), gradio: str = "/") -> None:
        self.app, self.gradio = app, gradio
        self.known = [digest for page in scripts for digest in script_digests(page.encode())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything but HTML on as it comes; HTML is kept until it is whole, as its scripts are in the header."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        kept: list[Message] = []

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept.append(message)
                if not Headers(raw=message["headers"]).get("content-type", "").startswith("text/html"):
                    await send(self._with_headers(kept.pop(), scope["path"], b""))
                return
            if not kept:
                await send(message)
                return
            kept.append(message)
            if not message.get("more_body"):
                body = b"".join(part.get("body", b"") for part in kept[1:])
                await send(self._with_headers(kept[0], scope["path"], body))
                await send({"type": "http.response.body", "body": body})

        await self.app(_uncompressed(scope), receive, guarded)

    def _with_headers(self, start: Message, path: str, page: bytes) -> Message:
        if start["status"] != 304:  # what the browser has kept stays as it is, with its header
            headers = MutableHeaders(raw=list(start["headers"]))
            digests = [*self.known, *script_digests(page)]
            headers["Content-Security-Policy"] = policy(digests, path.startswith(self.gradio))
            for name, value in OTHERS.items():
                headers.setdefault(name, value)
            start["headers"] = headers.raw
        return start


def _uncompressed(scope: Scope) -> Scope:
    """The request for a page, without the wish to have it compressed: its scripts are to be read."""
    if "text/html" not in Headers(scope=scope).get("accept", ""):
        return scope
    return {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]}
