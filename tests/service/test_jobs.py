"""Jobs over HTTP: what is taken, whose it is, and what is left of it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from clinical_model_selector.app.jobs.models import JobUpload
from clinical_model_selector.app.jobs.records import Job, JobState
from clinical_model_selector.app.jobs.store import JobStore
from clinical_model_selector.app.jobs.worker import Worker
from clinical_model_selector.app.service.admission.auth import hash_key, new_key
from clinical_model_selector.app.service.problem_details import Overloaded, ShareUsedUp
from clinical_model_selector.app.service.routes import create_app
from clinical_model_selector.schemas.errors import SettingsError
from clinical_model_selector.schemas.methods import HYPERPARAMETERS
from clinical_model_selector.schemas.settings import Settings
from serving import served

from .conftest import EXAMPLE, make_selector

KEY, OTHER = new_key(), new_key()


def settings_of(folder: Path, **settings: Any) -> dict[str, Any]:
    return {
        "service_data": str(folder / "data"),
        "service_requests_per_minute": 0,
        "service_job_disk_mb": 64,
        "selector_environments": str(folder / "environments"),
        **settings,
    }


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    """A service with two keys, and nobody who works."""
    keys = f"one={hash_key(KEY)},two={hash_key(OTHER)}"
    with (
        served(create_app(make_selector(**settings_of(tmp_path, service_keys=keys)))) as origin,
        httpx.Client(base_url=origin, timeout=60, headers={"authorization": f"Bearer {KEY}"}) as client,
    ):
        yield client


def plan(*methods: str) -> str:
    configs = [HYPERPARAMETERS[method].with_defaults().model_dump() for method in methods]
    return json.dumps({
        "choice": configs[0], "backups": configs[1:], "dp": {"enabled": False, "epsilon": None, "delta": None},
        "sample_multiplier": 1.0, "max_synth_rows": 200, "rationale": "",
    })  # fmt: skip


def synthesize(**fields: str) -> dict[str, Any]:
    return {
        "files": {"file": EXAMPLE.read_bytes(), "plan": plan("gaussian_copula", "cart", "tvae").encode()},
        "data": {"kind": "synthesize", "seed": "1", **fields},
    }


def auto(**fields: str) -> dict[str, Any]:
    return {"files": {"file": b"a,b\n1,2\n" * 20}, "data": {"kind": "auto", **fields}}


@contextmanager
def working(folder: Path, **settings: Any) -> Iterator[None]:
    """A worker of this process."""
    worker = Worker(Settings(_env_file=None, selector_embedded="only", **settings_of(folder, **settings)))
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join(60)
        assert not thread.is_alive()


def finished(client: httpx.Client, job_id: str, seconds: float = 120) -> dict[str, Any]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        job: dict[str, Any] = client.get(f"/v1/jobs/{job_id}").json()
        if job["state"] in ("succeeded", "failed"):
            return job
        time.sleep(0.1)
    raise AssertionError(f"the job is still {job['state']}")


def test_a_table_and_a_plan_become_a_table_and_a_report(client: httpx.Client, tmp_path: Path) -> None:
    taken = client.post("/v1/jobs", **synthesize(target="cens"))
    assert taken.status_code == 202, taken.text
    job = client.get(str(taken.request.url.join(taken.headers["location"]))).json()
    assert (job["state"], job["files"]) == ("queued", [])
    with working(tmp_path):
        done = finished(client, job["id"])
        assert done["state"] == "succeeded", done
        names = [file["name"] for file in done["files"]]
        assert names == ["card.json", "evaluation.json", "plan.json", "report.html", "synthetic.csv"]
        events = client.get(f"/v1/jobs/{job['id']}/events").text
        assert events.count("event: progress") >= 2
        assert '"expected_seconds": ' in events
        assert events.strip().splitlines()[-2] == "event: result"
        later = client.get(f"/v1/jobs/{job['id']}/events", headers={"last-event-id": "1"}).text
        assert later.count("event: progress") == events.count("event: progress") - 1

        made = client.get(f"/v1/jobs/{job['id']}/files/synthetic.csv")
        assert made.headers["content-disposition"] == 'attachment; filename="synthetic.csv"'
        report = client.get(f"/v1/jobs/{job['id']}/files/report.html")
        assert "sandbox" in report.headers["content-security-policy"]

        files = {"file": EXAMPLE.read_bytes(), "synthetic": made.content}
        files["card"] = client.get(f"/v1/jobs/{job['id']}/files/card.json").content
        judged = client.post("/v1/jobs", files=files, data={"kind": "evaluate", "target": "cens"}).json()
        again = finished(client, judged["id"])
        assert [file["name"] for file in again["files"]] == ["evaluation.json", "report.html"]
        texts = [client.get(f"/v1/jobs/{i}/files/evaluation.json").json() for i in (job["id"], judged["id"])]
        assert texts[0]["fidelity"] == texts[1]["fidelity"]


def test_an_error_is_the_jobs_problem(client: httpx.Client, tmp_path: Path) -> None:
    job = client.post("/v1/jobs", **auto(target="b")).json()
    with working(tmp_path):
        done = finished(client, job["id"])
    assert done["state"] == "failed"
    assert done["problem"]["tree"][0] == "SelectorError"
    assert str(tmp_path) not in json.dumps(done)


@pytest.mark.parametrize(
    ("limit", "setting"), [("time", {"service_job_timeout_s": 0.3}), ("memory", {"service_job_memory_mb": 256})]
)
def test_a_job_over_a_limit_is_given_up(
    client: httpx.Client, tmp_path: Path, limit: str, setting: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if limit == "memory":
        monkeypatch.setattr("clinical_model_selector.app.jobs.worker._resident", lambda pid: 1 << 40)
    job = client.post("/v1/jobs", **synthesize()).json()
    with working(tmp_path, **setting):
        done = finished(client, job["id"])
    assert done["problem"]["type"] == "LimitReached"
    assert limit in done["problem"]["detail"]
    assert done["files"] == []


def test_a_job_is_its_keys_own(client: httpx.Client) -> None:
    job = client.post("/v1/jobs", **auto()).json()
    other = {"authorization": f"Bearer {OTHER}"}
    for method, path in (("GET", ""), ("GET", "/events"), ("GET", "/files/card.json"), ("DELETE", "")):
        assert client.request(method, f"/v1/jobs/{job['id']}{path}", headers=other).status_code == 404
    assert client.get("/v1/jobs", headers=other).json() == {"jobs": [], "next": None}
    data = {"kind": "auto", "table_from": job["id"]}
    form = {"data": data, "files": {"nothing": b""}}
    assert client.post("/v1/jobs", headers=other, **form).status_code in (404, 422)
    assert client.get(f"/v1/jobs/{job['id']}").status_code == 200


@pytest.mark.parametrize("job_id", ["..", "%2e%2e", "0" * 32, "a" * 33, "owner", "%00"])
def test_an_id_is_an_id(client: httpx.Client, job_id: str) -> None:
    assert client.get(f"/v1/jobs/{job_id}").status_code in (404, 400)
    assert client.get(f"/v1/jobs/{job_id}/files/job.json").status_code in (404, 400)


def test_files_are_those_it_made(client: httpx.Client) -> None:
    job = client.post("/v1/jobs", **auto()).json()
    for name in ("upload", "job.json", "..%2fupload", "%2e%2e%2fjob.json", "owner"):
        assert client.get(f"/v1/jobs/{job['id']}/files/{name}").status_code == 404


def test_the_same_key_and_request_give_the_same_job(client: httpx.Client) -> None:
    key = {"idempotency-key": "of-today"}
    first, second = (client.post("/v1/jobs", headers=key, **auto(rounds="1")) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"]
    other = client.post("/v1/jobs", headers=key, **auto(rounds="2"))
    assert (other.status_code, other.json()["tree"][-1]) == (409, "Conflict")
    foreign = {**key, "authorization": f"Bearer {OTHER}"}
    assert client.post("/v1/jobs", headers=foreign, **auto(rounds="1")).json()["id"] != first.json()["id"]


def test_lists_go_on_where_they_ended(client: httpx.Client) -> None:
    made = [client.post("/v1/jobs", **auto()).json()["id"] for _ in range(5)][::-1]
    seen, before = [], None
    for _ in range(3):
        page = client.get("/v1/jobs", params={"limit": 2, **({"before": before} if before else {})}).json()
        seen += [job["id"] for job in page["jobs"]]
        before = page["next"]
    assert (seen, before) == (made, None)


def test_what_is_stopped_is_gone(client: httpx.Client, tmp_path: Path) -> None:
    jobs = tmp_path / "data" / "jobs"
    waiting = client.post("/v1/jobs", **auto()).json()["id"]
    assert client.delete(f"/v1/jobs/{waiting}").status_code == 204
    assert client.get(f"/v1/jobs/{waiting}").status_code == 404
    assert list(jobs.iterdir()) == []
    running = client.post("/v1/jobs", **synthesize()).json()["id"]
    with working(tmp_path):
        until = time.monotonic() + 30
        while client.get(f"/v1/jobs/{running}").json()["state"] != "running" and time.monotonic() < until:
            time.sleep(0.02)
        assert client.delete(f"/v1/jobs/{running}").status_code == 204
        while list(jobs.iterdir()) and time.monotonic() < until:
            time.sleep(0.02)
    assert list(jobs.iterdir()) == []


WRONG: dict[str, tuple[dict[str, str], dict[str, bytes], str]] = {
    "no plan": ({"kind": "synthesize"}, {"file": b"a\n1\n"}, "plan"),
    "no table": ({"kind": "auto"}, {}, "file"),
    "no synthetic table": ({"kind": "evaluate"}, {"file": b"a\n1\n"}, "synthetic"),
    "a plan for auto": ({"kind": "auto"}, {"file": b"a\n1\n", "plan": b"{}"}, "plan"),
    "rounds for evaluate": ({"kind": "evaluate", "rounds": "2"}, {"file": b"a\n1\n", "synthetic": b"a\n1\n"}, "rounds"),
    "another kind": ({"kind": "shell"}, {"file": b"a\n1\n"}, "kind"),
    "a path": ({"kind": "auto", "table": "/etc/passwd"}, {"file": b"a\n1\n"}, "table"),
    "a broken plan": ({"kind": "synthesize"}, {"file": b"a\n1\n", "plan": b"{"}, "plan"),
    "a plan without end": ({"kind": "synthesize"}, {"file": b"a\n1\n", "plan": b"[" * 200_000}, "nested too deeply"),
    "table from elsewhere": ({"kind": "auto", "table_from": "../x"}, {}, "table_from"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_done_is_refused_at_once(client: httpx.Client, tmp_path: Path, case: str) -> None:
    data, files, named = WRONG[case]
    parts = {**files, **{name: (None, value) for name, value in data.items()}}
    response = client.post("/v1/jobs", files=parts)
    assert response.status_code == 422, response.text
    assert named in response.text
    assert str(tmp_path) not in response.text
    assert list((tmp_path / "data" / "jobs").iterdir()) == []


def test_a_plan_is_no_table(client: httpx.Client) -> None:
    files = {"file": b"a\n1\n", "plan": b'{"choice": "' + b"x" * (5 << 20) + b'"}'}
    assert client.post("/v1/jobs", data={"kind": "synthesize"}, files=files).status_code == 413


def test_a_table_can_be_taken_from_a_job(client: httpx.Client) -> None:
    first = client.post("/v1/jobs", **auto()).json()["id"]
    form = {"kind": (None, "auto"), "table_from": (None, first)}
    second = client.post("/v1/jobs", files=form)
    assert second.status_code == 202, second.text


def _job(store: JobStore, owner: str) -> Job:
    folder = store.incoming() / f"{owner}{time.monotonic_ns()}"
    folder.mkdir()
    (folder / "upload").write_bytes(b"a\n1\n")
    options = JobUpload.model_validate({"kind": "auto"}).model_dump(mode="json", round_trip=True, exclude_unset=True)
    return store.create(owner, "auto", options, folder, None)[0]


def _store(folder: Path, **settings: Any) -> JobStore:
    return JobStore(Settings(_env_file=None, **settings_of(folder, **settings)))


def test_owners_take_turns(tmp_path: Path) -> None:
    store = _store(tmp_path)
    ours = [_job(store, "one") for _ in range(3)]
    theirs = _job(store, "two")
    order = []
    for number in range(4):
        taken = store.next()
        assert taken is not None
        job, _ = taken
        order.append(job.id)
        job.write_state(JobState(state="succeeded", started=float(number + 1), finished=time.time()))
    assert order == [ours[0].id, theirs.id, ours[1].id, ours[2].id]
    assert store.next() is None


def test_no_owner_gets_every_place(tmp_path: Path) -> None:
    store = _store(tmp_path, service_max_jobs=5)
    for _ in range(3):
        _job(store, "one")
    with pytest.raises(ShareUsedUp):
        _job(store, "one")
    _job(store, "two")
    _job(store, "three")
    with pytest.raises(Overloaded):
        _job(store, "four")


def test_what_was_kept_long_enough_is_removed(tmp_path: Path) -> None:
    store = _store(tmp_path, service_job_keep_hours=1.0)
    old, new, waiting, forgotten = (_job(store, "one") for _ in range(4))
    record = forgotten.model_copy(update={"created": time.time() - 2 * 3600 - 1})
    (forgotten.folder / "job.json").write_text(record.model_dump_json())
    old.write_state(JobState(state="succeeded", finished=time.time() - 3700))
    new.write_state(JobState(state="succeeded", finished=time.time() - 3500))
    store.tidy()
    assert {job.id for job in store.all()} == {waiting.id, new.id}


def test_a_job_whose_processes_die_is_not_begun_for_ever(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, **settings_of(tmp_path))
    store = _store(tmp_path)
    job = _job(store, "one")
    job.write_state(JobState(state="running", attempts=3))
    worker = Worker(settings)
    thread = threading.Thread(target=worker.run)
    thread.start()
    until = time.monotonic() + 30
    while job.state().state != "failed" and time.monotonic() < until:
        time.sleep(0.05)
    worker.stop()
    thread.join(30)
    assert (job.state().state, (job.state().problem or {})["type"]) == ("failed", "Abandoned")


def test_tables_lie_where_only_the_service_can_read(tmp_path: Path) -> None:
    store = _store(tmp_path)
    job = _job(store, "one")
    for path in (store.root, store.root / "jobs"):
        assert path.stat().st_mode & 0o077 == 0
    assert job.folder.exists()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    with pytest.raises(SettingsError, match="SERVICE_DATA"):
        JobStore(Settings(_env_file=None, service_data=str(tmp_path / "link")))
