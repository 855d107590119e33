"""The page at ``/``: a table in, its profile, what would leave, the plan. Every part is rendered here and escaped."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, get_args

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute

from ...agents.resolve_request import resolve
from ...chains.prompt import render_user_message
from ...evidence.recommender.ranking import rank
from ...evidence.report.svg import draw_evidence
from ...schemas.errors import NoFeasibleSynthesizer
from ...schemas.options import SelectionOptions
from ...schemas.profile import Kind
from ...schemas.question import Question
from ...schemas.request import SelectionRequest
from ...schemas.result import SelectionResult
from ...synthesizers.feasibility import assess
from ..jobs.routes import Jobs
from ..render.jinja import template_environment
from ..render.pages import evidence_bars
from ..render.words import name_aliases
from ..service.handler import Service
from ..service.models import PlanRequest, PlanUpload, to_selection
from ..service.status import configured_legs
from .form_fields import form_fields
from .python_script import python_code

__all__ = ["build_page"]

_ASSETS = {"page.css": "text/css", "page.js": "text/javascript"}


def build_page(service: Service, jobs: Jobs, route_class: type[APIRoute], admit: Callable[..., Any]) -> APIRouter:
    """The page and what its script asks for; none of it is part of the API."""
    router = APIRouter(route_class=route_class, include_in_schema=False)
    guarded = [Depends(admit)]
    router.add_api_route("/", partial(_page, service), methods=["GET"])
    router.add_api_route("/docs", _docs, methods=["GET"])
    router.add_api_route("/page/{name}", _asset, methods=["GET"])
    router.add_api_route("/page/profile", partial(_profile, service), methods=["POST"], dependencies=guarded)
    router.add_api_route("/page/plan", partial(_plan, service), methods=["POST"], dependencies=guarded)
    router.add_api_route("/page/jobs/{job_id}", partial(_job, jobs), methods=["GET"], dependencies=guarded)
    return router


async def _page(service: Service) -> Response:
    settings = service.settings
    return HTMLResponse(
        _template("page").render(
            keys=bool(service.gate.keys),
            legs=list(configured_legs(settings)),
            fields=form_fields(
                SelectionOptions,
                {"compliance": settings.compliance_level, "evidence_policy": settings.selector_evidence_policy},
            ),
            limit=settings.service_max_upload_mb,
        )
    )


async def _docs(request: Request) -> Response:
    """The API for people: the usual viewers load their scripts from elsewhere."""
    return HTMLResponse(_template("docs").render(document=request.app.openapi()))


async def _asset(name: str) -> Response:
    if name not in _ASSETS:
        return HTMLResponse("no such file", 404)
    return Response(_read(name), media_type=_ASSETS[name], headers={"cache-control": "max-age=3600"})


async def _profile(service: Service, request: Request) -> Response:
    profile, options = await service.profile_upload(request, PlanUpload)
    question, reasons = _question(service, to_selection(options, profile))
    return HTMLResponse(
        _template("profile").render(
            profile=profile,
            safe=profile.safe,
            warnings=[name_aliases(text, profile.names) for text in profile.warnings],
            kinds=get_args(Kind),
            corrected=options.kinds,
            prompt=render_user_message(question) if question else "",
            reasons=reasons,
            legs=[leg for leg in configured_legs(service.settings) if leg != "embedded"],
        )
    )


async def _plan(service: Service, request: Request) -> Response:
    return await service.plan(request, PlanUpload, PlanRequest, partial(_render_plan, service))


async def _job(jobs: Jobs, request: Request, job_id: str) -> Response:
    """What a finished job made, with its judgement."""
    # Takes what jobs take, which a service that only plans need not have.
    from ...evidence.report.words import ANSWERS, figure

    job = jobs.find(request, job_id)
    answer = jobs.describe(job)
    path = job.results / "evaluation.json"
    evaluation = json.loads(path.read_bytes()) if path.exists() else None
    return HTMLResponse(_template("job").render(job=answer, evaluation=evaluation, figure=figure, answers=ANSWERS))


def _render_plan(service: Service, request: SelectionRequest, result: SelectionResult) -> Response:
    question = resolve(request, service.settings).question
    bars = evidence_bars(question, result)
    names = {item.alias: item.column for item in result.treatments if item.column}
    return HTMLResponse(
        _template("plan").render(
            plan=result.plan,
            rationale=name_aliases(result.plan.rationale, names),
            provenance=result.provenance,
            warnings=[name_aliases(text, names) for text in result.warnings],
            treatments=result.treatments,
            bars=bars,
            chart=draw_evidence(bars),
            refused=_refused(question),
            result=result.to_json(names=True, indent=2),
            plan_json=json.dumps(result.plan.model_dump(mode="json"), indent=2),
            code=python_code(result),
        )
    )


def _question(service: Service, request: SelectionRequest) -> tuple[Question | None, dict[str, str]]:
    question = resolve(request, service.settings).question
    try:
        rank(question)
    except NoFeasibleSynthesizer as error:
        return None, error.reasons
    return question, {}


def _refused(question: Question) -> dict[str, str]:
    return {
        method: "; ".join(obstacle.message for obstacle in item.obstacles)
        for method, item in assess(question.profile, question.constraints).items()
        if not item.feasible
    }


@cache
def _template(name: str) -> Any:
    return template_environment(Path(__file__).with_name("templates")).get_template(f"{name}.html.jinja")


@cache
def _read(name: str) -> bytes:
    return (Path(__file__).parent / "static" / name).read_bytes()
