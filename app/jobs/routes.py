"""Jobs over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse, JSONResponse
from fastapi.routing import APIRoute
from fastapi.sse import format_sse_event
from starlette.responses import StreamingResponse

from ...schemas.errors import MissingExtra, SettingsError
from ..input_files import read_bounds, read_card, read_plan
from ..service.admission.shares import Caller, Shares
from ..service.handler import Service, caller_of
from ..service.openapi.examples import JOB_EXAMPLES
from ..service.openapi.form_schema import request_body
from ..service.problem_details import NotFound, RequestRefused, TooLarge
from ..service.request_body import MAX_JSON
from .models import FILES, JobAnswer, JobPage, JobUpload, check_options, describe_job
from .queue import JobQueue
from .records import FINISHED, Job
from .store import JobStore

__all__ = ["Jobs", "build_jobs"]

_NEEDS = ("pandas", "scipy", "sklearn", "psutil", "joblib")
_POLL_SECONDS = 0.3
_PING_SECONDS = 10.0
_MEDIA = {
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
}
_SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'"
"""A report is shown as it is and can do nothing, whatever a column is called."""

_READERS: dict[str, Callable[[Path], Any]] = {"plan": read_plan, "card": read_card, "public_bounds": read_bounds}

JobId = Annotated[str, PathParameter(description="As POST /v1/jobs gave it.", max_length=64)]


class Jobs:
    """The service's jobs: the folder and the queue are opened when first needed.

    Args:
        service: Whose they are.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._store: JobStore | None = None
        self._queue: JobQueue | None = None
        self.readers = Shares(service.settings.service_max_waiting, "streams of events")
        service.on_close(self.close)

    @property
    def seconds_at_most(self) -> float:
        """What one job may take."""
        return self._service.settings.service_job_timeout_s

    def store(self) -> JobStore:
        """The folder.

        Raises:
            MissingExtra: What jobs need is not installed.
            SettingsError: It cannot be used.
        """
        if self._store is None:
            if not all(map(find_spec, _NEEDS)):
                raise MissingExtra("Jobs", "light")
            self._store = JobStore(self._service.settings)
        return self._store

    def queue(self) -> JobQueue:
        """Where workers wait."""
        if self._queue is None:
            self._queue = JobQueue(self._service.settings.service_queue, self.store().root)
        return self._queue

    def close(self) -> None:
        """Remove uploads that have not become jobs; again is allowed."""
        if self._store is not None:
            self._store.close()

    def find(self, request: Request, job_id: str) -> Job:
        """The caller's job.

        Raises:
            NotFound: There is none of that id, or it is somebody else's.
        """
        job = self.store().find(job_id, caller_of(request).key)
        if job is None:
            raise NotFound("there is no such job of this key")
        return job

    def describe(self, job: Job) -> dict[str, Any]:
        """What is known of it now."""
        return describe_job(job, self.seconds_at_most).model_dump(mode="json")


def build_jobs(service: Service, jobs: Jobs, route_class: type[APIRoute], admit: Callable[..., Any]) -> APIRouter:
    """The addresses below ``/v1/jobs``."""
    router = APIRouter(route_class=route_class, prefix="/v1/jobs", tags=["jobs"], dependencies=[Depends(admit)])
    router.add_api_route(
        "",
        partial(_create, service, jobs),
        methods=["POST"],
        status_code=202,
        summary="Start a job",
        description="Send a table with what to do. The answer comes at once; ask for the job by its id.",
        operation_id="create_job",
        response_model=JobAnswer,
        openapi_extra=request_body(JobUpload, JOB_EXAMPLES, files=FILES),
    )
    router.add_api_route(
        "", partial(_list, jobs), methods=["GET"], summary="Your jobs, newest first", operation_id="list_jobs",
        description="A page at a time: `next` of one is `before` of the following.",
        response_model=JobPage,
    )  # fmt: skip
    router.add_api_route(
        "/{job_id}", partial(_show, jobs), methods=["GET"], summary="How far a job is", operation_id="get_job",
        description="State, what it does, seconds left as estimated, and, once it is done, its files or its problem.",
        response_model=JobAnswer,
    )  # fmt: skip
    router.add_api_route(
        "/{job_id}", partial(_cancel, jobs), methods=["DELETE"], status_code=204,
        summary="Stop a job, and remove it with its table and results", operation_id="delete_job",
        description="Whatever its state is; afterwards there is no such job.",
    )  # fmt: skip
    router.add_api_route(
        "/{job_id}/events",
        partial(_events, jobs),
        methods=["GET"],
        summary="What a job does, as it does it",
        description="Events `progress`, with an id to go on from in `Last-Event-ID`; then one `result` or `problem`.",
        operation_id="watch_job",
        response_class=Response,
        responses={200: {"content": {"text/event-stream": {}}}},
    )
    router.add_api_route(
        "/{job_id}/files/{name}",
        partial(_file, jobs),
        methods=["GET"],
        summary="A file that a job made",
        description="One of `files` of the job; as a download.",
        operation_id="get_job_file",
        response_class=Response,
        responses={200: {"content": {media.partition(";")[0]: {} for media in _MEDIA.values()}}},
    )
    return router


async def _create(
    service: Service,
    jobs: Jobs,
    request: Request,
    idempotency_key: Annotated[
        str | None, Header(max_length=200, description="The same key and request give the same job, for a day.")
    ] = None,
) -> Response:
    caller = caller_of(request)
    store = jobs.store()
    async with service.intake.form(request, caller, JobUpload, FILES, store.incoming()) as (folder, options):
        job, new = await asyncio.to_thread(_make, jobs, caller.key, folder, options, idempotency_key)
    if new:
        await asyncio.to_thread(jobs.queue().put, job.id)
        service.metrics.jobs.labels(job.kind).inc()
    # Relative to this address: the service may stand below a prefix.
    return JSONResponse(jobs.describe(job), 202, {"location": f"jobs/{job.id}"})


def _make(jobs: Jobs, owner: str, folder: Path, options: JobUpload, idempotency_key: str | None) -> tuple[Job, bool]:
    store = jobs.store()
    # Where no worker runs, too, nothing is kept beyond its time.
    store.tidy()
    parts = {"file" if path.name == "upload" else path.name for path in folder.iterdir()}
    check_options(options, parts)
    for name, read in _READERS.items():
        if name in parts:
            _try(read, folder / name)
    if options.table_from is not None:
        source = store.find(options.table_from, owner)
        if source is None:
            raise NotFound("table_from: there is no such job of this key")
        try:
            _take(source.table, folder / "upload")
        except FileNotFoundError:
            raise NotFound("table_from: the table of that job is no longer kept") from None
    record = options.model_dump(mode="json", round_trip=True, exclude_unset=True)
    return store.create(owner, options.kind, record, folder, idempotency_key)


def _take(table: Path, place: Path) -> None:
    """The same file under another name, or a copy where the disk cannot have two names for one."""
    try:
        os.link(table, place)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(table, place)


def _try(read: Callable[[Path], Any], path: Path) -> None:
    if path.stat().st_size > MAX_JSON:
        raise TooLarge(f"{path.name}: has more than {MAX_JSON} bytes")
    try:
        read(path)
    except SettingsError as error:
        raise SettingsError(str(error).replace(f"{path.parent}{os.sep}", "")) from None


async def _list(
    jobs: Jobs,
    request: Request,
    before: Annotated[str | None, Query(max_length=64, description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Response:
    owner = caller_of(request).key
    page = await asyncio.to_thread(jobs.store().listed, owner, before, limit + 1)
    more = page[limit - 1].id if len(page) > limit else None
    return JSONResponse({"jobs": [jobs.describe(job) for job in page[:limit]], "next": more})


async def _show(jobs: Jobs, request: Request, job_id: JobId) -> Response:
    return JSONResponse(jobs.describe(jobs.find(request, job_id)))


async def _cancel(jobs: Jobs, request: Request, job_id: JobId) -> Response:
    job = jobs.find(request, job_id)
    await asyncio.to_thread(jobs.store().cancel, job)
    return Response(status_code=204)


async def _file(
    jobs: Jobs, request: Request, job_id: JobId, name: Annotated[str, PathParameter(max_length=100)]
) -> Response:
    job = jobs.find(request, job_id)
    if name not in {file.name for file in describe_job(job, jobs.seconds_at_most).files}:
        raise NotFound("this job has no such file")
    headers = {"cache-control": "no-store", "content-security-policy": _SANDBOX, "x-content-type-options": "nosniff"}
    return FileResponse(job.results / name, media_type=_MEDIA[Path(name).suffix], filename=name, headers=headers)


async def _events(
    jobs: Jobs,
    request: Request,
    job_id: JobId,
    last_event_id: Annotated[str | None, Header(max_length=20, pattern=r"^[0-9]*$")] = None,
) -> Response:
    job = jobs.find(request, job_id)
    return StreamingResponse(
        _stream(jobs, job, int(last_event_id or 0), caller_of(request)),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _stream(jobs: Jobs, job: Job, seen: int, caller: Caller) -> AsyncIterator[bytes]:
    try:
        with jobs.readers.hold(caller):
            async for event in _follow(jobs, job, seen):
                yield event
    except RequestRefused as error:
        yield format_sse_event(event="problem", data_str=json.dumps({"type": "ShareUsedUp", "detail": str(error)}))


async def _follow(jobs: Jobs, job: Job, seen: int) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    quiet_since = loop.time()
    while True:
        state, lines = job.state(), _lines(job)
        # A job that was begun anew says everything anew.
        seen = seen if seen <= len(lines) else 0
        for number, line in enumerate(lines[seen:], start=seen + 1):
            yield format_sse_event(event="progress", data_str=line, id=str(number))
            quiet_since = loop.time()
        seen = len(lines)
        if not job.folder.exists() or job.is_cancelled:
            yield format_sse_event(event="problem", data_str=json.dumps({"type": "Cancelled", "detail": "removed"}))
            return
        if state.state in FINISHED:
            event = "result" if state.problem is None else "problem"
            yield format_sse_event(event=event, data_str=json.dumps(jobs.describe(job)))
            return
        if loop.time() - quiet_since > _PING_SECONDS:
            yield format_sse_event(comment="waiting")
            quiet_since = loop.time()
        await asyncio.sleep(_POLL_SECONDS)


def _lines(job: Job) -> list[str]:
    try:
        # The last line may be half written.
        return [line.decode() for line in job.events.read_bytes().split(b"\n")[:-1]]
    except OSError:
        return []
