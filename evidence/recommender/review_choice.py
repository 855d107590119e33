"""Hold a language model's plan against the evidence: what can be expected of it, and what would do better."""

from __future__ import annotations

from ...schemas.methods import Hyperparameters
from ...schemas.plan import DPSettings, ModelSelectionPlan
from ...schemas.question import Question
from ...schemas.result import EvidenceNote, Expected
from .ranking import Ranked, rank, rate_config

__all__ = ["apply_evidence"]

NOTICEABLE = 0.05
"""Difference of expected scores below which two choices count as equal: what seeds make (measurements.md)."""

_MAX_BACKUPS = 3


def apply_evidence(plan: ModelSelectionPlan, question: Question) -> tuple[ModelSelectionPlan, EvidenceNote | None]:
    """The plan that stands under the question's evidence policy, and what the evidence says.

    ``advise`` leaves the plan as it is. ``enforce`` puts the best feasible synthesizer in place of a choice that is
    noticeably worse, which becomes the first backup. ``off`` says nothing.

    Args:
        plan: Has passed the plan check.
        question: The table, its constraints and the policy.
    """
    if question.evidence_policy == "off":
        return plan, None
    best = rank(question)[0]
    chosen = rate_config(plan.choice, question)
    worse = best.score - chosen.score >= NOTICEABLE
    replaced = worse and question.evidence_policy == "enforce"
    note = EvidenceNote(
        policy=question.evidence_policy,
        choice=_expected(chosen, plan.choice),
        best=_expected(best, best.config),
        agrees=not worse,
        replaced=replaced,
    )
    return (_replace(plan, best, note) if replaced else plan), note


def _expected(one: Ranked, config: Hyperparameters) -> Expected:
    found = one.expectation
    return Expected(
        method=config.method,
        fidelity=found.fidelity,
        fidelity_error=found.fidelity_error,
        utility=found.utility,
        utility_error=found.utility_error,
        risk=found.risk,
        risk_error=found.risk_error,
        seconds=one.seconds,
        score=one.score,
        measured_on=found.measured_on[:3],
    )


def _replace(plan: ModelSelectionPlan, best: Ranked, note: EvidenceNote) -> ModelSelectionPlan:
    config = best.config
    backups = [one for one in (plan.choice, *plan.backups) if one.method != config.method][:_MAX_BACKUPS]
    values = plan.model_dump()
    values |= {
        "choice": config.model_dump(),
        "backups": [backup.model_dump() for backup in backups],
        "dp": DPSettings.spent_by(config).model_dump(),
        "rationale": note.sentence[:600],
    }
    return ModelSelectionPlan.model_validate(values)
