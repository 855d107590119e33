"""Keys, limits, other origins, and what must not be in a log or an answer."""

from __future__ import annotations

import io
import json
import logging
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from clinical_model_selector.agents import ClinicalModelSelector
from clinical_model_selector.app.service.admission.auth import KeyRing, hash_key, new_key
from clinical_model_selector.app.service.logs import configure_logging, describe_settings
from clinical_model_selector.app.service.routes import build_router, create_app
from clinical_model_selector.schemas.errors import SettingsError
from clinical_model_selector.schemas.settings import Settings
from fastapi import FastAPI
from loopback.formats import status
from loopback.server import ScriptedServer
from serving import served

from .conftest import make_selector

KEY, OTHER = new_key(), new_key()
KEYS = f"backend={hash_key(KEY)}, page={hash_key(OTHER).upper()}"


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    selector = make_selector(service_keys=KEYS, service_cors_origins="https://app.example.org")
    with served(create_app(selector)) as origin:
        yield origin


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.mark.parametrize("key", [KEY, OTHER], ids=["first", "second"])
def test_every_key_opens(guarded: str, safe_profile: dict[str, Any], key: str) -> None:
    response = httpx.post(f"{guarded}/v1/plans", json={"profile": safe_profile}, headers=_bearer(key))
    assert response.status_code == 200


@pytest.mark.parametrize("headers", [{}, _bearer("x"), _bearer(hash_key(KEY)), {"authorization": f"Basic {KEY}"}])
@pytest.mark.parametrize("path", ["/v1/plans", "/v1/plans/replan", "/v1/profiles", "/page/profile", "/page/plan"])
def test_without_a_key_nothing_is_read(guarded: str, headers: dict[str, str], path: str) -> None:
    response = httpx.post(f"{guarded}{path}", content=b"not even looked at", headers=headers)
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("path", ["/v1/synthesizers", "/v1/models", "/metrics"])
def test_lists_and_metrics_ask_for_a_key_and_probes_do_not(guarded: str, path: str) -> None:
    assert httpx.get(f"{guarded}{path}").status_code == 401
    assert httpx.get(f"{guarded}{path}", headers=_bearer(KEY)).status_code == 200
    assert httpx.get(f"{guarded}/healthz").status_code == 200
    assert httpx.get(f"{guarded}/readyz").status_code == 200


def test_a_key_ring_knows_its_keys_by_name() -> None:
    ring = KeyRing(Settings(_env_file=None, service_keys=KEYS).service_key_hashes)
    assert [ring.name_of(key) for key in (KEY, OTHER, "", KEY + "x")] == ["backend", "page", None, None]
    assert KEY not in repr(vars(ring))


@pytest.mark.parametrize(
    "keys",
    [KEY, f"backend={KEY}", "backend=abc", f"a b={hash_key(KEY)}"],
    ids=["a key", "a named key", "no hash", "a name of two words"],
)
def test_a_key_that_is_not_hashed_is_refused_unquoted(keys: str) -> None:
    with pytest.raises(SettingsError, match="SERVICE_KEYS") as caught:
        Settings(_env_file=None, service_keys=keys)
    assert KEY not in str(caught.value)


def test_each_key_has_a_minute_of_its_own() -> None:
    selector = make_selector(service_keys=KEYS, service_requests_per_minute=3)
    with served(create_app(selector)) as origin:
        answers = [httpx.get(f"{origin}/v1/synthesizers", headers=_bearer(KEY)) for _ in range(4)]
        other = httpx.get(f"{origin}/v1/synthesizers", headers=_bearer(OTHER))
        guesses = [httpx.get(f"{origin}/v1/synthesizers", headers=_bearer("guess")).status_code for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert other.status_code == 200
    assert guesses == [401, 401, 401, 429]


def test_the_limit_is_shared_through_redis_and_survives_its_loss(tmp_path: Path) -> None:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    address = tmp_path / "r.sock"
    command = [program, "--port", "0", "--unixsocket", str(address), "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as redis:
        try:
            until = time.monotonic() + 10
            while not address.exists() and time.monotonic() < until:
                time.sleep(0.02)
            settings = {"service_rate_storage": f"unix://{address}", "service_requests_per_minute": 3}
            with (
                served(create_app(make_selector(**settings))) as one,
                served(create_app(make_selector(**settings))) as two,
            ):
                codes = [httpx.get(f"{origin}/v1/synthesizers").status_code for origin in (one, two, one, two)]
                assert codes == [200, 200, 200, 429]
                redis.terminate()
                redis.wait()
                assert httpx.get(f"{one}/v1/synthesizers", timeout=30).status_code == 200
        finally:
            redis.terminate()


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"host": "localhost:8000"}, True),
        ({"host": "rebound.example.org"}, False),
        ({"origin": "https://evil.example.org"}, False),
        ({"origin": "null"}, False),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, False),
        ({"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}, True),
    ],
)
def test_pages_of_other_origins_are_turned_away(
    http: httpx.Client, safe_profile: dict[str, Any], headers: dict[str, str], allowed: bool
) -> None:
    response = http.post("/v1/plans", json={"profile": safe_profile}, headers=headers)
    assert response.status_code == (200 if allowed else 403)
    assert "access-control-allow-origin" not in response.headers


def test_an_origin_that_is_named_may_call(guarded: str) -> None:
    named = {"origin": "https://app.example.org", "access-control-request-method": "POST"}
    assert httpx.options(f"{guarded}/v1/plans", headers=named).headers["access-control-allow-origin"] == named["origin"]
    other = {**named, "origin": "https://evil.example.org"}
    assert httpx.options(f"{guarded}/v1/plans", headers=other).status_code == 403


@pytest.mark.parametrize("path", ["/", "/page/page.js", "/page/page.css", "/v1/synthesizers", "/nope"])
def test_security_headers_are_on_every_answer(http: httpx.Client, path: str) -> None:
    headers = http.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"


def test_logs_hold_provider_and_outcome_and_neither_names_nor_values_nor_keys(
    openrouter_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    root = logging.getLogger()
    before = root.handlers[:], root.level
    openrouter_server.always(status(401, "no such key"))
    table = b"zanzibar_column,other\n" + b"".join(b"quokka%d,%d\n" % (row % 3, row % 7) for row in range(300))
    selector = make_selector(
        service_keys=KEYS,
        selector_embedded="auto",
        openrouter_api_key="sk-or-very-secret",
        openrouter_base=f"{openrouter_server.origin}/api/v1",
        ollama_base="http://127.0.0.1:9",
    )
    try:
        configure_logging("debug")
        with served(create_app(selector)) as origin:
            arguments = {"files": {"file": ("patients_of_dr_quokka.csv", table)}, "headers": _bearer(KEY)}
            goal = {"goal": "compare zanzibar_column"}
            assert httpx.post(f"{origin}/v1/plans", data=goal, timeout=60, **arguments).status_code == 200
            missing = httpx.post(f"{origin}/v1/plans", data={"target": "walrus"}, timeout=60, **arguments)
            assert missing.status_code == 422
            httpx.get(f"{origin}/walrus?key={KEY}")
    finally:
        root.handlers[:], root.level = before[0], before[1]
        logging.getLogger("clinical_model_selector").setLevel(logging.NOTSET)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    selections = [line for line in lines if line["event"] == "selection"]
    assert [(line["provider"], line["outcome"]) for line in selections] == [("embedded", "ok")]
    assert selections[0]["attempts"][0] == "openrouter: authentication"
    requests = [line for line in lines if line["event"] == "request"]
    assert [(line["route"], line["status"], line["key"]) for line in requests] == [
        ("/v1/plans", 200, "backend"),
        ("/v1/plans", 422, "backend"),
    ]
    assert {line["request_id"] for line in selections} <= {line["request_id"] for line in requests}
    for told in ("zanzibar", "quokka", "walrus", KEY, "sk-or-very-secret"):
        assert told not in stream.getvalue()


def test_a_mounted_router_logs_to_its_hosts_logging(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    app = FastAPI()
    app.include_router(build_router(make_selector()))
    with caplog.at_level("INFO", "clinical_model_selector"), served(app) as origin:
        httpx.get(f"{origin}/v1/synthesizers")
    told = [record.getMessage() for record in caplog.records if record.name == "clinical_model_selector.service"]
    assert [line.split()[:4] for line in told] == [["request", "method=GET", "route=/v1/synthesizers", "status=200"]]
    assert capfd.readouterr().out == ""


def test_a_bug_is_answered_and_logged_without_its_words(
    monkeypatch: pytest.MonkeyPatch, safe_profile: dict[str, Any]
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    root = logging.getLogger()
    before = root.handlers[:], root.level
    selector = make_selector()

    async def fail(*_: Any, **__: Any) -> None:
        raise KeyError("quokka")

    monkeypatch.setattr(ClinicalModelSelector, "ainvoke", fail)
    try:
        configure_logging("info")
        with served(create_app(selector)) as origin:
            response = httpx.post(f"{origin}/v1/plans", json={"profile": safe_profile})
    finally:
        root.handlers[:], root.level = before[0], before[1]
        logging.getLogger("clinical_model_selector").setLevel(logging.NOTSET)
    assert (response.status_code, response.headers["content-type"]) == (500, "application/problem+json")
    assert "quokka" not in response.text + stream.getvalue()
    errors = [json.loads(line) for line in stream.getvalue().splitlines() if "KeyError" in line]
    assert [line["error"] for line in errors] == ["KeyError"]


def test_settings_are_told_with_keys_masked() -> None:
    settings = Settings(
        _env_file=None,
        openrouter_api_key="sk-or-very-secret",
        ollama_base="http://user:hidden@ollama:11434",
        selector_cache="redis://:hidden@redis:6379/0",
        service_keys=KEYS,
    )
    told = json.dumps(describe_settings(settings))
    assert not re.search(rf"secret|hidden|{hash_key(KEY)}", told)
    assert json.loads(told)["openrouter_api_key"] == "set"
    assert json.loads(told)["service_keys"] == ["backend", "page"]
    assert set(json.loads(told)) == set(Settings.model_fields)
