"""The embedded recommender: a plan from catalogue facts, measurements and the request's trade-off, without an LLM."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig

from ..schemas.plan import DPSettings, ModelSelectionPlan
from ..schemas.question import Constraints, Question
from ..schemas.request import EvidenceMetrics, Tradeoff
from ..synthesizers.catalogue import CATALOGUE
from ..synthesizers.feasibility import Assessment, assess, require_feasible
from ..synthesizers.sizing import TableShape
from .prediction import Expectation, expect, size_of
from .score import WEIGHTS, score_cell

__all__ = ["WEIGHTS", "EmbeddedRecommender", "Ranked", "rank", "rank_any", "recommend"]

_CAUTION: dict[Tradeoff, float] = {"balanced": 0.1, "fidelity": 0.0, "utility": 0.0, "privacy": 0.6, "speed": 0.1}
"""How far hyper-parameters lean to lower disclosure risk (see ``size_hyperparameters``)."""

_MIN_MARGIN = 0.05
"""Of a membership AUC over chance: a level that asks for less cannot be met (see the verdicts)."""

_RISK_NOISE = 0.04
"""Spread of a measured risk from seed to seed on a table of a few hundred rows (measured)."""

_MAX_SYNTH_ROWS = 50_000
"""The existing backend's limit."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A feasible synthesizer with what is expected of it."""

    assessment: Assessment
    expectation: Expectation
    score: float

    @property
    def method(self) -> str:
        """Catalogue id."""
        return self.assessment.method


@dataclass(frozen=True, slots=True)
class _Lessons:
    """What the previous round teaches: see ``_learn``."""

    caution: float
    effort: float
    penalties: dict[str, float]
    note: str


def rank(question: Question, left_out: frozenset[str] = frozenset()) -> list[Ranked]:
    """Every feasible synthesizer, best first.

    Args:
        question: The table and its constraints.
        left_out: Origins of benchmark tables that must not be used, for judging the recommender itself.

    Raises:
        NoFeasibleSynthesizer: Fewer than three are feasible.
    """
    require_feasible(_assess(question), question.constraints)
    return rank_any(question, left_out)


def rank_any(question: Question, left_out: frozenset[str] = frozenset()) -> list[Ranked]:
    """As ``rank``, also where fewer than three are feasible and no plan can exist."""
    constraints, lessons, assessments = question.constraints, _learn(question), _assess(question)
    shape = TableShape.of(question.profile)
    ranked = [
        _rate(item, expect(method, shape, left_out), constraints, lessons.penalties.get(method, 0.0))
        for method, item in assessments.items()
        if item.feasible
    ]
    # Ties go to the cheaper fit, then to the name, so that equal questions get equal answers.
    return sorted(ranked, key=lambda r: (-round(r.score, 6), r.assessment.seconds, r.method))


def recommend(question: Question) -> ModelSelectionPlan:
    """The best feasible plan for ``question``.

    Raises:
        NoFeasibleSynthesizer: Fewer than three synthesizers are feasible.
    """
    ranked = rank(question)
    choice, backups = ranked[0], ranked[1:4]
    config = choice.assessment.config
    assert config is not None
    rows = question.profile.rows
    return ModelSelectionPlan.model_validate(
        {
            "choice": config.model_dump(),
            "backups": [r.assessment.config.model_dump() for r in backups if r.assessment.config is not None],
            "dp": DPSettings(
                enabled=config.is_dp,
                epsilon=config.total_epsilon if config.is_dp else None,
                delta=config.total_delta if config.is_dp else None,
            ).model_dump(),
            "sample_multiplier": 1.0,
            "max_synth_rows": max(1, min(_MAX_SYNTH_ROWS, rows)),
            "rationale": _explain(question, choice, backups),
        }
    )


class EmbeddedRecommender(Runnable[Question, ModelSelectionPlan]):
    """The recommender as a Runnable: computes in microseconds, asks nobody, and always gives the same answer."""

    name = "embedded"

    def invoke(self, input: Question, config: RunnableConfig | None = None, **kwargs: Any) -> ModelSelectionPlan:
        """The plan for ``input``; traced like any other step."""
        return self._call_with_config(recommend, input, config, **kwargs)


def _assess(question: Question) -> Mapping[str, Assessment]:
    lessons = _learn(question)
    return assess(question.profile, question.constraints, caution=lessons.caution, effort=lessons.effort)


def _rate(item: Assessment, expected: Expectation, constraints: Constraints, penalty: float) -> Ranked:
    score = score_cell(constraints.tradeoff, expected.fidelity, expected.utility, expected.risk, max(item.seconds, 1.0))
    # A fit that fails, or one whose risk the compliance level rejects, is worth nothing.
    score *= (1 - expected.failed_share) * _chance_within(expected, constraints)
    return Ranked(item, expected, score - penalty)


def _chance_within(expected: Expectation, constraints: Constraints) -> float:
    """Chance that the membership risk stays within the compliance level, the expectation's error being normal."""
    # Risk is scaled by a copy's own margin, which is about half: an AUC of 1 against chance.
    limit = max(constraints.policy.max_membership_auc - 0.5, _MIN_MARGIN) / 0.5
    spread = math.hypot(expected.risk_error, _RISK_NOISE)
    return 0.5 * (1 + math.erf((limit - expected.risk) / (spread * math.sqrt(2))))


def _learn(question: Question) -> _Lessons:
    """Turn the previous round's metrics into a stance: what failed decides what changes."""
    caution = _CAUTION[question.constraints.tradeoff]
    if question.previous is None:
        return _Lessons(caution, 1.0, {}, "")
    chosen = question.previous.plan.choice.method
    family = CATALOGUE[chosen].family
    metrics = question.previous.metrics
    if metrics.failed:
        return _Lessons(caution, 1.0, {chosen: 1.0}, f"{chosen} failed before and is passed over. ")
    if _risk_too_high(metrics, question.constraints):
        # Risk is a trait of the family more than of its knobs: leave the family.
        penalties = {m: (0.5 if e.family == family else 0.0) for m, e in CATALOGUE.items()}
        return _Lessons(
            1.0, 1.0, penalties, f"{chosen} had a membership AUC of {metrics.membership_auc:.2f}: family changed. "
        )
    if _quality_too_low(metrics, question.constraints):
        if CATALOGUE[chosen].target_steps:
            return _Lessons(caution, 2.0, {}, f"{chosen} fell short before: gradient steps doubled. ")
        return _Lessons(0.0, 2.0, {chosen: 0.2}, f"{chosen} fell short before and is marked down. ")
    return _Lessons(caution, 1.0, {}, f"{chosen} met the thresholds before. ")


def _risk_too_high(metrics: EvidenceMetrics, constraints: Constraints) -> bool:
    # 0.50 itself cannot be met; below the smallest sound margin of 0.05 a figure is noise.
    margin = max(constraints.policy.max_membership_auc - 0.5, _MIN_MARGIN)
    return metrics.membership_auc is not None and abs(metrics.membership_auc - 0.5) > margin


def _quality_too_low(metrics: EvidenceMetrics, constraints: Constraints) -> bool:
    poor_fidelity = metrics.fidelity is not None and metrics.fidelity < 1 - constraints.policy.max_ks_mean
    poor_utility = metrics.utility is not None and metrics.utility < constraints.policy.min_tstr_ratio
    return poor_fidelity or poor_utility


def _explain(question: Question, choice: Ranked, backups: list[Ranked]) -> str:
    """The rationale: what was expected, from which measurements, and what came next; at most 600 characters."""
    shape = TableShape.of(question.profile)
    expected = choice.expectation
    near = ", ".join(f"{name} ({size_of(name)[0]}x{size_of(name)[1]})" for name in expected.measured_on[:2])
    more = len(expected.measured_on) - 2
    source = near + (f" and {more} more" if more > 0 else "")
    basis = f"estimated from {expected.stand_in} on {source}" if expected.stand_in else f"measured on {source}"
    steps = f", {choice.assessment.steps} gradient steps" if choice.assessment.steps else ""
    text = (
        f"{_learn(question).note}{choice.method} for {shape.rows} rows x {shape.columns} modelled columns "
        f"({shape.continuous} continuous, {shape.levels} levels, {shape.missing_share:.0%} missing): expected fidelity "
        f"{expected.fidelity:.2f}, utility {expected.utility:.2f}, "
        f"disclosure risk {expected.risk:.2f}±{expected.risk_error:.2f} "
        "(copy = 1), "
        f"{basis}; about {max(1, round(choice.assessment.seconds))} CPU s{steps}. "
        f"Score {choice.score:.2f} by {question.constraints.tradeoff} weights; next "
        + ", ".join(f"{r.method} {r.score:.2f}" for r in backups)
        + "."
    )
    return text if len(text) <= 600 else text[:599] + "…"
