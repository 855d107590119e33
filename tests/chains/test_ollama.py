"""What is particular to Ollama: its context, its bounds, its cloud."""

from __future__ import annotations

import json

import pytest
from builders import profile, question
from clinical_model_selector.chains.doctor import run_doctor
from clinical_model_selector.chains.prompt import offered_methods
from clinical_model_selector.chains.providers.plan_schema import plan_schema, schema_text
from clinical_model_selector.schemas.settings import Settings
from loopback.formats import raw
from loopback.server import ScriptedServer

from .conftest import BuildChain

QUESTION = question()


def test_the_schema_stands_in_the_prompt_too_where_there_is_room(
    chain_for: BuildChain, ollama_server: ScriptedServer
) -> None:
    small = question(profile(680, continuous=2, categorical=1), allowed=("cart", "arf", "gaussian_copula"))
    chain_for(openrouter_api_key=None).invoke(small)
    chain_for(openrouter_api_key=None, ollama_num_ctx=2048).invoke(small)
    roomy, tight = (request.body["messages"] for request in ollama_server.requests)
    schema = schema_text("bounded", offered_methods(small))
    assert schema in roomy[1]["content"]
    assert schema not in json.dumps(tight)
    assert len(tight) == 2


def test_the_model_is_kept_loaded(chain_for: BuildChain, ollama_server: ScriptedServer) -> None:
    chain_for(openrouter_api_key=None, ollama_keep_alive="2h").invoke(QUESTION)
    assert ollama_server.requests[0].body["keep_alive"] == "2h"


def test_bounds_that_are_refused_are_told_in_words_and_that_is_remembered(
    chain_for: BuildChain, ollama_server: ScriptedServer
) -> None:
    chain = chain_for(openrouter_api_key=None, selector_cache="off")
    ollama_server.script(raw(b'{"error": "invalid format"}', code=400))
    first, second = (chain.invoke(QUESTION).provenance.attempts[0] for _ in range(2))
    assert (first.outcome, first.requests, second.requests) == ("ok", 2, 1)
    assert first.notes == ("the schema's bounds are refused: told in words",)
    plain = plan_schema("plain", offered_methods(QUESTION))
    assert [request.body["format"] == plain for request in ollama_server.requests] == [False, True, True]


@pytest.mark.parametrize("model", ["gpt-oss:120b-cloud", "kimi-k2:cloud"])
def test_a_cloud_model_is_named_as_one_and_not_booked_as_free(
    chain_for: BuildChain, ollama_server: ScriptedServer, model: str
) -> None:
    attempt = chain_for(openrouter_api_key=None, ollama_model=model).invoke(QUESTION).provenance.attempts[0]
    assert (attempt.outcome, attempt.cost_usd) == ("ok", None)
    assert "leaves this machine" in attempt.notes[0]
    findings = run_doctor(Settings(ollama_base=ollama_server.origin, ollama_model=model))
    finding = next(finding for finding in findings if finding.subject == f"model {model}")
    assert (finding.state, "leaves this machine" in finding.detail) == ("warning", True)
