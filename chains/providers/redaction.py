"""What may be shown of a key, an address, a provider's own words, and a connection that failed."""

from __future__ import annotations

import re
import socket
from urllib.parse import urlsplit, urlunsplit

import httpx

__all__ = ["MAX_MESSAGE", "explain_failure", "mask_key", "mask_text", "mask_url"]

MAX_MESSAGE = 500
"""Characters kept of a provider's message."""

_KEYS = re.compile(r"(?i)\b(sk|pk|rk|key|api|lsv2)[-_][A-Za-z0-9_\-.]{12,}|\bbearer\s+\S+")
_USERINFO = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY = re.compile(r"(://[^\s?]{1,500}\?)\S+")


def mask_key(key: str) -> str:
    """A key as people recognise it: ``sk-…abcd``; nothing of a short one."""
    if len(key) < 12:
        return "…"
    return f"{key[:3] if key.startswith(('sk-', 'pk-')) else ''}…{key[-4:]}"


def mask_text(text: str, *secrets: str) -> str:
    """``text`` on one line, at most ``MAX_MESSAGE`` characters, without ``secrets`` or what looks like a key."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, mask_key(secret))
    text = _KEYS.sub(_mask_match, text)
    text = _USERINFO.sub("…@", text)
    text = _QUERY.sub(r"\1…", text)
    text = " ".join(text.split())
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"


def mask_url(url: str) -> str:
    """An address without user, password, query and fragment, in any of which a key may stand.

    Of what cannot be taken apart nothing but the scheme is left.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"{url.partition('://')[0]}://…"
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _mask_match(match: re.Match[str]) -> str:
    word = match.group()
    return "bearer …" if word.lower().startswith("bearer") else mask_key(word)


def explain_failure(error: BaseException) -> str:
    """The cause of a transport error; addresses stay out, they may hold a password."""
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
