"""What the service takes and gives, as OpenAPI shows it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
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
    "EXAMPLE_PROFILE",
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
    "request_body",
    "to_selection",
]

_MAX_COUNT = 10**12
_Column = Annotated[str, Field(max_length=500)]

EXAMPLE_PROFILE: dict[str, Any] = {
    "rows": 680,
    "grain": "patient",
    "columns": [
        {"alias": "c1", "kind": "count", "role": "feature", "action": "keep", "direct_identifier": False,
         "missing_share": 0.0, "distinct": 54, "encoded_levels": 0, "integer": True,
         "quantiles": [31.0, 46.0, 53.0, 61.0, 71.0]},
        {"alias": "c2", "kind": "boolean", "role": "target", "action": "keep", "direct_identifier": False,
         "missing_share": 0.0, "distinct": 2, "encoded_levels": 2, "level_shares": [0.56, 0.44],
         "level_names": ["no", "yes"]},
    ],
}  # fmt: skip


class _Finite(Frozen):
    model_config = ConfigDict(allow_inf_nan=False)


def _empty_is_none(value: Any) -> Any:
    return None if value == "" else value


class PlanRequest(SelectionOptions):
    """A safe profile, made where the table lives, with the constraints."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"profile": EXAMPLE_PROFILE, "tradeoff": "utility", "goal": "teaching"}]}
    )

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


class _Method(BaseModel):
    method: str


class _Backup(_Method):
    hyperparams: dict[str, Any]


class BackendPlan(BaseModel):
    """The plan in the existing backend's shape."""

    choice: _Method
    hyperparams: dict[str, Any]
    """sample_multiplier, max_synth_rows, and the choice's own under its id."""
    dp: DPSettings
    backup: list[_Backup]
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


_FILES = {
    "file": "The table: CSV, TSV (.gz too) or Parquet",
    "synthetic": "The synthetic table to judge: CSV, TSV (.gz too) or Parquet",
    "plan": "JSON: a plan, or a selection's result with its treatments",
    "card": "JSON: the run card of the synthetic table",
    "public_bounds": "JSON: column → [low, high] or [levels] that are public knowledge",
}


def request_body(
    form: type[Frozen], body: type[Frozen] | None = None, files: Mapping[str, bool] = MappingProxyType({"file": True})
) -> dict[str, Any]:
    """OpenAPI's requestBody of an address that takes a form with files, or JSON.

    Args:
        form: The form's fields.
        body: The JSON body.
        files: Field → whether a file must come in it.
    """
    fields = _inlined(form.model_json_schema())
    properties = {name: _as_form_field(schema) for name, schema in fields["properties"].items()}
    for name in files:
        properties[name] = {"type": "string", "format": "binary", "description": _FILES[name]}
    needed = [name for name, must in files.items() if must]
    schema = {**fields, "properties": properties, "required": [*needed, *fields.get("required", [])]}
    content: dict[str, Any] = {"multipart/form-data": {"schema": schema}}
    if body is not None:
        content = {"application/json": {"schema": _inlined(body.model_json_schema())}, **content}
    return {"requestBody": {"required": True, "content": content}}


def _as_form_field(schema: dict[str, Any]) -> dict[str, Any]:
    """A form's field is text: what is no string in JSON is written as one, ``null`` by leaving the field out."""
    if schema.get("contentMediaType") == "application/json":
        return {"type": "string", "contentMediaType": "application/json", **_kept(schema)}
    choices = [choice for choice in schema.get("anyOf", [schema]) if choice.get("type") != "null"]
    choice = choices[0]
    if choice.get("type") == "array":
        kept = _kept(schema)
        return {"type": "string", **kept, "description": f"{kept.get('description', '')} Commas between them.".strip()}
    return {**{key: value for key, value in choice.items() if key != "title"}, **_kept(schema)}


def _kept(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: schema[key] for key in ("description", "examples", "default") if schema.get(key) not in (None, {})}


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """``schema`` without ``$defs``: a request body written by hand cannot add to OpenAPI's components."""
    definitions = schema.pop("$defs", {})
    resolved: dict[str, Any] = _resolve(schema, definitions)
    return resolved


def _resolve(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_resolve(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].rpartition("/")[2]]
        return _resolve({**target, **{key: value for key, value in node.items() if key != "$ref"}}, definitions)
    return {key: _resolve(value, definitions) for key, value in node.items()}
