"""Time, cancellation, circuit breaker, limits: what keeps a selection from hanging and from costing by surprise."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from builders import question
from clinical_model_selector.chains.limits.circuit_breaker import CircuitBreaker
from clinical_model_selector.schemas.settings import Settings
from loopback.formats import drip, hang, status
from loopback.server import Responder, ScriptedServer

from .conftest import KEY, BuildChain

QUESTION = question()


@pytest.mark.parametrize("run", ["sync", "async"])
def test_a_short_retry_after_is_waited_for_once(
    chain_for: BuildChain, openrouter_server: ScriptedServer, run: str
) -> None:
    openrouter_server.script(status(429, headers={"retry-after": "1"}))
    chain = chain_for()
    answered = chain.invoke(QUESTION) if run == "sync" else asyncio.run(chain.ainvoke(QUESTION))
    attempt = answered.provenance.attempts[0]
    assert (attempt.provider, attempt.outcome, attempt.requests) == ("openrouter", "ok", 2)
    assert attempt.seconds >= 1.0
    assert attempt.cost_usd == pytest.approx(0.00825)


@pytest.mark.parametrize("seconds", ["60", "200", "-1", "nan", "inf", "soon"])
def test_a_long_or_senseless_retry_after_is_not(
    chain_for: BuildChain, openrouter_server: ScriptedServer, seconds: str
) -> None:
    openrouter_server.always(status(429, headers={"retry-after": seconds}))
    provenance = chain_for().invoke(QUESTION).provenance
    assert provenance.provider == "ollama"
    assert provenance.attempts[0].requests == 1


@pytest.mark.parametrize("act", [hang, drip])
def test_cancelling_reaches_the_socket(chain_for: BuildChain, openrouter_server: ScriptedServer, act: object) -> None:
    openrouter_server.always(act)  # type: ignore[arg-type]
    chain = chain_for(selector_timeout_s=30.0, selector_deadline_s=30.0)

    async def cancel_midway() -> None:
        task = asyncio.create_task(chain.ainvoke(QUESTION))
        while not openrouter_server.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert task.cancelled()

    asyncio.run(cancel_midway())
    # The server itself would wait for thirty seconds.
    assert openrouter_server.requests[0].disconnected.wait(10.0)


def test_a_deadline_closes_the_socket(chain_for: BuildChain, openrouter_server: ScriptedServer) -> None:
    openrouter_server.always(drip)
    chain_for(selector_timeout_s=0.3).invoke(QUESTION)
    assert openrouter_server.requests[0].disconnected.wait(10.0)


def test_a_cancelled_leader_leaves_its_followers_to_ask(
    chain_for: BuildChain, openrouter_server: ScriptedServer
) -> None:
    openrouter_server.script(hang)
    chain = chain_for(selector_timeout_s=30.0, selector_deadline_s=30.0)

    async def leader_then_follower() -> str:
        leader = asyncio.create_task(chain.ainvoke(QUESTION))
        while not openrouter_server.requests:
            await asyncio.sleep(0.01)
        follower = asyncio.create_task(chain.ainvoke(QUESTION))
        await asyncio.sleep(0.1)
        leader.cancel()
        return (await follower).provenance.provider

    assert asyncio.run(leader_then_follower()) == "openrouter"
    assert len(openrouter_server.requests) == 2


HANGING = """
import sys, threading
sys.path.insert(0, {tests!r})
from builders import question
from clinical_model_selector.chains.selection import build_selection
from clinical_model_selector.evidence.recommender.ranking import EmbeddedRecommender
from clinical_model_selector.schemas.settings import Settings
settings = Settings(openrouter_api_key={key!r}, openrouter_base={base!r}, openrouter_method="json_schema",
                    selector_timeout_s={timeout}, selector_deadline_s=30, ollama_base="http://127.0.0.1:9")
chain = build_selection(settings, EmbeddedRecommender())
"""


@pytest.mark.parametrize(
    ("ending", "timeout"),
    [
        ("print(chain.invoke(question()).provenance.provider)", 0.5),
        ("threading.Thread(target=chain.invoke, args=(question(),), daemon=True).start(); print('embedded')", 25.0),
    ],
    ids=["after a timeout", "in the middle of a request"],
)
def test_nothing_holds_the_process(
    openrouter_server: ScriptedServer, pytestconfig: pytest.Config, ending: str, timeout: float
) -> None:
    openrouter_server.always(drip)
    code = HANGING.format(
        tests=str(pytestconfig.rootpath / "tests"), key=KEY, base=f"{openrouter_server.origin}/api/v1", timeout=timeout
    )
    # Held, it would run into the time limit: the server drips for thirty seconds.
    done = subprocess.run(
        [sys.executable, "-c", code + ending], capture_output=True, text=True, timeout=25, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "embedded"), done.stderr


def test_two_event_loops_in_a_row_and_threads_beside_them(chain_for: BuildChain) -> None:
    chain = chain_for(selector_cache="off")
    for _ in range(2):
        assert asyncio.run(chain.ainvoke(QUESTION)).provenance.provider == "openrouter"
    assert chain.invoke(QUESTION).provenance.provider == "openrouter"


def test_sixty_four_at_once(chain_for: BuildChain, openrouter_server: ScriptedServer) -> None:
    chain = chain_for(selector_cache="off", selector_deadline_s=60.0, selector_timeout_s=60.0)
    with ThreadPoolExecutor(64) as pool:
        answered = list(pool.map(lambda _: chain.invoke(QUESTION), range(64)))
    assert {a.provenance.provider for a in answered} == {"openrouter"}

    async def at_once() -> list[str]:
        return [a.provenance.provider for a in await asyncio.gather(*(chain.ainvoke(QUESTION) for _ in range(64)))]

    assert set(asyncio.run(at_once())) == {"openrouter"}
    assert len(openrouter_server.requests) == 128
    assert chain.usage().answered_by == {"openrouter": 128}


def test_requests_do_not_wait_for_one_another(chain_for: BuildChain, openrouter_server: ScriptedServer) -> None:
    together = threading.Barrier(8, timeout=20.0)
    usual = openrouter_server.default

    def meet(to: Responder) -> None:
        together.wait()
        usual(to.recorded)(to)

    openrouter_server.always(meet)
    chain = chain_for(selector_cache="off", selector_timeout_s=30.0, selector_deadline_s=30.0)
    with ThreadPoolExecutor(8) as pool:
        answered = list(pool.map(lambda _: chain.invoke(QUESTION), range(8)))
    assert {a.provenance.provider for a in answered} == {"openrouter"}


def test_repeated_outages_open_the_breaker_and_one_request_tries_again(
    chain_for: BuildChain, openrouter_server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    openrouter_server.always(status(503, "no capacity"))
    chain = chain_for(selector_breaker_failures=2, selector_breaker_cooldown_s=0.5)
    outcomes = [chain.invoke(QUESTION).provenance.attempts[0].outcome for _ in range(3)]
    assert outcomes == ["server_error", "server_error", "circuit_open"]
    skipped = chain.invoke(QUESTION).provenance
    assert "2 failures in a row" in (skipped.fallback_reason or "")
    assert "no capacity" in (skipped.fallback_reason or "")
    assert skipped.attempts[0].requests == 0
    assert len(openrouter_server.requests) == 2
    assert [r.levelno for r in caplog.records if "will not be asked" in r.getMessage()] == [logging.ERROR]
    time.sleep(0.6)
    assert chain.invoke(QUESTION).provenance.attempts[0].outcome == "server_error"
    assert chain.invoke(QUESTION).provenance.attempts[0].outcome == "circuit_open"
    openrouter_server.always(None)
    time.sleep(0.6)
    assert [chain.invoke(QUESTION).provenance.provider for _ in range(2)] == ["openrouter", "openrouter"]


@pytest.mark.parametrize("code", [401, 404])
def test_a_wrong_key_or_model_opens_the_breaker_at_once_and_loudly(
    chain_for: BuildChain, openrouter_server: ScriptedServer, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    openrouter_server.always(status(code, "cannot be"))
    chain = chain_for()
    outcomes = [chain.invoke(QUESTION).provenance.attempts[0].outcome for _ in range(2)]
    assert outcomes[1] == "circuit_open"
    assert len(openrouter_server.requests) == 1
    assert any(r.levelno == logging.ERROR and "cannot be" in r.getMessage() for r in caplog.records)
    # Another model is another matter.
    other = question(model="other/model")
    assert chain.invoke(other).provenance.attempts[0].status == code


def test_a_question_that_is_forbidden_says_nothing_of_the_next(
    chain_for: BuildChain, openrouter_server: ScriptedServer
) -> None:
    openrouter_server.script(status(403, "flagged"))
    chain = chain_for(selector_breaker_failures=1)
    assert [chain.invoke(QUESTION).provenance.attempts[0].outcome for _ in range(2)] == ["forbidden", "ok"]


def test_wrong_answers_do_not_open_the_breaker() -> None:
    breaker = CircuitBreaker("p", Settings(selector_breaker_failures=1))
    for outcome in (
        "invalid_answer",
        "truncated",
        "refused",
        "content_filter",
        "infeasible",
        "over_budget",
        "deadline",
    ):
        breaker.report(outcome)  # type: ignore[arg-type]
        assert breaker.refuse() is None
    breaker.report("timeout", "no answer")
    assert "no answer" in (breaker.refuse() or "")


def test_only_one_request_tries_a_provider_again() -> None:
    breaker = CircuitBreaker("p", Settings(selector_breaker_failures=1, selector_breaker_cooldown_s=0.05))
    breaker.report("timeout")
    time.sleep(0.1)
    assert breaker.refuse() is None
    assert "another request" in (breaker.refuse() or "")
    # A trial that was cancelled frees the place for the next.
    breaker.report(None)
    assert "another" in (breaker.refuse() or "")
    time.sleep(0.1)
    assert breaker.refuse() is None
    breaker.report("ok")
    assert [breaker.refuse(), breaker.refuse()] == [None, None]


def test_requests_per_minute(chain_for: BuildChain, openrouter_server: ScriptedServer) -> None:
    chain = chain_for(selector_requests_per_minute=2, selector_cache="off")
    provenances = [chain.invoke(QUESTION).provenance for _ in range(3)]
    assert [p.provider for p in provenances] == ["openrouter", "openrouter", "ollama"]
    assert provenances[2].attempts[0].outcome == "over_limit"
    assert "2 requests per minute" in (provenances[2].fallback_reason or "")
    assert provenances[2].attempts[0].cost_usd == 0.0
    assert len(openrouter_server.requests) == 2


def test_budget(chain_for: BuildChain, openrouter_server: ScriptedServer) -> None:
    chain = chain_for(selector_budget_usd=0.01, selector_cache="off")
    provenances = [chain.invoke(QUESTION).provenance for _ in range(3)]
    assert [p.provider for p in provenances] == ["openrouter", "openrouter", "ollama"]
    assert provenances[2].attempts[0].outcome == "over_budget"
    assert len(openrouter_server.requests) == 2


def test_a_limit_is_no_outage(chain_for: BuildChain) -> None:
    chain = chain_for(selector_requests_per_minute=1, selector_cache="off", selector_breaker_failures=1)
    outcomes = [chain.invoke(QUESTION).provenance.attempts[0].outcome for _ in range(4)]
    assert outcomes == ["ok", "over_limit", "over_limit", "over_limit"]
