"""Uploaded rows never outlive their request, whatever ends the service while it profiles them."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import httpx
import psutil
import pytest

from .processes import Served, children, is_alive, rows_left, serving
from .programs import wait_until

MARK = b"quokka-of-the-upload"
# Wide and long enough that a profile takes seconds.
TABLE = (
    b",".join(b"c%d" % n for n in range(40)) + b"\n"
    + b"".join(b",".join(b"%s-%d" % (MARK, row * n % 9973) for n in range(40)) + b"\n" for row in range(20_000))
)  # fmt: skip


def _upload(origin: str) -> None:
    try:
        httpx.post(f"{origin}/v1/profiles", files={"file": TABLE}, timeout=120)
    except httpx.HTTPError:
        # The service was ended under it.
        return


def _while_it_profiles(origin: str, place: Path) -> threading.Thread:
    thread = threading.Thread(target=_upload, args=(origin,))
    thread.start()
    wait_until(lambda: any(p.stat().st_size > len(TABLE) // 2 for p in rows_left(place, MARK)), "nothing arrived")
    return thread


def _suspended(served: Served) -> list[psutil.Process]:
    """Its workers, made to take for ever."""
    wait_until(lambda: any(map(_at_work, children(served))), "no worker took the table")
    workers = children(served)
    for worker in workers:
        worker.suspend()
    return workers


def _at_work(worker: psutil.Process) -> bool:
    """It works in the upload's folder."""
    try:
        return Path(worker.cwd()) != Path("/") and (Path(worker.cwd()) / "upload").exists()
    except (psutil.Error, OSError):
        return False


@pytest.mark.parametrize(
    "signals", [(signal.SIGTERM,), (signal.SIGTERM, signal.SIGINT), (signal.SIGINT, signal.SIGINT)], ids=str
)
def test_an_orderly_end_leaves_neither_rows_nor_workers(tmp_path: Path, signals: tuple[signal.Signals, ...]) -> None:
    with serving(tmp_path, SELECTOR_DEADLINE_S="1") as served:
        thread = _while_it_profiles(served.origin, tmp_path / "tmp")
        workers = _suspended(served)
        for number in signals:
            served.process.send_signal(number)
        served.process.wait(60)
        thread.join(60)
        assert rows_left(tmp_path, MARK) == []
        wait_until(lambda: not any(map(is_alive, workers)), "a worker outlived its service", 10)


def test_what_kill_leaves_has_no_worker_and_goes_at_the_next_start(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        thread = _while_it_profiles(served.origin, tmp_path / "tmp")
        workers = _suspended(served)
        served.process.kill()
        served.process.wait(60)
        thread.join(60)
        wait_until(lambda: not any(map(is_alive, workers)), "a worker outlived its service", 10)
    with serving(tmp_path):
        assert rows_left(tmp_path, MARK) == []


def test_a_service_that_lives_keeps_its_uploads_when_another_starts(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        thread = _while_it_profiles(served.origin, tmp_path / "tmp")
        with serving(tmp_path):
            assert rows_left(tmp_path / "tmp", MARK) or not thread.is_alive()
        thread.join(120)
        assert rows_left(tmp_path, MARK) == []
