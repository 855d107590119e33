"""What the service takes and gives, as OpenAPI shows it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Json, ValidationError, model_validator

from ...schemas.base import Frozen
from ...schemas.options import SelectionOptions
from ...schemas.plan import DPSettings, ModelSelectionPlan
from ...schemas.profile import Kind, SafeProfile, TableProfile
from ...schemas.request import EvidenceMetrics, PreviousRound, SelectionRequest
from ...schemas.result import SelectionResult
from .problem_details import InvalidRequest

__all__ = [
    "BackendPlan",
    "Health",
    "PlanAnswer",
    "PlanRequest",
    "PlanUpload",
    "ProfileAnswer",
    "ProfileUpload",
    "Readiness",
    "ReplanRequest",
    "ReplanUpload",
    "parse",
    "to_selection",
]

_MAX_COUNT = 10**12
_Column = Annotated[str, Field(max_length=500)]


class _Finite(Frozen):
    model_config = ConfigDict(allow_inf_nan=False)


def _empty_is_none(value: Any) -> Any:
    return None if value == "" else value


class PlanRequest(SelectionOptions):
    """A safe profile, made where the table lives, with the constraints."""

    profile: SafeProfile

    @model_validator(mode="after")
    def _counts_are_plausible(self) -> Self:
        profile = self.profile
        counts = [profile.rows, profile.patients or 0]
        counts += [number for c in profile.columns for number in (c.distinct, c.encoded_levels, c.span_years or 0)]
        if max(counts) > _MAX_COUNT:
            raise ValueError(f"profile: a count is above {_MAX_COUNT}")
        if len({column.alias for column in profile.columns}) < len(profile.columns):
            raise ValueError("profile: two columns have the same alias")
        return self


class _Previous(_Finite):
    plan: ModelSelectionPlan
    metrics: EvidenceMetrics


def _from_backend(value: Any) -> Any:
    """A plan, also in the existing backend's shape."""
    if isinstance(value, dict) and "hyperparams" in value and "choice" in value:
        return ModelSelectionPlan.from_backend_dict(value)
    return value


class ReplanRequest(PlanRequest):
    """The last plan and what was measured when it was run."""

    plan: Annotated[ModelSelectionPlan, BeforeValidator(_from_backend)]
    """As this service gave it, in either format."""
    metrics: EvidenceMetrics


class ProfileUpload(_Finite):
    """How to look at an uploaded table."""

    target: Annotated[_Column | None, BeforeValidator(_empty_is_none)] = None
    patient_id: Annotated[_Column | None, BeforeValidator(_empty_is_none)] = None
    kinds: Json[dict[str, Kind]] = Field(default_factory=dict, examples=['{"zip": "quasi_identifier"}'])
    """JSON object: column → kind, where you know better than the rules."""


class PlanUpload(SelectionOptions, ProfileUpload):
    """An uploaded table with the constraints. There is no field for a path, URL or query."""


class ReplanUpload(PlanUpload):
    """An uploaded table with the last plan and what was measured when it was run."""

    plan: Json[Annotated[ModelSelectionPlan, BeforeValidator(_from_backend)]]
    metrics: Json[EvidenceMetrics]


class PlanAnswer(SelectionResult):
    """Plan, provenance, treatments and warnings, with the safe profile: send it back to replan."""

    profile: SafeProfile


class BackendMethod(BaseModel):
    method: str


class BackendBackup(BackendMethod):
    hyperparams: dict[str, Any]


class BackendPlan(BaseModel):
    """The plan in the existing backend's shape."""

    choice: BackendMethod
    hyperparams: dict[str, Any]
    """sample_multiplier, max_synth_rows, and the choice's own under its id."""
    dp: DPSettings
    backup: list[BackendBackup]
    rationale: str


class ProfileAnswer(BaseModel):
    """The profile for the table's owner: names and exact counts, and beside it all that may leave."""

    rows: int
    patients: int | None
    grain: str
    survival: bool
    columns: list[dict[str, Any]]
    warnings: list[str]
    prompt: str
    """The text about the table that a provider would read."""
    prompt_tokens: int
    safe: SafeProfile
    """Send it as ``profile`` to POST /v1/plans."""


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether selections can be answered."""

    status: Literal["ready", "unready"]
    legs: dict[str, str]
    """Who would be asked, in order → its breaker: closed (asked), open (skipped for now), half-open (tried again)."""
    cache: str
    """off, memory, sqlite or redis, and what is wrong with it; selections do without a cache that fails."""


def parse(model: type[Frozen], value: object) -> Any:
    """``value`` as ``model``.

    Raises:
        InvalidRequest: It is not; names each field.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InvalidRequest(error) from None


def to_selection(options: SelectionOptions, profile: SafeProfile | TableProfile) -> SelectionRequest:
    """The selector's own request.

    Raises:
        InvalidRequest: A field cannot be used.
    """
    fields = options.model_dump(include=set(SelectionOptions.model_fields))
    if isinstance(options, ReplanRequest | ReplanUpload):
        fields["previous"] = PreviousRound(plan=options.plan, metrics=options.metrics)
    try:
        return SelectionRequest(profile=profile, **fields)
    except ValidationError as error:
        raise InvalidRequest(error) from None
