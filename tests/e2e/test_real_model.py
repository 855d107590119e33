"""Selections through llama.cpp's server and a tiny model trained on our plans: every one ends in a valid plan."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from builders import profile, question
from clinical_model_selector.chains.plan_check import check_plan
from clinical_model_selector.chains.selection import build_selection
from clinical_model_selector.evidence.recommender.ranking import EmbeddedRecommender
from clinical_model_selector.schemas.question import Question
from clinical_model_selector.schemas.settings import Settings

HERE = Path(__file__).parent
SELECTIONS = 50


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """Address of llama.cpp's server with the tiny model."""
    if find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed")
    command = [sys.executable, str(HERE / "serve.py"), str(HERE / "tiny.gguf")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            announced = next((line for line in server.stdout if line.startswith("LISTENING")), None)
            assert announced is not None, "the server did not start"
            yield f"{announced.split()[1]}/v1"
        finally:
            server.kill()


def draw_questions() -> Iterator[Question]:
    """Tables of many sizes, asked about in turn by each trade-off and deployment."""
    for index in range(SELECTIONS):
        safe = profile(
            rows=300 + 410 * index, continuous=1 + index % 13, categorical=1 + index % 7, levels=2 + index % 6
        )
        yield question(
            safe,
            tradeoff=("balanced", "fidelity", "utility", "privacy", "speed")[index % 5],
            compliance=("research", "hipaa_like", "gdpr_like")[index % 3],
            deployment=("internal", "saas")[index % 4 == 3],
        )


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_every_selection_ends_in_a_valid_plan(
    base: str, method: str, record_property: Callable[[str, object], None]
) -> None:
    settings = Settings(
        openrouter_api_key="sk-loopback-0123456789",
        openrouter_base=base,
        openrouter_model="tiny",
        openrouter_method=method,
        ollama_base="http://127.0.0.1:9",
        selector_max_tokens=256,
        selector_timeout_s=60.0,
        selector_deadline_s=120.0,
        selector_cache="off",
        selector_breaker_failures=10_000,
    )
    chain = build_selection(settings, EmbeddedRecommender())
    legs: Counter[str] = Counter()
    first: Counter[str] = Counter()
    for asked in draw_questions():
        answered = chain.invoke(asked)
        assert check_plan(answered.plan, asked) == ()
        legs[answered.provenance.provider] += 1
        first[answered.provenance.attempts[0].outcome] += 1
    assert legs.total() == SELECTIONS
    # The model is real and its answers count: under a grammar many are sound plans, the fewer the more the prompt has
    # changed since it was trained.
    if method == "json_schema":
        assert legs["openrouter"] >= SELECTIONS // 5
    told = ", ".join(f"{name} {count}" for name, count in legs.most_common())
    ends = ", ".join(f"{name} {count}" for name, count in first.most_common())
    record_property(
        "real model",
        f"{method}: {legs.total()} of {SELECTIONS} valid; answered by {told}; the model's attempts ended {ends}; "
        f"{chain.usage().repairs} repairs asked for",
    )


async def test_streaming_handlers_change_nothing(base: str) -> None:
    settings = Settings(
        openrouter_api_key="sk-loopback-0123456789",
        openrouter_base=base,
        openrouter_model="tiny",
        openrouter_method="json_schema",
        ollama_base="http://127.0.0.1:9",
        selector_max_tokens=256,
        selector_timeout_s=60.0,
        selector_deadline_s=120.0,
    )
    chain = build_selection(settings, EmbeddedRecommender())
    asked = next(draw_questions())
    events = [event async for event in chain.astream_events(asked, version="v2")]
    answered = events[-1]["data"]["output"]
    assert check_plan(answered.plan, asked) == ()
    assert answered.provenance.attempts[0].outcome not in ("invalid_response", "connection")
    assert "on_chat_model_end" in {event["event"] for event in events}
