"""How the stand-alone service listens, and how it ends: without rows left behind, whatever the signal."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from ...schemas.settings import Settings
from .admission.connections import PatientProtocol
from .handler import Service

__all__ = ["make_server"]

_GRACE_SECONDS = 5
"""Added to the deadline of a selection: what runs when the service is asked to stop is finished."""


def make_server(app: FastAPI, host: str, port: int, settings: Settings) -> uvicorn.Server:
    """The server of ``create_app``'s app."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=PatientProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        # X-Forwarded-For is anybody's to write.
        proxy_headers=bool(settings.service_trusted_proxies),
        forwarded_allow_ips=settings.service_trusted_proxies,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=round(settings.selector_deadline_s) + _GRACE_SECONDS,
    )
    return _Server(config, app.state.service)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Uvicorn's handlers, for good: it raises the signal again before requests have tidied up."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.handle_exit)
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's; a second signal shortens it, and uploads and workers go all the same."""
        try:
            await super().shutdown(sockets)
        finally:
            await self._service.close()
