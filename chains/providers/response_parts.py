"""What the readers of both services' responses share: kinds of failure, and values that may be of any type."""

from __future__ import annotations

import json
import math
from typing import Any

import httpx

from ...schemas.result import Outcome
from .http import RequestFailed

__all__ = ["as_count", "as_dollars", "as_mapping", "as_object", "not_json", "outcome_of", "retry_after"]

_OUTCOMES: dict[int, Outcome] = {
    401: "authentication",
    402: "payment",
    403: "forbidden",
    404: "not_found",
    408: "timeout",
    429: "rate_limited",
}


def outcome_of(status: int) -> Outcome:
    """Kind of failure behind an HTTP status."""
    if status in _OUTCOMES:
        return _OUTCOMES[status]
    if status >= 500:
        return "server_error"
    return "bad_request" if status >= 400 else "invalid_response"


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds to wait as the server asks for; None where it names none or a date (its clock is not ours)."""
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def not_json(response: httpx.Response) -> RequestFailed:
    """The failure of a response whose body is no JSON object."""
    status = response.status_code
    kind = "an HTML page" if b"<html" in response.content[:2000].lower() else f"{len(response.content)} bytes"
    return RequestFailed(
        outcome_of(status),
        f"HTTP {status} with {kind} instead of JSON",
        status=status,
        retry_after=retry_after(response.headers),
        sent=status < 300,
    )


def as_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object in ``body``; None where there is none."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def as_mapping(value: Any) -> dict[str, Any]:
    """``value`` where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_count(value: Any) -> int | None:
    """``value`` where it is a number of tokens."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def as_dollars(value: Any) -> float | None:
    """``value`` where it is a sum of money."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None
