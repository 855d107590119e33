"""Made-up questions to measure prompts by: a typical one, and the longest that can be."""

from __future__ import annotations

from langchain_core.messages import BaseMessage

from ..profiling import estimate_tokens
from ..profiling.prompt_description import MOST_LINES
from ..schemas.compliance import POLICIES
from ..schemas.profile import SafeColumn, SafeProfile
from ..schemas.question import Constraints, Question
from ..schemas.settings import Settings
from .prompt import build_messages

__all__ = ["ANSWER_TOKENS", "count_tokens", "longest_messages", "typical_messages", "wordy_messages"]

ANSWER_TOKENS = 350
"""Output tokens of a plan with three backups and its rationale, on the high side."""


def typical_messages(settings: Settings) -> list[BaseMessage]:
    """The prompt for a cohort of 1,000 rows and 20 columns."""
    return build_messages(_question(settings, rows=1_000, columns=20))


def longest_messages(settings: Settings) -> list[BaseMessage]:
    """The prompt for a table with as many columns as get a line of their own, each as wordy as can be."""
    return build_messages(_question(settings, rows=1_230_000, columns=MOST_LINES))


def wordy_messages(columns: int) -> tuple[Question, list[BaseMessage]]:
    """A question about so many columns, each as wordy as can be, and its prompt."""
    asked = _question(Settings(_env_file=None), rows=5_000, columns=columns)
    return asked, build_messages(asked)


def count_tokens(messages: list[BaseMessage]) -> int:
    """Tokens of ``messages``, on the high side."""
    return sum(estimate_tokens(str(message.content)) for message in messages)


def _question(settings: Settings, *, rows: int, columns: int) -> Question:
    policy = POLICIES[settings.compliance_level]
    return Question(
        profile=SafeProfile(rows=rows, columns=tuple(_column(index + 1) for index in range(columns))),
        constraints=Constraints(
            compliance=settings.compliance_level,
            require_dp=policy.dp_required,
            epsilon_max=policy.max_epsilon,
            delta_max=policy.delta_for(rows),
        ),
    )


def _column(index: int) -> SafeColumn:
    numeric = index % 2 == 1
    return SafeColumn(
        alias=f"c{index}",
        kind="continuous" if numeric else "categorical",
        role="feature",
        action="keep",
        direct_identifier=False,
        missing_share=0.012,
        distinct=8_200 if numeric else 6,
        encoded_levels=0 if numeric else 6,
        quantiles=(-1200.0, -120.0, 12.0, 120.0, 1200.0) if numeric else None,
        skewed=numeric,
        sentinel_missing=numeric,
        level_shares=None if numeric else (0.31, 0.22, 0.17, 0.13, 0.11, 0.06),
        level_names=None if numeric else ("L1", "L2", "L3", "L4", "L5", "L6"),
    )
