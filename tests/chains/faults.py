"""The fault matrix's table: what a provider does, and how its attempt must then end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from loopback.formats import (
    completion,
    drip,
    drip_headers,
    hang,
    plan_from_prompt,
    raw,
    reset_midway,
    says,
    status,
    stream_lines,
)
from loopback.server import Act, Responder

__all__ = ["CANARY", "OLLAMA_FAULTS", "OPENROUTER_FAULTS", "Fault"]

CANARY = "Zq7Canary"
"""Stands in every bad answer; no error, log line or provenance may repeat it."""


@dataclass(frozen=True)
class Fault:
    """What happens to every request, and what must be said of it."""

    outcome: str
    """``ok`` where the provider's plan is used after all."""
    act: Act | None = None
    address: str = "server"
    """``refused``, ``black_hole`` or ``unresolvable`` instead of the scripted server."""
    status: int | None = None
    requests: int = 1
    """How many the provider may see: two where an answer is repaired."""
    says: str = ""
    """Part of the message."""
    deadline: float = 10.0
    slow: bool = False
    """Waiting is the point; elsewhere nothing is timed: this machine may be busy."""

    @property
    def timeout(self) -> float:
        """Seconds for a request."""
        return 0.5 if self.slow or (self.outcome == "timeout" and self.status is None) else 5.0


def _plan(to: Responder) -> dict[str, Any]:
    return plan_from_prompt(to.recorded.body)


def _text(change: Callable[[str], str]) -> Act:
    """The valid plan's text, changed."""
    return lambda to: says(change(json.dumps(_plan(to))))(to)


def _edited(**changes: Any) -> Act:
    """The valid plan with some fields replaced."""
    return lambda to: says(json.dumps({**_plan(to), **changes}))(to)


def _choice(**changes: Any) -> Act:
    """A good answer in a choice with other fields replaced."""
    return lambda to: to.send(200, json.dumps(completion(to.recorded.body, json.dumps(_plan(to)), **changes)).encode())


def _body(**changes: Any) -> Act:
    """A good answer's body with some parts replaced."""
    return lambda to: to.send(
        200, json.dumps({**completion(to.recorded.body, json.dumps(_plan(to))), **changes}).encode()
    )


def _prefixed(prefix: bytes) -> Act:
    return lambda to: to.send(200, prefix + json.dumps(completion(to.recorded.body, json.dumps(_plan(to)))).encode())


def _without_choices(to: Responder) -> None:
    to.send(200, b'{"id": "gen-1", "object": "chat.completion", "model": "m"}')


def _cut_short(to: Responder) -> None:
    to.head(200, {"content-type": "application/json", "content-length": "5000"})
    to.wfile.write(b'{"id": "gen-1"')
    to.close_connection = True


def _not_http(to: Responder) -> None:
    to.wfile.write(b"SSH-2.0-OpenSSH_9.9\r\n")
    to.close_connection = True


def _html(code: int, content_type: str) -> Act:
    return raw(f"<!doctype html><html><body>{CANARY}</body></html>".encode(), content_type, code)


def _retry_after(seconds: str) -> Act:
    return status(429, "slow down", {"retry-after": seconds})


def _loading(to: Responder) -> None:
    """A model that is loaded first: nothing is sent for longer than a request may take."""
    to.pause(0.8)
    _stream()(to)


INFEASIBLE = {
    # CTGAN's fewest epochs at this size are far too few gradient steps.
    "choice": {
        "method": "ctgan",
        "epochs": 100,
        "batch_size": 500,
        "pac": 10,
        "embedding_dim": 128,
        "generator_lr": 2e-4,
        "discriminator_lr": 2e-4,
    },
    "backups": [
        {"method": "gaussian_copula", "marginal": "empirical", "shrinkage": 0.05},
        {"method": "arf", "num_trees": 30, "min_node_size": 5, "max_iters": 10},
    ],
    "dp": {"enabled": False, "epsilon": None, "delta": None},
}

OPENROUTER_FAULTS: dict[str, Fault] = {
    "refused": Fault("connection", address="refused", requests=0),
    "unresolvable": Fault("connection", address="unresolvable", requests=0),
    "black hole": Fault("timeout", address="black_hole", requests=0),
    "hang": Fault("timeout", hang),
    "trickle": Fault("timeout", drip),
    "trickling headers": Fault("timeout", drip_headers),
    "reset in mid-body": Fault("connection", reset_midway),
    "cut short": Fault("connection", _cut_short),
    "not HTTP": Fault("connection", _not_http),
    **{
        f"HTTP {code}": Fault(outcome, status(code, f"told {code}"), status=code, says=f"told {code}")
        for code, outcome in {
            400: "bad_request",
            401: "authentication",
            402: "payment",
            403: "forbidden",
            404: "not_found",
            408: "timeout",
            409: "bad_request",
            413: "bad_request",
            422: "bad_request",
            500: "server_error",
            502: "server_error",
            503: "server_error",
            529: "server_error",
        }.items()
    },
    "429": Fault("rate_limited", status(429), status=429),
    "429, retry after 1 s, again and again": Fault("rate_limited", _retry_after("1"), status=429, requests=2),
    "429, retry after 4 s, deadline sooner": Fault("rate_limited", _retry_after("4"), status=429, deadline=4.0),
    "429, retry after 60 s": Fault("rate_limited", _retry_after("60"), status=429),
    "429, retry after 200 s": Fault("rate_limited", _retry_after("200"), status=429),
    "429, retry after a date": Fault("rate_limited", _retry_after("Wed, 21 Oct 2026 07:28:00 GMT"), status=429),
    "redirect": Fault("invalid_response", raw(b"{}", code=307), status=307),
    "200 with an error": Fault(
        "rate_limited",
        raw(b'{"error": {"code": 429, "message": "upstream is busy"}}'),
        status=429,
        says="upstream is busy",
    ),
    "200 with an error without a code": Fault(
        "server_error", raw(b'{"error": {"message": "Provider returned error"}}'), status=502, says="Provider returned"
    ),
    "200 with an error and an HTTP status": Fault(
        "rate_limited", raw(b'{"error": {"http_status": 429, "message": "upstream is busy"}}'), status=429, says="busy"
    ),
    "an upstream error with its cause": Fault(
        "server_error",
        raw(
            b'{"error": {"code": 502, "message": "Provider returned error", "metadata": {"provider_name": "Acme", '
            b'"raw": "{\\"error\\": {\\"message\\": \\"out of capacity\\"}}"}}}',
            code=502,
        ),
        status=502,
        says="Provider returned error (Acme): out of capacity",
    ),
    "moderation": Fault(
        "forbidden",
        raw(
            f'{{"error": {{"code": 403, "message": "Input was flagged", "metadata": {{"reasons": ["violence"], '
            f'"flagged_input": "{CANARY}"}}}}}}'.encode(),
            code=403,
        ),
        status=403,
        says="violence",
    ),
    "200 with an error in words": Fault("server_error", raw(b'{"error": "overloaded"}'), status=502, says="overloaded"),
    "200 with an error in the choice": Fault(
        "server_error", _choice(error={"code": 503, "message": "no capacity"}), status=503, says="no capacity"
    ),
    "choices null": Fault("invalid_response", _body(choices=None), status=200),
    "choices empty": Fault("invalid_response", _body(choices=[]), status=200),
    "choices missing": Fault("invalid_response", _without_choices, status=200),
    "choices of another type": Fault("invalid_response", _body(choices={"0": CANARY}), status=200),
    "message null": Fault("invalid_response", _choice(message=None), status=200),
    "content null": Fault("invalid_answer", says(None), status=200, says="empty"),
    "content empty": Fault("invalid_answer", _choice(message={"role": "assistant", "content": ""}), status=200),
    "content blank": Fault("invalid_answer", _choice(message={"role": "assistant", "content": " \n"}), status=200),
    "prose": Fault("invalid_answer", says(f"I would use CTGAN, {CANARY}."), requests=2, says="not valid JSON"),
    "prose around JSON": Fault("ok", _text(lambda plan: f"Here you are: {plan} {CANARY}")),
    "fenced": Fault("ok", _text(lambda plan: f"```json\n{plan}\n```")),
    "fenced after {braces}": Fault("ok", _text(lambda plan: f"Using {{facts}}:\n```json\n{plan}\n```")),
    "trailing comma": Fault("invalid_answer", _text(lambda plan: plan[:-1] + ",}"), requests=2),
    "single quotes": Fault("invalid_answer", _text(lambda plan: plan.replace('"', "'")), requests=2),
    "NaN": Fault("invalid_answer", _edited(sample_multiplier=float("nan")), requests=2, says="sample_multiplier"),
    "infinity": Fault("invalid_answer", _edited(sample_multiplier=float("inf")), requests=2, says="sample_multiplier"),
    "a number beyond all bounds": Fault("invalid_answer", _edited(max_synth_rows=10**400), requests=2),
    "truncated": Fault("invalid_answer", _text(lambda plan: plan[:200]), requests=2, says="not valid JSON"),
    "a list": Fault("invalid_answer", says("[1, 2]"), requests=2),
    "null": Fault("invalid_answer", says("null"), requests=2),
    "deeply nested": Fault("invalid_answer", says("[" * 100_000), requests=2),
    "finish reason length": Fault("truncated", _choice(finish_reason="length"), requests=2),
    "finish reason length and cut": Fault(
        "truncated",
        _choice(finish_reason="length", message={"role": "assistant", "content": '{"choice": {'}),
        requests=2,
    ),
    "finish reason length and nothing said": Fault(
        "truncated",
        _choice(finish_reason="length", message={"role": "assistant", "content": ""}),
        says="raise SELECTOR_MAX_TOKENS",
    ),
    "finish reason error": Fault("server_error", _choice(finish_reason="error"), status=200),
    "finish reason content_filter": Fault("content_filter", _choice(finish_reason="content_filter"), status=200),
    "refusal": Fault(
        "refused", _choice(message={"role": "assistant", "content": None, "refusal": f"I cannot {CANARY}"}), status=200
    ),
    "HTML": Fault("invalid_response", _html(200, "text/html"), status=200, says="HTML"),
    "HTML called JSON": Fault("invalid_response", _html(200, "application/json"), status=200, says="HTML"),
    "HTML with 502": Fault("server_error", _html(502, "text/html"), status=502, says="HTML"),
    "JSON that is no object": Fault("invalid_response", raw(b"[]"), status=200),
    "empty body": Fault("invalid_response", raw(b""), status=200),
    "body over all bounds": Fault("invalid_response", raw(b" " * (5 * 1024 * 1024)), says="bytes"),
    "broken encoding": Fault("invalid_response", lambda to: to.send(200, b"xx", headers={"content-encoding": "gzip"})),
    "keep-alive comment lines": Fault("ok", _prefixed(b": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n")),
    "keep-alive blank lines": Fault("ok", _prefixed(b"\n         \n\n")),
    "unknown method": Fault("invalid_answer", _edited(choice={"method": CANARY}), requests=2, says="choice"),
    "wrong enum": Fault(
        "invalid_answer",
        _edited(choice={"method": "gaussian_copula", "marginal": CANARY, "shrinkage": 0.1}),
        requests=2,
        says="choice.gaussian_copula.marginal",
    ),
    "out of range": Fault("invalid_answer", _edited(sample_multiplier=99.0), requests=2, says="sample_multiplier"),
    "extra field": Fault("invalid_answer", _edited(**{CANARY: 1}), requests=2),
    "field missing": Fault("invalid_answer", says('{"choice": {"method": "cart", "min_samples_leaf": 7}}'), requests=2),
    "too few backups": Fault("infeasible", _edited(backups=[]), requests=2, says="backups"),
    "a plan for one row": Fault("infeasible", _edited(max_synth_rows=1), requests=2, says="max_synth_rows"),
    "backup equals choice": Fault(
        "invalid_answer", _edited(choice=INFEASIBLE["backups"][0], backups=INFEASIBLE["backups"]), requests=2
    ),
    "rationale too long": Fault("invalid_answer", _edited(rationale=CANARY * 100), requests=2, says="rationale"),
    "infeasible": Fault("infeasible", _edited(**INFEASIBLE), requests=2, says="choice.ctgan.epochs"),
    "no usage": Fault("ok", _body(usage=None)),
    "usage of another type": Fault("ok", _body(usage=[CANARY])),
    "content in parts": Fault(
        "ok",
        lambda to: _choice(message={"role": "assistant", "content": [{"type": "text", "text": json.dumps(_plan(to))}]})(
            to
        ),
    ),
    "thinking aloud": Fault("ok", _text(lambda plan: f"<think>{{no}} {CANARY}</think>\n{plan}")),
}


def _stream(thinking: str = "", change: Callable[[str], str] = str, **last: Any) -> Act:
    """Ollama's stream with the valid plan, changed."""

    def act(to: Responder) -> None:
        content = change(json.dumps(_plan(to)))
        to.send(200, stream_lines("m", content, thinking, **last), "application/x-ndjson")

    return act


def _first_lines(to: Responder) -> None:
    lines = stream_lines("m", json.dumps(_plan(to))).splitlines(keepends=True)
    to.send(200, b"".join(lines[:-1]), "application/x-ndjson")


def _ndjson(*lines: str) -> Act:
    return raw("\n".join(lines).encode(), "application/x-ndjson")


OLLAMA_FAULTS: dict[str, Fault] = {
    "down": Fault("connection", address="refused", requests=0),
    "unresolvable": Fault("connection", address="unresolvable", requests=0),
    "black hole": Fault("cold_start", address="black_hole", requests=0, deadline=1.0),
    "silent until the deadline": Fault("cold_start", hang, deadline=1.0, says="loading"),
    "silent for longer than the timeout": Fault("ok", _loading, slow=True),
    "trickle": Fault("timeout", drip),
    "reset in mid-stream": Fault("connection", reset_midway),
    "model not pulled": Fault(
        "not_found", raw(b'{"error": "model \'m\' not found"}', code=404), status=404, says="not found"
    ),
    "queue full": Fault("server_error", raw(b'{"error": "server busy"}', code=503), status=503, says="server busy"),
    "error line": Fault(
        "server_error",
        _ndjson(
            '{"model": "m", "message": {"role": "assistant", "content": "{"}, "done": false}',
            '{"error": "out of memory"}',
        ),
        status=200,
        says="out of memory",
    ),
    "garbage line": Fault("invalid_response", _ndjson('{"message": {"content": "{"}}', f"%%{CANARY}"), status=200),
    "no end": Fault("invalid_response", _first_lines, status=200),
    "empty": Fault("invalid_response", raw(b"", "application/x-ndjson"), status=200),
    "HTML": Fault("invalid_response", _html(200, "text/html"), status=200),
    "loaded and silent": Fault("invalid_response", _stream(change=lambda _: "", done_reason="load"), status=200),
    "thinking only": Fault("invalid_answer", _stream(CANARY, lambda _: ""), status=200, says="empty"),
    "<think> prefix": Fault("ok", _stream(change=lambda plan: f"<think>{CANARY} {{</think>{plan}")),
    "thinking beside": Fault("ok", _stream(CANARY)),
    "done_reason length": Fault("truncated", _stream(done_reason="length"), requests=2),
    "prompt cut at num_ctx": Fault("prompt_cut", _stream(prompt_eval_count=8192), says="OLLAMA_NUM_CTX"),
    "prose": Fault("invalid_answer", _stream(change=lambda _: CANARY), requests=2),
    "infeasible": Fault(
        "infeasible", _stream(change=lambda plan: json.dumps({**json.loads(plan), **INFEASIBLE})), requests=2
    ),
}
