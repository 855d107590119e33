"""What OpenRouter's response means: a reply the SDK can read, or a failure with its kind and the provider's own words.

OpenRouter sends errors inside a 200 body, comment lines before it, and finish reasons that the SDKs let pass. Read here
once, before any SDK sees them, they cannot turn into a ``TypeError``, a silent ``None`` or an accepted half answer.
Every upstream error is worded "Provider returned error"; what really happened stands in ``error.metadata``.
"""

from __future__ import annotations

import json
from typing import Any

import httpx

from .http import Reply, RequestFailed
from .redaction import mask_text
from .response_parts import as_count, as_dollars, as_mapping, as_object, not_json, outcome_of, retry_after

__all__ = ["judge_openrouter"]

_MAX_NAME = 100
"""Characters kept of a name that a response gives."""


def judge_openrouter(response: httpx.Response, *secrets: str) -> Reply:
    """Judge a chat completion.

    Args:
        response: Complete, body read.
        secrets: Strings that must not survive in a message.

    Raises:
        RequestFailed: There is no answer in it, and nothing was charged.
    """
    data = as_object(_without_comments(response.content))
    if data is None:
        raise not_json(response)
    error = data.get("error")
    if error or response.status_code >= 300:
        raise _error_told(error, data, response, secrets)
    choices = data.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        missing = "no choices" if not choices else "a choice without a message"
        return _paid(data, RequestFailed("invalid_response", f"the answer holds {missing}", status=200))
    return _paid(data, _unusable(choice, message, secrets), choice)


def _paid(data: dict[str, Any], failure: RequestFailed | None, choice: dict[str, Any] | None = None) -> Reply:
    usage = as_mapping(data.get("usage"))
    body = b""
    if choice is not None:
        # Only what a plan is read from: an unknown part cannot trip the SDK.
        body = json.dumps(
            {
                "id": str(data.get("id", "")),
                "object": "chat.completion",
                "created": as_count(data.get("created")) or 0,
                "model": str(data.get("model", "")),
                "choices": [{"index": 0, "finish_reason": "stop", "message": _plain_message(choice["message"])}],
                "usage": _plain_usage(usage),
            }
        ).encode()
    return Reply(
        body=body,
        truncated=choice is not None and choice.get("finish_reason") == "length",
        input_tokens=as_count(usage.get("prompt_tokens")),
        output_tokens=as_count(usage.get("completion_tokens")),
        cost_usd=_cost(usage),
        model=_name(data.get("model")),
        upstream=_name(data.get("provider")),
        response_id=_name(data.get("id")),
        failure=failure,
    )


def _cost(usage: dict[str, Any]) -> float | None:
    """What OpenRouter charges, and with a key of one's own at the provider what that one charges."""
    cost = as_dollars(usage.get("cost"))
    upstream = as_dollars(as_mapping(usage.get("cost_details")).get("upstream_inference_cost"))
    if upstream and (usage.get("is_byok") is True or not cost):
        return (cost or 0.0) + upstream
    return cost


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
    prompt, output = as_count(usage.get("prompt_tokens")) or 0, as_count(usage.get("completion_tokens")) or 0
    cost = _cost(usage)
    plain: dict[str, Any] = {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}
    return plain if cost is None else {**plain, "cost": cost}


def _unusable(choice: dict[str, Any], message: dict[str, Any], secrets: tuple[str, ...]) -> RequestFailed | None:
    if isinstance(choice.get("error"), dict):
        error = choice["error"]
        status = _status_inside(error) or 502
        return RequestFailed(outcome_of(status), _message_of(error, status, secrets), status=status)
    if message.get("refusal"):
        return RequestFailed("refused", "the model refused to answer", status=200)
    reason = choice.get("finish_reason")
    if reason == "content_filter":
        return RequestFailed("content_filter", "stopped by the provider's content filter", status=200)
    if reason == "error":
        return RequestFailed("server_error", "the provider broke off with finish_reason error", status=200)
    return None


def _error_told(error: Any, data: dict[str, Any], response: httpx.Response, secrets: tuple[str, ...]) -> RequestFailed:
    """The failure that an error body tells of; a 200 takes the status named inside."""
    status = response.status_code
    if status < 300:
        status = _status_inside(error) or 502
    error = error or data.get("message") or data.get("detail")
    availability = as_mapping(_metadata(error).get("availability"))
    fallbacks = availability.get("fallback_models")
    return RequestFailed(
        outcome_of(status),
        _message_of(error, status, secrets),
        status=status,
        retry_after=retry_after(response.headers),
        # An error answer is not charged for; one that came in a 200 may have been.
        sent=response.status_code < 300,
        cause=_words(error).lower(),
        successors=tuple(map(str, fallbacks)) if isinstance(fallbacks, list) else (),
    )


def _status_inside(error: Any) -> int | None:
    for key in ("code", "http_status"):
        status = error.get(key) if isinstance(error, dict) else None
        if isinstance(status, int) and 300 <= status < 600:
            return status
    return None


def _message_of(error: Any, status: int, secrets: tuple[str, ...]) -> str:
    return mask_text(_words(error) or f"HTTP {status} without a message", *secrets)


def _words(error: Any) -> str:
    """The error's message, and behind it who failed and why; never ``flagged_input``, which quotes the prompt."""
    if isinstance(error, str):
        return error
    if not isinstance(error, dict):
        return ""
    metadata = _metadata(error)
    parts = [str(error.get("message") or error.get("type") or "")]
    who, raw = metadata.get("provider_name"), _raw_cause(metadata.get("raw"))
    if isinstance(who, str) and who:
        parts.append(f"({who})")
    if raw:
        parts.append(f": {raw}")
    reasons = metadata.get("reasons")
    if isinstance(reasons, list) and reasons:
        parts.append(f": {', '.join(map(str, reasons))}")
    excluded = as_mapping(metadata.get("availability")).get("excluded_by")
    if excluded:
        parts.append(f"[excluded by {excluded if isinstance(excluded, str) else json.dumps(excluded)}]")
    return " ".join(part for part in parts if part).replace(" : ", ": ")


def _raw_cause(raw: Any) -> str:
    """The upstream error's own message: ``raw`` is its body, as JSON or as text."""
    if isinstance(raw, str):
        data = as_object(raw.encode())
        if data is None:
            return raw
        raw = data
    if not isinstance(raw, dict):
        return ""
    inner = raw.get("error", raw)
    if isinstance(inner, str):
        return inner
    message = inner.get("message") if isinstance(inner, dict) else None
    return message if isinstance(message, str) else ""


def _metadata(error: Any) -> dict[str, Any]:
    return as_mapping(error.get("metadata")) if isinstance(error, dict) else {}


def _name(value: Any) -> str | None:
    return mask_text(value)[:_MAX_NAME] if isinstance(value, str) and value else None


def _without_comments(body: bytes) -> bytes:
    """OpenRouter keeps the line open with ``: OPENROUTER PROCESSING`` until the answer begins."""
    while (stripped := body.lstrip()).startswith(b":"):
        body = stripped.partition(b"\n")[2]
    return body
