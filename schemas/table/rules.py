"""What holds between columns of a table: a small closed grammar of rules.

Rules name columns as the owner's table does and may name a level of one: they stay on the machine.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..base import Frozen

__all__ = ["Determines", "ImpliesMissing", "MinedRule", "NotAbove", "Rule"]


class Determines(Frozen):
    """Equal values in one column have equal values in the other: a functional dependency."""

    kind: Literal["determines"] = "determines"
    determinant: str
    dependent: str

    def __str__(self) -> str:
        return f"{self.determinant} determines {self.dependent}"


class NotAbove(Frozen):
    """One number or date never lies above the other, where both are known."""

    kind: Literal["not_above"] = "not_above"
    lower: str
    upper: str
    strict: bool = False
    """They are never equal either."""

    def __str__(self) -> str:
        return f"{self.lower} {'<' if self.strict else '≤'} {self.upper}"


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


Rule = Annotated[Determines | NotAbove | ImpliesMissing, Field(discriminator="kind")]
"""Any of them; told apart by ``kind``."""


class MinedRule(Frozen):
    """A rule that was found in a table."""

    rule: Rule
    support: Annotated[int, Field(ge=1)]
    """Persons whose rows the rule speaks of."""
    confidence: Annotated[float, Field(gt=0.0, le=1.0)]
    """Share of those persons none of whose rows breaks it."""
    by_chance: Annotated[float, Field(ge=0.0, le=1.0)]
    """Share of rows that would break it if the columns were independent: how much the rule says."""
