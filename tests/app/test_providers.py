"""``models`` and ``doctor``, over real sockets."""

from __future__ import annotations

import json

from loopback.server import ScriptedServer

from .conftest import Run

KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"
NOBODY = {"OLLAMA_BASE": "http://127.0.0.1:9", "SELECTOR_EMBEDDED": "never"}


def test_models_lists_those_that_can_answer_with_their_prices(run: Run, openrouter_server: ScriptedServer) -> None:
    base = openrouter_server.origin + "/api/v1"
    ended = run("models", OPENROUTER_BASE=base)
    assert (ended.code, ended.err) == (0, "")
    lines = [line.split() for line in ended.out.splitlines()]
    assert ["openai/gpt-4o", "json_schema", "128,000", "2.50", "10.00"] in lines
    assert "some/plain" not in ended.out
    listed = json.loads(run("models", "--json", OPENROUTER_BASE=base).out)
    assert [model["id"] for model in listed] == ["anthropic/claude-3.5-sonnet", "openai/gpt-4o", "some/json-only"]


def test_models_says_why_the_list_cannot_be_read(run: Run) -> None:
    ended = run("models", "--json", OPENROUTER_BASE="http://127.0.0.1:9/api/v1")
    assert (ended.code, ended.out) == (3, "")
    assert "http://127.0.0.1:9" in ended.err


def test_doctor_names_the_fix_and_who_would_answer(run: Run) -> None:
    ended = run("doctor", **{**NOBODY, "SELECTOR_EMBEDDED": "auto"})
    assert (ended.code, ended.err) == (0, "")
    shown = " ".join(ended.out.split())
    for part in ("OpenRouter key off", "fix: set OPENROUTER_API_KEY", "fix: start it with `ollama serve`", "embedded"):
        assert part in shown
    assert max(map(len, ended.out.splitlines())) <= 80


def test_doctor_ends_with_3_where_nobody_can_answer(run: Run) -> None:
    ended = run("doctor", "--json", **NOBODY)
    assert (ended.code, ended.err) == (3, "")
    findings = {finding["subject"]: finding for finding in json.loads(ended.out)}
    assert findings["who would answer"]["state"] == "failure"


def test_doctor_shows_no_key(run: Run, openrouter_server: ScriptedServer) -> None:
    settings = {"OPENROUTER_API_KEY": KEY, "OPENROUTER_BASE": openrouter_server.origin + "/api/v1"}
    ended = run("doctor", **{**NOBODY, **settings})
    assert "sk-…cdef" in ended.out
    assert KEY not in ended.out + ended.err
