"""From a request to a question: profile the table, fill in the constraints, keep names on this side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ..profiling import profile_table
from ..schemas.base import describe_error
from ..schemas.compliance import POLICIES
from ..schemas.errors import NoFeasibleSynthesizer, SettingsError, TableError
from ..schemas.options import SelectionOptions
from ..schemas.plan import ModelSelectionPlan
from ..schemas.profile import SafeProfile, TableProfile
from ..schemas.question import Constraints, Question
from ..schemas.request import EvidenceMetrics, PreviousRound, SelectionRequest
from ..schemas.result import Treatment
from ..schemas.settings import Settings
from ..synthesizers.catalogue import CATALOGUE, NOT_OFFERED, resolve_method
from .composition import unseal
from .redact_goal import make_safe

__all__ = ["Resolved", "coerce_request", "previous_round", "profile_request", "resolve"]


@dataclass(frozen=True, slots=True)
class Resolved:
    """A question, and what stays on this machine."""

    question: Question
    treatments: tuple[Treatment, ...]
    warnings: tuple[str, ...]


def coerce_request(value: Any, options: Mapping[str, Any] | None = None) -> SelectionRequest:
    """A request from what callers pass: a request, a mapping of its fields, or a bare table.

    Args:
        value: What the selector was called with, or the same sealed.
        options: Further fields, which win.

    Raises:
        SettingsError: A field is unknown or has a value that cannot be used; the message names it.
    """
    value = unseal(value)
    if isinstance(value, SelectionRequest):
        if not options:
            return value
        value = {name: getattr(value, name) for name in value.model_fields_set}
    fields = {**(value if isinstance(value, Mapping) else {"table": value}), **(options or {})}
    try:
        return SelectionRequest.model_validate(fields)
    except ValidationError as error:
        raise SettingsError(describe_error(error)) from None


def previous_round(plan: ModelSelectionPlan, metrics: EvidenceMetrics | Mapping[str, Any]) -> PreviousRound:
    """A finished round from its plan and what was measured.

    Raises:
        SettingsError: A metric cannot be used; the message names it.
    """
    values = metrics.model_dump() if isinstance(metrics, EvidenceMetrics) else dict(metrics)
    try:
        return PreviousRound(plan=plan, metrics=EvidenceMetrics.model_validate(values))
    except ValidationError as error:
        raise SettingsError(describe_error(error)) from None


def resolve(request: SelectionRequest, settings: Settings) -> Resolved:
    """Profile and constraints behind ``request``.

    Raises:
        TableError: The table cannot be profiled, or a named column is not in it.
        SettingsError: A method id is unknown.
        NoFeasibleSynthesizer: Every method asked for is one that we know and do not offer.
    """
    profile = profile_request(request)
    safe = profile.safe if isinstance(profile, TableProfile) else profile
    treatments = _treatments(profile)
    if settings.selector_concepts == "keep":
        columns = tuple(column.model_copy(update={"concept": None, "unit": None}) for column in safe.columns)
        safe = safe.model_copy(update={"columns": columns})
        treatments = tuple(item.model_copy(update={"concept": None, "unit": None}) for item in treatments)
    names = profile.names if isinstance(profile, TableProfile) else {}
    allowed, notes = _allowed(request.allowed)
    question = Question(
        profile=safe,
        constraints=_constraints(request, settings, safe, allowed, names),
        previous=request.previous,
        landmarks=request.landmarks,
    )
    if question.constraints.measure and not request.landmarks:
        notes.append(_why_not_measured(request, question))
    warnings = (*(profile.warnings if isinstance(profile, TableProfile) else ()), *notes)
    return Resolved(question, treatments, warnings)


def profile_request(request: SelectionRequest) -> TableProfile | SafeProfile:
    """The profile that ``request`` brings, or else that of its table.

    Raises:
        TableError: The table cannot be profiled, or a named column is not in it.
    """
    if isinstance(request.table, Mapping):
        from ..evidence.histories.link_tables import combine_profiles, link_tables

        return combine_profiles(link_tables(request.table, keys=request.keys, static=request.static))
    if request.profile is None:
        return profile_table(
            request.table,
            target=request.target,
            patient_id=request.patient_id,
            kinds=request.kinds or None,
            concepts=request.concepts or None,
            time=request.time,
            static=request.static,
        )
    for field in ("target", "patient_id", "time"):
        if getattr(request, field) is not None:
            raise TableError(f"{field} is decided when the profile is made: give it there, not beside a ready profile")
    return request.profile


def _why_not_measured(request: SelectionRequest, question: Question) -> str:
    if question.constraints.require_dp:
        return "nothing was measured on this table: fits would spend epsilon, and figures are no part of the guarantee"
    if isinstance(request.table, Mapping) or question.profile.history is not None:
        return "nothing was measured on this table: histories have no cheap synthesizer"
    return "nothing was measured on this table: it takes the table itself and a cheap synthesizer that is feasible"


def _treatments(profile: TableProfile | SafeProfile) -> tuple[Treatment, ...]:
    if isinstance(profile, TableProfile):
        return tuple(column.treatment for column in profile.columns)
    return tuple(
        Treatment(alias=column.alias, action=column.action, rule="as decided when the profile was made")
        for column in profile.columns
    )


def _constraints(
    request: SelectionRequest,
    settings: Settings,
    safe: SafeProfile,
    allowed: tuple[str, ...] | None,
    names: Mapping[str, str],
) -> Constraints:
    """Every option of the request, those that a rule or a setting decides on replaced."""
    options: dict[str, Any] = {name: getattr(request, name) for name in SelectionOptions.model_fields}
    words = {name: make_safe(options[name], names) for name in SelectionOptions.free_text()}
    compliance = request.compliance or settings.compliance_level
    policy = POLICIES[compliance]
    decided = {
        "compliance": compliance,
        "allowed": allowed,
        "require_dp": request.require_dp or policy.dp_required,
        "epsilon_max": min(policy.max_epsilon, request.epsilon_max or policy.max_epsilon),
        "delta_max": policy.delta_for(safe.rows),
        "measure": settings.selector_measure if request.measure is None else request.measure,
        "evidence_policy": request.evidence_policy or settings.selector_evidence_policy,
    }
    return Constraints.model_validate({**options, **decided}).model_copy(update=words)


def _allowed(names: tuple[str, ...] | None) -> tuple[tuple[str, ...] | None, list[str]]:
    if names is None:
        return None, []
    methods: list[str] = []
    unknown: list[str] = []
    for name in names:
        method = resolve_method(name)
        (methods if method else unknown).append(method or name)
    if unknown:
        raise SettingsError(f"allowed: unknown synthesizer {', '.join(unknown)}; known are {', '.join(CATALOGUE)}")
    refused = {method: NOT_OFFERED[method] for method in methods if method in NOT_OFFERED}
    kept = tuple(method for method in methods if method not in refused)
    if not kept:
        raise NoFeasibleSynthesizer(refused)
    return kept, [f"{method} is not offered: {reason}" for method, reason in refused.items()]
