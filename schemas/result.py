"""What a caller gets: plan, provenance, treatments, warnings."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Annotated, Any, Literal

from pydantic import Field, FieldSerializationInfo, PrivateAttr, field_serializer

from .base import Frozen, count_of
from .column_treatment import Treatment
from .compliance import Compliance
from .options import EvidencePolicy
from .plan import ModelSelectionPlan
from .profile import Alias

__all__ = [
    "Attempt",
    "EvidenceNote",
    "Expected",
    "Outcome",
    "Provenance",
    "ProviderName",
    "RaceEntry",
    "RaceReport",
    "SelectionResult",
    "Treatment",
    "Usage",
]

ProviderName = Literal["openrouter", "ollama", "embedded"]

Outcome = Literal[
    "ok",
    "repaired",
    "connection",
    "timeout",
    "cold_start",
    "authentication",
    "payment",
    "forbidden",
    "not_found",
    "bad_request",
    "rate_limited",
    "server_error",
    "invalid_response",
    "invalid_answer",
    "truncated",
    "refused",
    "content_filter",
    "prompt_cut",
    "infeasible",
    "circuit_open",
    "over_limit",
    "over_budget",
    "deadline",
]
"""How one attempt ended; all but ``ok`` and ``repaired`` are failures."""


class Attempt(Frozen):
    """One provider's turn, with every request it cost."""

    provider: ProviderName
    model: str | None = None
    """Who was asked in the end: a retired model's successor, where it has one."""
    structured_output: str | None = None
    """How structure was asked for: json_schema, function_calling or json_mode."""
    answered_by: str | None = None
    """The model that the response names: with a list of models or an alias, another than the one asked."""
    upstream: str | None = None
    """The provider behind OpenRouter that served it."""
    response_id: str | None = None
    """OpenRouter's id of the generation, to look it up there."""
    outcome: Outcome
    status: int | None = None
    """HTTP status, where there was one."""
    message: Annotated[str, Field(max_length=500)] = ""
    """The provider's own words or ours, keys masked; never an answer's content."""
    notes: tuple[str, ...] = ()
    """What was changed to get an answer: another model, a parameter left out, another way to ask."""
    requests: int = 0
    repairs: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    """The provider's own figure; None is unknown, not free."""
    seconds: float = 0.0


class Provenance(Frozen):
    """Who answered, and everything that happened on the way."""

    provider: ProviderName
    model: str | None = None
    """The model that answered, as its response names it."""
    structured_output: str | None = None
    """How structure was asked for: json_schema, function_calling or json_mode."""
    upstream: str | None = None
    """The provider behind OpenRouter that served it."""
    attempts: tuple[Attempt, ...]
    fallback_reason: str | None = None
    """Why the first provider did not answer; None when it did."""
    cached: bool = False
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    seconds: float
    fingerprint: str
    """Digest of prompt, request, model and versions: equal fingerprints ask the same question."""
    versions: dict[str, str]


class Expected(Frozen):
    """What the measurements let expect of one synthesizer on this table; errors are standard errors."""

    method: str
    fidelity: float
    fidelity_error: float
    utility: float
    utility_error: float
    risk: float
    """A copy of the rows has 1."""
    risk_error: float
    seconds: float
    """CPU seconds to fit."""
    score: float
    """By the request's trade-off and constraints."""
    measured_on: tuple[str, ...]
    """The measured tables most like this one."""

    @property
    def figures(self) -> str:
        """In words."""
        return (
            f"{self.method} (expected fidelity {self.fidelity:.2f}, utility {self.utility:.2f}, risk {self.risk:.2f}, "
            f"about {max(1, round(self.seconds))} CPU s, score {self.score:.2f})"
        )


class EvidenceNote(Frozen):
    """What the measurements say to a language model's choice."""

    policy: EvidencePolicy
    choice: Expected
    """What the language model chose."""
    best: Expected
    """The best feasible synthesizer by the measurements."""
    agrees: bool
    """The choice is not noticeably worse than the best."""
    replaced: bool
    """The plan's choice is the best and no longer the language model's."""

    @property
    def sentence(self) -> str:
        """For a warning, or for the rationale of a plan whose choice was replaced."""
        near = ", ".join(self.best.measured_on)
        told = f"measurements on {near} favour {self.best.figures} over {self.choice.figures}"
        return f"{told}, which the model chose and is now a backup" if self.replaced else f"{told}, the model's choice"


def _unnamed(treatments: tuple[Treatment, ...]) -> tuple[Treatment, ...]:
    return tuple(item.model_copy(update={"column": None}) for item in treatments)


class RaceEntry(Frozen):
    """One configuration that was in the race."""

    label: str
    """Method and level of caution, such as ``cart~0.25``."""
    method: str
    hyperparameters: dict[str, Any]
    proposed: bool
    """Named by the plan that the race started from."""
    expected_score: float
    """By measurements on other tables, before it was fitted here."""
    score: float | None
    """Expectation and fits together, times ``chance``; None where it was never measured or failed."""
    error: float | None
    """Standard error of its distance to the leader."""
    fits: int
    chance: float | None = None
    """That its table is accepted: not taken for copies of real rows, and within the level's cap on the risk."""
    fidelity: float | None = None
    """Mean over its fits, like the next two: independent columns 0, held-out real rows 1."""
    utility: float | None = None
    privacy: float | None = None
    """1 - risk; a copy of the rows has 0."""
    cpu_seconds: float = 0.0
    note: str = ""
    """Why it left the race; empty for who stayed."""


class RaceReport(Frozen):
    """All that was tried, best first, and how it ended."""

    ended: Literal["clear", "equal", "splits", "budget", "interrupted", "not raced"]
    splits: int
    cpu_seconds: float
    """Of all fits and scores, interpreters' starts estimated."""
    max_seconds: float
    entries: tuple[RaceEntry, ...]
    equals: tuple[str, ...] = ()
    """Labels that cannot be told from the leader."""
    about_proposal: str = ""
    """Whether the plan that the race started from was right."""

    @property
    def sentence(self) -> str:
        """How it ended, in words."""
        if self.ended == "not raced":
            return self.about_proposal
        endings = {
            "clear": "the best is clear",
            "equal": "the best are equal within error",
            "splits": "more splits would not separate the rest",
            "budget": "the time was spent",
            "interrupted": "it was interrupted",
        }
        fits = sum(entry.fits for entry in self.entries)
        done = f"{count_of(fits, 'fit')} on {count_of(self.splits, 'split')} of this table"
        return f"{done}, {self.cpu_seconds:.0f} CPU s: {endings[self.ended]}"


class SelectionResult(Frozen):
    """The answer to a :class:`~clinical_model_selector.schemas.request.SelectionRequest`.

    In this process ``treatments`` hold the columns' names. What leaves it (a dump, a pickle, a printed result) holds
    aliases, unless ``to_json(names=True)`` asks for names.
    """

    plan: ModelSelectionPlan
    provenance: Provenance
    treatments: tuple[Treatment, ...] = ()
    evidence: EvidenceNote | None = None
    """What the measurements say to a language model's choice; None where the recommender, made of them, answered."""
    compliance: Compliance | None = None
    """The level that the plan was made for; ``synthesize`` protects values by it."""
    target: Alias | None = None
    """Alias of the column to predict, where one is named."""
    race: RaceReport | None = None
    """What fits on this table found, where the plan was tuned."""
    warnings: list[str] = Field(default_factory=list)
    _question: Any = PrivateAttr(default=None)
    """The safe question that was asked; ``replan`` builds on it. Not part of the serialised result."""

    def to_json(self, *, names: bool = False, indent: int | None = None) -> str:
        """The result as JSON, which ``model_validate_json`` reads again.

        Args:
            names: With the columns' names beside their aliases, for their owner. Without them, as in ``model_dump``,
                ``repr`` and a pickle, the result may go through traces, checkpoints and other people's hands.
            indent: As for ``json.dumps``.
        """
        return self.model_dump_json(indent=indent, context={"names": names})

    @field_serializer("treatments")
    def _without_names(self, treatments: tuple[Treatment, ...], info: FieldSerializationInfo) -> tuple[Treatment, ...]:
        return treatments if (info.context or {}).get("names") else _unnamed(treatments)

    def __getstate__(self) -> dict[Any, Any]:
        state = super().__getstate__()
        return {**state, "__dict__": {**state["__dict__"], "treatments": _unnamed(self.treatments)}}

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, _unnamed(self.treatments) if name == "treatments" else value

    def _repr_html_(self) -> str:
        # Looked up by name: the room that renders lies above this one, and only notebooks need its template engine.
        render: Any = import_module("...app.render.result_html", __name__)
        return str(render.render_result_html(self))


class Usage(Frozen):
    """Totals over every selection of one selector."""

    selections: int = 0
    failed: int = 0
    """Selections that nobody could answer."""
    answered_by: dict[str, int] = Field(default_factory=dict)
    """Provider → selections it answered."""
    fallbacks: int = 0
    """Selections that the provider asked first did not answer."""
    cached: int = 0
    requests: int = 0
    repairs: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    """What the providers named; see ``unknown_costs``."""
    unknown_costs: int = 0
    """Selections whose cost is not, or not wholly, known."""
    seconds: float = 0.0
