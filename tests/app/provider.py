"""An institution's login (OpenID Connect, authorization code with PKCE) on loopback, for the tests: one person is always there.

It is found as `localhost`, while the lab is asked for as 127.0.0.1: for a browser these are two sites, as in life.
Source: https://openid.net/specs/openid-connect-core-1_0.html, https://openid.net/specs/openid-connect-rpinitiated-1_0.html
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from lab.headless import free_port

CLIENT, SECRET = "lab", "secret-of-the-lab"
COOKIE = "institution"
"""Cookie of who signed in there."""


class Provider:
    """What it says of whom, and what it was asked.

    Attributes:
        person: claims about who sits at the browser; None: the person says no.
        key: signs what it says; its public part is published.
        used: the key that signs really.
        algorithm: the other one, `none`, is for forgeries.
        silent: it answers to nothing but that it cannot.
        ended: `id_token_hint`s and addresses of sign-outs.
    """

    def __init__(self, port: int) -> None:
        self.address = f"http://localhost:{port}"
        self.person: dict[str, Any] | None = None
        self.key = self.used = RSAKey.generate_key(2048, {"kid": "1"})
        self.algorithm = "RS256"
        self.silent = False
        self.ended: list[dict[str, str]] = []
        self._codes: dict[str, dict[str, str]] = {}

    def routes(self) -> list[Route]:
        """Where it answers."""
        return [
            Route("/.well-known/openid-configuration", self.metadata),
            Route("/jwks", self.jwks),
            Route("/authorize", self.authorize),
            Route("/token", self.token, methods=["POST"]),
            Route("/end", self.end),
        ]

    def metadata(self, _: Request) -> Response:
        """What it is able to do, and where."""
        if self.silent:
            return Response(status_code=503)
        return JSONResponse(
            {
                "issuer": self.address,
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "jwks_uri": f"{self.address}/jwks",
                "end_session_endpoint": f"{self.address}/end",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    def jwks(self, _: Request) -> Response:
        """The public key."""
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    def authorize(self, request: Request) -> Response:
        """Back with a code for the person, who has signed in here before."""
        asked = dict(request.query_params)
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        answer = {"state": asked["state"]}
        if self.person is None:
            answer["error"] = "access_denied"
        else:
            answer["code"] = secrets.token_urlsafe(16)
            self._codes[answer["code"]] = asked
        back = RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", 302)
        back.set_cookie(COOKIE, "yes", httponly=True)
        return back

    async def token(self, request: Request) -> Response:
        """A code, once, against a signed token, for a client that knows its secret and began this way itself."""
        form = await request.form()
        given = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        asked = self._codes.pop(str(form["code"]), None)
        digest = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
        if (
            asked is None
            or request.headers.get("authorization") != f"Basic {given}"
            or form["redirect_uri"] != asked["redirect_uri"]
            or base64.urlsafe_b64encode(digest).decode().rstrip("=") != asked["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.address, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 60}
        claims |= {"nonce": asked["nonce"], **(self.person or {})}
        return JSONResponse(
            {"access_token": "x", "token_type": "Bearer", "expires_in": 60, "id_token": self.signed(claims)}
        )

    def signed(self, claims: dict[str, Any]) -> str:
        """The identity token."""
        if self.algorithm == "none":
            parts = (b'{"alg":"none","typ":"JWT"}', json.dumps(claims).encode())
            return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."
        return jwt.encode({"alg": self.algorithm, "kid": "1"}, claims, self.used)

    def end(self, request: Request) -> Response:
        """Sign out here, and back."""
        self.ended.append(dict(request.query_params))
        back = RedirectResponse(request.query_params["post_logout_redirect_uri"], 302)
        back.delete_cookie(COOKIE, httponly=True)
        return back


@contextmanager
def serve_provider() -> Iterator[Provider]:
    """A provider that answers in a thread."""
    provider = Provider(port := free_port())
    app = Starlette(routes=provider.routes())
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.05)
    yield provider
    server.should_exit = True
    thread.join(10)
