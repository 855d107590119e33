"""What happens to a request between its address and its answer."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog
from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from langchain_core.runnables import RunnableConfig

from ...agents import ClinicalModelSelector
from ...profiling import describe_for_prompt, estimate_tokens
from ...schemas.errors import SelectorError
from ...schemas.profile import SafeProfile, TableProfile
from ...schemas.request import SelectionRequest
from ...schemas.result import SelectionResult
from ..render.views import profile_record
from .admission.auth import Gate
from .admission.shares import Caller, Shares
from .intake import Intake
from .logs import LOGGER
from .metrics import Metrics
from .models import PlanRequest, ProfileUpload, to_selection
from .problem_details import InvalidRequest, describe_http, describe_problem, problem_response
from .profiler.pool import ProfilePool
from .request_body import content_type
from .sse import Progress, Report, stream_events
from .status import ReadinessProbe

__all__ = ["Render", "Service", "caller_of", "profile_answer", "request_id_of"]

_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")

_PROBES = ("/healthz", "/readyz", "/metrics")

Handler = Callable[[Request], Awaitable[Response]]
Render = Callable[[SelectionRequest, SelectionResult], Response]
"""The answer to a selection."""


class Service:
    """A selector with what a service needs around it.

    Args:
        selector: Its settings hold the SERVICE_* settings too.
    """

    def __init__(self, selector: ClinicalModelSelector) -> None:
        self.selector = selector
        self.settings = selector.settings
        self.gate = Gate(self.settings)
        self.intake = Intake(self.settings)
        self.places = Shares(self.settings.service_max_waiting, "selections under way")
        self.metrics = Metrics()
        self.metrics.waiting.set_function(lambda: self.places.taken)
        self.pool = ProfilePool(self.settings)
        self.readiness = ReadinessProbe(selector)
        self._closers: list[Callable[[], None]] = [self.intake.close]

    def on_close(self, close: Callable[[], None]) -> None:
        """Have something closed with the service."""
        self._closers.append(close)

    async def answer(self, request: Request, route: str, handler: Handler) -> Response:
        """Run a route's handler; errors become problem details, and one line goes to the log."""
        began = time.monotonic()
        request_id = request_id_of(request)
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = await self.guarded(request_id, partial(handler, request))
            seconds = time.monotonic() - began
            self.metrics.requests.labels(route, str(response.status_code)).observe(seconds)
            # Probes and scrapes would drown the rest.
            log = LOGGER.debug if route.endswith(_PROBES) else LOGGER.info
            log(
                "request",
                method=request.method,
                route=route,
                status=response.status_code,
                seconds=round(seconds, 4),
                key=getattr(getattr(request.state, "caller", None), "key", None),
            )
        response.headers["x-request-id"] = request_id
        response.headers.setdefault("cache-control", "no-store")
        return response

    async def guarded(self, request_id: str, work: Callable[[], Awaitable[Response]]) -> Response:
        """The response of ``work``, or the problem detail of its error."""
        try:
            return await work()
        except SelectorError as error:
            return self.refuse(error, request_id)
        except RequestValidationError as error:
            fields = [{**item, "loc": item["loc"][1:]} for item in error.errors()]
            return self.refuse(_invalid(fields), request_id)
        except HTTPException as error:
            return problem_response(describe_http(error.status_code, request_id))

    async def profile_upload(self, request: Request, form: type[ProfileUpload]) -> tuple[TableProfile, Any]:
        """The profile of an uploaded table, and the form's fields; the table is gone when this returns.

        Raises:
            SelectorError: The form or the table cannot be used.
        """
        caller = caller_of(request)
        async with self.intake.form(request, caller, form) as (folder, options):
            with self.places.hold(caller):
                return await self._profile(folder, caller, options), options

    async def plan(
        self, request: Request, form: type[ProfileUpload], body: type[PlanRequest], render: Render
    ) -> Response:
        """The answer to a request for a plan: profile an uploaded table or take a ready profile, then select.

        Raises:
            SelectorError: The request cannot be taken on; with events, later errors are the stream's last event.
        """
        caller = caller_of(request)
        async with AsyncExitStack() as stack:
            folder: Path | None = None
            if content_type(request) == "application/json":
                options = await stack.enter_async_context(self.intake.json(request, caller, body))
            else:
                folder, options = await stack.enter_async_context(self.intake.form(request, caller, form))
            # Not before: a body that never ends must not take a place from one that is there.
            stack.enter_context(self.places.hold(caller))
            held = stack.pop_all()
        if "text/event-stream" not in request.headers.get("accept", ""):
            return await self._plan(held, folder, caller, options, render, None)
        request_id = request_id_of(request)
        return stream_events(
            lambda report: self.guarded(request_id, partial(self._plan, held, folder, caller, options, render, report))
        )

    async def close(self) -> None:
        """Remove every upload, end the worker processes, and the connections to Redis; again is allowed."""
        for close in self._closers:
            close()
        await self.pool.close()
        await self.gate.close()

    async def _plan(
        self,
        held: AsyncExitStack,
        folder: Path | None,
        caller: Caller,
        options: Any,
        render: Render,
        report: Report | None,
    ) -> Response:
        async with held:
            profile: SafeProfile | TableProfile
            if folder is None:
                profile = options.profile
            else:
                if report is not None:
                    report("profile", "profiling the table")
                profile = await self._profile(folder, caller, options)
            request = to_selection(options, profile)
            return render(request, await self._select(request, report))

    async def _profile(self, folder: Path, caller: Caller, options: ProfileUpload) -> TableProfile:
        profile = await self.pool.profile(
            folder, caller, target=options.target, patient_id=options.patient_id, kinds=options.kinds
        )
        self.metrics.uploads.inc()
        return profile

    async def _select(self, request: SelectionRequest, report: Report | None) -> SelectionResult:
        config = RunnableConfig(callbacks=[Progress(report)]) if report is not None else None
        began = time.monotonic()
        result = await self.selector.ainvoke(request, config)
        seconds = time.monotonic() - began
        self.metrics.count_result(result, seconds)
        provenance = result.provenance
        LOGGER.info(
            "selection",
            provider=provenance.provider,
            outcome=provenance.attempts[-1].outcome if provenance.attempts else "ok",
            attempts=[f"{attempt.provider}: {attempt.outcome}" for attempt in provenance.attempts],
            cached=provenance.cached,
            input_tokens=provenance.input_tokens,
            output_tokens=provenance.output_tokens,
            cost_usd=provenance.cost_usd,
            seconds=round(seconds, 4),
        )
        return result

    def refuse(self, error: SelectorError, request_id: str) -> Response:
        """The answer to a request that ends in ``error``, which is counted and logged."""
        self.metrics.count_error(error)
        LOGGER.info("refused", error=type(error).__name__)
        return problem_response(describe_problem(error, request_id), error)


def caller_of(request: Request) -> Caller:
    """Who is asking, as the admission found out."""
    caller: Caller = request.state.caller
    return caller


def request_id_of(request: Request) -> str:
    """The request's id: the caller's own where it is plain, else a new one."""
    known: str | None = getattr(request.state, "request_id", None)
    if known is None:
        given = request.headers.get("x-request-id", "")
        known = given if _REQUEST_ID.fullmatch(given) else str(uuid4())
        request.state.request_id = known
    return known


def profile_answer(profile: TableProfile) -> dict[str, Any]:
    """The profile as its owner sees it."""
    prompt = describe_for_prompt(profile.safe)
    return {
        **profile_record(profile, prompt, estimate_tokens(prompt)),
        "safe": profile.safe.model_dump(mode="json"),
    }


def _invalid(fields: list[dict[str, Any]]) -> InvalidRequest:
    from .problem_details import FieldProblem

    return InvalidRequest([FieldProblem(loc=list(f["loc"]), type=f["type"], msg=f["msg"]) for f in fields])
