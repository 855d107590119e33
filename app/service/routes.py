"""The selector over HTTP: a router for an existing FastAPI app, and an app of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache, partial
from importlib.metadata import version
from typing import Annotated, Any, ClassVar, Literal
from uuid import uuid4

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, Response, Security
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException as StarletteHTTPException

from ...agents import ClinicalModelSelector
from ...schemas.profile import TableProfile
from ...schemas.request import SelectionRequest
from ...schemas.result import SelectionResult
from ..jobs.routes import Jobs, build_jobs
from ..render.views import catalogue_record
from ..web.page import build_page
from .admission.origin_rules import OriginRules, is_loopback
from .admission.security_headers import Shield
from .handler import Service, profile_answer, request_id_of
from .metrics import CONTENT_TYPE
from .models import (
    BackendPlan,
    Health,
    PlanAnswer,
    PlanRequest,
    PlanUpload,
    ProfileAnswer,
    ProfileUpload,
    Readiness,
    ReplanRequest,
    ReplanUpload,
)
from .openapi.examples import (
    PLAN_EXAMPLES,
    PLAN_FORM_EXAMPLES,
    PROFILE_EXAMPLES,
    REPLAN_EXAMPLES,
    REPLAN_FORM_EXAMPLES,
)
from .openapi.form_schema import request_body
from .problem_details import PROBLEM_JSON, CrossOrigin, Problem, describe_http, problem_response
from .status import describe_models

__all__ = ["build_router", "create_app"]

Format = Annotated[
    Literal["selector", "backend"],
    Query(description="`backend`: the plan alone, as the existing backend's dict; who answered is in the headers."),
]

_BEARER = HTTPBearer(auto_error=False, description="One of the keys in SERVICE_KEYS.")


def build_router(selector: ClinicalModelSelector, *, open_without_keys: bool = False) -> APIRouter:
    """The service's addresses, to be included in any FastAPI app.

    Keys, limits and sizes are the SERVICE_* settings of ``selector``. Errors are problem details whatever the app does
    with its own. Include it at an app's root or under a prefix.

    Args:
        selector: Who plans.
        open_without_keys: Answer everybody where SERVICE_KEYS is empty, since the app itself lets in only whom it
            should. By default only this machine is answered then, and no page of another origin.
    """
    service = Service(selector)
    return _build_router(service, Jobs(service), guard_origins=not open_without_keys)


def create_app(selector: ClinicalModelSelector | None = None) -> FastAPI:
    """The service as an app of its own, with the page at ``/``.

    Raises:
        SettingsError: A setting has a value that cannot be used.
    """
    service = Service(selector if selector is not None else ClinicalModelSelector())
    settings = service.settings
    app = FastAPI(
        title="Clinical model selector",
        version=version("clinical-model-selector"),
        description="Chooses a synthesizer, its hyper-parameters and its privacy settings for a clinical table.",
        # Both would load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    # The shield below has looked at host and origin.
    jobs = Jobs(service)
    app.include_router(_build_router(service, jobs, guard_origins=False))
    app.include_router(build_page(service, jobs, _routes(service), _admission(service, None)))
    app.add_exception_handler(StarletteHTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_bug)
    if settings.service_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.service_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["authorization", "content-type", "idempotency-key", "last-event-id", "x-request-id"],
            expose_headers=["location", "x-request-id"],
        )
    rules = OriginRules(settings.service_origins, loopback_only=not service.gate.keys)
    app.add_middleware(Shield, rules=rules, refuse=lambda error: service.refuse(error, str(uuid4())))
    app.state.service = service
    return app


class ServiceRoute(APIRoute):
    """A route whose errors are problem details."""

    service: ClassVar[Service]

    def get_route_handler(self) -> Any:
        """FastAPI's handler, guarded."""
        return partial(_answer, self.service, self.path_format, super().get_route_handler())


async def _answer(service: Service, route: str, handler: Any, request: Request) -> Response:
    return await service.answer(request, route, handler)


def _routes(service: Service) -> type[APIRoute]:
    return type("ServiceRoute", (ServiceRoute,), {"service": service})


def _build_router(service: Service, jobs: Jobs, *, guard_origins: bool) -> APIRouter:
    router = APIRouter(route_class=_routes(service), lifespan=partial(_lifespan, service), responses=_PROBLEMS)
    rules = None
    if guard_origins and not service.gate.keys:
        rules = OriginRules(service.settings.service_origins, loopback_only=True)
    guarded = [Depends(_admission(service, rules))]
    router.add_api_route(
        "/v1/plans",
        partial(_plans, service),
        methods=["POST"],
        summary="A plan for a table",
        description="Send a safe profile as JSON, or a table as a form: it is profiled here and dropped. "
        "With `Accept: text/event-stream` progress comes as events, the last of which is `result` or `problem`.",
        operation_id="create_plan",
        response_model=PlanAnswer | BackendPlan,
        dependencies=guarded,
        openapi_extra=request_body(PlanUpload, PLAN_FORM_EXAMPLES, PlanRequest, PLAN_EXAMPLES),
        tags=["plans"],
    )
    router.add_api_route(
        "/v1/plans/replan",
        partial(_replans, service),
        methods=["POST"],
        summary="The next plan, given how the last one did",
        description="Send the last plan, in either format, and what came of it: measured figures, or that it failed.",
        operation_id="replan",
        response_model=PlanAnswer | BackendPlan,
        dependencies=guarded,
        openapi_extra=request_body(ReplanUpload, REPLAN_FORM_EXAMPLES, ReplanRequest, REPLAN_EXAMPLES),
        tags=["plans"],
    )
    router.add_api_route(
        "/v1/profiles",
        partial(_profiles, service),
        methods=["POST"],
        summary="What is known of a table, and what of it would leave this service",
        description="Asks nobody. `safe` is the `profile` that `POST /v1/plans` takes.",
        operation_id="create_profile",
        response_model=ProfileAnswer,
        dependencies=guarded,
        openapi_extra=request_body(ProfileUpload, PROFILE_EXAMPLES),
        tags=["plans"],
    )
    router.add_api_route(
        "/v1/synthesizers",
        _synthesizers,
        methods=["GET"],
        summary="What can be chosen, and what cannot with the reason",
        description="Facts of every synthesizer: hyper-parameters with ranges, licence, what it needs.",
        operation_id="list_synthesizers",
        response_model=dict[str, Any],
        dependencies=guarded,
        tags=["lists"],
    )
    router.add_api_route(
        "/v1/models",
        partial(_models, service),
        methods=["GET"],
        summary="The models that can answer",
        description="Who would be asked with which model, and, where OpenRouter is asked, what a request may name.",
        operation_id="list_models",
        response_model=dict[str, Any],
        dependencies=guarded,
        tags=["lists"],
    )
    router.include_router(build_jobs(service, jobs, _routes(service), _admission(service, rules)))
    router.add_api_route(
        "/healthz",
        _healthz,
        summary="The process answers",
        description="Asks for no key.",
        operation_id="get_health",
        response_model=Health,
        tags=["operation"],
    )
    router.add_api_route(
        "/readyz",
        partial(_readyz, service),
        summary="Selections can be answered",
        description="Asks for no key; looked at once in some seconds. 503 where nobody could answer.",
        operation_id="get_readiness",
        response_model=Readiness,
        responses={503: {"model": Readiness}},
        tags=["operation"],
    )
    router.add_api_route(
        "/metrics",
        partial(_metrics, service),
        summary="Figures for Prometheus",
        description="Labels are closed vocabularies, never text of a caller's.",
        operation_id="get_metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}},
        dependencies=guarded,
        tags=["operation"],
    )
    return router


_PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {"description": "A problem detail (RFC 9457)", "content": {PROBLEM_JSON: {}}, "model": Problem}
}


@asynccontextmanager
async def _lifespan(service: Service, app: Any) -> AsyncIterator[None]:
    service.intake.sweep()
    yield
    await service.close()


def _admission(service: Service, rules: OriginRules | None) -> Any:
    """The dependency that lets a request in; OpenAPI says that a key is needed only where one is."""
    return partial(_admit_by_key, service) if service.gate.keys else partial(_admit_by_address, service, rules)


async def _admit_by_key(
    service: Service, request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]
) -> None:
    key = credentials.credentials if credentials else None
    request.state.caller = await service.gate.admit(key, _address_of(request))


async def _admit_by_address(service: Service, rules: OriginRules | None, request: Request) -> None:
    if rules is not None:
        reason = rules.refusal(request.headers)
        if reason is None and not is_loopback(request.client and request.client.host):
            reason = "without SERVICE_KEYS this machine alone is answered"
        if reason is not None:
            raise CrossOrigin(reason)
    request.state.caller = await service.gate.admit(None, _address_of(request))


def _address_of(request: Request) -> str:
    return request.client.host if request.client else "unknown"


async def _plans(service: Service, request: Request, format: Format = "selector") -> Response:
    return await service.plan(request, PlanUpload, PlanRequest, partial(_render, format))


async def _replans(service: Service, request: Request, format: Format = "selector") -> Response:
    return await service.plan(request, ReplanUpload, ReplanRequest, partial(_render, format))


async def _profiles(service: Service, request: Request) -> Response:
    profile, _ = await service.profile_upload(request, ProfileUpload)
    return JSONResponse(profile_answer(profile))


async def _synthesizers() -> Response:
    return Response(_catalogue(), media_type="application/json")


async def _models(service: Service) -> Response:
    return JSONResponse(await describe_models(service.settings))


async def _healthz() -> Health:
    return Health()


async def _readyz(service: Service) -> Response:
    readiness = await service.readiness.look()
    return JSONResponse(readiness.model_dump(), 200 if readiness.status == "ready" else 503)


async def _metrics(service: Service) -> Response:
    return Response(service.metrics.exposition(), media_type=CONTENT_TYPE)


def _render(format: str, request: SelectionRequest, result: SelectionResult) -> Response:
    provenance = result.provenance
    headers = {"x-selector-provider": provenance.provider, "x-selector-fingerprint": provenance.fingerprint}
    if provenance.fallback_reason:
        headers["x-selector-fallback"] = "true"
    if format == "backend":
        return JSONResponse(result.plan.to_backend_dict(), headers=headers)
    profile = request.profile.safe if isinstance(request.profile, TableProfile) else request.profile
    record = {**json.loads(result.to_json(names=True)), "profile": profile.model_dump(mode="json") if profile else None}
    return JSONResponse(record, headers=headers)


@cache
def _catalogue() -> bytes:
    return JSONResponse(catalogue_record()).body  # type: ignore[return-value]


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException | StarletteHTTPException)
    response = problem_response(describe_http(error.status_code, request_id_of(request)))
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


async def _on_bug(request: Request, error: Exception) -> Response:
    return problem_response(describe_http(500, request_id_of(request)))
