"""What holds between columns of a table: a small closed grammar of rules.

Rules name columns as the owner's table does and may name a level of one: they stay on the machine. What a language
model proposes names aliases alone (``schemas.plan``).
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ..base import Frozen

__all__ = [
    "Determines",
    "ImpliesLevel",
    "ImpliesMissing",
    "MinedRule",
    "NotAbove",
    "ProposedRule",
    "Rule",
    "RuleOrigin",
    "SumsTo",
    "Within",
]


class Determines(Frozen):
    """Equal values in one column have equal values in the other: a functional dependency."""

    kind: Literal["determines"] = "determines"
    determinant: str
    dependent: str

    def __str__(self) -> str:
        return f"{self.determinant} determines {self.dependent}"

    @property
    def columns(self) -> tuple[str, ...]:
        """What it speaks of."""
        return (self.determinant, self.dependent)


class NotAbove(Frozen):
    """One number or date never lies above the other, where both are known: an order, or one event after another."""

    kind: Literal["not_above"] = "not_above"
    lower: str
    upper: str
    strict: bool = False
    """They are never equal either."""

    def __str__(self) -> str:
        return f"{self.lower} {'<' if self.strict else '≤'} {self.upper}"

    @property
    def columns(self) -> tuple[str, ...]:
        """What it speaks of."""
        return (self.lower, self.upper)


class SumsTo(Frozen):
    """A number is the sum of others, where all are known."""

    kind: Literal["sums_to"] = "sums_to"
    parts: Annotated[tuple[str, ...], Field(min_length=2, max_length=20)]
    total: str

    def __str__(self) -> str:
        return f"{' + '.join(self.parts)} = {self.total}"

    @property
    def columns(self) -> tuple[str, ...]:
        """What it speaks of."""
        return (*self.parts, self.total)


class ImpliesMissing(Frozen):
    """A column is empty wherever another is, or has a certain level."""

    kind: Literal["implies_missing"] = "implies_missing"
    condition: str
    level: str | None = None
    """The level of ``condition``, as text; None where it must be missing itself."""
    missing: str
    """The column that is then empty."""

    def __str__(self) -> str:
        state = "is missing" if self.level is None else "has a certain level"
        return f"{self.missing} is missing where {self.condition} {state}"

    @property
    def columns(self) -> tuple[str, ...]:
        """What it speaks of."""
        return (self.condition, self.missing)


class ImpliesLevel(Frozen):
    """A column has a certain level wherever another has one, if it is known."""

    kind: Literal["implies_level"] = "implies_level"
    condition: str
    level: str
    """The level of ``condition``, as text."""
    column: str
    value: str
    """The level that ``column`` then has, as text."""

    def __str__(self) -> str:
        return f"{self.column} has a certain level where {self.condition} has one"

    @property
    def columns(self) -> tuple[str, ...]:
        """What it speaks of."""
        return (self.condition, self.column)


class Within(Frozen):
    """A number lies within limits, such as those that a living patient's can have."""

    kind: Literal["within"] = "within"
    column: str
    least: float | None = None
    most: float | None = None

    def __str__(self) -> str:
        if self.least is None:
            return f"{self.column} ≤ {self.most:g}"
        return (
            f"{self.column} ≥ {self.least:g}"
            if self.most is None
            else f"{self.least:g} ≤ {self.column} ≤ {self.most:g}"
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """What it speaks of."""
        return (self.column,)

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.least is None and self.most is None:
            raise ValueError("give the least or the most that is allowed")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("the least must not be above the most")
        return self


Rule = Annotated[Determines | NotAbove | SumsTo | ImpliesMissing | ImpliesLevel | Within, Field(discriminator="kind")]
"""Any of them; told apart by ``kind``."""

RuleOrigin = Literal["mined", "vocabulary", "model", "user"]
"""Who says so: the table itself, the concepts of its columns, the language model's plan, the user."""


class ProposedRule(Frozen):
    """A rule that is to be tried on the table."""

    rule: Rule
    origin: RuleOrigin


class MinedRule(Frozen):
    """A rule that was found in a table."""

    rule: Rule
    support: Annotated[int, Field(ge=1)]
    """Persons whose rows the rule speaks of."""
    confidence: Annotated[float, Field(gt=0.0, le=1.0)]
    """Share of those persons none of whose rows breaks it."""
    by_chance: Annotated[float, Field(ge=0.0, le=1.0)]
    """Share of rows that would break it if the columns were independent: how much the rule says."""
