"""Progress as server-sent events: one ``progress`` a step, then one ``result`` or one ``problem``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from fastapi import Response
from fastapi.sse import format_sse_event
from langchain_core.callbacks import AsyncCallbackHandler
from starlette.responses import StreamingResponse

__all__ = ["Progress", "stream_events"]

_STEPS = {
    "openrouter": "asking OpenRouter",
    "ollama": "asking Ollama",
    "embedded": "asking the embedded recommender",
    "repair": "asking for a repair",
    "check": "checking the plan",
}
"""Run of the selection chain → what it means; all other runs stay silent."""

_PING_S = 10.0

Report = Callable[[str, str], None]
Steps = asyncio.Queue[tuple[str, str] | None]


class Progress(AsyncCallbackHandler):
    """Reports the selection's steps by the names of its runs; it looks at nothing else of them."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._last = ""

    async def on_chain_start(self, serialized: dict[str, Any], inputs: dict[str, Any], **kwargs: Any) -> None:
        """Report a step that begins."""
        name = kwargs.get("name")
        if isinstance(name, str) and name in _STEPS and name != self._last:
            self._last = name
            self._report(name, _STEPS[name])


def stream_events(work: Callable[[Report], Awaitable[Response]]) -> Response:
    """Run ``work`` and stream what it reports; its response becomes the last event.

    A client that goes away cancels the work.
    """
    steps: Steps = asyncio.Queue()
    # Begun now and not by the stream: what the work holds is let go even if nobody ever reads.
    task = asyncio.ensure_future(work(lambda step, text: steps.put_nowait((step, text))))
    task.add_done_callback(lambda _: steps.put_nowait(None))
    return StreamingResponse(
        _events(task, steps),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _events(task: asyncio.Future[Response], steps: Steps) -> AsyncIterator[bytes]:
    try:
        while True:
            try:
                async with asyncio.timeout(_PING_S):
                    step = await steps.get()
            except TimeoutError:
                # Keeps proxies from closing a connection that they think idle.
                yield format_sse_event(comment="waiting")
                continue
            if step is None:
                break
            yield format_sse_event(event="progress", data_str=json.dumps({"step": step[0], "text": step[1]}))
        response = await task
        event = "result" if response.status_code < 400 else "problem"
        yield format_sse_event(event=event, data_str=bytes(response.body).decode())
    finally:
        task.cancel()
