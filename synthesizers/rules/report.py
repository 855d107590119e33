"""What became of each rule, as the run card tells it: columns and shares, and levels of rules that hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ...schemas.base import Frozen
from ...schemas.table.rules import Rule, RuleOrigin

__all__ = ["KeptRule", "RefusedRule", "RulesReport"]

_Share = Annotated[float, Field(ge=0.0, le=1.0)]

HowKept = Literal["looked up", "difference", "sum", "repaired"]
"""A column looked up from the determining one; fitted as the distance to what lies below it; added up; or cells of
drawn rows changed where they broke the rule."""


class KeptRule(Frozen):
    """A rule that the real table bears out."""

    rule: Rule
    origin: RuleOrigin
    how: HowKept
    support: int
    """Persons of the fitted rows that it speaks of; 0 where it was not tried, under differential privacy."""
    confidence: _Share
    """Share of them that keep it."""
    broken_as_drawn: _Share | None
    """Share of drawn rows that broke it; None where what was fitted could not break it."""
    broken: _Share
    """Share of the rows made that break it."""


class RefusedRule(Frozen):
    """A rule that does not count."""

    rule: str
    """In words, without levels."""
    origin: RuleOrigin
    reason: str


class RulesReport(Frozen):
    """One synthesis."""

    kept: tuple[KeptRule, ...] = ()
    refused: tuple[RefusedRule, ...] = ()
    """Those that somebody proposed; what was mined holds."""
    cells_changed: _Share = 0.0
    """Share of the cells made that were changed after the draw to keep a rule."""
    cpu_seconds: float = 0.0
    """What finding, trying and keeping them cost."""
