"""The plan check: does an answer fit the table, the catalogue and the policy?"""

from __future__ import annotations

from dataclasses import dataclass

from ..schemas.plan import ModelSelectionPlan
from ..schemas.question import Question

__all__ = ["Violation", "check_plan"]


@dataclass(frozen=True, slots=True)
class Violation:
    """One reason why a plan cannot stand; shaped like a pydantic error so that a repair can carry both alike."""

    loc: tuple[str | int, ...]
    type: str
    msg: str


def check_plan(plan: ModelSelectionPlan, question: Question) -> tuple[Violation, ...]:
    """Everything in the plan that table, catalogue or policy forbid; empty when it may run."""
    raise RuntimeError("written next")
