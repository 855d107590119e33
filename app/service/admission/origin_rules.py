"""Whose pages may call: browsers send a form to any address, and a name can be made to point to 127.0.0.1."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers

__all__ = ["LOOPBACK", "OriginRules", "is_loopback"]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253}))(?::[0-9]{1,5})?")
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
_FOREIGN = "pages of other origins may not call this service: SERVICE_CORS_ORIGINS allows them"


class OriginRules:
    """Checks of Host, Origin and Sec-Fetch-Site.

    Args:
        origins: Origins that may call besides our own.
        loopback_only: Answer to the names of this machine alone, and to nobody whom a proxy speaks for.
    """

    def __init__(self, origins: Iterable[str], loopback_only: bool) -> None:
        self._origins = frozenset(origins)
        self._loopback_only = loopback_only

    def refusal(self, headers: Headers) -> str | None:
        """Why a request with these headers is turned away; None where it is not."""
        hosts = headers.getlist("host")
        host = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if host is None:
            return "the Host header is not a name or address with an optional port"
        if self._loopback_only:
            if (host[1] or host[2]).lower() not in LOOPBACK:
                return "this service answers to localhost alone: call it by that name, or give it keys"
            if any(name in headers for name in _FORWARDED):
                return "this service has no keys and answers to this machine alone, not to whom a proxy speaks for"
        origin = headers.get("origin")
        if origin is not None:
            return None if origin in self._origins or _is_same(origin, hosts[0]) else _FOREIGN
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return _FOREIGN
        return None


def is_loopback(address: str | None) -> bool:
    """Whether a client's address is this machine's own; not where it is unknown, as behind a socket file."""
    try:
        return address is not None and ip_address(address).is_loopback
    except ValueError:
        return False


def _is_same(origin: str, host: str) -> bool:
    try:
        return urlsplit(origin).netloc == host
    except ValueError:
        return False
