"""Uploads that mean harm: each ends in a 4xx, leaves nothing behind, and the service goes on."""

from __future__ import annotations

import gzip
import io
import socket
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from clinical_model_selector.app.service.routes import create_app
from serving import served

from .conftest import EXAMPLE, make_selector

LIMITS = {
    "service_max_upload_mb": 2,
    "service_max_unpacked_mb": 16,
    "service_max_rows": 20_000,
    "service_max_columns": 3_000,
    "service_read_timeout_s": 0.5,
    "service_profile_timeout_s": 60.0,
    "service_requests_per_minute": 0,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
def narrow(folder: Path) -> Iterator[str]:
    """A service with small limits, whose private folders are made in ``folder``."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        with served(create_app(make_selector(**LIMITS))) as origin:
            yield origin
    finally:
        tempfile.tempdir = before


def _parquet(rows: int, columns: int) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({f"c{place}": pa.repeat(1, rows) for place in range(columns)}), out)
    return out.getvalue()


def _zip_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("table.csv", b"0" * (64 << 20))
    return out.getvalue()


UPLOADS: dict[str, tuple[bytes, int]] = {
    "empty": (b"", 422),
    "zip bomb": (_zip_bomb(), 422),
    "gzip bomb": (gzip.compress(b"a,b\n" + b"1,2\n" * (8 << 20)), 413),
    "gzip within gzip": (gzip.compress(gzip.compress(b"a,b\n1,2\n")), 422),
    "gzip cut short": (gzip.compress(b"a,b\n" * 1000)[:-9], 422),
    "one line without end": (b"a,b\n" + b"x" * (1 << 20), 422),
    "one long line, compressed": (gzip.compress(b"a,b\n" + b"x" * (12 << 20)), 413),
    "NUL bytes": (b"a,b\n" + b"\0\0\0,1\n" * 200, 422),
    "NUL bytes late": (b"a,b\n" + b"1,2\n" * 10_000 + b"\0,1\n", 422),
    "100,000 columns": (b",".join(b"c%d" % place for place in range(100_000)) + b"\n", 413),
    "too many rows": (b"a,b\n" + b"1,2\n" * 30_000, 413),
    "more bytes than allowed": (b"a,b\n" + b"1,2\n" * (1 << 20), 413),
    "Parquet with too many rows": (_parquet(50_000, 2), 413),
    "Parquet with too many columns": (_parquet(2, 3_100), 413),
    "Parquet magic and garbage": (b"PAR1" + b"\xff" * 4000 + b"\x10\x00\x00\x00PAR1", 422),
    "Parquet footer cut": (_parquet(100, 3)[:-30], 422),
    "ragged rows": (b"a,b\n1\n1,2,3\n" * 100, 422),
    "open quote": (b'a,b\n"1,2\n' + b"3,4\n" * 500, 422),
    "duplicate names": (b"a,a\n" + b"1,2\n" * 100, 422),
    "no names": (b",,\n" + b"1,2,3\n" * 100, 422),
    "an executable": (b"\x7fELF" + bytes(range(256)) * 40, 422),
    "half a surrogate": (b"a,b\n" + b"\xed\xa0\x80,1\n" * 4, 422),
    "SQL in a name": (b"a'); DROP TABLE t; --,b\n1,2\n", 422),
}


@pytest.mark.parametrize("case", UPLOADS)
def test_a_hostile_upload_ends_in_a_4xx(narrow: str, folder: Path, case: str) -> None:
    content, status = UPLOADS[case]
    response = httpx.post(f"{narrow}/v1/plans", files={"file": content}, timeout=90)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert str(folder) not in response.text
    _assert_alive(narrow, folder)


FORMS: dict[str, tuple[bytes, str, int]] = {
    "no boundary": (b"--x\r\n", "multipart/form-data", 400),
    "wrong boundary": (b"--y\r\n\r\n--y--", "multipart/form-data; boundary=x", 400),
    "cut short": (
        b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\na,b\n',
        "multipart/form-data; boundary=x",
        400,
    ),
    "not a form": (b"hello", "multipart/form-data; boundary=x", 400),
    "two files": (
        b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\na\r\n' * 2 + b"--x--\r\n",
        "multipart/form-data; boundary=x",
        400,
    ),
    "a field too long": (
        b'--x\r\nContent-Disposition: form-data; name="goal"\r\n\r\n' + b"g" * (1 << 19) + b"\r\n--x--\r\n",
        "multipart/form-data; boundary=x",
        413,
    ),
    "100 fields": (
        b"".join(b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n' % n for n in range(100))
        + b"--x--\r\n",
        "multipart/form-data; boundary=x",
        400,
    ),
    "endless header": (
        b'--x\r\nContent-Disposition: form-data; name="' + b"n" * 100_000,
        "multipart/form-data; boundary=x",
        400,
    ),
    "wrong content type": (b"a,b\n1,2\n", "text/csv", 415),
    "a JSON body without end": (b"[" * 100_000, "application/json", 400),
    "JSON beyond the limit": (b'"' + b"x" * (5 << 20) + b'"', "application/json", 413),
}


@pytest.mark.parametrize("case", FORMS)
def test_a_hostile_body_ends_in_a_4xx(narrow: str, folder: Path, case: str) -> None:
    content, media, status = FORMS[case]
    response = httpx.post(f"{narrow}/v1/plans", content=content, headers={"content-type": media}, timeout=30)
    assert response.status_code == status, response.text
    _assert_alive(narrow, folder)


def test_an_endless_body_is_refused_while_it_arrives(narrow: str, folder: Path) -> None:
    """A gigabyte in one line, chunked: refused after the first two megabytes."""
    head = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\na,b\n'
    with _connect(narrow, "Transfer-Encoding: chunked") as connection:
        sent = 0
        try:
            connection.sendall(b"%x\r\n%s\r\n" % (len(head), head))
            for _ in range(1 << 14):
                connection.sendall(b"10000\r\n" + b"x" * (1 << 16) + b"\r\n")
                sent += 1 << 16
        except OSError:
            pass
        assert sent < 64 << 20
    _assert_alive(narrow, folder)


def test_a_declared_gigabyte_is_refused_unread(narrow: str, folder: Path) -> None:
    with _connect(narrow, f"Content-Length: {1 << 30}") as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")
    _assert_alive(narrow, folder)


def test_headers_without_end_are_refused(narrow: str, folder: Path) -> None:
    """By the parser: ``serve`` must not leave its choice to what is installed."""
    parts = urlsplit(narrow)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as connection:
        # The service may have hung up before it was all sent.
        with suppress(OSError):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * (1 << 20))
        assert connection.recv(4096).startswith(b"HTTP/1.1 400 ")
    _assert_alive(narrow, folder)


def test_a_slow_client_is_told_so(narrow: str, folder: Path) -> None:
    with _connect(narrow, "Content-Length: 1000") as connection:
        connection.sendall(b"--x\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")
    _assert_alive(narrow, folder)


def test_a_client_that_goes_away_leaves_nothing(narrow: str, folder: Path) -> None:
    with _connect(narrow, "Content-Length: 1000") as connection:
        connection.sendall(b"--x\r\n")
    _assert_alive(narrow, folder)


def test_a_profile_that_takes_too_long_is_stopped_and_the_next_one_works() -> None:
    settings = {**LIMITS, "service_profile_timeout_s": 0.01, "service_read_timeout_s": 30.0}
    with served(create_app(make_selector(**settings))) as origin:
        response = httpx.post(f"{origin}/v1/plans", files={"file": EXAMPLE.read_bytes()}, timeout=60)
        assert (response.status_code, response.json()["type"].rpartition(":")[2]) == (413, "TooLarge")
        assert httpx.get(f"{origin}/healthz").status_code == 200


def _connect(origin: str, header: str) -> socket.socket:
    parts = urlsplit(origin)
    connection = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30)
    head = ("POST /v1/plans HTTP/1.1", "Host: localhost", "Content-Type: multipart/form-data; boundary=x", header)
    connection.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
    return connection


def _assert_alive(origin: str, folder: Path) -> None:
    assert httpx.get(f"{origin}/healthz").json() == {"status": "ok"}
    until = time.monotonic() + 10
    while _uploads(folder) and time.monotonic() < until:
        time.sleep(0.02)
    assert _uploads(folder) == []


def _uploads(folder: Path) -> list[str]:
    """What lies in the service's folder besides its lock."""
    return [path.name for path in folder.glob("*/*") if path.name != "owner"]
