"""Around the Gradio app: only the addresses that its pages and programs need, and only files that were uploaded here.

Gradio checks paths itself, once it believes that it was launched (see inference_app.mounted). This layer does not rely on
that: a call that names anything but an upload is refused before Gradio sees it, and the addresses by which files could come
back in other ways, or by which the server would fetch foreign addresses, are not there.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder
from starlette._utils import get_route_path
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NEEDED = re.compile(
    r"/?|/(config|theme\.css|favicon\.ico|robots\.txt|manifest\.json|pwa_icon(/\d+)?)/?"
    r"|/(assets|static|svelte)/[^\\]+"
    r"|/gradio_api/(info|openapi\.json|startup-events|theme\.css|app_id|login_check|upload|upload_progress|cancel|reset"
    r"|queue/(join|data|status)|heartbeat/[\w-]+|(run|api|call|call/v2)/\w+(/\w+)?)/?"
    r"|/gradio_api/file=(?!\w+:).+",
    re.DOTALL,
)
UPLOAD = "/gradio_api/upload"
FOLDER = re.compile(r"[0-9a-f]{64}")
LARGEST_CALL = 2**20
FOREIGN = "a call names a file that was not uploaded here, or is gone: upload it, then name the path that the upload answered"
NO_JSON = f"a call has to be JSON of at most {LARGEST_CALL} bytes: see docs/inference.md"


class OnlyUploads:
    """Refuses addresses that nobody needs, and calls that name a file which was not uploaded."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; a call is read whole, looked through, and handed on as it came."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = get_route_path(scope)
        if not NEEDED.fullmatch(path):
            await PlainTextResponse("Not found\n", 404)(scope, receive, send)
        elif scope["method"] in ("GET", "HEAD") or path.rstrip("/") == UPLOAD:
            await self.app(scope, receive, send)
        else:
            body = await _read(receive)
            problem = NO_JSON if body is None else _problem(body)
            if body is None or problem:
                await JSONResponse({"error": problem, "detail": problem}, 400)(scope, receive, send)
            else:
                await self.app(scope, _replay(body, receive), send)


def _problem(body: bytes) -> str:
    try:
        named = list(_named(json.loads(body))) if body else []
    except (ValueError, RecursionError):
        return NO_JSON
    return "" if all(map(_is_upload, named)) else FOREIGN


def _named(value: Any) -> Iterator[Any]:
    """Paths of all files that a call names, however deep."""
    if isinstance(value, dict):
        if "meta" in value and ("path" in value or "url" in value):
            yield value.get("path")
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _named(part)


def _is_upload(path: object) -> bool:
    """Whether a path has the form of an upload and is one; links do not count."""
    if not isinstance(path, str) or "\0" in path or os.path.normpath(path) != path:
        return False
    uploads, given = Path(get_upload_folder()).resolve(), Path(path)
    if given.parent.parent.resolve() != uploads or not FOLDER.fullmatch(given.parent.name):
        return False
    return given.resolve().parent.parent == uploads and given.is_file()


async def _read(receive: Receive) -> bytes | None:
    """The body of a request; None if it is longer than any call."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST_CALL:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body once more, then what comes after it."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again
