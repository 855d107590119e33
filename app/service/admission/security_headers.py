"""The outermost layer of the stand-alone service: security headers, and no call from another origin's page."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..problem_details import CrossOrigin
from .origin_rules import OriginRules

__all__ = ["Shield"]

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

    Args:
        app: What it stands before.
        rules: Whose pages may call.
        refuse: Logs and counts a refusal, and answers it.
    """

    def __init__(self, app: ASGIApp, rules: OriginRules, refuse: Callable[[CrossOrigin], ASGIApp]) -> None:
        self._app = app
        self._rules = rules
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        reason = self._rules.refusal(Headers(scope=scope))
        answer = self._app if reason is None else self._refuse(CrossOrigin(reason))
        await answer(scope, receive, _Send(send))


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
