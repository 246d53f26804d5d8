"""How much one user may upload: bytes in an hour, counted as they come, for Streamlit's uploads and Gradio's alike.

The size of one file is limited by the two apps themselves (lab/.streamlit/config.toml, inference_app.MAX_FILE_SIZE).
"""

import time
from collections import defaultdict, deque

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lab.serving.login import USER_HEADER
from lab.serving.origins import refuse
from lab.serving.settings import Serving

HOUR = 3600.0
TEAM_QUOTA = 4 * 2**30
"""Where somebody has to sign in and the operator named no other."""


class UploadLimits:
    """Answers 429 to who has uploaded too much in the last hour."""

    def __init__(self, app: ASGIApp, serving: Serving) -> None:
        self.app = app
        self.quota = serving.upload_quota or (TEAM_QUOTA if serving.auth else None)
        self._came: defaultdict[str, deque[tuple[float, int]]] = defaultdict(deque)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; what its body brings counts, whether it is kept or not."""
        quota = self.quota
        if (
            quota is None
            or scope["type"] != "http"
            or scope["method"] in ("GET", "HEAD", "OPTIONS", "DELETE")
        ):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        user, length = headers.get(USER_HEADER, ""), headers.get("content-length", "0")
        announced = int(length) if length.isdecimal() else 0
        began = False

        async def counted() -> Message:
            message = await receive()
            if self._used(user, len(message.get("body", b""))) > quota:
                raise _TooMuch
            return message

        async def noted(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            if self._used(user, 0) + announced > quota:
                raise _TooMuch
            await self.app(scope, counted, noted)
        except _TooMuch:
            if not began:
                allowed = f"{quota / 2**30:.1f} GiB" if quota >= 2**30 else f"{quota / 2**20:.1f} MiB"
                await refuse(
                    scope, receive, send, 429, f"You may upload {allowed} in an hour: try again later."
                )

    def _used(self, user: str, more: int) -> int:
        """Bytes of the last hour, with some more."""
        came, now = self._came[user], time.monotonic()
        while came and came[0][0] < now - HOUR:
            came.popleft()
        if more:
            if came and now - came[-1][0] < 1:
                when, bytes_then = came.pop()
                came.append((when, bytes_then + more))
            else:
                came.append((now, more))
        return sum(count for _, count in came)


class _TooMuch(Exception):
    """More than the quota."""
