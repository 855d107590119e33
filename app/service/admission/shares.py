"""What there is only so much of, shared out so that no caller can take the others' part."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import NamedTuple

from ..problem_details import Overloaded, ShareUsedUp

__all__ = ["ANONYMOUS", "Caller", "Shares", "Turns"]

ANONYMOUS = "anonymous"
"""The name of callers where no key is asked."""


class Caller(NamedTuple):
    """Who is asking: the name of the key, and the address the request came from."""

    key: str
    address: str

    @property
    def party(self) -> str:
        """What shares are counted by: the key, or the address where no key tells callers apart."""
        return self.address if self.key == ANONYMOUS else self.key


class Shares:
    """So many places, or bytes, of which a caller may never hold more than it leaves free for the others.

    These are dynamic thresholds (Choudhury and Hahne, 1998, with alpha = 1): alone a key gets up to half, of k greedy
    keys each gets one part in k + 1, and one part stays free for whoever comes next. The addresses that use a key share
    its part by the same rule.

    Args:
        capacity: How much there is.
        what: Its name in errors.
    """

    def __init__(self, capacity: int, what: str) -> None:
        self._capacity = capacity
        self._what = what
        self._by_party: Counter[str] = Counter()
        self._by_caller: Counter[Caller] = Counter()
        self.taken = 0

    def take(self, caller: Caller, amount: int = 1) -> None:
        """Take ``amount`` until it is given back.

        Raises:
            ShareUsedUp: There is more, but not for this caller.
            Overloaded: There is no more.
        """
        free = self._capacity - self.taken
        if amount > free:
            raise Overloaded(f"too many {self._what} for this service; try again later")
        left_to_party = free - self._by_party[caller.party]
        if amount > left_to_party or self._by_caller[caller] + amount > left_to_party:
            raise ShareUsedUp(f"too many {self._what} of this caller; the rest is for others")
        self.taken += amount
        self._by_party[caller.party] += amount
        self._by_caller[caller] += amount

    def give_back(self, caller: Caller, amount: int = 1) -> None:
        """Give back what was taken."""
        self.taken -= amount
        self._by_party[caller.party] -= amount
        self._by_caller[caller] -= amount
        # Or every caller there ever was would be remembered.
        if not self._by_party[caller.party]:
            del self._by_party[caller.party]
        if not self._by_caller[caller]:
            del self._by_caller[caller]

    @contextmanager
    def hold(self, caller: Caller) -> Iterator[None]:
        """Take one and give it back at the end."""
        self.take(caller)
        try:
            yield
        finally:
            self.give_back(caller)


class Turns:
    """Turns at a few workers: callers alternate, and none has the last worker where there are several.

    Args:
        workers: Turns at a time.
    """

    def __init__(self, workers: int) -> None:
        self._free = workers
        self._most = max(1, workers - 1)
        self._running: Counter[str] = Counter()
        self._waiting: OrderedDict[Caller, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, caller: Caller) -> AsyncIterator[None]:
        """Wait for a turn and have it."""
        mine = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, deque()).append(mine)
        self._hand_out()
        try:
            await mine
        except asyncio.CancelledError:
            if mine.cancelled():
                self._forget(caller, mine)
            else:
                self._end(caller)
            raise
        try:
            yield
        finally:
            self._end(caller)

    def _end(self, caller: Caller) -> None:
        self._free += 1
        self._running[caller.party] -= 1
        self._hand_out()

    def _hand_out(self) -> None:
        while self._free:
            caller = next((c for c in self._waiting if self._running[c.party] < self._most), None)
            if caller is None:
                return
            queue = self._waiting.pop(caller)
            future = queue.popleft()
            if queue:
                # Behind the others.
                self._waiting[caller] = queue
            if not future.done():
                self._free -= 1
                self._running[caller.party] += 1
                future.set_result(None)

    def _forget(self, caller: Caller, future: asyncio.Future[None]) -> None:
        queue = self._waiting.get(caller)
        if queue is not None and future in queue:
            queue.remove(future)
            if not queue:
                del self._waiting[caller]
