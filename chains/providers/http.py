"""Requests on one private event loop, each under one total deadline.

The SDKs' own timeouts restart with every byte, so a server that trickles never trips them, and an asynchronous client
that is shared breaks in a second ``asyncio.run``. So every request runs on a private loop in a daemon thread:
``asyncio.timeout`` covers name look-up, connection, headers and body together; leaving early (deadline or cancellation)
closes the socket; and nobody's event loop owns a connection. Callers without a loop run their whole attempt there;
callers with one hand over the request alone, so that their callbacks stay on their own loop.

The SDKs are handed a transport and not event hooks: a hook can refuse a response, but cannot take the comment lines
from in front of it, and it runs on the loop of the SDK, which would then own the connection.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import httpx

from ...schemas.result import Outcome
from .private_loop import get_private_loop
from .redaction import explain_failure

__all__ = [
    "MAX_BODY_BYTES",
    "RECORD",
    "PrivateLoopTransport",
    "Reply",
    "RequestFailed",
    "RequestRecord",
    "send",
    "unused_client",
]

MAX_BODY_BYTES = 4 * 1024 * 1024
"""A plan has a few kilobytes; more than this is a fault, and reading on would only fill the memory."""

_IDLE_S = 2.0
"""Idle connections are dropped early: a request on one that the server just closed would fail for no good reason."""

_MAX_FREE = 16
"""Clients kept beyond those in use."""

_TIMEOUT = httpx.Timeout(None, connect=5.0)
"""All but connecting is bounded by the deadline alone."""


class RequestFailed(Exception):
    """A request that brought no usable answer.

    It is no error of httpx or of an SDK, so that they let it through as it is.

    Attributes:
        outcome: Kind of failure.
        message: For people; without keys.
        status: HTTP status; for an error inside a 200 body the status it names.
        retry_after: Seconds the server asked to wait.
        sent: Whether the server may have begun to work, and to charge.
        cause: All the words of the error in lower case, to decide by and not to show.
        successors: Models that the service names in place of the one asked.
    """

    def __init__(
        self,
        outcome: Outcome,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        sent: bool = True,
        cause: str = "",
        successors: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.outcome: Outcome = outcome
        self.message = message
        self.status = status
        self.retry_after = retry_after
        self.sent = sent
        self.cause = cause
        self.successors = successors


@dataclass(frozen=True, slots=True)
class Reply:
    """A provider's answer as its SDK may read it, who gave it, and what it cost."""

    body: bytes
    content_type: str = "application/json"
    truncated: bool = False
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    model: str | None = None
    upstream: str | None = None
    """The provider behind a router."""
    response_id: str | None = None
    failure: RequestFailed | None = None
    """Set where the answer is paid for and yet unusable: refused, filtered, malformed."""


@dataclass(slots=True)
class RequestRecord:
    """One request's limits and what came of it; the SDKs have no place to carry either."""

    judge: Callable[[httpx.Response], Reply]
    """Reads a response; raises ``RequestFailed`` where nothing was charged."""
    deadline: float
    """Of the attempt, against ``time.monotonic``."""
    timeout_s: float
    patient: bool = False
    """The timeout counts from the first byte: before it, the server may be loading its model."""
    reply: Reply | None = None


RECORD: ContextVar[RequestRecord] = ContextVar("clinical_model_selector_request")
"""The record of the next request of this context; set by the attempt around each call of an SDK."""


class PrivateLoopTransport(httpx.AsyncBaseTransport):
    """An SDK's transport on any loop: sends on the private one, judges, and hands on what the SDK can read."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The judged response.

        Raises:
            RequestFailed: There is no answer, or none that can be used.
        """
        record = RECORD.get()
        await request.aread()
        work = send(request, record.deadline, record.timeout_s, patient=record.patient)
        record.reply = reply = record.judge(await get_private_loop().arun(work))
        if reply.failure is not None:
            raise reply.failure
        headers = {"content-type": reply.content_type}
        return httpx.Response(200, headers=headers, content=reply.body, request=request)


def unused_client() -> httpx.Client:
    """For the synchronous half of an SDK, which nothing calls: without one it makes its own, from the environment."""
    return httpx.Client(transport=httpx.BaseTransport(), trust_env=False)


async def send(
    request: httpx.Request, deadline: float, timeout_s: float | None = None, *, patient: bool = False
) -> httpx.Response:
    """The whole response to ``request``; runs on the private loop.

    Args:
        request: With its body read.
        deadline: Against ``time.monotonic``.
        timeout_s: Seconds for this request; None leaves it the whole time up to the deadline.
        patient: The timeout counts from the first byte.

    Raises:
        RequestFailed: No whole response in time; the socket is closed by then.
    """
    loop = asyncio.get_running_loop()
    last = loop.time() + deadline - time.monotonic()
    first = last if timeout_s is None or patient else min(last, loop.time() + timeout_s)
    outgoing = httpx.Request(request.method, request.url, headers=_own_headers(request), content=request.content)
    limit = asyncio.timeout_at(first)
    progress = _Progress(limit, last, timeout_s if patient else None)
    try:
        async with limit:
            outgoing.extensions = {"timeout": _TIMEOUT.as_dict(), "trace": progress.note}
            # Proxies of the environment are for the way out; a server beside us is spoken to directly.
            async with _clients(trust_env=request.url.scheme == "https").lend() as client:
                return await _read_capped(await client.send(outgoing, stream=True))
    except TimeoutError:
        raise _too_late(progress, patient) from None
    except httpx.DecodingError:
        raise RequestFailed("invalid_response", "the body's content encoding is broken") from None
    except (httpx.TransportError, OSError) as error:
        raise RequestFailed("connection", explain_failure(error), sent=progress.connected) from None


def _too_late(progress: _Progress, patient: bool) -> RequestFailed:
    if not progress.connected:
        return RequestFailed("connection", "no connection in time", sent=False)
    if patient and not progress.answering:
        return RequestFailed("cold_start", "nothing came before the deadline: the model may still be loading")
    return RequestFailed("timeout", "no whole answer in time")


@dataclass(slots=True)
class _Progress:
    """How far a request came, from the events of httpx's ``trace`` extension."""

    limit: asyncio.Timeout
    last: float
    from_first_byte_s: float | None
    """A timeout that begins with the answer."""
    connected: bool = False
    answering: bool = False

    async def note(self, event: str, _info: dict[str, Any]) -> None:
        # From the headers on the server may charge.
        if event.endswith("send_request_headers.complete"):
            self.connected = True
        elif event.endswith("receive_response_headers.complete"):
            self.answering = True
            if self.from_first_byte_s is not None and not self.limit.expired():
                now = asyncio.get_running_loop().time()
                self.limit.reschedule(min(self.last, now + self.from_first_byte_s))


async def _read_capped(response: httpx.Response) -> httpx.Response:
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise RequestFailed(
                    "invalid_response", f"the body is over {MAX_BODY_BYTES} bytes", status=response.status_code
                )
            chunks.append(chunk)
    finally:
        await response.aclose()
    kept = {key: response.headers[key] for key in ("content-type", "retry-after") if key in response.headers}
    return httpx.Response(response.status_code, headers=kept, content=b"".join(chunks))


def _own_headers(request: httpx.Request) -> list[tuple[str, str]]:
    """Without what an SDK adds about this machine, or from environment variables that are none of ours."""
    dropped = ("x-stainless-", "openai-", "user-agent", "content-length", "transfer-encoding", "connection")
    kept = [(key, value) for key, value in request.headers.items() if not key.lower().startswith(dropped)]
    return [*kept, ("user-agent", "clinical-model-selector")]


@dataclass(slots=True)
class _Clients:
    """Clients with one connection each: in a pool, httpcore looks at every connection for every request."""

    trust_env: bool
    """Use the environment's proxies and certificates."""
    context: ssl.SSLContext
    """Reading the certificates takes longer than a request."""
    free: list[httpx.AsyncClient] = field(default_factory=list)

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client that nobody uses; the one used last, whose connection is likeliest to be open."""
        client = self.free.pop() if self.free else self._make()
        try:
            yield client
        finally:
            if len(self.free) < _MAX_FREE:
                self.free.append(client)
            else:
                await client.aclose()

    def _make(self) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=1, keepalive_expiry=_IDLE_S)
        try:
            return httpx.AsyncClient(verify=self.context, trust_env=self.trust_env, limits=limits)
        except ImportError:
            raise RequestFailed("connection", SOCKS_NEEDED, sent=False) from None
        except (ValueError, httpx.InvalidURL):
            message = "a proxy variable (ALL_PROXY, HTTPS_PROXY, HTTP_PROXY) holds no usable address"
            raise RequestFailed("connection", message, sent=False) from None


SOCKS_NEEDED = "a SOCKS proxy (ALL_PROXY or HTTPS_PROXY) needs an optional library: pip install 'httpx[socks]'"


def _clients(*, trust_env: bool) -> _Clients:
    """The private loop's clients, with or without the environment's proxies and certificates."""
    kept = get_private_loop().resources
    if trust_env not in kept:
        try:
            context = httpx.create_ssl_context(trust_env=trust_env)
        except OSError:
            message = "the certificates that SSL_CERT_FILE or SSL_CERT_DIR name cannot be read"
            raise RequestFailed("connection", message, sent=False) from None
        kept[trust_env] = _Clients(trust_env, context)
    clients: _Clients = kept[trust_env]
    return clients
