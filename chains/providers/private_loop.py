"""An event loop of our own in a daemon thread, where requests and the attempts of callers without a loop run."""

from __future__ import annotations

import asyncio
import atexit
import os
import socket
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

__all__ = ["PrivateLoop", "get_private_loop"]

T = TypeVar("T")


class _Loop(asyncio.SelectorEventLoop):
    """An event loop whose name look-ups run in daemon threads: a resolver that hangs must not hold the process."""

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        """As the base class, without its executor, whose threads are joined at exit."""
        future: asyncio.Future[Any] = self.create_future()

        def settle(addresses: Any, error: OSError | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(addresses)
            else:
                future.set_exception(error)

        def look_up() -> None:
            addresses, error = None, None
            try:
                addresses = socket.getaddrinfo(host, port, **options)
            except OSError as caught:
                error = caught
            if not self.is_closed():
                self.call_soon_threadsafe(settle, addresses, error)

        threading.Thread(target=look_up, name="clinical-model-selector-dns", daemon=True).start()
        return await future


@dataclass(slots=True)
class PrivateLoop:
    """The loop, and what belongs to it."""

    loop: asyncio.AbstractEventLoop = field(default_factory=_Loop)
    resources: dict[Any, Any] = field(default_factory=dict)
    """Of those who run on it; touched on the loop alone."""

    def start(self) -> None:
        """Run the loop in a daemon thread."""
        threading.Thread(target=self.loop.run_forever, name="clinical-model-selector-http", daemon=True).start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do ``work`` on the loop and wait; leaving early (an interrupt) cancels it. Context variables go along."""
        future = self._submit(work)
        try:
            return future.result()
        finally:
            future.cancel()

    async def arun(self, work: Coroutine[Any, Any, T]) -> T:
        """Do ``work`` on the loop and await it from any; cancelling the caller cancels it."""
        if asyncio.get_running_loop() is self.loop:
            return await work
        return await asyncio.wrap_future(self._submit(work))

    def stop(self) -> None:
        """End the thread; work still under way is dropped."""
        if self.loop.is_running():
            self.loop.call_soon_threadsafe(self.loop.stop)

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self.loop)


def get_private_loop() -> PrivateLoop:
    """The process's loop; a fork gets its own, because threads do not survive one."""
    with _LOCK:
        return _loop_of(os.getpid())


_LOCK = threading.Lock()
if hasattr(os, "register_at_fork"):
    # A child of a fork inherits the lock as it was, perhaps held by a thread that it has not.
    os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release)


@cache
def _loop_of(_process: int) -> PrivateLoop:
    private = PrivateLoop()
    private.start()
    atexit.register(private.stop)
    return private
