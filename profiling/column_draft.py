"""One column on its way through the profiler: every pass fills a part of it."""

from __future__ import annotations

from dataclasses import dataclass

from ..schemas.profile import Kind, Role, SafeColumn
from .kinds.column_facts import ColumnFacts
from .kinds.column_names import Header
from .kinds.decision import Decision
from .treatment_rules import TreatmentRule, treat
from .values.asked import Totals
from .values.column_values import ColumnValues

__all__ = ["ColumnDraft"]


@dataclass(slots=True, repr=False)
class ColumnDraft:
    """What is known of one column so far; the comment says which pass fills a field.

    Attributes:
        position: Its place in the table.
        name: Its name.
        header: Its name as evidence.
        given_kind: Its kind by the user's word.
        values: The sample in canonical form (read).
        totals: Figures of the whole table; None where the sample is the whole table (count).
        facts: What the kind rules decide by (gather).
        decision: Its kind and privacy (decide).
        role: Its role, where it has one of its own (structure).
        leaks: It gives the target away (structure).
        safe: What of it may leave (safe).
        caution: What is odd about its values for what it holds (concepts).
    """

    position: int
    name: str
    header: Header
    given_kind: Kind | None
    values: ColumnValues
    totals: Totals | None = None
    facts: ColumnFacts = None  # type: ignore[assignment]
    decision: Decision = None  # type: ignore[assignment]
    role: Role | None = None
    leaks: bool = False
    safe: SafeColumn = None  # type: ignore[assignment]
    caution: str | None = None

    @property
    def treatment(self) -> TreatmentRule:
        """What is done with it before a fit."""
        repeats = self.decision.kind == "identifier" and self.facts.unique_share < 0.95
        return treat(self.decision, self.role or "feature", repeats=repeats)
