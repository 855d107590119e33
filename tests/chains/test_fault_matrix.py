"""Every fault, by every method, sync and async, with the next provider alive or dead: a plan or a typed error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from builders import question
from clinical_model_selector.chains.plan_check import check_plan
from clinical_model_selector.chains.selection import Answered, SelectionChain, build_selection
from clinical_model_selector.evidence.recommender.ranking import EmbeddedRecommender
from clinical_model_selector.schemas.errors import ProvidersUnavailable
from clinical_model_selector.schemas.result import Attempt
from clinical_model_selector.schemas.settings import Settings
from loopback.formats import status
from loopback.server import ScriptedServer, black_hole, refused_address

from .faults import CANARY, OLLAMA_FAULTS, OPENROUTER_FAULTS, Fault

KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"
QUESTION = question()
METHODS = ("json_schema", "function_calling", "json_mode")
Run = Callable[[SelectionChain], Answered]


def run_sync(chain: SelectionChain) -> Answered:
    return chain.invoke(QUESTION)


def run_async(chain: SelectionChain) -> Answered:
    return asyncio.run(chain.ainvoke(QUESTION))


RUNS: dict[str, Run] = {"sync": run_sync, "async": run_async}


@pytest.fixture(scope="module")
def chains() -> Callable[..., SelectionChain]:
    """One chain for all cases with equal settings: building it takes longer than most cases."""
    built: dict[str, SelectionChain] = {}

    def build(**values: object) -> SelectionChain:
        # No memory from case to case: nothing is cached, and a breaker closes again at once.
        settings = Settings(**values, selector_cache="off", selector_breaker_cooldown_s=1e-6)
        key = repr(sorted(values.items()))
        if key not in built:
            built[key] = build_selection(settings, EmbeddedRecommender())
        return built[key]

    return build


@pytest.fixture
def addresses() -> Iterator[Callable[[Fault, ScriptedServer], str]]:
    with ExitStack() as stack:

        def address(fault: Fault, server: ScriptedServer) -> str:
            if fault.address == "refused":
                return stack.enter_context(refused_address())
            if fault.address == "black_hole":
                return stack.enter_context(black_hole())
            if fault.address == "unresolvable":
                return "http://no-such-host.invalid"
            return server.origin

        yield address


def check_attempt(attempt: Attempt, fault: Fault, server: ScriptedServer) -> None:
    assert attempt.outcome == fault.outcome, attempt.message
    assert len(server.requests) == fault.requests
    assert attempt.repairs == (fault.requests == 2 and fault.outcome != "rate_limited")
    assert fault.says in attempt.message
    if fault.status is not None and fault.outcome != "ok":
        assert attempt.status == fault.status
    if fault.outcome != "ok":
        assert attempt.message
        assert attempt.seconds > 0


@pytest.mark.parametrize("after", ["ollama alive", "ollama dead"])
@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", OPENROUTER_FAULTS)
def test_openrouter(
    name: str,
    method: str,
    run: str,
    after: str,
    shared_openrouter: ScriptedServer,
    shared_ollama: ScriptedServer,
    chains: Callable[..., SelectionChain],
    addresses: Callable[[Fault, ScriptedServer], str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    fault = OPENROUTER_FAULTS[name]
    shared_openrouter.clear()
    shared_ollama.clear()
    shared_openrouter.always(fault.act)
    if after == "ollama dead":
        shared_ollama.always(status(500, "dead"))
    chain = chains(
        openrouter_api_key=KEY,
        openrouter_base=addresses(fault, shared_openrouter) + "/api/v1",
        openrouter_method=method,
        ollama_base=shared_ollama.origin,
        selector_timeout_s=fault.timeout,
        selector_deadline_s=fault.deadline,
        selector_embedded="never",
    )
    trail = ""
    with caplog.at_level(logging.DEBUG, logger="clinical_model_selector"):
        if fault.outcome == "ok":
            answered = RUNS[run](chain)
            assert answered.provenance.provider == "openrouter"
            assert answered.provenance.fallback_reason is None
            attempts = answered.provenance.attempts
        elif after == "ollama alive":
            answered = RUNS[run](chain)
            attempts = answered.provenance.attempts
            assert answered.provenance.provider == "ollama"
            assert fault.outcome in (answered.provenance.fallback_reason or "")
            assert [a.outcome for a in attempts] == [fault.outcome, "ok"]
        else:
            with pytest.raises(ProvidersUnavailable) as caught:
                RUNS[run](chain)
            attempts = caught.value.attempts
            trail = str(caught.value) + repr(caught.value)
            assert [a.outcome for a in attempts] == [fault.outcome, "server_error"]
    if fault.outcome == "ok" or after == "ollama alive":
        assert check_plan(answered.plan, QUESTION) == ()
        trail = answered.provenance.model_dump_json()
    check_attempt(attempts[0], fault, shared_openrouter)
    assert CANARY not in trail + caplog.text
    assert KEY not in trail + caplog.text


@pytest.mark.parametrize("before", ["openrouter dead", "openrouter unset"])
@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("name", OLLAMA_FAULTS)
def test_ollama(
    name: str,
    run: str,
    before: str,
    shared_openrouter: ScriptedServer,
    shared_ollama: ScriptedServer,
    chains: Callable[..., SelectionChain],
    addresses: Callable[[Fault, ScriptedServer], str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    fault = OLLAMA_FAULTS[name]
    shared_openrouter.clear()
    shared_ollama.clear()
    shared_openrouter.always(status(401, "No auth credentials found"))
    shared_ollama.always(fault.act)
    unset = before == "openrouter unset"
    chain = chains(
        openrouter_api_key=None if unset else KEY,
        openrouter_base=shared_openrouter.origin + "/api/v1",
        ollama_base=addresses(fault, shared_ollama),
        selector_timeout_s=fault.timeout,
        selector_deadline_s=fault.deadline,
        # Where OpenRouter is not asked, the recommender takes over; where it is, nobody is left.
        selector_embedded="auto" if unset else "never",
    )
    with caplog.at_level(logging.DEBUG, logger="clinical_model_selector"):
        if fault.outcome == "ok" or unset:
            answered = RUNS[run](chain)
            attempts = answered.provenance.attempts
            trail = answered.provenance.model_dump_json()
            assert check_plan(answered.plan, QUESTION) == ()
            assert answered.provenance.provider == ("ollama" if fault.outcome == "ok" else "embedded")
        else:
            with pytest.raises(ProvidersUnavailable) as caught:
                RUNS[run](chain)
            attempts = caught.value.attempts
            trail = str(caught.value) + repr(caught.value)
    check_attempt(attempts[0 if unset else 1], fault, shared_ollama)
    assert unset or attempts[0].outcome == "authentication"
    assert CANARY not in trail + caplog.text
