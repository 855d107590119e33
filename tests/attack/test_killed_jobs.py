"""A job survives whatever is killed under it, on either queue, and comes to the same result; ids alone are queued."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from .processes import is_alive, serving
from .programs import command, environment, plan_file, wait_until

EXAMPLE = Path(__file__).parents[2] / "examples" / "gbsg2.csv"
DEADLINE = 300


@contextmanager
def working(folder: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    settings = environment(folder, SELECTOR_EMBEDDED="only", **variables)
    with (
        (folder / "worker.log").open("ab") as out,
        subprocess.Popen(command("worker"), cwd=folder, env=settings, stderr=out) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    address = folder / "r.sock"
    arguments = ["--port", "0", "--unixsocket", str(address), "--dir", str(folder), "--save", "", "--appendonly", "yes"]
    with subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL) as process:
        try:
            wait_until(address.exists, "redis did not start")
            yield f"unix://{address}"
        finally:
            process.terminate()


def start_job(origin: str, folder: Path) -> str:
    plan_file(folder, ("gaussian_copula", "cart", "tvae"))
    files = {"file": EXAMPLE.read_bytes(), "plan": (folder / "plan.json").read_bytes()}
    data = {"kind": "synthesize", "seed": "7", "target": "cens"}
    answer = httpx.post(f"{origin}/v1/jobs", files=files, data=data, timeout=60)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def state_of(origin: str, job: str) -> dict[str, Any]:
    record: dict[str, Any] = httpx.get(f"{origin}/v1/jobs/{job}", timeout=30).json()
    return record


def wait_for(origin: str, job: str) -> bytes:
    until = time.monotonic() + DEADLINE
    while (record := state_of(origin, job))["state"] not in ("succeeded", "failed"):
        assert time.monotonic() < until, record
        time.sleep(0.2)
    assert record["state"] == "succeeded", record
    return httpx.get(f"{origin}/v1/jobs/{job}/files/synthetic.csv", timeout=30).content


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("undisturbed")
    with serving(folder, SERVICE_JOB_WORKERS="1") as served:
        return wait_for(served.origin, start_job(served.origin, folder))


@pytest.mark.parametrize("queue", ["sqlite", "redis"])
def test_a_killed_job_comes_to_the_same_result(tmp_path: Path, undisturbed: bytes, queue: str) -> None:
    import psutil

    with redis(tmp_path) if queue == "redis" else _sqlite() as address:
        settings = {"SERVICE_QUEUE": address}
        with serving(tmp_path, **settings) as served:
            job = start_job(served.origin, tmp_path)
            if queue == "redis":
                _assert_only_ids(address, job)
            with working(tmp_path, **settings) as worker:
                wait_until(lambda: state_of(served.origin, job)["step"], "the job did not begin", DEADLINE)
                family = psutil.Process(worker.pid).children(recursive=True)
                worker.kill()
                worker.wait()
            served.process.kill()
            served.process.wait()
            wait_until(lambda: not any(map(is_alive, family)), "a job's process outlived its worker", 20)
        log = (tmp_path / "serve.log").read_text() + (tmp_path / "worker.log").read_text()
        with serving(tmp_path, **settings) as served, working(tmp_path, **settings):
            assert state_of(served.origin, job)["state"] in ("queued", "running")
            assert wait_for(served.origin, job) == undisturbed
            assert state_of(served.origin, job)["attempts"] == 2
    assert job in log
    for told in ("gbsg2", "horTh", "cens", str(tmp_path / "home")):
        assert told not in log.replace(f'"service_data": "{tmp_path}', "")


def test_a_lost_queue_loses_no_job(tmp_path: Path) -> None:
    with redis(tmp_path) as address:
        settings = {"SERVICE_QUEUE": address}
        with serving(tmp_path, **settings) as served:
            job = start_job(served.origin, tmp_path)
    # Redis is gone for good, with all that it held.
    with serving(tmp_path, **settings) as served, working(tmp_path, **settings):
        wait_until(lambda: state_of(served.origin, job)["state"] != "queued", "the job did not begin", DEADLINE)


def test_a_worker_that_is_stopped_gives_its_job_back(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        job = start_job(served.origin, tmp_path)
        with working(tmp_path) as worker:
            wait_until(lambda: state_of(served.origin, job)["step"], "the job did not begin", DEADLINE)
            worker.terminate()
            assert worker.wait(30) == 0
        record = state_of(served.origin, job)
        assert (record["state"], record["attempts"]) == ("queued", 0)


@pytest.mark.parametrize("planted", [b"../../etc", b"cbuiltins\neval\n(S'1'\ntR.", b"\x80\x04.", b"0" * 33])
def test_what_somebody_put_into_the_queue_is_dropped(tmp_path: Path, planted: bytes) -> None:
    from clinical_model_selector.app.jobs.queue import JobQueue

    queue = JobQueue("sqlite", tmp_path)
    queue._storage.enqueue(planted)
    queue.put("a" * 32)
    assert queue.wait(5) == "a" * 32
    assert queue.wait(0) is None
    queue.close()


@contextmanager
def _sqlite() -> Iterator[str]:
    yield "sqlite"


def _assert_only_ids(address: str, job: str) -> None:
    from redis import Redis

    client = Redis.from_url(address)
    held = [item for key in client.scan_iter() for item in client.lrange(key, 0, -1)]  # type: ignore[union-attr]
    client.close()
    assert held == [job.encode()]
