"""What a response means: a reply the SDK can read, or a failure with its kind and the provider's own words.

OpenRouter sends errors inside a 200 body, comment lines before it, and finish reasons that the SDKs let pass; Ollama
sends errors as a line of a 200 stream. Read here once, before any SDK sees them, they cannot turn into a ``TypeError``,
a silent ``None`` or an accepted half answer.
"""

from __future__ import annotations

import json
import math
from typing import Any

import httpx

from ...schemas.result import Outcome
from .http import Reply, WireFailure
from .redaction import mask_text

__all__ = ["outcome_of", "read_ollama", "read_openrouter", "retry_after"]

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


def read_openrouter(response: httpx.Response, *secrets: str) -> Reply:
    """Judge a chat completion.

    Args:
        response: Complete, body read.
        secrets: Strings that must not survive in a message.

    Raises:
        WireFailure: There is no answer in it, and nothing was charged.
    """
    data = _as_object(_without_comments(response.content))
    if data is None:
        raise _not_json(response)
    error = data.get("error")
    if error or response.status_code >= 300:
        raise _told(error, data, response, secrets)
    usage = _object(data.get("usage"))
    choices = data.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        found = "no choices" if not choices else "a choice without a message"
        return _paid(usage, WireFailure("invalid_response", f"the answer holds {found}", status=200))
    return _paid(usage, _unusable(choice, message, secrets), data, choice)


def read_ollama(response: httpx.Response, num_ctx: int) -> Reply:
    """Judge the lines of a chat stream and join them into one.

    Raises:
        WireFailure: There is no answer in it.
    """
    if response.status_code != 200:
        data = _as_object(response.content)
        if data is None:
            raise _not_json(response)
        raise _told(data.get("error"), data, response, ())
    content: list[str] = []
    last: dict[str, Any] = {}
    for line in response.content.splitlines():
        if not line.strip():
            continue
        part = _as_object(line)
        if part is None:
            raise WireFailure("invalid_response", "a line of the stream is not JSON", status=200)
        if part.get("error"):
            raise WireFailure("server_error", mask_text(str(part["error"])), status=200)
        message = part.get("message")
        if isinstance(message, dict) and isinstance(message.get("content"), str):
            content.append(message["content"])
        last = part
    if last.get("done") is not True:
        raise WireFailure("invalid_response", "the stream ended before the answer did", status=200)
    prompt, output = _count(last.get("prompt_eval_count")), _count(last.get("eval_count"))
    failure = None
    if prompt is not None and prompt >= num_ctx:
        # The server cuts a longer prompt without a word; a count at the limit is the only sign.
        failure = WireFailure("prompt_cut", f"the prompt filled num_ctx ({num_ctx}): raise OLLAMA_NUM_CTX", status=200)
    elif last.get("done_reason") == "load":
        failure = WireFailure("invalid_response", "the model was loaded and said nothing", status=200)
    joined = {
        "model": str(last.get("model", "")),
        "created_at": str(last.get("created_at", "")),
        "message": {"role": "assistant", "content": "".join(content)},
        "done": True,
        "done_reason": last.get("done_reason") or "stop",
        "prompt_eval_count": prompt or 0,
        "eval_count": output or 0,
    }
    return Reply(
        body=json.dumps(joined).encode() + b"\n",
        content_type="application/x-ndjson",
        truncated=last.get("done_reason") == "length",
        input_tokens=prompt,
        output_tokens=output,
        # It runs on a machine of the user's own.
        cost_usd=0.0,
        failure=failure,
    )


def _paid(
    usage: dict[str, Any],
    failure: WireFailure | None,
    data: dict[str, Any] | None = None,
    choice: dict[str, Any] | None = None,
) -> Reply:
    body = b""
    if data is not None and choice is not None:
        # Only what a plan is read from: an unknown part cannot trip the SDK.
        body = json.dumps(
            {
                "id": str(data.get("id", "")),
                "object": "chat.completion",
                "created": _count(data.get("created")) or 0,
                "model": str(data.get("model", "")),
                "choices": [{"index": 0, "finish_reason": "stop", "message": _plain_message(choice["message"])}],
                "usage": _plain_usage(usage),
            }
        ).encode()
    return Reply(
        body=body,
        truncated=choice is not None and choice.get("finish_reason") == "length",
        input_tokens=_count(usage.get("prompt_tokens")),
        output_tokens=_count(usage.get("completion_tokens")),
        cost_usd=_cost(usage.get("cost")),
        failure=failure,
    )


def _plain_message(message: dict[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    plain: dict[str, Any] = {"role": "assistant", "content": content if isinstance(content, str) else None}
    calls = message.get("tool_calls")
    functions = [call.get("function") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    arguments = [function.get("arguments") for function in functions if isinstance(function, dict)]
    # What a plan is read from need not be a call of its own: where the arguments are no object, LangChain would raise
    # an error that quotes them, so they go on as content.
    texts = [text if isinstance(text, str) else json.dumps(text) for text in arguments if text]
    if texts and not (plain["content"] or "").strip():
        plain["content"] = "\n".join(texts)
    return plain


def _plain_usage(usage: dict[str, Any]) -> dict[str, Any]:
    prompt, output = _count(usage.get("prompt_tokens")) or 0, _count(usage.get("completion_tokens")) or 0
    cost = _cost(usage.get("cost"))
    plain: dict[str, Any] = {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}
    return plain if cost is None else {**plain, "cost": cost}


def _unusable(choice: dict[str, Any], message: dict[str, Any], secrets: tuple[str, ...]) -> WireFailure | None:
    """Why a complete answer must not be used, whatever it says."""
    if isinstance(choice.get("error"), dict):
        error = choice["error"]
        status = error.get("code") if isinstance(error.get("code"), int) else 502
        return WireFailure(outcome_of(status), mask_text(_words(error), *secrets), status=status)
    if message.get("refusal"):
        return WireFailure("refused", "the model refused to answer", status=200)
    reason = choice.get("finish_reason")
    if reason == "content_filter":
        return WireFailure("content_filter", "stopped by the provider's content filter", status=200)
    if reason == "error":
        return WireFailure("server_error", "the provider broke off with finish_reason error", status=200)
    return None


def _told(error: Any, data: dict[str, Any], response: httpx.Response, secrets: tuple[str, ...]) -> WireFailure:
    """The failure that an error body tells of; a 200 takes the status named inside."""
    status = response.status_code
    if status < 300:
        code = error.get("code") if isinstance(error, dict) else None
        status = code if isinstance(code, int) and 300 <= code < 600 else 502
    words = _words(error if error else data.get("message") or data.get("detail"))
    return WireFailure(
        outcome_of(status),
        mask_text(words or f"HTTP {status} without a message", *secrets),
        status=status,
        retry_after=retry_after(response.headers),
        # An error answer is not charged for; one that came in a 200 may have been.
        sent=response.status_code < 300,
    )


def _words(error: Any) -> str:
    if isinstance(error, dict):
        return str(error.get("message") or error.get("type") or "")
    return error if isinstance(error, str) else ""


def _not_json(response: httpx.Response) -> WireFailure:
    status = response.status_code
    kind = "an HTML page" if b"<html" in response.content[:2000].lower() else f"{len(response.content)} bytes"
    return WireFailure(
        outcome_of(status),
        f"HTTP {status} with {kind} instead of JSON",
        status=status,
        retry_after=retry_after(response.headers),
        sent=status < 300,
    )


def _without_comments(body: bytes) -> bytes:
    """OpenRouter keeps the line open with ``: OPENROUTER PROCESSING`` until the answer begins."""
    while (stripped := body.lstrip()).startswith(b":"):
        body = stripped.partition(b"\n")[2]
    return body


def _as_object(body: bytes) -> dict[str, Any] | None:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _cost(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None
