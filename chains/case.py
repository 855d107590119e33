"""One selection on its way from attempt to attempt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import BaseMessage

from ..schemas.plan import ModelSelectionPlan
from ..schemas.question import Question
from ..schemas.result import Attempt

__all__ = ["AttemptAnswer", "AttemptFailed", "Case", "earlier_attempts"]


@dataclass(slots=True)
class Case:
    """One selection on its way through the attempts; not part of what a trace shows."""

    question: Question = field(repr=False)
    messages: list[BaseMessage] = field(repr=False)
    offered: tuple[str, ...]
    """The methods that the messages offer and the schema lets name."""
    deadline: float
    """Against ``time.monotonic``."""
    fingerprint: str


@dataclass(frozen=True, slots=True)
class AttemptAnswer:
    """A plan that passed the check, and every attempt up to it."""

    plan: ModelSelectionPlan
    attempts: tuple[Attempt, ...]
    cached: bool = False


class AttemptFailed(Exception):
    """An attempt ended without a plan: the one exception on which the next provider takes over.

    Attributes:
        attempts: Every attempt of the selection so far, this one last.
    """

    def __init__(self, attempts: tuple[Attempt, ...]) -> None:
        self.attempts = attempts
        last = attempts[-1]
        super().__init__(f"{last.provider}: {last.outcome}: {last.message}")


def earlier_attempts(input: dict[str, Any]) -> tuple[Attempt, ...]:
    """The attempts before this one, which LangChain's fallbacks hand on as the failure of the last."""
    failure = input.get("failure")
    return failure.attempts if isinstance(failure, AttemptFailed) else ()
