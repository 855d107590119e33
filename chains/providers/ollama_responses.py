"""What Ollama's response means: its stream joined into one reply, or a failure.

Ollama sends errors as a line of a 200 stream, and cuts a prompt that is too long without a word.
"""

from __future__ import annotations

import json
from typing import Any

import httpx

from .http import Reply, RequestFailed
from .redaction import mask_text
from .response_parts import as_count, as_object, not_json, outcome_of

__all__ = ["judge_ollama"]


def judge_ollama(response: httpx.Response, num_ctx: int, *, charged: bool = False) -> Reply:
    """Judge the lines of a chat stream and join them into one.

    Args:
        response: Complete, body read.
        num_ctx: Context length that was asked for.
        charged: The model runs on somebody else's machine, who charges an amount that is not told.

    Raises:
        RequestFailed: There is no answer in it.
    """
    if response.status_code != 200:
        raise _error_told(response)
    content: list[str] = []
    last: dict[str, Any] = {}
    for line in response.content.splitlines():
        if not line.strip():
            continue
        part = as_object(line)
        if part is None:
            raise RequestFailed("invalid_response", "a line of the stream is not JSON", status=200)
        if part.get("error"):
            raise RequestFailed("server_error", mask_text(str(part["error"])), status=200)
        message = part.get("message")
        if isinstance(message, dict) and isinstance(message.get("content"), str):
            content.append(message["content"])
        last = part
    if last.get("done") is not True:
        raise RequestFailed("invalid_response", "the stream ended before the answer did", status=200)
    prompt, output = as_count(last.get("prompt_eval_count")), as_count(last.get("eval_count"))
    model = last.get("model")
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
        # On a machine of the user's own it costs nothing.
        cost_usd=None if charged else 0.0,
        model=mask_text(model)[:100] if isinstance(model, str) and model else None,
        failure=_unusable(last, prompt, num_ctx),
    )


def _unusable(last: dict[str, Any], prompt: int | None, num_ctx: int) -> RequestFailed | None:
    if prompt is not None and prompt >= num_ctx:
        # The server cuts a longer prompt without a word; a count at the limit is the only sign.
        message = f"the prompt filled num_ctx ({num_ctx}): raise OLLAMA_NUM_CTX"
        return RequestFailed("prompt_cut", message, status=200)
    if last.get("done_reason") == "load":
        return RequestFailed("invalid_response", "the model was loaded and said nothing", status=200)
    return None


def _error_told(response: httpx.Response) -> RequestFailed:
    data = as_object(response.content)
    if data is None:
        return not_json(response)
    status = response.status_code
    error = data.get("error")
    words = error if isinstance(error, str) else ""
    if isinstance(error, dict):
        words = str(error.get("message") or "")
    return RequestFailed(
        outcome_of(status),
        mask_text(words or f"HTTP {status} without a message"),
        status=status,
        sent=status < 300,
        cause=words.lower(),
    )
