"""No caller takes the others' places, bytes or workers, and readiness is nobody's to spoil."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import httpx
import pytest
from clinical_model_selector.agents import ClinicalModelSelector
from clinical_model_selector.app.service.admission.auth import hash_key, new_key
from clinical_model_selector.app.service.admission.shares import Caller, Shares, Turns
from clinical_model_selector.app.service.problem_details import Overloaded, ShareUsedUp
from clinical_model_selector.app.service.routes import create_app
from clinical_model_selector.schemas.settings import Settings
from hypothesis import given
from hypothesis import strategies as st
from serving import served

GREEDY, OTHER = new_key(), new_key()
TABLE = b"a,b\n" + b"1,2\n3,4\n" * 60
PLACES = 16


def _selector(**settings: object) -> ClinicalModelSelector:
    keys = f"greedy={hash_key(GREEDY)},other={hash_key(OTHER)}"
    given_settings = {"selector_embedded": "only", "service_keys": keys, "service_requests_per_minute": 0, **settings}
    return ClinicalModelSelector(Settings(_env_file=None, **given_settings))


@pytest.fixture
def origin() -> Iterator[str]:
    with served(create_app(_selector(service_max_waiting=PLACES, service_read_timeout_s=20.0))) as origin:
        yield origin


def _half_sent(origin: str, key: str) -> socket.socket:
    parts = urlsplit(origin)
    connection = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30)
    head = (
        "POST /v1/profiles HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}", "Content-Length: 100000",
        "Content-Type: multipart/form-data; boundary=x",
    )  # fmt: skip
    connection.sendall(("\r\n".join(head) + "\r\n\r\n--x\r\n").encode())
    return connection


def _profile(origin: str, key: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"}
    return httpx.post(f"{origin}/v1/profiles", files={"file": TABLE}, headers=headers, timeout=60)


def test_half_sent_uploads_of_one_key_stop_nobody_else(origin: str) -> None:
    with ExitStack() as open_ones:
        for _ in range(PLACES * 2):
            open_ones.enter_context(_half_sent(origin, GREEDY))
        until = time.monotonic() + 30
        while _profile(origin, GREEDY).status_code != 429 and time.monotonic() < until:
            time.sleep(0.05)
        refused = _profile(origin, GREEDY)
        assert (refused.status_code, refused.json()["tree"][-1]) == (429, "ShareUsedUp")
        assert refused.headers["retry-after"]
        assert _profile(origin, OTHER).status_code == 200
        ready = httpx.get(f"{origin}/readyz")
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")


def test_bytes_are_shared_out_too() -> None:
    """Of 3 MB no key holds more than it leaves: a third upload of 0.9 MB is one too many."""
    selector = _selector(service_max_spool_mb=3, service_read_timeout_s=20.0)
    body = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + b"a" * 900_000
    with served(create_app(selector)) as origin, ExitStack() as open_ones:
        parts = urlsplit(origin)
        answers = []
        for _ in range(3):
            connection = open_ones.enter_context(
                socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30)
            )
            head = (
                "POST /v1/profiles HTTP/1.1", "Host: localhost", f"Authorization: Bearer {GREEDY}",
                "Content-Length: 1000000", "Content-Type: multipart/form-data; boundary=x",
            )  # fmt: skip
            with suppress(OSError):
                connection.sendall(("\r\n".join(head) + "\r\n\r\n").encode() + body)
            connection.settimeout(2)
            with suppress(TimeoutError):
                answers.append(connection.recv(4096))
        assert len(answers) >= 1
        assert all(answer.startswith(b"HTTP/1.1 429 ") for answer in answers)
        assert _profile(origin, OTHER).status_code == 200


def test_a_burst_buys_no_time_to_stand_still() -> None:
    with served(create_app(_selector(service_read_timeout_s=1.0, service_max_upload_mb=64))) as origin:
        parts = urlsplit(origin)
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as connection:
            head = (
                "POST /v1/profiles HTTP/1.1", "Host: localhost", f"Authorization: Bearer {OTHER}",
                f"Content-Length: {50 << 20}", "Content-Type: multipart/form-data; boundary=x",
            )  # fmt: skip
            connection.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
            connection.sendall(b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + b"a,b\n" * (4 << 20))
            assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_slow_tables_of_one_key_keep_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    from clinical_model_selector.app.service.profiler.pool import ProfilePool

    ask, stuck = ProfilePool._ask, threading.Event()

    async def slow(self: ProfilePool, task: bytes) -> dict[str, str]:
        if b"slow" in task:
            while not stuck.is_set():
                await asyncio.sleep(0.01)
        return await ask(self, task)

    monkeypatch.setattr(ProfilePool, "_ask", slow)
    with served(create_app(_selector(service_profile_workers=2))) as origin:
        headers = {"authorization": f"Bearer {GREEDY}"}
        form = {"files": {"file": TABLE}, "data": {"target": "slow"}, "headers": headers}
        threads = [
            threading.Thread(target=lambda: httpx.post(f"{origin}/v1/profiles", timeout=60, **form)) for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        try:
            time.sleep(0.5)
            assert _profile(origin, OTHER).status_code == 200
        finally:
            stuck.set()
            for thread in threads:
                thread.join(60)


callers = st.builds(Caller, st.sampled_from("abcd"), st.sampled_from("1234"))


@given(st.integers(1, 40), st.lists(st.tuples(callers, st.integers(1, 5)), max_size=200))
def test_a_share_never_exceeds_what_is_left(capacity: int, asked: list[tuple[Caller, int]]) -> None:
    shares = Shares(capacity, "places")
    held: list[tuple[Caller, int]] = []
    for caller, amount in asked:
        free = capacity - shares.taken
        try:
            shares.take(caller, amount)
        except ShareUsedUp:
            assert amount <= free
            # Who holds nothing yet and asks for no more than is left is never refused for its share.
            assert any(c.party == caller.party for c, _ in held)
        except Overloaded:
            assert amount > free
        else:
            held.append((caller, amount))
            assert sum(n for c, n in held if c.party == caller.party) <= free
    for caller, amount in held:
        shares.give_back(caller, amount)
    assert shares.taken == 0
    assert not shares._by_party
    assert not shares._by_caller


async def test_turns_alternate_and_leave_a_worker_free() -> None:
    turns, order = Turns(2), list[str]()
    release = asyncio.Event()

    async def work(caller: Caller) -> None:
        async with turns.turn(caller):
            order.append(caller.key)
            await release.wait()

    greedy = [asyncio.create_task(work(Caller("greedy", "1"))) for _ in range(4)]
    await asyncio.sleep(0.01)
    assert order == ["greedy"]
    other = asyncio.create_task(work(Caller("other", "2")))
    await asyncio.sleep(0.01)
    assert order == ["greedy", "other"]
    greedy[3].cancel()
    release.set()
    await asyncio.gather(*greedy, other, return_exceptions=True)
    assert order == ["greedy", "other", "greedy", "greedy"]
