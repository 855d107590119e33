"""The plan: which synthesizer, with which hyper-parameters and privacy settings, and what to try if it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self, Union

from pydantic import ConfigDict, Field, model_validator

from .base import Frozen
from .methods import BACKEND_IDS, HYPERPARAMETERS, Hyperparameters
from .methods.hyperparameters import drop_titles
from .table.rule_sentence import MOST_RULES

__all__ = ["MAX_SYNTH_ROWS", "DPSettings", "ModelSelectionPlan", "SynthesizerConfig"]

_METHODS = {backend: method for method, backend in BACKEND_IDS.items()}

MAX_SYNTH_ROWS = 50_000
"""The existing backend's limit."""

_EPSILON_TOLERANCE = 1e-9
"""Slack for adding up epsilons in binary floating point."""


def _as_any_of(schema: dict[str, Any]) -> None:
    """Render the union as plain ``anyOf``: strict modes and grammars reject ``oneOf`` and ``discriminator``."""
    schema["anyOf"] = schema.pop("oneOf")
    schema.pop("discriminator", None)


if TYPE_CHECKING:
    SynthesizerConfig = Hyperparameters
else:
    SynthesizerConfig = Annotated[
        Union[tuple(HYPERPARAMETERS.values())],  # noqa: UP007  (the members are known at run time alone)
        Field(discriminator="method", json_schema_extra=_as_any_of),
    ]
"""One object per method, told apart by ``method``."""


def _require_all(schema: dict[str, Any]) -> None:
    """Strict modes want every field required and none with a default; a stored plan may lack the younger ones."""
    schema["required"] = list(schema["properties"])
    for field in schema["properties"].values():
        field.pop("default", None)


class DPSettings(Frozen):
    """The privacy budget of the chosen synthesizer, everything it spends added up."""

    model_config = ConfigDict(json_schema_extra=drop_titles)

    enabled: bool
    epsilon: Annotated[float, Field(gt=0.0, le=20.0)] | None
    delta: Annotated[float, Field(gt=0.0, le=1e-3)] | None

    @classmethod
    def spent_by(cls, config: Hyperparameters) -> Self:
        """What ``config`` spends."""
        return cls(
            enabled=config.is_dp,
            epsilon=config.total_epsilon if config.is_dp else None,
            delta=config.total_delta if config.is_dp else None,
        )

    @model_validator(mode="after")
    def _budget_when_enabled(self) -> Self:
        if self.enabled and (self.epsilon is None or self.delta is None):
            raise ValueError("epsilon and delta must be numbers when enabled is true")
        if not self.enabled and (self.epsilon is not None or self.delta is not None):
            raise ValueError("epsilon and delta must be null when enabled is false")
        return self


class ModelSelectionPlan(Frozen):
    """A synthesizer with its hyper-parameters, up to three backups, and the privacy budget."""

    model_config = ConfigDict(json_schema_extra=_require_all)

    choice: SynthesizerConfig
    backups: Annotated[list[SynthesizerConfig], Field(max_length=3)]
    """At least two wherever three methods are feasible, which the plan check holds against the table."""
    dp: DPSettings
    sample_multiplier: Annotated[float, Field(ge=0.1, le=3.0)]
    max_synth_rows: Annotated[int, Field(ge=1, le=MAX_SYNTH_ROWS)]
    rationale: Annotated[str, Field(max_length=600)]
    rules: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=MOST_RULES)] = Field(
        default_factory=list
    )
    """What should hold between columns, in the sentences of ``rule_sentence``; each is tried on the table at home."""
    emphasis: Annotated[list[Annotated[str, Field(max_length=8)]], Field(max_length=8)] = Field(default_factory=list)
    """Aliases of the columns that matter most for the goal."""

    @model_validator(mode="after")
    def _methods_differ(self) -> Self:
        methods = [self.choice.method, *(backup.method for backup in self.backups)]
        if len(set(methods)) != len(methods):
            raise ValueError("choice and backups must all be different methods")
        return self

    @model_validator(mode="after")
    def _dp_matches_choice(self) -> Self:
        if self.dp.enabled != self.choice.is_dp:
            raise ValueError("dp.enabled must be true exactly when the choice is a differentially private method")
        if self.dp.epsilon is not None and self.choice.total_epsilon > self.dp.epsilon + _EPSILON_TOLERANCE:
            fields = " + ".join(self.choice.epsilon_fields)
            raise ValueError(f"dp.epsilon must cover everything the choice spends: {fields}")
        if self.dp.delta is not None and self.choice.total_delta > self.dp.delta:
            raise ValueError("dp.delta must not be smaller than the choice's delta")
        return self

    @property
    def methods(self) -> tuple[str, ...]:
        """Choice first, then the backups in order."""
        return (self.choice.method, *(backup.method for backup in self.backups))

    def to_backend_dict(self) -> dict[str, Any]:
        """The plan in the existing backend's shape, with its ids (gc, ctgan, tvae, ddpm, dp-ctgan)."""
        return {
            "choice": {"method": _backend_id(self.choice.method)},
            "hyperparams": {
                "sample_multiplier": self.sample_multiplier,
                "max_synth_rows": self.max_synth_rows,
                _backend_id(self.choice.method): self.choice.knobs(),
            },
            "dp": self.dp.model_dump(),
            "backup": [
                {"method": _backend_id(backup.method), "hyperparams": {_backend_id(backup.method): backup.knobs()}}
                for backup in self.backups
            ],
            "rationale": self.rationale,
        }

    @classmethod
    def from_backend_dict(cls, data: dict[str, Any]) -> Self:
        """The plan behind a backend dict; hyper-parameters it leaves out take their defaults.

        Raises:
            pydantic.ValidationError: The dict does not describe a valid plan.
            ValueError: A method id is unknown or a required part is missing.
        """
        try:
            shared = data["hyperparams"]
            return cls.model_validate(
                {
                    "choice": _config_from_backend(data["choice"]["method"], shared),
                    "backups": [
                        _config_from_backend(item["method"], item.get("hyperparams") or {})
                        for item in data.get("backup") or []
                    ],
                    "dp": {"epsilon": None, "delta": None, **data["dp"]},
                    "sample_multiplier": shared["sample_multiplier"],
                    "max_synth_rows": shared["max_synth_rows"],
                    "rationale": data.get("rationale", ""),
                }
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a plan in the backend's shape: {type(error).__name__} at {error}") from None


def _backend_id(method: str) -> str:
    return BACKEND_IDS.get(method, method)


def _config_from_backend(backend_id: str, hyperparams: dict[str, Any]) -> dict[str, Any]:
    method = _METHODS.get(backend_id, backend_id)
    if method not in HYPERPARAMETERS:
        raise ValueError(f"unknown method id; known are {', '.join(map(_backend_id, HYPERPARAMETERS))}")
    # The backend nests a method's values under its id; a backup may also hold them directly.
    own = hyperparams.get(backend_id, hyperparams.get(method))
    if own is None:
        own = {key: value for key, value in hyperparams.items() if key in HYPERPARAMETERS[method].model_fields}
    return {**HYPERPARAMETERS[method].defaults(), **own}
