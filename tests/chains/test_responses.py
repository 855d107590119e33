"""The small parts: what is masked, what a body means, what an answer holds."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import httpx
import pytest
from clinical_model_selector.chains.parse_answer import describe_violations, parse_answer, repair_message
from clinical_model_selector.chains.providers.http import Reply, RequestFailed
from clinical_model_selector.chains.providers.ollama_responses import judge_ollama
from clinical_model_selector.chains.providers.openrouter_responses import judge_openrouter
from clinical_model_selector.chains.providers.private_loop import get_private_loop
from clinical_model_selector.chains.providers.redaction import MAX_MESSAGE, mask_key, mask_text, mask_url
from clinical_model_selector.schemas.plan import ModelSelectionPlan
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage


@pytest.mark.parametrize(
    ("key", "shown"),
    [("sk-or-v1-0123456789abcd", "sk-…abcd"), ("0123456789abcdef", "…cdef"), ("short", "…"), ("", "…")],
)
def test_keys(key: str, shown: str) -> None:
    assert mask_key(key) == shown


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("bad key sk-or-v1-0123456789abcdef!", "bad key sk-…cdef!"),
        ("Authorization: Bearer abc.def", "Authorization: bearer …"),
        ("at https://user:pass@host/v1", "at https://…@host/v1"),
        ("two\n  lines", "two lines"),
        ("own SECRETSECRETSECRET", "own …CRET"),
        ("nothing to hide in task-force-one", "nothing to hide in task-force-one"),
    ],
)
def test_messages(text: str, masked: str) -> None:
    assert mask_text(text, "SECRETSECRETSECRET") == masked


@given(st.text(), st.text(min_size=12, alphabet=st.characters(min_codepoint=33, max_codepoint=126)))
def test_no_message_is_long_or_holds_the_key(text: str, key: str) -> None:
    masked = mask_text(f"{text}{key}{text * 50}", key)
    assert len(masked) <= MAX_MESSAGE
    assert key not in masked


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pass@host:8443/v1?key=1#f", "https://host:8443/v1"),
        ("http://localhost:11434", "http://localhost:11434"),
    ],
)
def test_addresses(url: str, shown: str) -> None:
    assert mask_url(url) == shown


COSTS: dict[str, tuple[dict[str, object], float | None]] = {
    "OpenRouter's own": ({"cost": 0.5}, 0.5),
    "with a key at the provider": (
        {"cost": 0.02, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.4}}, 0.42,
    ),
    "with a key at the provider, no fee": ({"cost": 0, "cost_details": {"upstream_inference_cost": 0.4}}, 0.4),
    "told for information": ({"cost": 0.5, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.5}}, 0.5),
    "free": ({"cost": 0, "cost_details": {"upstream_inference_cost": None}}, 0.0),
    "unknown": ({"prompt_tokens": 3}, None),
}  # fmt: skip


@pytest.mark.parametrize("case", COSTS)
def test_cost(case: str) -> None:
    usage, cost = COSTS[case]
    body = {"model": "m", "provider": "P", "id": "gen-1", "usage": usage, "choices": [{"message": {"content": "{}"}}]}
    reply = judge_openrouter(httpx.Response(200, json=body))
    assert reply.cost_usd == (None if cost is None else pytest.approx(cost))
    assert (reply.model, reply.upstream, reply.response_id) == ("m", "P", "gen-1")


def test_a_secret_in_a_cause_is_masked() -> None:
    key = "sk-or-v1-0123456789abcdef"
    error = {"code": 502, "message": "Provider returned error", "metadata": {"raw": f"bad key {key}"}}
    with pytest.raises(RequestFailed) as caught:
        judge_openrouter(httpx.Response(502, json={"error": error}), key)
    assert caught.value.message == "Provider returned error: bad key sk-…cdef"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
PARTS = ("id", "created", "model", "choices", "usage", "error", "message", "code", "content", "finish_reason")
SHAPED = st.recursive(
    JSON, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(PARTS), inner, max_size=5),
    max_leaves=15,
)  # fmt: skip


def judge(read: Callable[[httpx.Response], Reply], response: httpx.Response) -> Reply | RequestFailed:
    try:
        return read(response)
    except RequestFailed as failure:
        return failure


@given(st.binary(max_size=200) | SHAPED.map(lambda value: json.dumps(value).encode()), st.integers(200, 599))
def test_any_body_is_a_reply_or_a_typed_failure(body: bytes, status: int) -> None:
    for read in (judge_openrouter, lambda response: judge_ollama(response, 8192)):
        judged = judge(read, httpx.Response(status, content=body))
        if isinstance(judged, RequestFailed):
            assert 0 < len(judged.message) <= MAX_MESSAGE
        else:
            assert judged.failure is not None or json.loads(judged.body)


@given(SHAPED.map(json.dumps) | st.text(max_size=200))
def test_any_answer_is_a_plan_or_violations_that_do_not_quote_it(text: str) -> None:
    marked = f"Zq7Canary{text}Zq7Canary"
    for message in (
        AIMessage(content=text),
        AIMessage(content=marked),
        AIMessage(content="", tool_calls=[{"name": "p", "args": {"choice": marked, marked: text}, "id": "1"}]),
    ):
        parsed = parse_answer(message)
        assert parsed.plan is None
        assert parsed.violations
        told = describe_violations(parsed.violations) + str(repair_message(parsed.violations).content)
        assert "Zq7Canary" not in told


def test_a_plan_is_found_in_a_tool_call_too() -> None:
    plan = {
        "choice": {"method": "cart", "min_samples_leaf": 7},
        "backups": [
            {"method": "gaussian_copula", "marginal": "kde", "shrinkage": 0.1},
            {"method": "arf", "num_trees": 30, "min_node_size": 5, "max_iters": 10},
        ],
        "dp": {"enabled": False, "epsilon": None, "delta": None},
        "sample_multiplier": 1.0,
        "max_synth_rows": 100,
        "rationale": "facts",
    }
    by_call = parse_answer(AIMessage(content="", tool_calls=[{"name": "any", "args": plan, "id": "1"}]))
    assert by_call.plan == ModelSelectionPlan.model_validate(plan)
    assert parse_answer(AIMessage(content=f"so: {json.dumps(plan)}.")).plan == by_call.plan


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_has_a_loop_of_its_own() -> None:
    async def four() -> int:
        return 4

    assert get_private_loop().run(four()) == 4
    child = os.fork()
    if child == 0:
        os._exit(get_private_loop().run(four()))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4
