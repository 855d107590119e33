"""Who is asked, in which order, with what, and what is said about it."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from builders import question
from clinical_model_selector.chains.plan_check import check_plan
from clinical_model_selector.chains.prompt import SYSTEM, offered_methods
from clinical_model_selector.chains.providers.plan_schema import SCHEMA_NAME, plan_schema
from clinical_model_selector.chains.selection import SelectionChain
from clinical_model_selector.schemas.errors import ProvidersUnavailable, SettingsError
from clinical_model_selector.schemas.plan import ModelSelectionPlan
from langchain_openai import ChatOpenAI
from loopback.formats import raw, says, status
from loopback.server import ScriptedServer, black_hole
from openai import BadRequestError
from pydantic import SecretStr

from .conftest import KEY, BuildChain

QUESTION = question()


def providers(chain: SelectionChain, **fields: Any) -> tuple[str, list[str]]:
    provenance = chain.invoke(question(**fields)).provenance
    return provenance.provider, [attempt.provider for attempt in provenance.attempts]


ORDERS: dict[str, tuple[dict[str, Any], dict[str, Any], set[str], list[str]]] = {
    # settings, question, providers that are dead, who is asked in turn
    "key set": ({}, {}, set(), ["openrouter"]),
    "key set, OpenRouter dead": ({}, {}, {"openrouter"}, ["openrouter", "ollama"]),
    "key set, both dead": ({}, {}, {"openrouter", "ollama"}, ["openrouter", "ollama", "embedded"]),
    "no key": ({"openrouter_api_key": None}, {}, set(), ["ollama"]),
    "empty key": ({"openrouter_api_key": " "}, {}, set(), ["ollama"]),
    "no key, Ollama dead": ({"openrouter_api_key": None}, {}, {"ollama"}, ["ollama", "embedded"]),
    "embedded only": ({"selector_embedded": "only"}, {}, set(), ["embedded"]),
    "embedded wanted": ({}, {"provider": "embedded"}, set(), ["embedded"]),
    "OpenRouter wanted and dead": ({}, {"provider": "openrouter"}, {"openrouter"}, ["openrouter", "embedded"]),
    "Ollama wanted beside a key": ({}, {"provider": "ollama"}, set(), ["ollama"]),
    "Ollama wanted and dead": ({}, {"provider": "ollama"}, {"ollama"}, ["ollama", "embedded"]),
}


@pytest.mark.parametrize("case", ORDERS)
def test_order(
    case: str, chain_for: BuildChain, openrouter_server: ScriptedServer, ollama_server: ScriptedServer
) -> None:
    settings, fields, dead, expected = ORDERS[case]
    if "openrouter" in dead:
        openrouter_server.always(status(500))
    if "ollama" in dead:
        ollama_server.always(status(500))
    assert providers(chain_for(**settings), **fields) == (expected[-1], expected)


def test_openrouter_wanted_without_a_key_is_said_before_anyone_is_asked(
    chain_for: BuildChain, openrouter_server: ScriptedServer
) -> None:
    with pytest.raises(SettingsError, match="OPENROUTER_API_KEY"):
        providers(chain_for(openrouter_api_key=None), provider="openrouter")
    assert not openrouter_server.requests


def test_an_invalid_key_falls_back_to_ollama_with_a_warning_and_says_so(
    chain_for: BuildChain, openrouter_server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    openrouter_server.always(status(401, f"No auth credentials found for {KEY}"))
    with caplog.at_level(logging.WARNING, logger="clinical_model_selector"):
        answered = chain_for().invoke(QUESTION)
    assert answered.provenance.provider == "ollama"
    assert check_plan(answered.plan, QUESTION) == ()
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    for part in ("openrouter", "401", "No auth credentials found for sk-…cdef", "falling back to ollama"):
        assert part in warnings[0].getMessage()
    assert KEY not in caplog.text
    assert "401" in (answered.provenance.fallback_reason or "")
    failed = answered.provenance.attempts[0]
    assert (failed.outcome, failed.status, failed.requests, failed.cost_usd) == ("authentication", 401, 1, 0.0)


def test_nobody_left_names_every_attempt(
    chain_for: BuildChain, openrouter_server: ScriptedServer, ollama_server: ScriptedServer
) -> None:
    openrouter_server.always(status(402, "Insufficient credits"))
    ollama_server.always(raw(b'{"error": "model not found"}', code=404))
    with pytest.raises(ProvidersUnavailable) as caught:
        chain_for(selector_embedded="never").invoke(QUESTION)
    assert [a.outcome for a in caught.value.attempts] == ["payment", "not_found"]
    assert "Insufficient credits" in str(caught.value)
    assert "model not found" in str(caught.value)


def test_what_openrouter_is_sent(chain_for: BuildChain, openrouter_server: ScriptedServer) -> None:
    chain = chain_for(openrouter_model="a/one, b/two", openrouter_referer="https://site.example", openrouter_title="T")
    chain.invoke(QUESTION)
    request = openrouter_server.requests[0]
    body = request.body
    assert request.path == "/api/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert (request.headers["http-referer"], request.headers["x-title"]) == ("https://site.example", "T")
    assert (body["model"], body["models"]) == ("a/one", ["a/one", "b/two"])
    assert body["provider"] == {"data_collection": "deny", "require_parameters": True}
    # Of no effect at OpenRouter any more, and refused elsewhere.
    assert "usage" not in body
    assert (body["max_tokens"], body["temperature"]) == (2000, 0.3)
    assert "max_completion_tokens" not in body
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert body["messages"][0]["content"] == SYSTEM
    # Nothing of this machine, and nothing that an SDK found in the environment.
    assert not any(name.startswith(("x-stainless", "openai-")) for name in request.headers)


def test_each_method_asks_in_its_own_way(chain_for: BuildChain, openrouter_server: ScriptedServer) -> None:
    for method in ("json_schema", "function_calling", "json_mode"):
        chain_for(openrouter_method=method).invoke(QUESTION)
    by_schema, by_tool, by_mode = (request.body for request in openrouter_server.requests)
    assert by_schema["response_format"]["json_schema"]["strict"] is True
    assert by_schema["response_format"]["json_schema"]["schema"] == plan_schema("plain", offered_methods(QUESTION))
    assert by_tool["tool_choice"] == {"type": "function", "function": {"name": "ModelSelectionPlan"}}
    assert len(by_tool["tools"]) == 1
    # A router told to require every parameter would pass over providers that do not know this one.
    assert "parallel_tool_calls" not in by_tool
    assert by_mode["response_format"] == {"type": "json_object"}
    assert '"sample_multiplier"' in by_mode["messages"][1]["content"]


def test_the_schema_by_itself_sends_what_the_class_would() -> None:
    sent: list[Any] = []

    def keep(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content)["response_format"])
        return httpx.Response(400, json={"error": {"message": "seen"}})

    model = ChatOpenAI(
        model="m", base_url="http://m/v1", api_key=SecretStr("k"), max_retries=0,
        http_client=httpx.Client(transport=httpx.MockTransport(keep)),
    )  # fmt: skip
    by_itself = {"name": SCHEMA_NAME, "schema": plan_schema("bounded"), "strict": True}
    for schema in (ModelSelectionPlan, by_itself):
        with pytest.raises(BadRequestError):
            model.with_structured_output(schema, include_raw=True, method="json_schema", strict=True).invoke("?")
    assert sent[0] == sent[1]


def test_a_model_that_the_list_calls_unable_is_not_asked(
    chain_for: BuildChain, openrouter_server: ScriptedServer
) -> None:
    chain = chain_for(openrouter_method="auto", openrouter_model="some/plain")
    first = chain.invoke(QUESTION).provenance.attempts[0]
    assert (first.outcome, first.requests) == ("bad_request", 0)
    assert "no structured output" in first.message
    assert not openrouter_server.requests


def test_what_ollama_is_sent(chain_for: BuildChain, ollama_server: ScriptedServer) -> None:
    chain_for(openrouter_api_key=None, ollama_num_ctx=12_288, ollama_model="qwen3:4b").invoke(QUESTION)
    body = ollama_server.requests[0].body
    assert body["model"] == "qwen3:4b"
    assert body["options"] == {"num_ctx": 12_288, "num_predict": 2000, "temperature": 0.3}
    assert body["format"] == plan_schema("bounded", offered_methods(QUESTION))
    assert not body.get("tools")


def test_a_model_per_call_goes_to_the_provider_asked_first(
    chain_for: BuildChain, openrouter_server: ScriptedServer, ollama_server: ScriptedServer
) -> None:
    openrouter_server.always(status(500))
    chain = chain_for()
    chain.invoke(question(model="openai/gpt-4o"))
    chain.invoke(question(model="mistral:7b", provider="ollama"))
    assert openrouter_server.requests[0].body["model"] == "openai/gpt-4o"
    assert [request.body["model"] for request in ollama_server.requests] == ["llama3.1:8b", "mistral:7b"]


@pytest.mark.parametrize(
    ("models", "method"),
    [
        ("anthropic/claude-3.5-sonnet", "function_calling"),
        ("openai/gpt-4o", "json_schema"),
        ("some/json-only", "json_mode"),
        ("openai/gpt-4o,anthropic/claude-3.5-sonnet", "function_calling"),
        ("openai/gpt-4o,some/json-only", "json_mode"),
        ("not/listed", "function_calling"),
    ],
)
def test_auto_reads_the_model_list_once(
    chain_for: BuildChain, openrouter_server: ScriptedServer, models: str, method: str
) -> None:
    chain = chain_for(openrouter_method="auto", openrouter_model=models, selector_cache="off")
    assert {chain.invoke(QUESTION).provenance.structured_output for _ in range(3)} == {method}
    assert len(openrouter_server.lookups) == 1


@pytest.mark.parametrize("broken", [status(500), raw(b"<html>"), raw(b'{"data": 3}'), raw(b'{"data": [3, {"id": 4}]}')])
def test_auto_calls_functions_where_the_list_cannot_be_read(
    chain_for: BuildChain, openrouter_server: ScriptedServer, broken: Any
) -> None:
    openrouter_server.fixed["/models"] = broken
    chain = chain_for(openrouter_method="auto", openrouter_model="openai/gpt-4o")
    assert chain.invoke(QUESTION).provenance.structured_output == "function_calling"


REPAIRABLE: dict[str, Callable[[], Any]] = {
    "prose": lambda: says("CTGAN, because it is Zq7Canary"),
    "invalid field": lambda: says('{"choice": {"method": "Zq7Canary"}, "Zq7Canary": 1}'),
}


@pytest.mark.parametrize("name", REPAIRABLE)
@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_one_repair_with_places_types_and_rules_only(
    chain_for: BuildChain, openrouter_server: ScriptedServer, name: str, method: str
) -> None:
    openrouter_server.script(REPAIRABLE[name]())
    answered = chain_for(openrouter_method=method).invoke(QUESTION)
    attempt = answered.provenance.attempts[0]
    assert (attempt.outcome, attempt.requests, attempt.repairs) == ("repaired", 2, 1)
    assert (attempt.input_tokens, attempt.output_tokens) == (3400, 420)
    assert attempt.cost_usd == pytest.approx(0.0165)
    first, second = openrouter_server.requests
    assert second.body["messages"][:-1] == first.body["messages"]
    assert "was rejected" in second.body["messages"][-1]["content"]
    assert "Zq7Canary" not in json.dumps(second.body)


def test_the_cost_of_rejected_answers_counts_and_a_missing_figure_is_unknown(
    chain_for: BuildChain, openrouter_server: ScriptedServer
) -> None:
    chain = chain_for(selector_cache="off")
    openrouter_server.always(says("no plan"))
    rejected = chain.invoke(QUESTION).provenance
    assert rejected.provider == "ollama"
    assert rejected.cost_usd == pytest.approx(2 * 0.00825)
    assert (rejected.input_tokens, rejected.output_tokens) == (2 * 1700 + 1500, 2 * 210 + 190)
    openrouter_server.always(says("no plan", usage={"prompt_tokens": 10, "completion_tokens": 5}))
    unknown = chain.invoke(QUESTION).provenance
    assert unknown.cost_usd is None
    assert unknown.attempts[0].input_tokens == 20


def test_first_ollama_base_that_listens_is_asked(ollama_server: ScriptedServer, chain_for: BuildChain) -> None:
    bases = ("http://no-such-host.invalid:11434", ollama_server.origin)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clinical_model_selector.schemas.settings.OLLAMA_DEFAULT_BASES", bases)
        answered = chain_for(openrouter_api_key=None, ollama_base=None).invoke(QUESTION)
    assert answered.provenance.provider == "ollama"
    assert len(ollama_server.requests) == 1


def test_nobody_at_any_base_is_one_attempt_that_names_them(chain_for: BuildChain) -> None:
    bases = ("http://no-such-host.invalid:11434", "http://user:secret@127.0.0.1:9")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clinical_model_selector.schemas.settings.OLLAMA_DEFAULT_BASES", bases)
        provenance = chain_for(openrouter_api_key=None, ollama_base=None).invoke(QUESTION).provenance
    assert provenance.provider == "embedded"
    assert "no-such-host.invalid:11434, http://127.0.0.1:9" in provenance.attempts[0].message
    assert "secret" not in provenance.model_dump_json()


def test_one_deadline_for_all_legs(chain_for: BuildChain) -> None:
    with black_hole() as first, black_hole() as second:
        chain = chain_for(
            openrouter_base=f"{first}/api/v1", ollama_base=second, selector_timeout_s=5.0, selector_deadline_s=1.0
        )
        provenance = chain.invoke(QUESTION).provenance
    assert [a.outcome for a in provenance.attempts] == ["timeout", "deadline", "ok"]


def test_equal_questions_have_equal_fingerprints_and_others_do_not(chain_for: BuildChain) -> None:
    chain, warmer = chain_for(), chain_for(selector_temperature=0.9)
    base = chain.invoke(QUESTION).provenance.fingerprint
    assert chain.invoke(QUESTION).provenance.fingerprint == base
    others = [
        chain.invoke(question(tradeoff="privacy")),
        chain.invoke(question(model="x/y")),
        warmer.invoke(QUESTION),
    ]
    prints = [base, *(answered.provenance.fingerprint for answered in others)]
    assert len(set(prints)) == 4
    assert all(len(text) == 64 for text in prints)


def test_versions_are_named(chain_for: BuildChain) -> None:
    versions = chain_for().invoke(QUESTION).provenance.versions
    assert set(versions) == {"package", "prompt", "catalogue", "schema"}
    assert all(versions.values())


async def test_invoke_inside_a_running_loop(chain_for: BuildChain) -> None:
    assert chain_for().invoke(QUESTION).provenance.provider == "openrouter"


def test_batches_keep_order_and_answers(chain_for: BuildChain) -> None:
    chain = chain_for(selector_cache="off")
    asked = [question(tradeoff=tradeoff) for tradeoff in ("balanced", "privacy", "speed")] * 3
    expected = [chain.invoke(one).plan for one in asked]
    assert [answered.plan for answered in chain.batch(asked)] == expected
    assert [answered.plan for answered in asyncio.run(chain.abatch(asked))] == expected


PROBE = """
import sys
sys.path.insert(0, {tests!r})
from builders import question
from clinical_model_selector.chains.selection import build_selection
from clinical_model_selector.evidence.recommender.ranking import EmbeddedRecommender
from clinical_model_selector.schemas.settings import Settings
chain = build_selection(Settings({settings}), EmbeddedRecommender())
print(chain.invoke(question()).provenance.provider)
print(sorted({{"langchain_openai", "langchain_ollama", "openai", "ollama", "pandas", "limits"}} & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("settings", "provider", "loaded"),
    [
        (
            "openrouter_api_key='sk-or-v1-abc', openrouter_base={openrouter!r}",
            "openrouter",
            {"langchain_openai", "openai"},
        ),
        ("ollama_base={ollama!r}", "ollama", {"langchain_ollama", "ollama"}),
        ("selector_embedded='only'", "embedded", set()),
    ],
)
def test_a_selection_loads_only_the_package_of_the_provider_it_uses(
    settings: str,
    provider: str,
    loaded: set[str],
    openrouter_server: ScriptedServer,
    ollama_server: ScriptedServer,
    pytestconfig: pytest.Config,
) -> None:
    filled = settings.format(openrouter=f"{openrouter_server.origin}/api/v1", ollama=ollama_server.origin)
    code = PROBE.format(tests=str(pytestconfig.rootpath / "tests"), settings=filled)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines() == [provider, str(sorted(loaded))]
