"""Every error over HTTP as a problem detail (RFC 9457), with the tree of ``schemas.errors`` behind it.

SelectorError
├── RequestRefused            what the service itself turns away
│   ├── BadRequest            400  not JSON, not a form
│   ├── NotAuthenticated      401  no key, or none we know
│   ├── CrossOrigin           403  another origin's page
│   ├── ClientTooSlow         408
│   ├── TooLarge              413  bytes, unpacked bytes, rows, columns, memory, time to profile
│   ├── UnsupportedMedia      415
│   ├── InvalidRequest        422  a field has a value that cannot be used; names each
│   ├── NotFound              404  no such job, or file of it, of this key
│   ├── Conflict              409  an Idempotency-Key that came before with another request
│   ├── RateLimited           429
│   ├── ShareUsedUp           429  what is left is for other callers
│   └── Overloaded            503
└── …                         TableError, SettingsError, NoFeasibleSynthesizer 422, ProvidersUnavailable 503
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, ClassVar

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...schemas.base import list_errors
from ...schemas.errors import (
    MissingExtra,
    NoFeasibleSynthesizer,
    ProvidersUnavailable,
    SelectorError,
    SettingsError,
    TableError,
)

__all__ = [
    "PROBLEM_JSON",
    "BadRequest",
    "ClientTooSlow",
    "Conflict",
    "CrossOrigin",
    "InvalidRequest",
    "NotAuthenticated",
    "NotFound",
    "Overloaded",
    "Problem",
    "RateLimited",
    "RequestRefused",
    "ShareUsedUp",
    "TooLarge",
    "UnsupportedMedia",
    "describe_http",
    "describe_problem",
    "problem_response",
    "status_of",
]

PROBLEM_JSON = "application/problem+json"

_TYPE = "urn:clinical-model-selector:error:"


class FieldProblem(BaseModel):
    """One field that cannot be used; never its value."""

    loc: list[str | int]
    type: str
    msg: str


class Problem(BaseModel):
    """RFC 9457, with what the error holds besides."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=[f"{_TYPE}TableError"])
    title: str = Field(examples=["Unprocessable Entity"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["upload: the file is empty"])
    instance: str = Field(examples=["urn:uuid:8b7e1c52-5f0e-4b57-8e0c-0a3c7f0f2a11"])
    tree: list[str] = Field(default_factory=list, examples=[["SelectorError", "TableError"]])
    """The error's class and its ancestors, root first."""
    errors: list[FieldProblem] | None = None
    """Of an InvalidRequest."""
    attempts: list[dict[str, Any]] | None = None
    """Of ProvidersUnavailable: every provider's turn."""
    reasons: dict[str, str] | None = None
    """Of NoFeasibleSynthesizer: synthesizer → why not."""


class RequestRefused(SelectorError):
    """What the service turns away before anyone is asked."""

    status: ClassVar[int] = 400
    retry_after: int | None = None
    """Seconds."""


class BadRequest(RequestRefused):
    """The body is not what its content type says."""


class NotFound(RequestRefused):
    """What is asked for is not there, or is not this key's."""

    status = 404


class Conflict(RequestRefused):
    """It contradicts what was sent before."""

    status = 409


class NotAuthenticated(RequestRefused):
    """No key, or none that we know."""

    status = 401


class CrossOrigin(RequestRefused):
    """A page of an origin that is not allowed, or a host name that is not ours."""

    status = 403


class ClientTooSlow(RequestRefused):
    """The body did not arrive in time."""

    status = 408


class TooLarge(RequestRefused):
    """More bytes, rows, columns, memory or time than allowed."""

    status = 413


class UnsupportedMedia(RequestRefused):
    """A content type that this address does not take."""

    status = 415


class InvalidRequest(RequestRefused):
    """Fields with values that cannot be used."""

    status = 422

    def __init__(self, error: ValidationError | Sequence[FieldProblem]) -> None:
        self.errors = _fields(error) if isinstance(error, ValidationError) else list(error)
        super().__init__("; ".join(f"{'.'.join(map(str, item.loc)) or 'body'}: {item.msg}" for item in self.errors))


class RateLimited(RequestRefused):
    """Too many requests of one key."""

    status = 429

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(f"too many requests; try again in {retry_after} s")


class ShareUsedUp(RequestRefused):
    """What is left is for other callers."""

    status = 429
    retry_after = 5


class Overloaded(RequestRefused):
    """More at a time than the service takes on."""

    status = 503
    retry_after = 5


_STATUS: dict[type[SelectorError], int] = {
    TableError: 422,
    SettingsError: 422,
    NoFeasibleSynthesizer: 422,
    MissingExtra: 501,
    ProvidersUnavailable: 503,
}


def status_of(error: SelectorError) -> int:
    """The HTTP status that ``error`` answers with."""
    if isinstance(error, RequestRefused):
        return error.status
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)


def describe_problem(error: SelectorError, request_id: str) -> Problem:
    """The problem detail of an error."""
    problem = _problem(type(error).__name__, status_of(error), str(error), request_id)
    names = [kind.__name__ for kind in type(error).__mro__ if issubclass(kind, SelectorError)]
    problem.tree = names[::-1]
    if isinstance(error, InvalidRequest):
        problem.errors = error.errors
    elif isinstance(error, ProvidersUnavailable):
        problem.attempts = [attempt.model_dump(mode="json") for attempt in error.attempts]
    elif isinstance(error, NoFeasibleSynthesizer):
        problem.reasons = error.reasons
    return problem


def describe_http(status: int, request_id: str) -> Problem:
    """The problem detail of a status that no error of ours stands behind, such as 404."""
    title = HTTPStatus(status).phrase
    return _problem(title.replace(" ", ""), status, HTTPStatus(status).description or title, request_id)


def problem_response(problem: Problem, error: SelectorError | None = None) -> Response:
    """A problem detail as a response."""
    headers = {"cache-control": "no-store"}
    if isinstance(error, NotAuthenticated):
        headers["www-authenticate"] = "Bearer"
    if isinstance(error, TooLarge | ClientTooSlow):
        # The rest of the body is not waited for.
        headers["connection"] = "close"
    if isinstance(error, RequestRefused) and error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    body = json.dumps(problem.model_dump(mode="json", exclude_none=True), ensure_ascii=False)
    return Response(body.encode("utf-8", "replace"), problem.status, headers, PROBLEM_JSON)


def _problem(name: str, status: int, detail: str, request_id: str) -> Problem:
    return Problem(
        type=_TYPE + name,
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=f"urn:uuid:{request_id}",
    )


def _fields(error: ValidationError) -> list[FieldProblem]:
    return [
        # An unknown field's own name is the caller's text: it is counted, not repeated.
        FieldProblem(loc=[_known(part, item.type) for part in item.location], type=item.type, msg=item.message)
        for item in list_errors(error)[:20]
    ]


def _known(part: str | int, kind: str) -> str | int:
    return "(unknown)" if kind == "extra_forbidden" and isinstance(part, str) and len(part) > 40 else part
