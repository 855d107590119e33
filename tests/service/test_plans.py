"""What the service answers, over a real socket."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx
import pytest
from clinical_model_selector.app.service.openapi.examples import EXAMPLE_PROFILE
from clinical_model_selector.app.service.routes import build_router, create_app
from clinical_model_selector.schemas.plan import ModelSelectionPlan
from clinical_model_selector.schemas.profile import SafeProfile
from clinical_model_selector.synthesizers.catalogue import CATALOGUE
from fastapi import FastAPI
from loopback.formats import hang, says
from loopback.server import ScriptedServer, refused_address
from prometheus_client.parser import text_string_to_metric_families
from serving import served

from .conftest import make_selector


def _upload(table: bytes, **fields: str) -> dict[str, Any]:
    return {"files": {"file": ("cohort.csv", table)}, "data": fields}


def test_an_uploaded_table_gets_a_plan_and_treatments_by_name(http: httpx.Client, example: bytes) -> None:
    response = http.post("/v1/plans", **_upload(example, target="cens", tradeoff="utility"))
    assert response.status_code == 200
    record = response.json()
    ModelSelectionPlan.model_validate(record["plan"])
    assert record["provenance"]["provider"] == response.headers["x-selector-provider"] == "embedded"
    assert [item["column"] for item in record["treatments"]][:2] == ["horTh", "age"]
    assert SafeProfile.model_validate(record["profile"]).target is not None


def test_a_safe_profile_gets_the_same_plan_as_its_table(http: httpx.Client, example: bytes) -> None:
    uploaded = http.post("/v1/plans", **_upload(example, target="cens")).json()
    sent = http.post("/v1/plans", json={"profile": uploaded["profile"]}).json()
    assert sent["plan"] == uploaded["plan"]


@pytest.mark.parametrize("format", ["selector", "backend"])
def test_replan_takes_either_format_and_changes_what_failed(
    http: httpx.Client, safe_profile: dict[str, Any], format: str
) -> None:
    first = http.post(f"/v1/plans?format={format}", json={"profile": safe_profile})
    plan = first.json() if format == "backend" else first.json()["plan"]
    body = {"profile": safe_profile, "plan": plan, "metrics": {"failed": True}}
    second = http.post("/v1/plans/replan", json=body)
    assert second.status_code == 200, second.text
    assert (
        second.json()["plan"]["choice"]["method"]
        != ModelSelectionPlan.model_validate(
            ModelSelectionPlan.from_backend_dict(plan) if format == "backend" else plan
        ).choice.method
    )


def test_replan_takes_an_upload(http: httpx.Client, example: bytes) -> None:
    plan = http.post("/v1/plans", **_upload(example)).json()["plan"]
    fields = {"plan": json.dumps(plan), "metrics": json.dumps({"fidelity": 0.7})}
    assert http.post("/v1/plans/replan", **_upload(example, **fields)).status_code == 200


def test_the_backend_format_is_the_backend_dict(http: httpx.Client, safe_profile: dict[str, Any]) -> None:
    response = http.post("/v1/plans?format=backend", json={"profile": safe_profile})
    assert sorted(response.json()) == ["backup", "choice", "dp", "hyperparams", "rationale"]
    assert ModelSelectionPlan.from_backend_dict(response.json()).to_backend_dict() == response.json()


def test_kinds_said_by_the_user_win(http: httpx.Client, example: bytes) -> None:
    record = http.post("/v1/profiles", **_upload(example, kinds='{"tgrade": "free_text"}')).json()
    kinds = {column["name"]: column["kind"] for column in record["columns"]}
    assert kinds["tgrade"] == "free_text"
    assert "tgrade" not in record["prompt"]
    assert "tgrade" not in json.dumps(record["safe"])


def test_events_end_with_the_result(http: httpx.Client, example: bytes) -> None:
    response = http.post("/v1/plans", **_upload(example), headers={"accept": "text/event-stream"})
    assert response.headers["content-type"].startswith("text/event-stream")
    events = _events(response.text)
    assert [event for event, _ in events] == ["progress"] * (len(events) - 1) + ["result"]
    steps = [json.loads(data)["step"] for _, data in events[:-1]]
    assert steps[0] == "profile"
    assert "embedded" in steps
    assert json.loads(events[-1][1])["provenance"]["provider"] == "embedded"


def test_events_end_with_the_problem(http: httpx.Client) -> None:
    response = http.post("/v1/plans", **_upload(b"a,b\n1,2\n"), headers={"accept": "text/event-stream"})
    event, data = _events(response.text)[-1]
    assert (event, json.loads(data)["tree"]) == ("problem", ["SelectorError", "TableError"])


_COLUMN = EXAMPLE_PROFILE["columns"][1]

PROBLEMS: dict[str, tuple[dict[str, Any], int, str]] = {
    "not JSON": ({"content": b"{", "headers": {"content-type": "application/json"}}, 400, "BadRequest"),
    "NaN": ({"content": b'{"profile": NaN}', "headers": {"content-type": "application/json"}}, 400, "BadRequest"),
    "a path": ({"json": {"table": "/etc/passwd"}}, 422, "InvalidRequest"),
    "a DSN as profile": ({"json": {"profile": "postgresql://u:secret@db/x"}}, 422, "InvalidRequest"),
    "no body": ({}, 415, "UnsupportedMedia"),
    "XML": ({"content": b"<x/>", "headers": {"content-type": "text/xml"}}, 415, "UnsupportedMedia"),
    "unknown synthesizer": ({"json": {"profile": EXAMPLE_PROFILE, "allowed": ["magic"]}}, 422, "SettingsError"),
    "nothing feasible": (
        {"json": {"profile": {**EXAMPLE_PROFILE, "rows": 40}}},
        422,
        "NoFeasibleSynthesizer",
    ),
    "infinite quantile": (
        {
            "content": json.dumps({"profile": EXAMPLE_PROFILE}).replace("31.0", "1e999").encode(),
            "headers": {"content-type": "application/json"},
        },
        422,
        "InvalidRequest",
    ),
    "levels without their shares": (
        {"json": {"profile": {**EXAMPLE_PROFILE, "columns": [{**_COLUMN, "level_names": ["no"]}]}}},
        422,
        "InvalidRequest",
    ),
    "a share beyond all rows": (
        {"json": {"profile": {**EXAMPLE_PROFILE, "columns": [{**_COLUMN, "level_shares": [4.5, -0.1]}]}}},
        422,
        "InvalidRequest",
    ),
    "two columns of one alias": (
        {"json": {"profile": {**EXAMPLE_PROFILE, "columns": [_COLUMN, _COLUMN]}}},
        422,
        "InvalidRequest",
    ),
    "a history of nobody's column": (
        {"json": {"profile": {**EXAMPLE_PROFILE, "history": {"time": "c99"}}}},
        422,
        "InvalidRequest",
    ),
    "huge count": ({"json": {"profile": {**EXAMPLE_PROFILE, "rows": 10**300}}}, 422, "InvalidRequest"),
    "no file": ({"data": {"target": "x"}, "files": {"other": b"x"}}, 400, "BadRequest"),
    "no such column": ({"files": {"file": b"a,b\n" + b"1,2\n" * 60}, "data": {"target": "z"}}, 422, "TableError"),
    "kinds not JSON": ({"files": {"file": b"a,b\n1,2\n"}, "data": {"kinds": "{"}}, 422, "InvalidRequest"),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_errors_are_problem_details_with_the_same_tree(http: httpx.Client, case: str) -> None:
    arguments, status, kind = PROBLEMS[case]
    response = http.post("/v1/plans", **arguments)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["type"].endswith(kind)
    assert problem["tree"][0] == "SelectorError"
    assert problem["tree"][-1] == kind
    assert problem["instance"].removeprefix("urn:uuid:") == response.headers["x-request-id"]
    for told in ("secret", "/etc/passwd", "/tmp", "clinical-model-selector-"):
        assert told not in problem["detail"]


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nope", 404), ("DELETE", "/v1/plans", 405)])
def test_unknown_addresses_are_problem_details_too(http: httpx.Client, method: str, path: str, status: int) -> None:
    response = http.request(method, path)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    assert response.json()["status"] == status


def test_nobody_left_to_ask_is_503_with_every_attempt(safe_profile: dict[str, Any]) -> None:
    with refused_address() as address:
        selector = make_selector(selector_embedded="never", ollama_base=address)
        with served(create_app(selector)) as origin:
            response = httpx.post(f"{origin}/v1/plans", json={"profile": safe_profile})
    assert response.status_code == 503
    assert [attempt["provider"] for attempt in response.json()["attempts"]] == ["ollama"]


def test_lists_and_probes(http: httpx.Client) -> None:
    listed = http.get("/v1/synthesizers").json()
    assert [entry["method"] for entry in listed["synthesizers"]] == list(CATALOGUE)
    assert http.get("/healthz").json() == {"status": "ok"}
    assert http.get("/readyz").json()["status"] == "ready"
    assert http.get("/v1/models").json() == {"legs": {"embedded": "recommender"}, "models": []}


def test_models_are_those_a_request_may_name(openrouter_server: ScriptedServer) -> None:
    selector = make_selector(
        selector_embedded="auto",
        openrouter_api_key="sk-or-test",
        openrouter_base=f"{openrouter_server.origin}/api/v1",
    )
    with served(create_app(selector)) as origin:
        record = httpx.get(f"{origin}/v1/models").json()
    assert list(record["legs"]) == ["openrouter", "ollama", "embedded"]
    assert record["models"]
    assert all(model["structured_outputs"] for model in record["models"])


def test_the_router_works_in_a_foreign_app(safe_profile: dict[str, Any], example: bytes) -> None:
    app = FastAPI()
    app.include_router(build_router(make_selector()), prefix="/selector")
    with served(app) as origin, httpx.Client(base_url=origin, timeout=60) as client:
        assert client.post("/selector/v1/plans", json={"profile": safe_profile}).status_code == 200
        assert client.post("/selector/v1/plans", **_upload(example, target="cens")).status_code == 200
        refused = client.post("/selector/v1/plans", json={})
        assert refused.headers["content-type"] == "application/problem+json"
        assert "/selector/v1/plans" in client.get("/openapi.json").json()["paths"]


def test_metrics_count_providers_tokens_money_and_fallbacks(
    safe_profile: dict[str, Any], openrouter_server: ScriptedServer
) -> None:
    openrouter_server.script(says(None))
    with refused_address() as nobody:
        selector = make_selector(
            selector_embedded="auto",
            selector_cache="off",
            openrouter_api_key="sk-or-test",
            openrouter_base=f"{openrouter_server.origin}/api/v1",
            ollama_base=nobody,
        )
        with served(create_app(selector)) as origin, httpx.Client(base_url=origin, timeout=30) as client:
            first = client.post("/v1/plans", json={"profile": safe_profile}).json()["provenance"]
            second = client.post("/v1/plans", json={"profile": safe_profile}).json()["provenance"]
            text = client.get("/metrics").text
            ready = client.get("/readyz").json()
    assert ready["legs"] == {"openrouter": "closed", "ollama": "closed", "embedded": "closed"}
    assert (first["provider"], second["provider"]) == ("embedded", "openrouter")
    figures = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert figures["selector_selections_total", "embedded", "ok"] == 1
    assert figures["selector_selections_total", "ok", "openrouter"] == 1
    assert figures["selector_fallbacks_total", "embedded"] == 1
    assert figures["selector_tokens_total", "input", "openrouter"] >= second["input_tokens"]
    assert figures["selector_usd_total", "openrouter"] >= second["cost_usd"]
    assert figures["selector_selection_seconds_count", "openrouter"] == 1
    assert "sk-or-test" not in text


async def test_it_answers_while_64_selections_wait(
    safe_profile: dict[str, Any], openrouter_server: ScriptedServer
) -> None:
    openrouter_server.always(hang)
    selector = make_selector(
        selector_embedded="auto",
        selector_cache="off",
        openrouter_api_key="sk-or-test",
        openrouter_base=f"{openrouter_server.origin}/api/v1",
        openrouter_method="json_schema",
    )
    body = {"profile": safe_profile, "provider": "openrouter"}
    with served(create_app(selector)) as origin:
        async with httpx.AsyncClient(base_url=origin, timeout=60, limits=httpx.Limits(max_connections=80)) as client:
            tasks = [asyncio.create_task(client.post("/v1/plans", json=body)) for _ in range(64)]
            until = time.monotonic() + 30
            while len(openrouter_server.requests) < 64 and time.monotonic() < until:
                await asyncio.sleep(0.05)
            assert "selector_waiting 64.0" in (await client.get("/metrics")).text
            assert (await client.get("/readyz")).status_code == 200
            embedded = await client.post("/v1/plans", json={"profile": safe_profile, "provider": "embedded"})
            assert embedded.json()["provenance"]["provider"] == "embedded"
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            openrouter_server.stopping.set()


def _events(text: str) -> list[tuple[str, str]]:
    found = []
    for block in text.strip().split("\n\n"):
        lines = block.split("\n")
        event = next((line[7:] for line in lines if line.startswith("event: ")), None)
        if event is not None:
            found.append((event, "\n".join(line[6:] for line in lines if line.startswith("data: "))))
    return found
