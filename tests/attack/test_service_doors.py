"""Smaller ways in: addresses with secrets, probes, headers that lie, bodies that hold the service up."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from clinical_model_selector.agents import ClinicalModelSelector
from clinical_model_selector.app.service.admission import connections
from clinical_model_selector.app.service.admission.auth import KeyRing, hash_key, new_key
from clinical_model_selector.app.service.lifecycle import make_server
from clinical_model_selector.app.service.logs import describe_settings
from clinical_model_selector.app.service.openapi.examples import EXAMPLE_PROFILE
from clinical_model_selector.app.service.routes import build_router, create_app
from clinical_model_selector.chains.providers.redaction import mask_text, mask_url
from clinical_model_selector.schemas.settings import Settings
from fastapi import FastAPI
from serving import served
from starlette.types import Receive, Scope, Send

from .processes import serving


def make_selector(**settings: Any) -> ClinicalModelSelector:
    return ClinicalModelSelector(Settings(_env_file=None, **{"selector_embedded": "only", **settings}))


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with served(create_app(make_selector(service_requests_per_minute=0))) as origin:
        yield origin


SECRET = "hunter2hunter2"
ADDRESSES = [
    f"redis://:{SECRET}@cache:6379/0",
    f"redis://cache:6379/0?password={SECRET}",
    f"unix:///run/r.sock?password={SECRET}",
    f"rediss://user:{SECRET}@cache/0?ssl_cert_reqs=none&password={SECRET}",
    f"https://proxy.example/v1?api_key={SECRET}",
    f"http://[broken?key={SECRET}",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_secret_of_an_address_is_shown(address: str) -> None:
    assert SECRET not in mask_url(address)
    assert SECRET not in mask_text(f"cannot reach {address}: refused")


@pytest.mark.parametrize("address", [a for a in ADDRESSES if a.startswith(("redis", "unix"))])
def test_the_first_line_of_the_log_holds_no_secret(tmp_path: Path, address: str) -> None:
    told = json.dumps(describe_settings(Settings(_env_file=None, selector_cache=address, service_queue=address)))
    assert SECRET not in told
    if "?password" in address and address.startswith("unix"):
        with serving(tmp_path, SELECTOR_CACHE=address, SERVICE_QUEUE=address) as served_:
            assert SECRET not in served_.log.read_text()


class _Hanging:
    """Takes connections and says nothing."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.address = f"redis://127.0.0.1:{self.socket.getsockname()[1]}/0"


def test_probes_of_a_hanging_cache_take_no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = _Hanging()
    selector = make_selector(selector_cache=hanging.address)
    asked = []
    ping = ClinicalModelSelector.ping_cache
    monkeypatch.setattr(ClinicalModelSelector, "ping_cache", lambda self: (asked.append(1), ping(self))[1])
    with hanging.socket, served(create_app(selector)) as origin, httpx.Client(base_url=origin, timeout=30) as client:
        first = client.get("/readyz").json()
        assert (first["status"], first["cache"]) == ("ready", "redis: TimeoutError")
        for _ in range(20):
            assert client.get("/readyz").json() == first
        assert len(asked) == 1


FORGED = [
    {"host": "localhost:8000@evil.example"},
    {"host": "localhost/evil"},
    {"host": "localhost:port"},
    {"host": "user@localhost"},
    {"host": "evil.example"},
    {"host": ""},
    {"x-forwarded-for": "127.0.0.1"},
    {"forwarded": "for=10.1.2.3"},
    {"origin": "http://localhost.evil.example"},
]


@pytest.mark.parametrize("headers", FORGED, ids=str)
@pytest.mark.parametrize("mounted", [False, True])
def test_without_keys_only_this_machine_is_answered(origin: str, headers: dict[str, str], mounted: bool) -> None:
    app = FastAPI()
    app.include_router(build_router(make_selector()), prefix="/x")
    if not mounted:
        assert httpx.get(f"{origin}/v1/synthesizers", headers=headers).status_code == 403
        return
    with served(app) as foreign:
        assert httpx.get(f"{foreign}/x/v1/synthesizers").status_code == 200
        refused = httpx.get(f"{foreign}/x/v1/synthesizers", headers=headers)
        assert (refused.status_code, refused.headers["content-type"]) == (403, "application/problem+json")
    if headers == FORGED[4]:
        app = FastAPI()
        app.include_router(build_router(make_selector(), open_without_keys=True))
        with served(app) as opened:
            assert httpx.get(f"{opened}/v1/synthesizers", headers=headers).status_code == 200


class _From:
    """An app as a client at another address sees it."""

    def __init__(self, app: FastAPI, address: str) -> None:
        self._app, self._address = app, address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["client"] = (self._address, 1)
        await self._app(scope, receive, send)


@pytest.mark.parametrize(("address", "status"), [("10.0.0.9", 403), ("::1", 200), ("127.9.9.9", 200)])
def test_a_mounted_router_without_keys_answers_no_other_machine(address: str, status: int) -> None:
    app = FastAPI()
    app.include_router(build_router(make_selector()))
    with served(_From(app, address)) as origin:
        assert httpx.get(f"{origin}/v1/synthesizers").status_code == status


def test_a_forwarded_address_is_believed_from_named_proxies_only() -> None:
    for trusted, believed in (("", False), ("127.0.0.1", True)):
        settings = Settings(_env_file=None, service_trusted_proxies=trusted, selector_embedded="only")
        config = make_server(create_app(ClinicalModelSelector(settings)), "127.0.0.1", 0, settings).config
        assert config.proxy_headers is believed
        assert config.forwarded_allow_ips == trusted


def test_a_key_is_replaced_by_another_without_a_gap() -> None:
    old, new = new_key(), new_key()
    ring = KeyRing(Settings(_env_file=None, service_keys=f"a={hash_key(old)},a={hash_key(new)}").service_key_hashes)
    assert [ring.name_of(key) for key in (old, new, "x")] == ["a", "a", None]


def test_refusals_are_counted_and_logged(tmp_path: Path) -> None:
    with serving(tmp_path) as served_:
        assert httpx.get(f"{served_.origin}/v1/synthesizers", headers={"host": "evil.example"}).status_code == 403
        metrics = httpx.get(f"{served_.origin}/metrics").text
        assert 'selector_errors_total{error="CrossOrigin"} 1.0' in metrics
        assert '"error": "CrossOrigin"' in served_.log.read_text()


def test_thousands_of_columns_are_refused_before_they_are_looked_at(origin: str) -> None:
    columns = [{**EXAMPLE_PROFILE["columns"][0], "alias": f"c{n}"} for n in range(20_000)]
    body = json.dumps({"profile": {**EXAMPLE_PROFILE, "columns": columns}}).encode()[: 4 << 20]
    body = body if len(body) < 4 << 20 else json.dumps({"profile": {"columns": [{}] * 20_000}}).encode()
    refused = httpx.post(f"{origin}/v1/plans", content=body, headers={"content-type": "application/json"}, timeout=30)
    assert (refused.status_code, refused.json()["tree"][-1]) == (413, "TooLarge")


def test_deep_nesting_is_called_what_it_is(origin: str) -> None:
    body = b'{"profile": ' + b"[" * 5000 + b"]" * 5000 + b"}"
    refused = httpx.post(f"{origin}/v1/plans", content=body, headers={"content-type": "application/json"}, timeout=30)
    assert refused.status_code == 400
    assert "nested too deeply" in refused.json()["detail"]


NAMES = 6000
HEADERS = {
    "names with line ends": b",".join(b'"c\n%d"' % n for n in range(NAMES)) + b"\n",
    "a title line before": b'"a title\n"' + b",".join(b"c%d" % n for n in range(NAMES)) + b"\n",
    "many columns": b",".join(b"c%d" % n for n in range(NAMES)) + b"\n",
}


@pytest.mark.parametrize("case", HEADERS)
def test_the_limit_of_columns_cannot_be_slipped_past(origin: str, case: str) -> None:
    table = HEADERS[case] + (b",".join(b"1" for _ in range(NAMES)) + b"\n") * 3
    refused = httpx.post(f"{origin}/v1/profiles", files={"file": table}, timeout=60)
    assert (refused.status_code, refused.json()["tree"][-1]) == (413, "TooLarge"), refused.text


def test_a_long_cell_is_no_end_of_a_worker(origin: str) -> None:
    table = b"a,b\n" + b"1,2\n" * 200 + b"1," + b"x" * 140_000 + b"\n"
    answer = httpx.post(f"{origin}/v1/profiles", files={"file": table}, timeout=60)
    assert answer.status_code in (200, 422)
    assert "memory" not in answer.text


def test_headers_that_never_end_are_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_HEADER_SECONDS", 0.5)
    import threading

    settings = Settings(_env_file=None, selector_embedded="only")
    server = make_server(create_app(ClinicalModelSelector(settings)), "127.0.0.1", 0, settings)
    thread = threading.Thread(target=server.run, daemon=True)
    server.capture_signals = lambda: __import__("contextlib").nullcontext()  # type: ignore[method-assign]
    thread.start()
    until = time.monotonic() + 30
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as idle:
            assert idle.recv(10) == b""
        with socket.create_connection(("127.0.0.1", port), timeout=20) as slow:
            slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ")
            assert slow.recv(10) == b""
        with socket.create_connection(("127.0.0.1", port), timeout=20) as second:
            second.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            # Head and body may come one after the other.
            answer = b""
            while not answer.endswith(b"}"):
                answer += second.recv(4096)
            assert b"200 OK" in answer
            second.sendall(b"GET /healthz HTTP/1.1\r\nHost: loc")
            assert second.recv(10) == b""
    finally:
        server.should_exit = True
        thread.join(30)
