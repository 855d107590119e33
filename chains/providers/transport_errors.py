"""What went wrong with a connection, in words; addresses stay out, they may hold a password."""

from __future__ import annotations

import socket

import httpx

__all__ = ["explain"]


def explain(error: BaseException) -> str:
    """The cause of a transport error."""
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
    if isinstance(error, httpx.ReadError | httpx.WriteError):
        return "connection lost"
    return type(error).__name__
