"""Validated plans are kept, nothing else is, and a cache that fails is a miss."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import question
from clinical_model_selector.chains.limits.audit_log import UsageLog
from clinical_model_selector.chains.limits.plan_cache import open_cache
from clinical_model_selector.schemas.errors import ProvidersUnavailable, SettingsError
from clinical_model_selector.schemas.methods.networks.tvae import TVAE
from clinical_model_selector.schemas.plan import ModelSelectionPlan
from clinical_model_selector.schemas.settings import Settings
from loopback.formats import says, status
from loopback.server import Responder, ScriptedServer, refused_address

from .conftest import BuildChain

QUESTION = question()


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real redis-server on a free port."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(params=["memory", "sqlite", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "redis":
        url: str = request.getfixturevalue("redis_url")
        from redis import Redis

        client = Redis.from_url(url)
        client.flushall()
        client.close()
        return url
    return "memory" if request.param == "memory" else str(tmp_path / "plans.sqlite")


def test_a_hit_says_so_and_costs_nothing(place: str, chain_for: BuildChain, openrouter_server: ScriptedServer) -> None:
    chain = chain_for(selector_cache=place)
    first = chain.invoke(QUESTION)
    second = chain.invoke(QUESTION)
    third = asyncio.run(chain.ainvoke(QUESTION))
    assert len(openrouter_server.requests) == 1
    assert not first.provenance.cached
    for hit in (second, third):
        assert hit.plan == first.plan
        assert hit.provenance.cached
        assert (hit.provenance.provider, hit.provenance.cost_usd) == ("openrouter", 0.0)
        assert hit.provenance.fingerprint == first.provenance.fingerprint
        assert hit.provenance.input_tokens is None
    chain.invoke(question(tradeoff="privacy"))
    assert len(openrouter_server.requests) == 2


@pytest.mark.parametrize("place", ["sqlite", "redis"], indirect=True)
def test_another_process_finds_what_is_kept(
    place: str, chain_for: BuildChain, openrouter_server: ScriptedServer
) -> None:
    first = chain_for(selector_cache=place).invoke(QUESTION)
    second = chain_for(selector_cache=place).invoke(QUESTION)
    assert (second.provenance.cached, second.plan) == (True, first.plan)
    assert len(openrouter_server.requests) == 1


def test_an_entry_lives_as_long_as_told(place: str) -> None:
    cache = open_cache(Settings(selector_cache=place, selector_cache_ttl_s=0.3))
    assert cache is not None
    plan = _some_plan()
    cache.put("k", plan)
    assert cache.get("k") == plan
    time.sleep(0.5)
    assert cache.get("k") is None


def test_rejected_answers_are_not_kept(place: str, chain_for: BuildChain, openrouter_server: ScriptedServer) -> None:
    chain = chain_for(selector_cache=place, selector_embedded="never", ollama_base="http://127.0.0.1:9")
    openrouter_server.always(says("no plan"))
    with pytest.raises(ProvidersUnavailable):
        chain.invoke(QUESTION)
    openrouter_server.always(None)
    assert not chain.invoke(QUESTION).provenance.cached


@pytest.mark.parametrize("entry", ["", "{}", "not JSON", '{"choice": {"method": "ctgan"}}', "\x00\xff"])
def test_an_unreadable_entry_is_a_miss(
    tmp_path: Path, chain_for: BuildChain, openrouter_server: ScriptedServer, entry: str
) -> None:
    path = tmp_path / "plans.sqlite"
    chain = chain_for(selector_cache=str(path))
    chain.invoke(QUESTION)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE plans SET plan = ?", (entry,))
    database.close()
    assert not chain.invoke(QUESTION).provenance.cached
    assert chain.invoke(QUESTION).provenance.cached
    assert len(openrouter_server.requests) == 2


def test_an_entry_that_does_not_pass_the_check_is_a_miss(
    tmp_path: Path, chain_for: BuildChain, openrouter_server: ScriptedServer
) -> None:
    path = tmp_path / "plans.sqlite"
    chain = chain_for(selector_cache=str(path))
    asked = question(allowed=("cart", "arf", "gaussian_copula"))
    plan = chain.invoke(asked).plan.model_dump(mode="json")
    plan["backups"][0] = TVAE.with_defaults().model_dump(mode="json")
    with sqlite3.connect(path) as database:
        database.execute("UPDATE plans SET plan = ?", (json.dumps(plan),))
    database.close()
    assert not chain.invoke(asked).provenance.cached


@pytest.mark.parametrize("content", [b"this is not a database" * 100, b""])
def test_a_broken_file_is_no_obstacle(tmp_path: Path, chain_for: BuildChain, content: bytes) -> None:
    path = tmp_path / "plans.sqlite"
    path.write_bytes(content)
    chain = chain_for(selector_cache=str(path))
    assert [chain.invoke(QUESTION).provenance.provider for _ in range(2)] == ["openrouter", "openrouter"]


def test_a_redis_that_is_down_is_no_obstacle(chain_for: BuildChain, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("redis")
    with refused_address() as address:
        chain = chain_for(
            selector_cache=address.replace("http", "redis"), selector_requests_per_minute=1, selector_budget_usd=1.0
        )
        provenances = [chain.invoke(QUESTION).provenance, asyncio.run(chain.ainvoke(QUESTION)).provenance]
    assert [p.provider for p in provenances] == ["openrouter", "ollama"]
    assert provenances[1].attempts[0].outcome == "over_limit"
    assert "doing without" in caplog.text


@pytest.mark.parametrize("shared", ["per minute", "budget"])
def test_limits_are_shared_through_redis(
    redis_url: str, chain_for: BuildChain, openrouter_server: ScriptedServer, shared: str
) -> None:
    from redis import Redis

    client = Redis.from_url(redis_url)
    client.flushall()
    client.close()
    limit = {"selector_requests_per_minute": 2} if shared == "per minute" else {"selector_budget_usd": 0.01}
    chains = [chain_for(selector_cache=redis_url, **limit) for _ in range(2)]
    asked = [question(tradeoff=t) for t in ("balanced", "privacy", "speed")]
    answered = [chains[i % 2].invoke(one).provenance.provider for i, one in enumerate(asked)]
    assert answered == ["openrouter", "openrouter", "ollama"]
    assert len(openrouter_server.requests) == 2


@pytest.mark.parametrize("run", ["threads", "tasks"])
def test_concurrent_identical_questions_ask_once(
    place: str, chain_for: BuildChain, openrouter_server: ScriptedServer, run: str
) -> None:
    usual = openrouter_server.default

    def slowly(to: Responder) -> None:
        to.pause(0.3)
        usual(to.recorded)(to)

    openrouter_server.always(slowly)
    chain = chain_for(selector_cache=place)
    asked = [QUESTION] * 16
    answered = chain.batch(asked) if run == "threads" else asyncio.run(chain.abatch(asked))
    assert len(openrouter_server.requests) == 1
    assert len({a.plan.model_dump_json() for a in answered}) == 1
    assert sum(a.provenance.cost_usd or 0.0 for a in answered) == pytest.approx(0.00825)
    assert [a.provenance.cached for a in answered].count(False) == 1


def test_concurrent_identical_questions_share_a_failure_too(
    chain_for: BuildChain, openrouter_server: ScriptedServer
) -> None:
    def slowly(to: Responder) -> None:
        to.pause(1.5)
        status(500, "down")(to)

    openrouter_server.always(slowly)
    chain = chain_for(selector_embedded="never", selector_breaker_failures=100)
    answered = asyncio.run(chain.abatch([QUESTION] * 8))
    assert len(openrouter_server.requests) == 1
    assert {a.provenance.attempts[0].message for a in answered} == {"down"}


@pytest.mark.parametrize("bad", ["/no/such/folder/plans.sqlite", "/tmp", "redis://host:notaport"])
def test_an_unusable_place_is_said_at_once(bad: str, chain_for: BuildChain) -> None:
    with pytest.raises(SettingsError, match="SELECTOR_CACHE"):
        chain_for(selector_cache=bad)


def test_nothing_raw_is_kept(tmp_path: Path, chain_for: BuildChain) -> None:
    path = tmp_path / "plans.sqlite"
    asked = question(goal="GoalCanary")
    chain_for(selector_cache=str(path)).invoke(asked)
    assert b"GoalCanary" not in path.read_bytes()
    assert b"continuous" not in path.read_bytes()


def test_usage_adds_up(chain_for: BuildChain, openrouter_server: ScriptedServer, ollama_server: ScriptedServer) -> None:
    chain = chain_for(selector_embedded="never", selector_breaker_failures=100)
    chain.invoke(QUESTION)
    chain.invoke(QUESTION)
    openrouter_server.script(says("no plan"))
    chain.invoke(question(tradeoff="privacy"))
    openrouter_server.always(status(500))
    chain.invoke(question(tradeoff="speed"))
    ollama_server.always(status(500))
    with pytest.raises(ProvidersUnavailable):
        chain.invoke(question(tradeoff="utility"))
    openrouter_server.always(says("no plan", usage=None))
    with pytest.raises(ProvidersUnavailable):
        chain.invoke(question(tradeoff="fidelity"))
    usage = chain.usage()
    assert (usage.selections, usage.failed, usage.cached, usage.fallbacks) == (6, 2, 1, 1)
    assert usage.answered_by == {"openrouter": 3, "ollama": 1}
    assert (usage.requests, usage.repairs) == (1 + 2 + 2 + 2 + 3, 2)
    assert usage.cost_usd == pytest.approx(3 * 0.00825)
    assert usage.unknown_costs == 1


def test_the_audit_log_has_a_line_per_selection(
    tmp_path: Path, chain_for: BuildChain, openrouter_server: ScriptedServer, ollama_server: ScriptedServer
) -> None:
    path = tmp_path / "audit.jsonl"
    chain = chain_for(selector_audit_log=str(path), selector_embedded="never")
    answered = chain.invoke(QUESTION)
    chain.invoke(QUESTION)
    openrouter_server.always(status(500, "down"))
    ollama_server.always(status(500, "down too"))
    with pytest.raises(ProvidersUnavailable):
        chain.invoke(question(tradeoff="speed"))
    first, second, third = (json.loads(line) for line in path.read_text().splitlines())
    assert (first["provider"], first["cached"], second["cached"]) == ("openrouter", False, True)
    assert (first["input_tokens"], first["output_tokens"], first["cost_usd"]) == (1700, 210, 0.00825)
    assert first["fingerprint"] == second["fingerprint"] == answered.provenance.fingerprint
    assert len(first["plan_digest"]) == 64
    assert (first["model"], first["upstream"], first["attempts"][0]["response_id"]) == (
        "anthropic/claude-3.5-sonnet", "Loopback", "gen-1",
    )  # fmt: skip
    assert first["plan_digest"] == second["plan_digest"]
    assert third["provider"] is None
    assert [attempt["message"] for attempt in third["attempts"]] == ["down", "down too"]
    assert path.stat().st_mode & 0o077 == 0
    assert answered.plan.rationale not in path.read_text()


def test_an_audit_log_that_cannot_be_written_is_an_error_in_the_log(
    tmp_path: Path, chain_for: BuildChain, caplog: pytest.LogCaptureFixture
) -> None:
    chain_for(selector_audit_log=str(tmp_path / "none" / "audit.jsonl")).invoke(QUESTION)
    assert "the audit log cannot be written (FileNotFoundError)" in caplog.text


def test_no_audit_log_unless_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ledger = UsageLog(Settings())
    ledger.record_failure((), 0.1, "f")
    assert list(tmp_path.iterdir()) == []


def _some_plan() -> ModelSelectionPlan:
    from clinical_model_selector.evidence.recommender.ranking import recommend

    return recommend(QUESTION)
