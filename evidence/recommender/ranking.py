"""The embedded recommender: a plan from catalogue facts, measurements and the request's trade-off, without an LLM."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig

from ...schemas.methods import Hyperparameters
from ...schemas.plan import MAX_SYNTH_ROWS, DPSettings, ModelSelectionPlan
from ...schemas.profile import SafeProfile
from ...schemas.question import Constraints, Question
from ...schemas.request import EvidenceMetrics, Landmark
from ...synthesizers.catalogue import CATALOGUE
from ...synthesizers.feasibility import Assessment, assess, assess_method, require_feasible
from ...synthesizers.sizing import TableShape
from .expected_results import NOTHING_ALIKE, Expectation, expect, size_of
from .weighing import WEIGHTS, score_cell

__all__ = ["WEIGHTS", "EmbeddedRecommender", "Ranked", "rank", "rank_any", "rate_all", "rate_config", "recommend"]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A feasible synthesizer with what is expected of it."""

    assessment: Assessment
    expectation: Expectation
    score: float
    caution: float = 0.0
    """How far its hyper-parameters lean to lower disclosure risk."""

    @property
    def method(self) -> str:
        """Catalogue id."""
        return self.assessment.method

    @property
    def config(self) -> Hyperparameters:
        """Hyper-parameters sized for the table."""
        assert self.assessment.config is not None
        return self.assessment.config

    @property
    def seconds(self) -> float:
        """CPU seconds to expect: the estimate, corrected by what was measured."""
        return self.assessment.seconds * self.expectation.cost_factor


@dataclass(frozen=True, slots=True)
class _Lessons:
    """What the previous round teaches: see ``_learn``."""

    least_caution: float
    effort: float
    penalties: tuple[tuple[str, float], ...]
    note: str


def rank(question: Question) -> list[Ranked]:
    """Every feasible synthesizer at the level of caution that suits it best, best first.

    Raises:
        NoFeasibleSynthesizer: None is feasible.
    """
    assessed = assess(question.profile, question.constraints, effort=_learn(question).effort)
    require_feasible(assessed, question.constraints)
    return rank_any(question)


def rank_any(question: Question) -> list[Ranked]:
    """As ``rank``; empty where none is feasible."""
    best: dict[str, Ranked] = {}
    for one in rate_all(question):
        if one.method not in best or _order(one) < _order(best[one.method]):
            best[one.method] = one
    return sorted(best.values(), key=_order)


def rate_all(question: Question) -> tuple[Ranked, ...]:
    """Every feasible synthesizer at every level of caution that was measured."""
    return _rate_all(question.profile, question.constraints, question.left_out, _learn(question), question.landmarks)


def rate_config(config: Hyperparameters, question: Question) -> Ranked:
    """What can be expected of ``config``, a feasible configuration that somebody else chose.

    It is rated as the level of caution whose hyper-parameters come nearest; what was not measured cannot count.
    """
    own = [one for one in rate_all(question) if one.method == config.method]
    return min(own, key=lambda one: one.config.distance(config))


_HISTORIES_MEASURED = (
    "By patient, at five patients a value, it came within .04 of real patients in gaps, lag-1 correlation and what "
    "follows what on two history tables (156 and 585 patients fitted), with a membership AUC of .56 and .53."
)
"""What ``benchmark histories`` prints (benchmarks/results/histories.json)."""


def recommend(question: Question) -> ModelSelectionPlan:
    """The best feasible plan for ``question``.

    Raises:
        NoFeasibleSynthesizer: No synthesizer is feasible.
    """
    ranked = rank(question)
    choice, backups = ranked[0], ranked[1:4]
    config = choice.config
    return ModelSelectionPlan.model_validate(
        {
            "choice": config.model_dump(),
            "backups": [backup.config.model_dump() for backup in backups],
            "dp": DPSettings.spent_by(config).model_dump(),
            "sample_multiplier": 1.0,
            "max_synth_rows": MAX_SYNTH_ROWS,
            "rationale": _explain(question, choice, backups),
        }
    )


class EmbeddedRecommender(Runnable[Question, ModelSelectionPlan]):
    """The recommender as a Runnable: computes in microseconds, asks nobody, and always gives the same answer."""

    name = "embedded"

    def invoke(self, input: Question, config: RunnableConfig | None = None, **kwargs: Any) -> ModelSelectionPlan:
        """The plan for ``input``; traced like any other step."""
        return self._call_with_config(recommend, input, config, **kwargs)


@lru_cache(maxsize=128)
def _rate_all(
    profile: SafeProfile,
    constraints: Constraints,
    left_out: frozenset[str],
    lessons: _Lessons,
    landmarks: tuple[Landmark, ...],
) -> tuple[Ranked, ...]:
    """Cached: the prompt ranks, and what the model then chose is held against the same ratings."""
    shape, lowest, penalties = TableShape.of(profile), lessons.least_caution, dict(lessons.penalties)
    assessed = assess(profile, constraints, caution=lowest, effort=lessons.effort)
    rated = []
    for level in sorted({level for entry in CATALOGUE.values() for level in entry.cautions}):
        caution = max(level, lowest)
        for method in (method for method, entry in CATALOGUE.items() if level in entry.cautions):
            item = assessed[method]
            if caution > lowest:
                item = assess_method(method, profile, shape, constraints, caution, lessons.effort)
            if item.feasible:
                expected = expect(method, shape, left_out, caution, landmarks)
                rated.append(_rate(item, expected, constraints, penalties.get(method, 0.0), caution))
    return tuple(rated)


def _order(one: Ranked) -> tuple[float, float, str]:
    # Ties go to the cheaper fit, then to the name, so that equal questions get equal answers.
    return (-round(one.score, 6), one.seconds, one.method)


def _rate(item: Assessment, expected: Expectation, constraints: Constraints, penalty: float, caution: float) -> Ranked:
    seconds = item.seconds * expected.cost_factor
    score = score_cell(constraints.tradeoff, expected.fidelity, expected.utility, expected.risk, max(seconds, 1.0))
    # A fit that fails or runs over its time, or one whose risk the compliance level rejects, is worth nothing.
    score *= (1 - expected.failed_share) * _chance_of_risk(expected, constraints)
    if constraints.max_fit_seconds is not None:
        score *= _below(math.log(seconds), math.log(constraints.max_fit_seconds), expected.cost_spread)
    return Ranked(item, expected, score - penalty, caution)


def _chance_of_risk(expected: Expectation, constraints: Constraints) -> float:
    """Chance that the membership risk stays within the compliance level."""
    # Risk is scaled by a copy's own margin, which is about half: an AUC of 1 against chance.
    limit = constraints.policy.membership_margin / 0.5
    return _below(expected.risk, limit, math.hypot(expected.risk_error, expected.risk_spread))


def _below(mean: float, limit: float, spread: float) -> float:
    """Chance that a normal variable stays below ``limit``."""
    return 0.5 * (1 + math.erf((limit - mean) / (spread * math.sqrt(2))))


def _learn(question: Question) -> _Lessons:
    """Turn the previous round's metrics into a stance: what failed decides what changes."""
    if question.previous is None:
        return _Lessons(0.0, 1.0, (), "")
    chosen = question.previous.plan.choice.method
    family = CATALOGUE[chosen].family
    metrics = question.previous.metrics
    if metrics.failed:
        return _Lessons(0.0, 1.0, ((chosen, 1.0),), f"{chosen} failed before and is passed over. ")
    if _risk_too_high(metrics, question.constraints):
        # Risk is a trait of the family more than of its knobs: leave the family.
        penalties = tuple((m, 0.5) for m, e in CATALOGUE.items() if e.family == family)
        return _Lessons(
            1.0, 1.0, penalties, f"{chosen} had a membership AUC of {metrics.membership_auc:.2f}: family changed. "
        )
    if _quality_too_low(metrics, question.constraints):
        if CATALOGUE[chosen].target_steps:
            return _Lessons(0.0, 2.0, (), f"{chosen} fell short before: gradient steps doubled. ")
        return _Lessons(0.0, 2.0, ((chosen, 0.2),), f"{chosen} fell short before and is marked down. ")
    return _Lessons(0.0, 1.0, (), f"{chosen} met the thresholds before. ")


def _risk_too_high(metrics: EvidenceMetrics, constraints: Constraints) -> bool:
    auc, margin = metrics.membership_auc, constraints.policy.membership_margin
    return auc is not None and abs(auc - 0.5) > margin


def _quality_too_low(metrics: EvidenceMetrics, constraints: Constraints) -> bool:
    poor_fidelity = metrics.fidelity is not None and metrics.fidelity < 1 - constraints.policy.max_ks_mean
    poor_utility = metrics.utility is not None and metrics.utility < constraints.policy.min_tstr_ratio
    return poor_fidelity or poor_utility


def _explain(question: Question, choice: Ranked, backups: list[Ranked]) -> str:
    """The rationale: what was expected, from which measurements, and what came next; at most 600 characters."""
    shape = TableShape.of(question.profile)
    if CATALOGUE[choice.method].histories:
        return _explain_histories(shape, choice)
    expected = choice.expectation
    near = ", ".join(f"{name} ({size_of(name)[0]}x{size_of(name)[1]})" for name in expected.measured_on[:2])
    more = len(expected.measured_on) - 2
    source = near + (f" and {more} more" if more > 0 else "")
    basis = f"estimated from {expected.stand_in} on {source}" if expected.stand_in else f"measured on {source}"
    steps = f", {choice.assessment.steps} gradient steps" if choice.assessment.steps else ""
    plural = "" if shape.columns == 1 else "s"
    basis = f"{NOTHING_ALIKE}; {basis}" if expected.unlike else basis
    basis = "fitted to it once" if expected.fitted_here else basis
    text = (
        f"{_learn(question).note}{choice.method} for {shape.rows} rows x {shape.columns} modelled column{plural} "
        f"({shape.continuous} continuous, {shape.levels} levels, {shape.missing_share:.0%} missing): expected fidelity "
        f"{expected.fidelity:.2f}, utility {expected.utility:.2f}, "
        f"disclosure risk {expected.risk:.2f}±{expected.risk_error:.2f} "
        "(copy = 1), "
        f"{basis}; about {max(1, round(choice.seconds))} CPU s{steps}. "
        f"Score {choice.score:.2f} by {question.constraints.tradeoff} weights; "
        + ("next " + ", ".join(f"{r.method} {r.score:.2f}" for r in backups) if backups else "nothing else is feasible")
        + "."
    )
    return text if len(text) <= 600 else text[:599] + "…"


def _explain_histories(shape: TableShape, choice: Ranked) -> str:
    """Of a method for histories: what was measured of single rows tells nothing of a patient's rows together."""
    return (
        f"{choice.method} for {shape.patients or 0} patients with {shape.rows} rows: nothing else keeps a patient's "
        f"rows, their order and their tables. {_HISTORIES_MEASURED} About {max(1, round(choice.seconds))} CPU s. Below "
        "200 patients membership can be told: evaluate says whether it can here."
    )
