"""Against a server that refuses what the real one refuses: every model answers, at the first or second request."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from builders import question
from clinical_model_selector.chains.plan_check import check_plan
from clinical_model_selector.chains.prompt import offered_methods
from clinical_model_selector.chains.providers.openrouter_models import ModelList
from clinical_model_selector.chains.providers.plan_schema import plan_schema
from clinical_model_selector.chains.providers.successors import nearest_successor
from clinical_model_selector.chains.selection import SelectionChain, build_selection
from clinical_model_selector.evidence.recommender.ranking import EmbeddedRecommender
from clinical_model_selector.schemas.result import Attempt
from clinical_model_selector.schemas.settings import Settings
from clinical_model_selector.schemas.table.rule_sentence import RULE_GRAMMAR
from loopback.formats import raw, status
from loopback.server import ScriptedServer
from loopback.strict_openrouter import RETIRED, RULES, model_facts, start_strict, strict_openai

from .conftest import KEY

QUESTION = question()
OFFERED = offered_methods(QUESTION)
FACTS = model_facts()


@pytest.fixture(scope="module")
def strict() -> Iterator[ScriptedServer]:
    server = start_strict()
    yield server
    server.close()


@pytest.fixture(scope="module")
def unlisted() -> Iterator[ScriptedServer]:
    """The same service, whose model list cannot be read."""
    server = start_strict(listed=False)
    yield server
    server.close()


def chain_at(server: ScriptedServer, **settings: Any) -> SelectionChain:
    values = {
        "openrouter_api_key": KEY,
        "openrouter_base": f"{server.origin}/api/v1",
        "ollama_base": "http://127.0.0.1:9",
        "selector_cache": "off",
        **settings,
    }
    return build_selection(Settings(**values), EmbeddedRecommender())


def ask(chain: SelectionChain, server: ScriptedServer, model: str | None = None) -> tuple[Attempt, list[Any]]:
    """The first attempt, and the bodies of its requests."""
    server.requests.clear()
    answered = chain.invoke(question(model=model))
    assert check_plan(answered.plan, QUESTION) == ()
    return answered.provenance.attempts[0], [request.body for request in server.requests]


def test_a_rule_of_every_form_passes(strict: ScriptedServer) -> None:
    answered = chain_at(strict).invoke(QUESTION)
    assert answered.provenance.attempts[0].outcome == "ok"
    assert answered.plan.rules == list(RULE_GRAMMAR)
    sent = strict.requests[-1].body["response_format"]["json_schema"]["schema"]
    assert {"rules", "emphasis"} <= set(sent["required"])
    assert sent["properties"]["rules"]["items"]["type"] == "string"


def test_every_model_with_structured_output_answers_at_the_first_request(strict: ScriptedServer) -> None:
    chain = chain_at(strict)
    models = [facts.id for facts in FACTS.values() if facts.structured_output]
    assert len(models) > 250
    for model in models:
        attempt, bodies = ask(chain, strict, model)
        assert (attempt.outcome, len(bodies), attempt.structured_output) == ("ok", 1, "json_schema"), model
        assert bodies[0]["provider"]["data_collection"] == "deny"
        assert ("temperature" in bodies[0]) == FACTS[model].temperature


@pytest.mark.parametrize(
    "model",
    {facts.combination: facts.id for facts in FACTS.values()}.values(),
    ids=lambda model: model.replace("/", " "),
)
def test_every_combination_of_facts_ends_as_it_can(
    model: str, strict: ScriptedServer, unlisted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = FACTS[model]
    able = facts.structured_output or facts.tool_calling
    attempt, bodies = ask(chain_at(strict), strict, model)
    assert (attempt.outcome, len(bodies)) == (("ok", 1) if able else ("bad_request", 0))
    # Without the list, what is refused is left out, or asked for in another way.
    monkeypatch.setattr(ModelList, "is_openrouters", True)
    attempt, bodies = ask(chain_at(unlisted), unlisted, model)
    assert len(bodies) <= 4
    if facts.tool_calling:
        assert attempt.outcome == "ok"


def test_the_default_model_is_retired_and_its_successor_answers(
    strict: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    chain = chain_at(strict)
    with caplog.at_level(logging.WARNING, logger="clinical_model_selector"):
        attempt, bodies = ask(chain, strict)
    assert (attempt.outcome, len(bodies)) == ("ok", 1)
    assert (attempt.model, attempt.answered_by, attempt.upstream, attempt.response_id) == (
        "anthropic/claude-sonnet-4.5", "anthropic/claude-sonnet-4.5", "Anthropic", "gen-strict-1",
    )  # fmt: skip
    (note,) = attempt.notes
    assert note.startswith(f"{RETIRED} is no longer served")
    assert note.endswith("OPENROUTER_MODEL=anthropic/claude-sonnet-4.5")
    assert note in caplog.text


def test_without_the_list_the_refusal_names_the_successor_and_only_the_first_selection_pays_twice(
    unlisted: ScriptedServer,
) -> None:
    chain = chain_at(unlisted, openrouter_model=RETIRED)
    first, bodies = ask(chain, unlisted)
    assert ([body["model"] for body in bodies], first.outcome) == ([RETIRED, "anthropic/claude-sonnet-4.5"], "ok")
    again, bodies = ask(chain, unlisted)
    assert ([body["model"] for body in bodies], again.notes) == (["anthropic/claude-sonnet-4.5"], first.notes)


def test_an_answer_from_the_cache_names_the_successor_too(strict: ScriptedServer) -> None:
    chain = chain_at(strict, selector_cache="memory")
    first, _ = ask(chain, strict)
    cached, bodies = ask(chain, strict)
    assert (cached.model, cached.notes, bodies) == (first.model, first.notes, [])


def test_following_can_be_switched_off(strict: ScriptedServer) -> None:
    attempt, bodies = ask(chain_at(strict, openrouter_follow_retired=False), strict)
    assert (attempt.outcome, attempt.status, len(bodies)) == ("not_found", 404, 1)


SUCCESSORS = {
    "anthropic/claude-3.5-sonnet": "anthropic/claude-sonnet-4.5",
    "anthropic/claude-sonnet-4": "anthropic/claude-sonnet-4.5",
    "anthropic/claude-3.7-sonnet:thinking": "anthropic/claude-sonnet-4.5:thinking",
    "anthropic/claude-3.5-sonnet-20240620": "anthropic/claude-sonnet-4.5",
    "anthropic/claude-3-opus": "anthropic/claude-opus-4.5",
    "google/gemini-flash-1.5": "google/gemini-2.5-flash",
    "google/gemini-2.0-flash-001": "google/gemini-2.5-flash",
    "openai/o1-mini": "openai/o3-mini",
    "openai/gpt-4.5-preview": "openai/gpt-5",
    "meta-llama/llama-3-70b-instruct": "meta-llama/llama-3.1-70b-instruct",
    "~anthropic/claude-sonnet-latest": None,
    "no-such-vendor/model-1": None,
    "not an id": None,
}


@pytest.mark.parametrize("gone", SUCCESSORS)
def test_the_nearest_successor_is_of_the_same_vendor_and_line(gone: str, strict: ScriptedServer) -> None:
    chain = chain_at(strict)
    ask(chain, strict, "openai/gpt-4o")
    assert nearest_successor(gone, chain._models.models) == SUCCESSORS[gone]


@pytest.mark.parametrize(
    "model", ["anthropic/claude-sonnet-4.5:nitro", "openai/gpt-5:floor", "~anthropic/claude-sonnet-latest"]
)
def test_suffixes_and_aliases_are_asked_as_they_stand(model: str, strict: ScriptedServer) -> None:
    attempt, bodies = ask(chain_at(strict), strict, model)
    assert (attempt.outcome, [body["model"] for body in bodies], attempt.notes) == ("ok", [model], ())


def test_of_several_models_only_what_all_support_is_sent(strict: ScriptedServer) -> None:
    attempt, bodies = ask(chain_at(strict), strict, "openai/gpt-4o, openai/gpt-5")
    assert (attempt.outcome, len(bodies)) == ("ok", 1)
    assert bodies[0]["models"] == ["openai/gpt-4o", "openai/gpt-5"]
    assert "temperature" not in bodies[0]


def test_zdr_is_sent_where_it_is_wanted(strict: ScriptedServer) -> None:
    _, bodies = ask(chain_at(strict, openrouter_zdr=True), strict, "openai/gpt-4o")
    assert bodies[0]["provider"] == {"data_collection": "deny", "require_parameters": True, "zdr": True}


def test_a_refusal_for_data_policy_is_told_and_the_policy_stays(strict: ScriptedServer) -> None:
    message = "No endpoints found matching your data policy (Zero data retention)"
    strict.script(status(404, message))
    attempt, bodies = ask(chain_at(strict), strict, "openai/gpt-4o")
    assert (attempt.outcome, attempt.message, len(bodies)) == ("not_found", message, 1)


REFUSALS: dict[str, tuple[Any, str, int]] = {
    # a first answer to a model that can do all → the way that answers in the end, requests
    "the grammar is too large": (status(400, "The compiled grammar is too large"), "function_calling", 2),
    "no cause is told": (status(400, "Provider returned error"), "function_calling", 2),
    "temperature is too much": (status(400, "Unsupported parameter: 'temperature'"), "json_schema", 2),
    "max_tokens is too much": (status(400, "Unsupported parameter: 'max_tokens'"), "json_schema", 2),
    "the cause is inside": (
        raw(
            b'{"error": {"code": 400, "message": "Provider returned error", "metadata": {"provider_name": "X", '
            b'"raw": "{\\"error\\": {\\"message\\": \\"response_format is not supported\\"}}"}}}',
            code=400,
        ),
        "function_calling", 2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_what_a_service_refuses_all_the_same_is_asked_for_otherwise_and_remembered(
    case: str, strict: ScriptedServer
) -> None:
    refusal, way, requests = REFUSALS[case]
    chain = chain_at(strict)
    strict.script(refusal)
    attempt, bodies = ask(chain, strict, "openai/gpt-4o")
    assert (attempt.outcome, attempt.structured_output, len(bodies)) == ("ok", way, requests)
    assert len(attempt.notes) == 1
    again, bodies = ask(chain, strict, "openai/gpt-4o")
    assert (again.structured_output, again.notes, len(bodies)) == (way, attempt.notes, 1)


def test_every_way_in_turn_and_a_repair_are_four_requests(strict: ScriptedServer) -> None:
    refused = status(400, "invalid schema")
    strict.script(refused, refused, raw(b'{"choices": [{"message": {"content": "prose"}}]}'))
    attempt, bodies = ask(chain_at(strict), strict, "openai/gpt-4o")
    assert (attempt.outcome, attempt.structured_output, attempt.repairs) == ("repaired", "json_mode", 1)
    assert len(bodies) == 4


def test_a_service_of_openais_own_format_gets_no_field_of_openrouters() -> None:
    server = ScriptedServer(strict_openai, {"/models": raw(b'{"data": [{"id": "gpt-4o"}]}')})
    try:
        attempt, bodies = ask(
            chain_at(server, openrouter_model="gpt-4o,gpt-5", openrouter_method="json_schema"), server
        )
    finally:
        server.close()
    assert (attempt.outcome, attempt.upstream, len(bodies)) == ("ok", None, 1)
    # Bounds help a grammar of one's own.
    assert bodies[0]["response_format"]["json_schema"]["schema"] == plan_schema("bounded", OFFERED)


def test_a_grammar_of_ones_own_that_refuses_bounds_gets_the_plain_schema() -> None:
    server = ScriptedServer(strict_openai, {"/models": raw(b'{"data": [{"id": "m"}]}')})
    server.script(status(400, "unsupported schema"))
    try:
        attempt, bodies = ask(chain_at(server, openrouter_model="m", openrouter_method="json_schema"), server)
    finally:
        server.close()
    assert (attempt.outcome, attempt.structured_output) == ("ok", "json_schema")
    assert bodies[1]["response_format"]["json_schema"]["schema"] == plan_schema("plain", OFFERED)


def test_the_rules_refuse_what_they_say() -> None:
    schema = {"type": "json_schema", "json_schema": {"schema": plan_schema("bounded")}}
    bodies: list[Callable[[], dict[str, Any]]] = [
        lambda: {"model": RETIRED},
        lambda: {"model": "openai/gpt-5", "temperature": 1, "provider": {"require_parameters": True}},
        lambda: {"model": "anthropic/claude-sonnet-5", "response_format": schema},
        lambda: {"model": "moonshotai/kimi-k2", "response_format": schema},
        lambda: {"model": "google/gemini-2.5-pro", "response_format": schema},
    ]
    for rule, body in zip(RULES, bodies, strict=True):
        assert rule.check(body()) is not None, rule.name
        assert rule.check({"model": "openai/gpt-4o"}) is None
