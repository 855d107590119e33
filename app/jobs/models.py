"""What a job takes and what is said of it, as OpenAPI shows it."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ...schemas.options import SelectionOptions
from ..service.models import PlanUpload
from ..service.problem_details import FieldProblem, InvalidRequest
from .records import FINISHED, Job, JobKind, State

__all__ = ["FILES", "JobAnswer", "JobPage", "JobUpload", "ResultFile", "check_options", "describe_job"]

FILES = {"file": False, "synthetic": False, "plan": False, "card": False, "public_bounds": False}
"""Parts of the form that are files."""


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class JobUpload(PlanUpload):
    """A table, or the job that it was uploaded for, with what to do with it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    kind: JobKind
    """auto: plan, make, judge, and plan anew; synthesize: carry a plan out; evaluate: judge a synthetic table; tune:
    choose by measuring candidates on the table itself."""
    table_from: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    """Id of one of your jobs, whose table is taken instead of `file`."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """Makes the job repeatable; leave it out for DP methods."""
    held_out: Annotated[float, Field(ge=0.0, le=0.5)] = 0.2
    """Share of rows that no fit sees, so that the result can be judged."""
    rounds: Annotated[int, Field(ge=1, le=10)] = 3
    """Of auto, at most."""
    max_seconds: Annotated[float, Field(ge=0.0, le=86_400.0)] = 120.0
    """CPU seconds of the race, of tune and auto; 0 leaves the plan of auto as it was selected."""
    evaluate: bool = True
    """After synthesize: judge the table, and write the report."""
    quasi_identifiers: Annotated[
        tuple[Annotated[str, Field(max_length=500)], ...], Field(max_length=40), BeforeValidator(_split)
    ] = ()
    """Comma-separated columns for k-anonymity."""
    output: Literal["csv", "parquet"] = "csv"
    """Format of the synthetic table."""
    spreadsheet_safe: bool = False
    """Put an apostrophe before texts that a spreadsheet would run."""


_COMMON = {"kind", "table_from"}
_MADE = {"seed", "held_out", "quasi_identifiers", "output", "spreadsheet_safe"}
_PLANNED = {*SelectionOptions.model_fields, "target", "patient_id", "kinds"}
_FIELDS: dict[JobKind, set[str]] = {
    "auto": _PLANNED | _MADE | {"rounds", "max_seconds"},
    "synthesize": _MADE | {"target", "patient_id", "compliance", "evaluate"},
    "evaluate": {"target", "compliance", "quasi_identifiers"},
    "tune": _PLANNED | {"max_seconds", "seed"},
}
_PARTS: dict[JobKind, set[str]] = {
    "auto": {"file", "public_bounds"},
    "synthesize": {"file", "plan", "public_bounds"},
    "evaluate": {"file", "synthetic", "card"},
    "tune": {"file", "public_bounds"},
}
_NEEDED: dict[JobKind, str | None] = {"auto": None, "synthesize": "plan", "evaluate": "synthetic", "tune": None}


def check_options(options: JobUpload, parts: set[str]) -> None:
    """Refuse what the kind of job has no use for, and what it lacks.

    Raises:
        InvalidRequest: Names each field.
    """
    problems = [
        FieldProblem(loc=[name], type="extra_forbidden", msg=f"is not an option of {options.kind}")
        for name in sorted(options.model_fields_set - _COMMON - _FIELDS[options.kind] | parts - _PARTS[options.kind])
    ]
    if ("file" in parts) == (options.table_from is not None):
        problems.append(FieldProblem(loc=["file"], type="missing", msg="give either a table or `table_from`"))
    needed = _NEEDED[options.kind]
    if needed is not None and needed not in parts:
        problems.append(FieldProblem(loc=[needed], type="missing", msg=f"{options.kind} needs it"))
    if problems:
        raise InvalidRequest(problems)


class ResultFile(BaseModel):
    """A file that a job made."""

    name: str
    bytes: int


class JobAnswer(BaseModel):
    """A job as its owner sees it."""

    id: str
    kind: JobKind
    state: State
    created: float
    """Seconds since 1970, as all times here."""
    started: float | None
    finished: float | None
    attempts: int
    """Times that it was begun: once more after each worker that was killed."""
    step: str | None
    """What it does, in words."""
    elapsed_seconds: float
    """Since it was begun last; of a finished one, how long it took."""
    seconds_left: float | None
    """Estimated; null where nothing can be said."""
    seconds_at_most: float
    """After so many seconds of work it is given up."""
    files: list[ResultFile]
    """For ``GET /v1/jobs/{id}/files/{name}``."""
    problem: dict[str, Any] | None
    """Why it failed: type, detail and tree of the error."""


class JobPage(BaseModel):
    """Jobs, newest first."""

    jobs: list[JobAnswer]
    next: str | None
    """For `before`, to read on; null at the end."""


def describe_job(job: Job, seconds_at_most: float) -> JobAnswer:
    """What is known of a job now."""
    state, event = job.state(), job.last_event()
    end = state.finished or time.time()
    elapsed = max(0.0, end - state.started) if state.started else 0.0
    expected = event.get("expected_seconds")
    left = None
    if state.state == "running" and isinstance(expected, int | float):
        left = round(max(0.0, expected - elapsed), 1)
    return JobAnswer(
        id=job.id,
        kind=job.kind,
        state=state.state,
        created=job.created,
        started=state.started,
        finished=state.finished,
        attempts=state.attempts,
        step=event.get("text") if state.state == "running" else None,
        elapsed_seconds=round(elapsed, 1),
        seconds_left=0.0 if state.state in FINISHED else left,
        seconds_at_most=seconds_at_most,
        files=_files(job) if state.state in FINISHED else [],
        problem=state.problem,
    )


def _files(job: Job) -> list[ResultFile]:
    if not job.results.is_dir():
        return []
    return [
        ResultFile(name=path.name, bytes=path.stat().st_size)
        for path in sorted(job.results.iterdir())
        if not path.name.startswith(".")
    ]
