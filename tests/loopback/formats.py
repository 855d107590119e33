"""Answers in OpenRouter's and Ollama's wire formats, good and bad."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from clinical_model_selector.schemas.methods import HYPERPARAMETERS
from clinical_model_selector.schemas.table.rule_sentence import RULE_GRAMMAR

from .server import Act, Recorded, Responder

__all__ = [
    "MODELS",
    "OLLAMA_LOOKUPS",
    "OPENROUTER_LOOKUPS",
    "answer_ollama",
    "answer_openrouter",
    "completion",
    "drip",
    "drip_headers",
    "hang",
    "plan_from_prompt",
    "raw",
    "reset_midway",
    "says",
    "status",
    "stream_lines",
]

MODELS: list[dict[str, Any]] = [
    {
        "id": "anthropic/claude-3.5-sonnet",
        "context_length": 200_000,
        "pricing": {"prompt": "0.000003", "completion": "0.000015"},
        "supported_parameters": ["max_tokens", "temperature", "tools", "tool_choice"],
    },
    {
        "id": "openai/gpt-4o",
        "context_length": 128_000,
        "pricing": {"prompt": "0.0000025", "completion": "0.00001"},
        "supported_parameters": [
            "max_tokens",
            "temperature",
            "tools",
            "tool_choice",
            "response_format",
            "structured_outputs",
        ],
    },
    {
        "id": "some/json-only",
        "context_length": 32_000,
        "pricing": {"prompt": "0.0000001", "completion": "0.0000002"},
        "supported_parameters": ["max_tokens", "temperature", "response_format"],
    },
    {
        "id": "some/plain",
        "context_length": 8_000,
        "pricing": {"prompt": "0", "completion": "0"},
        "supported_parameters": ["max_tokens", "temperature"],
    },
]
"""The model list of the loopback OpenRouter: one of each kind."""

USAGE = {"prompt_tokens": 1700, "completion_tokens": 210, "total_tokens": 1910, "cost": 0.00825}

OPENROUTER_LOOKUPS: dict[str, Act] = {}
"""Model list and key, as OpenRouter has them."""

OLLAMA_LOOKUPS: dict[str, Act] = {}
"""Version and model card, as Ollama has them."""

_FEASIBLE = re.compile(r"^- (\w+) \[.*?CPU s(?:, \d+ gradient steps)?; (.*?)\. Limits:", re.MULTILINE)
_KNOB = re.compile(r"(\w+)=(\[[^\]]*\]|[^,(]+)(?: \([^)]*\))?")


def plan_from_prompt(request: dict[str, Any], first: str | None = None) -> dict[str, Any]:
    """A valid plan for the question in a request: ``first``, then the first that its prompt calls feasible."""
    text = "\n".join(str(message["content"]) for message in request["messages"])
    offered = sorted(_FEASIBLE.findall(text), key=lambda found: found[0] != first)
    configs = [_config(method, knobs) for method, knobs in offered[:3]]
    choice = HYPERPARAMETERS[configs[0]["method"]].model_validate(configs[0])
    budget = {"epsilon": choice.total_epsilon, "delta": choice.total_delta}
    return {
        "choice": configs[0],
        "backups": configs[1:],
        "dp": {"enabled": True, **budget} if choice.is_dp else {"enabled": False, "epsilon": None, "delta": None},
        "sample_multiplier": 1.0,
        "max_synth_rows": 50_000,
        "rationale": f"{choice.method} is expected to do best here.",
        "rules": list(RULE_GRAMMAR),
        "emphasis": [],
    }


def says(text: str | None, **changes: Any) -> Act:
    """OpenRouter: an answer whose content (or tool arguments, as asked) is ``text``; ``changes`` override the body."""

    def act(to: Responder) -> None:
        to.send(200, json.dumps({**completion(to.recorded.body, text), **changes}).encode())

    return act


def answer_openrouter(recorded: Recorded) -> Act:
    """A valid plan in the form that was asked for."""
    return says(json.dumps(plan_from_prompt(recorded.body)))


def completion(request: dict[str, Any], text: str | None, **choice: Any) -> dict[str, Any]:
    """A chat completion; with tools in the request ``text`` are the call's arguments."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if "tools" in request and text is not None:
        function = {"name": request["tools"][0]["function"]["name"], "arguments": text}
        message = {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "x", "type": "function", "function": function}],
        }
    return {
        "id": "gen-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": request["model"],
        "provider": "Loopback",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message, **choice}],
        "usage": USAGE,
    }


def stream_lines(model: str, content: str, thinking: str = "", **last: Any) -> bytes:
    """Ollama's NDJSON stream: the content in two pieces, then the closing line; ``last`` overrides it."""
    stamp = "2026-11-23T00:00:00Z"
    half = len(content) // 2
    pieces = [{"role": "assistant", "content": "", "thinking": thinking}] if thinking else []
    pieces += [{"role": "assistant", "content": part} for part in (content[:half], content[half:])]
    lines: list[dict[str, Any]] = [{"model": model, "created_at": stamp, "message": m, "done": False} for m in pieces]
    closing = {
        "model": model,
        "created_at": stamp,
        "message": {"role": "assistant", "content": ""},
        "done": True,
        "done_reason": "stop",
        "total_duration": 1,
        "prompt_eval_count": 1500,
        "eval_count": 190,
    }
    return b"".join(json.dumps(line).encode() + b"\n" for line in [*lines, {**closing, **last}])


def answer_ollama(recorded: Recorded) -> Act:
    """A valid plan as a stream."""
    body = recorded.body
    return raw(stream_lines(body["model"], json.dumps(plan_from_prompt(body))), "application/x-ndjson")


def status(code: int, message: str = "", headers: dict[str, str] | None = None) -> Act:
    """An error as OpenRouter words it."""
    body = json.dumps({"error": {"code": code, "message": message or f"error {code}"}}).encode()
    return lambda to: to.send(code, body, headers=headers)


def raw(body: bytes, content_type: str = "application/json", code: int = 200) -> Act:
    """Any body."""
    return lambda to: to.send(code, body, content_type)


def hang(to: Responder) -> None:
    """Read the request and say nothing."""
    to.pause(30.0)


def drip(to: Responder) -> None:
    """A byte now and then: no read timeout ever trips."""
    to.head(200, {"content-type": "application/json", "content-length": "100000"})
    until = time.monotonic() + 30.0
    while time.monotonic() < until:
        to.wfile.write(b" ")
        to.wfile.flush()
        to.pause(0.02)


def drip_headers(to: Responder) -> None:
    """The same, within the headers."""
    to.wfile.write(b"HTTP/1.1 200 OK\r\n")
    until = time.monotonic() + 30.0
    while time.monotonic() < until:
        to.wfile.write(b"x-wait: 1\r\n")
        to.wfile.flush()
        to.pause(0.02)


def reset_midway(to: Responder) -> None:
    """A good beginning, then a TCP reset."""
    to.head(200, {"content-type": "application/json", "content-length": "5000"})
    to.wfile.write(b'{"id": "gen-1", "choices": [')
    to.wfile.flush()
    to.reset()


def _config(method: str, knobs: str) -> dict[str, Any]:
    values = {name: _value(text) for name, text in _KNOB.findall(knobs)}
    return HYPERPARAMETERS[method].with_defaults(**values).model_dump()


def _value(text: str) -> Any:
    text = text.strip()
    if text == "None":
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


OPENROUTER_LOOKUPS.update(
    {
        "/models": raw(json.dumps({"data": MODELS}).encode()),
        "/key": raw(json.dumps({"data": {"label": "loopback", "limit": 10.0, "limit_remaining": 7.5}}).encode()),
    }
)
OLLAMA_LOOKUPS.update(
    {
        "/api/version": raw(json.dumps({"version": "0.13.0"}).encode()),
        "/api/show": raw(json.dumps({"model_info": {"llama.context_length": 131_072}}).encode()),
    }
)
