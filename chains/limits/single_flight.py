"""Of several identical questions at a time, one is asked and the others wait for its answer."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Future
from contextlib import suppress

from ...schemas.plan import ModelSelectionPlan
from ...schemas.result import Attempt

__all__ = ["Shared", "SingleFlight", "follow"]

Shared = tuple[ModelSelectionPlan | None, Attempt]
"""What one caller found out for all who ask the same: a plan or none, and the attempt."""


class SingleFlight:
    """Questions under way, by their digest; callers may be on different event loops."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flying: dict[str, Future[Shared]] = {}

    def join(self, key: str) -> Future[Shared] | None:
        """What the first caller will find out; None where this caller is the first, who must ``land``."""
        with self._lock:
            flying = self._flying.get(key)
            if flying is None:
                self._flying[key] = Future()
            return flying

    def land(self, key: str, result: Shared | None) -> None:
        """Tell the others; None (the first one was cancelled) leaves them to ask for themselves."""
        with self._lock:
            future = self._flying.pop(key)
        if result is None:
            future.cancel()
        else:
            future.set_result(result)


async def follow(flight: Future[Shared], deadline: float) -> Shared | None:
    """What the first caller found out; None where it was cancelled, or ``deadline`` came first."""
    # asyncio.wrap_future would cancel the shared future for everybody when this caller is cancelled.
    done = asyncio.Event()
    loop = asyncio.get_running_loop()

    def wake(_: Future[Shared]) -> None:
        # The follower may have given up, and its loop with it.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(done.set)

    flight.add_done_callback(wake)
    try:
        async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
            await done.wait()
    except TimeoutError:
        return None
    return None if flight.cancelled() else flight.result()
