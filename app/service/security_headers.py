"""The outermost layer of the stand-alone service: security headers, and no call from another origin's page."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problem_details import CrossOrigin, describe_problem, problem_response

__all__ = ["LOOPBACK", "Shield"]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Shield:
    """Sets security headers, and turns away other origins.

    A service on loopback asks for no key, so that any page the user has open could post to it: browsers send a form to
    any address, and a name can be made to point to 127.0.0.1. Hence the checks of Origin and, without keys, of Host.

    Args:
        app: What it stands before.
        origins: Origins that may call besides our own.
        loopback_only: Answer to the names of this machine alone.
    """

    def __init__(self, app: ASGIApp, origins: tuple[str, ...], loopback_only: bool) -> None:
        self._app = app
        self._origins = frozenset(origins)
        self._loopback_only = loopback_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        shielded = _Send(send)
        refusal = self._refusal(Headers(scope=scope))
        if refusal is None:
            await self._app(scope, receive, shielded)
            return
        error = CrossOrigin(refusal)
        await problem_response(describe_problem(error, str(uuid4())), error)(scope, receive, shielded)

    def _refusal(self, headers: Headers) -> str | None:
        host = headers.get("host", "")
        if self._loopback_only and _hostname(f"//{host}") not in LOOPBACK:
            return "this service answers to localhost alone: call it by that name, or give it keys"
        origin = headers.get("origin")
        if origin is not None and origin not in self._origins and urlsplit(origin).netloc != host:
            return "pages of other origins may not call this service: SERVICE_CORS_ORIGINS allows them"
        if (
            origin is None
            and headers.get("sec-fetch-site") == "cross-site"
            and headers.get("sec-fetch-mode") != "navigate"
        ):
            return "pages of other origins may not call this service: SERVICE_CORS_ORIGINS allows them"
        return None


def _hostname(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


class _Send:
    """Adds the headers to a response as it starts."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)
