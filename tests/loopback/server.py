"""A scripted HTTP server on loopback: answers from a queue, then by default, and keeps every request."""

from __future__ import annotations

import json
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Act", "Recorded", "Responder", "ScriptedServer", "black_hole", "refused_address"]


@dataclass
class Recorded:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    disconnected: threading.Event = field(default_factory=threading.Event)
    """Set when a responder that waits saw the client go."""


class Responder(BaseHTTPRequestHandler):
    """What an act writes through; one per connection."""

    protocol_version = "HTTP/1.1"
    server: _Server
    recorded: Recorded

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_PATCH(self) -> None:
        self._handle()

    def _handle(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        raw = self.rfile.read(length)
        headers = {key.lower(): value for key, value in self.headers.items()}
        self.recorded = Recorded(self.command, self.path, headers, _parse(raw))
        owner = self.server.owner
        try:
            owner.answer(self.recorded)(self)
        except OSError:
            # The client went first: what a test of deadlines and cancellation wants to see.
            self.recorded.disconnected.set()
            self.close_connection = True

    def send(
        self, status: int, body: bytes, content_type: str = "application/json", headers: dict[str, str] | None = None
    ) -> None:
        """A whole response."""
        self.head(status, {"content-type": content_type, "content-length": str(len(body)), **(headers or {})})
        self.wfile.write(body)

    def head(self, status: int, headers: dict[str, str]) -> None:
        """Status line and headers."""
        self.send_response_only(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.flush()

    def reset(self) -> None:
        """Break the connection with a TCP reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def pause(self, seconds: float) -> None:
        """Wait, unless the client goes or the server stops."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self.server.owner.stopping.is_set():
                raise OSError("stopping")
            readable, _, _ = select.select([self.connection], [], [], min(left, 0.02))
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise OSError("client gone")

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


def _parse(raw: bytes) -> Any:
    """JSON where it is JSON, else the bytes."""
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw


Act = Callable[[Responder], None]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    owner: ScriptedServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that vanishes is part of the game."""


class ScriptedServer:
    """Answers questions from the queue, then with ``default``; look-ups have fixed answers.

    Args:
        default: Makes the act for a question once the queue is empty.
        lookups: Path ending → act; any other ``GET`` gets 404, any other ``POST`` is a question.
        port: 0 takes any free one.
    """

    def __init__(
        self, default: Callable[[Recorded], Act], lookups: dict[str, Act] | None = None, port: int = 0
    ) -> None:
        self.default = default
        self.fixed = dict(lookups or {})
        self.requests: list[Recorded] = []
        self.lookups: list[Recorded] = []
        self.stopping = threading.Event()
        self._queue: deque[Act | Callable[[Recorded], Act]] = deque()
        self._always: Act | None = None
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), Responder)
        self._server.owner = self
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def script(self, *acts: Act) -> None:
        """Answer the next requests with ``acts``, in order."""
        self._queue.extend(acts)

    def always(self, act: Act | None) -> None:
        """Answer every request with ``act`` from now on; None goes back to the default."""
        self._always = act

    def clear(self) -> None:
        """As new."""
        self._queue.clear()
        self._always = None
        self.requests.clear()
        self.lookups.clear()

    def answer(self, recorded: Recorded) -> Act:
        with self._lock:
            found = [act for ending, act in self.fixed.items() if recorded.path.endswith(ending)]
            if found or recorded.method == "GET":
                self.lookups.append(recorded)
                return found[0] if found else lambda to: to.send(404, b'{"error": {"message": "no such path"}}')
            self.requests.append(recorded)
            if self._queue:
                return self._queue.popleft()
            return self._always or self.default(recorded)

    def close(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def black_hole() -> Iterator[str]:
    """An address that takes connections and never reads from them."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def refused_address() -> Iterator[str]:
    """An address where nobody listens; the port stays taken, so that nobody else can."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{holder.getsockname()[1]}"
