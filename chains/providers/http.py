"""Requests under one total deadline, for the SDKs' synchronous and asynchronous clients alike.

The SDKs' own timeouts restart with every byte, so a server that trickles never trips them, and a shared asynchronous
client breaks in a second ``asyncio.run``. So every request runs on one private event loop in a daemon thread:
``asyncio.timeout`` covers name look-up, connection, headers and body together; leaving early (deadline or
cancellation) closes the socket; and nobody's event loop owns a connection.

The SDKs are handed a transport that submits to that loop. Their exceptions are many and change with their versions, so
what happened is not read from them: the transport notes it in the :class:`Exchange` of the request.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Future
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import httpx

from ...schemas.result import Outcome

__all__ = [
    "EXCHANGE",
    "MAX_BODY_BYTES",
    "AsyncWire",
    "Engine",
    "Exchange",
    "Reply",
    "SyncWire",
    "WireFailure",
    "get_engine",
]

MAX_BODY_BYTES = 4 * 1024 * 1024
"""A plan has a few kilobytes; more than this is a fault, and reading on would only fill the memory."""

_IDLE_S = 2.0
"""Idle connections are dropped early: a request on one that the server just closed would fail for no good reason."""

_MAX_FREE = 16
"""Clients kept beyond those in use."""

_TIMEOUT = httpx.Timeout(None, connect=5.0)
"""All but connecting is bounded by the deadline alone."""

T = TypeVar("T")


class WireFailure(httpx.TransportError):
    """A request that brought no usable answer.

    Attributes:
        outcome: Kind of failure.
        status: HTTP status; for an error inside a 200 body the status it names.
        retry_after: Seconds the server asked to wait.
        sent: Whether the server may have begun to work, and to charge.
    """

    def __init__(
        self,
        outcome: Outcome,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        sent: bool = True,
    ) -> None:
        super().__init__(message)
        self.outcome: Outcome = outcome
        self.message = message
        self.status = status
        self.retry_after = retry_after
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Reply:
    """A provider's answer as its SDK may read it, and what it cost."""

    body: bytes
    content_type: str = "application/json"
    truncated: bool = False
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    failure: WireFailure | None = None
    """Set where the answer is paid for and yet unusable: refused, filtered, malformed."""


@dataclass(slots=True)
class Exchange:
    """One request and what came of it."""

    deadline: float
    """Against ``time.monotonic``."""
    read: Callable[[httpx.Response], Reply]
    """Judges a response; raises ``WireFailure`` where nothing was charged."""
    reply: Reply | None = None
    failure: WireFailure | None = None

    def settle(self, response: httpx.Response, request: httpx.Request) -> httpx.Response:
        """Note what ``response`` is; return it in the form that the SDK can read."""
        self.reply = self.read(response)
        if self.reply.failure is not None:
            raise self.reply.failure
        return httpx.Response(
            200, headers={"content-type": self.reply.content_type}, content=self.reply.body, request=request
        )


EXCHANGE: ContextVar[Exchange] = ContextVar("clinical_model_selector_exchange")
"""The exchange that the next request of this context belongs to; set by the leg around each call of an SDK."""


class SyncWire(httpx.BaseTransport):
    """Transport for a synchronous SDK client."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send on the private loop, wait here."""
        exchange = EXCHANGE.get()
        request.read()
        try:
            response = get_engine().run(send(request, exchange.deadline))
            return exchange.settle(response, request)
        except WireFailure as failure:
            exchange.failure = failure
            raise


class AsyncWire(httpx.AsyncBaseTransport):
    """Transport for an asynchronous SDK client; cancelling the caller closes the socket."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send on the private loop, await here."""
        exchange = EXCHANGE.get()
        await request.aread()
        try:
            response = await get_engine().arun(send(request, exchange.deadline))
            return exchange.settle(response, request)
        except WireFailure as failure:
            exchange.failure = failure
            raise


async def send(request: httpx.Request, deadline: float) -> httpx.Response:
    """The whole response to ``request``; runs on the engine's loop.

    Raises:
        WireFailure: No whole response before ``deadline``; the socket is closed by then.
    """
    # Proxies of the environment are for the way out; a server beside us is spoken to directly.
    clients = get_engine().clients(trust_env=request.url.scheme == "https")
    outgoing = httpx.Request(request.method, request.url, headers=_own_headers(request), content=request.content)
    progress = _Progress()
    outgoing.extensions = {"timeout": _TIMEOUT.as_dict(), "trace": progress.note}
    try:
        async with asyncio.timeout_at(asyncio.get_running_loop().time() + (deadline - time.monotonic())):
            async with clients.lend() as client:
                return await _read_capped(await client.send(outgoing, stream=True))
    except TimeoutError:
        where = "no whole answer in time" if progress.connected else "no connection in time"
        outcome: Outcome = "timeout" if progress.connected else "connection"
        raise WireFailure(outcome, where, sent=progress.connected) from None
    except WireFailure:
        raise
    except httpx.DecodingError:
        raise WireFailure("invalid_response", "the body's content encoding is broken") from None
    except (httpx.TransportError, OSError) as error:
        raise WireFailure("connection", _explain(error), sent=progress.connected) from None


@dataclass(slots=True)
class _Progress:
    """How far a request came, from httpcore's trace events."""

    connected: bool = False

    async def note(self, event: str, _info: dict[str, Any]) -> None:
        # "send_request_body.complete" fires for HTTP/1.1; from then on the server may charge.
        if event.endswith("send_request_headers.complete"):
            self.connected = True


async def _read_capped(response: httpx.Response) -> httpx.Response:
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise WireFailure(
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


def _explain(error: BaseException) -> str:
    """The cause in words; addresses stay out, they may hold a password."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return "the host name cannot be resolved"
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if isinstance(cause, ConnectionResetError):
            return "connection reset"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ConnectTimeout):
        return "no connection in time"
    if isinstance(error, httpx.ConnectError):
        # Happy eyeballs joins several refusals into one message without a cause.
        return "no connection" + (": certificate not trusted" if "CERTIFICATE" in str(error) else "")
    if isinstance(error, httpx.RemoteProtocolError):
        return "the server broke off or did not speak HTTP"
    if isinstance(error, (httpx.ReadError, httpx.WriteError)):
        return "connection lost"
    return type(error).__name__


class _Loop(asyncio.SelectorEventLoop):
    """An event loop whose name look-ups run in daemon threads: a resolver that hangs must not hold the process."""

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        """As the base class, without its executor, whose threads are joined at exit."""
        future: asyncio.Future[Any] = self.create_future()

        def settle(found: Any, error: OSError | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(found)
            else:
                future.set_exception(error)

        def look_up() -> None:
            found, error = None, None
            try:
                found = socket.getaddrinfo(host, port, **options)
            except OSError as caught:
                error = caught
            if not self.is_closed():
                self.call_soon_threadsafe(settle, found, error)

        threading.Thread(target=look_up, name="clinical-model-selector-dns", daemon=True).start()
        return await future


class _Clients:
    """Clients with one connection each: in a pool, httpcore looks at every connection for every request.

    Args:
        trust_env: Use the environment's proxies and certificates.
    """

    def __init__(self, trust_env: bool) -> None:
        self._trust_env = trust_env
        # Reading the certificates takes longer than a request.
        self._context = httpx.create_ssl_context(trust_env=trust_env)
        self._free: list[httpx.AsyncClient] = []

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client that nobody uses; the one used last, whose connection is likeliest to be open."""
        client = self._free.pop() if self._free else self._make()
        try:
            yield client
        finally:
            if len(self._free) < _MAX_FREE:
                self._free.append(client)
            else:
                await client.aclose()

    def _make(self) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=1, keepalive_expiry=_IDLE_S)
        return httpx.AsyncClient(verify=self._context, trust_env=self._trust_env, limits=limits, follow_redirects=False)


@dataclass(slots=True)
class Engine:
    """The private event loop in its daemon thread, with its pools of connections."""

    loop: asyncio.AbstractEventLoop = field(default_factory=_Loop)
    _clients: dict[bool, _Clients] = field(default_factory=dict)

    def start(self) -> None:
        """Run the loop in a daemon thread."""
        threading.Thread(target=self.loop.run_forever, name="clinical-model-selector-wire", daemon=True).start()

    def clients(self, *, trust_env: bool) -> _Clients:
        """Connections, with or without the environment's proxies and certificates."""
        if trust_env not in self._clients:
            self._clients[trust_env] = _Clients(trust_env)
        return self._clients[trust_env]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do ``work`` on the loop and wait; leaving early (an interrupt) cancels it."""
        future = self._submit(work)
        try:
            return future.result()
        finally:
            future.cancel()

    async def arun(self, work: Coroutine[Any, Any, T]) -> T:
        """Do ``work`` on the loop and await it from any other; cancelling the caller cancels it."""
        return await asyncio.wrap_future(self._submit(work))

    def stop(self) -> None:
        """Close connections and end the thread; work still under way is dropped."""
        if self.loop.is_running():
            self.loop.call_soon_threadsafe(self.loop.stop)

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self.loop)


def get_engine() -> Engine:
    """The process's engine; a fork gets its own, because threads do not survive one."""
    with _LOCK:
        return _engine_of(os.getpid())


_LOCK = threading.Lock()
if hasattr(os, "register_at_fork"):
    # A child of a fork inherits the lock as it was, perhaps held by a thread that it has not.
    os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release)


@cache
def _engine_of(_process: int) -> Engine:
    engine = Engine()
    engine.start()
    atexit.register(engine.stop)
    return engine
