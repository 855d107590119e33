"""Findings and their fixes, over real sockets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from clinical_model_selector.chains.doctor import Finding, can_answer, run_doctor
from clinical_model_selector.chains.providers.openrouter_models import list_models
from clinical_model_selector.schemas.errors import ProvidersUnavailable
from clinical_model_selector.schemas.settings import Settings
from langsmith.utils import get_env_var
from loopback.formats import raw, status
from loopback.server import ScriptedServer, refused_address
from loopback.strict_openrouter import start_strict

from .conftest import KEY


def settings_for(openrouter: ScriptedServer, ollama: ScriptedServer, **changes: Any) -> Settings:
    return Settings(
        **{
            "openrouter_api_key": KEY,
            "openrouter_base": f"{openrouter.origin}/api/v1",
            "ollama_base": ollama.origin,
            **changes,
        }
    )


def by_subject(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.subject: finding for finding in findings}


def test_all_well(openrouter_server: ScriptedServer, ollama_server: ScriptedServer) -> None:
    findings = run_doctor(settings_for(openrouter_server, ollama_server, openrouter_model="openai/gpt-4o"))
    found = by_subject(findings)
    states = [finding.state for finding in findings]
    assert states[:6] == ["ok", "ok", "ok", "ok", "ok", "off"]
    assert states[-1] == "ok"
    # What this machine has installed is told, and is never a failure.
    assert {"extra light", "extra service", "environments", "proxies"} <= set(found)
    assert set(states[6:-1]) <= {"ok", "off"}
    assert found["OpenRouter key"].detail == "sk-…cdef is valid, 7.50 USD left"
    assert "asked by json_schema; a typical selection costs about 0.0" in found["model openai/gpt-4o"].detail
    assert found["Ollama"].detail == f"version 0.13.0 at {ollama_server.origin}"
    assert "fits in num_ctx" in found["model llama3.1:8b"].detail
    assert found["who would answer"].detail == "openrouter, then ollama, then embedded"
    assert can_answer(findings)
    # Looking costs nothing: nobody was asked a question.
    assert not openrouter_server.requests
    assert not ollama_server.requests
    assert KEY not in repr(findings)


PROBLEMS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], str, str, str, str]] = {
    # settings, OpenRouter's look-ups, Ollama's look-ups → subject, state, detail, fix
    "key rejected": (
        {}, {"/key": status(401)}, {},
        "OpenRouter key", "failure", "sk-…cdef is rejected (HTTP 401)", "set OPENROUTER_API_KEY",
    ),
    "no credit": (
        {}, {"/key": raw(b'{"data": {"limit_remaining": 0}}')}, {},
        "OpenRouter key", "failure", "no credit left", "add credit",
    ),
    "another service": (
        {}, {"/key": status(404)}, {},
        "OpenRouter key", "warning", "cannot be judged", "",
    ),
    "unknown model": (
        {"openrouter_model": "no/such"}, {}, {},
        "model no/such", "failure", "is not in the model list", "clinical-model-selector models",
    ),
    "no structured output": (
        {"openrouter_model": "some/plain"}, {}, {},
        "model some/plain", "failure", "no structured output", "choose another OPENROUTER_MODEL",
    ),
    "wrong method": (
        {"openrouter_model": "some/json-only", "openrouter_method": "json_schema"}, {}, {},
        "model some/json-only", "failure", "supports json_mode, not json_schema", "OPENROUTER_METHOD=auto",
    ),
    "no list": (
        {}, {"/models": raw(b"<html>")}, {},
        "OpenRouter models", "warning", "function_calling is used", "OPENROUTER_METHOD",
    ),
    "not pulled": (
        {}, {}, {"/api/show": raw(b'{"error": "not found"}', code=404)},
        "model llama3.1:8b", "failure", "is not pulled", "ollama pull llama3.1:8b",
    ),
    "num_ctx too small": (
        {"ollama_num_ctx": 2048}, {}, {},
        "model llama3.1:8b", "warning", "num_ctx is 2048", "set OLLAMA_NUM_CTX=",
    ),
    "model's context too small": (
        {}, {}, {"/api/show": raw(json.dumps({"model_info": {"x.context_length": 4096}}).encode())},
        "model llama3.1:8b", "warning", "knows 4096 tokens", "longer context",
    ),
    "no key": (
        {"openrouter_api_key": None}, {}, {},
        "OpenRouter key", "off", "not set", "set OPENROUTER_API_KEY",
    ),
    "cache nowhere": (
        {"selector_cache": "/no/such/folder/x"}, {}, {},
        "cache", "failure", "SELECTOR_CACHE", "set SELECTOR_CACHE",
    ),
    "cache off": ({"selector_cache": "off"}, {}, {}, "cache", "off", "asks anew", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", PROBLEMS)
def test_each_problem_has_its_fix(case: str, openrouter_server: ScriptedServer, ollama_server: ScriptedServer) -> None:
    changes, theirs, local, subject, state, detail, fix = PROBLEMS[case]
    openrouter_server.fixed.update(theirs)
    ollama_server.fixed.update(local)
    finding = by_subject(run_doctor(settings_for(openrouter_server, ollama_server, **changes)))[subject]
    assert finding.state == state
    assert detail in finding.detail
    assert fix in (finding.fix or "")


def test_nobody_can_answer(openrouter_server: ScriptedServer, ollama_server: ScriptedServer) -> None:
    openrouter_server.fixed["/key"] = status(401)
    with refused_address() as address:
        settings = settings_for(openrouter_server, ollama_server, ollama_base=address, selector_embedded="never")
        findings = run_doctor(settings)
        assert not can_answer(findings)
        assert by_subject(findings)["Ollama"].fix == "start it with `ollama serve`, or set OLLAMA_BASE"
        assert can_answer(run_doctor(settings.updated(selector_embedded="auto")))


def test_a_dead_redis_is_a_warning(openrouter_server: ScriptedServer, ollama_server: ScriptedServer) -> None:
    pytest.importorskip("redis")
    with refused_address() as address:
        settings = settings_for(openrouter_server, ollama_server, selector_cache=address.replace("http", "redis"))
        assert by_subject(run_doctor(settings))["cache"].state == "warning"


def test_a_broken_cache_file_is_a_warning(
    tmp_path: Path, openrouter_server: ScriptedServer, ollama_server: ScriptedServer
) -> None:
    path = tmp_path / "plans.sqlite"
    path.write_bytes(b"no database" * 1000)
    settings = settings_for(openrouter_server, ollama_server, selector_cache=str(path))
    assert "DatabaseError" in by_subject(run_doctor(settings))["cache"].detail


def test_models_are_those_with_structured_output(
    openrouter_server: ScriptedServer, ollama_server: ScriptedServer
) -> None:
    models = list_models(settings_for(openrouter_server, ollama_server))
    assert [model.id for model in models] == ["anthropic/claude-3.5-sonnet", "openai/gpt-4o", "some/json-only"]
    assert models[1].structured_outputs == ("json_schema", "function_calling", "json_mode")
    assert (models[1].prompt_usd, models[1].completion_usd) == (0.0000025, 0.00001)


def test_a_list_that_cannot_be_read_says_where_and_why(
    openrouter_server: ScriptedServer, ollama_server: ScriptedServer
) -> None:
    openrouter_server.fixed["/models"] = status(503)
    with pytest.raises(ProvidersUnavailable, match=r"/api/v1 cannot be read: HTTP 503"):
        list_models(settings_for(openrouter_server, ollama_server))


def test_a_retired_model_is_named_with_the_line_that_settles_it(ollama_server: ScriptedServer) -> None:
    server = start_strict()
    try:
        found = by_subject(run_doctor(settings_for(server, ollama_server)))
        told = found["model anthropic/claude-3.5-sonnet"]
        off = by_subject(run_doctor(settings_for(server, ollama_server, openrouter_follow_retired=False)))
    finally:
        server.close()
    assert (told.state, told.fix) == ("warning", "set OPENROUTER_MODEL=anthropic/claude-sonnet-4.5")
    assert told.detail == "is no longer served: anthropic/claude-sonnet-4.5 is asked instead"
    assert off["model anthropic/claude-3.5-sonnet"].state == "failure"


def test_tracing_that_is_on_is_a_warning(
    openrouter_server: ScriptedServer, ollama_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    monkeypatch.setenv("LANGSMITH_ENDPOINT", ollama_server.origin)
    ollama_server.fixed["/info"] = raw(b"{}")
    get_env_var.cache_clear()
    finding = by_subject(run_doctor(settings_for(openrouter_server, ollama_server)))["tracing"]
    get_env_var.cache_clear()
    assert (finding.state, "open_table" in (finding.fix or "")) == ("warning", True)
