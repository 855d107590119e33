"""``run_auto``: select, tune, synthesize, evaluate, and plan anew with what was measured, keeping the best."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..evidence.evaluation import Depth, Evaluation, evaluate
from ..evidence.recommender.weighing import score_cell
from ..evidence.table_rules import RulesGiven
from ..profiling import open_table
from ..profiling.readers.to_pandas import read_table
from ..schemas.compliance import Compliance
from ..schemas.errors import SelectorError, SynthesisFailed, TableError
from ..schemas.options import Tradeoff
from ..schemas.plan import ModelSelectionPlan
from ..schemas.question import Question
from ..schemas.request import EvidenceMetrics
from ..schemas.result import SelectionResult
from ..schemas.table.table_handle import TableHandle
from ..synthesizers.encoding.apply_treatments import group_column
from ..synthesizers.encoding.table_encoding import Bounds
from ..synthesizers.progress import Say, say_nothing, shown_in_notebooks
from ..synthesizers.running.fit_process import FitLimits
from ..synthesizers.running.holdout import split_rows
from ..synthesizers.running.run_plan import Synthesis
from .selector import ClinicalModelSelector
from .synthesize import protection_by, synthesize
from .tune import DEFAULT_SECONDS, not_raced, renew_warnings, tune, why_not_raced

__all__ = ["AutoRound", "run_auto"]

MAX_ROUNDS = 3
_RELEASES = ("no", "not shown", "yes")
"""Worst first."""


@dataclass(frozen=True, slots=True)
class AutoRound:
    """One round that gave a table: plan, synthetic table, evaluation."""

    number: int
    """From 1; rounds in which nothing could be run are left out."""
    result: SelectionResult
    synthesis: Synthesis
    evaluation: Evaluation
    score: float


@shown_in_notebooks
def run_auto(
    table: Any,
    *,
    selector: ClinicalModelSelector,
    rounds: int = MAX_ROUNDS,
    max_seconds: float = DEFAULT_SECONDS,
    seed: int | None = None,
    held_out: float = 0.2,
    limits: FitLimits | None = None,
    public: Mapping[str, Bounds] | None = None,
    quasi_identifiers: Sequence[str] | None = None,
    depth: Depth = "full",
    say: Say | None = None,
    before: Callable[[ModelSelectionPlan], None] | None = None,
    rules: RulesGiven = "keep",
    **request: Any,
) -> tuple[AutoRound, tuple[AutoRound, ...]]:
    """The best round and all that gave a table.

    It ends early where a round fails no threshold, where the next plan would be one that was tried, or where no further
    plan can be had. Best is what may be released, before what is not shown to be safe, before what must not be; among
    equals what fails the fewest thresholds of quality, then the highest score.

    Args:
        table: Whatever ``open_table`` takes, or its handle.
        selector: Who plans.
        rounds: At most so many.
        max_seconds: CPU seconds of the race that the first plan is tuned in, on the rows that are fitted alone; 0
            leaves it as it was selected.
        seed: Makes the syntheses repeatable.
        held_out: Share that no fit sees.
        limits: Time and memory of each fit.
        public: Column → bounds or levels that are public knowledge.
        quasi_identifiers: Columns that outsiders know; by default the profile's.
        depth: Of each round's evaluation.
        say: Told what happens.
        before: Called with each plan before it is carried out, such as to install what it needs.
        rules: As for ``synthesize``.
        request: Fields of ``SelectionRequest``.

    Raises:
        SelectorError: As for a selection; or no round's plan could be run.
    """
    tell = say or say_nothing
    if isinstance(table, Mapping):
        raise TableError("several linked tables are made and judged by run_auto_set")
    table = open_table(table)
    tradeoff: Tradeoff = request.get("tradeoff", "balanced")
    target: str | None = request.get("target")
    level: Compliance = request.get("compliance") or selector.settings.compliance_level
    result = selector.select(table, **request)
    if any(item.column == target and item.action == "drop" for item in result.treatments):
        target = None  # nothing is learned of it, such as of one value in every cell
    reason = why_not_raced(result.plan)
    if max_seconds > 0 and reason is not None:
        result = result.model_copy(update={"race": not_raced(reason, max_seconds)})
    elif max_seconds > 0:
        # The rows that the evaluation holds out must be the same in every round, and unseen by the race.
        seed = secrets.randbits(31) if seed is None else seed
        result = _tuned(table, result, selector, held_out, seed, max_seconds, limits, public, tell, request)
    tried = [result.plan.choice]
    done: list[AutoRound] = []
    failed: SynthesisFailed | None = None
    for number in range(1, rounds + 1):
        tell(f"round {number}: {result.plan.choice.method}, chosen by {result.provenance.provider}")
        if before is not None:
            before(result.plan)
        try:
            made = synthesize(
                table, result, target=target, protection=protection_by(selector.settings, level), seed=seed,
                held_out=held_out, limits=limits, public=public, settings=selector.settings, rules=rules,
                say=say,
            )  # fmt: skip
        except SynthesisFailed as error:
            failed = error
            tell(f"round {number}: {error}")
            metrics = EvidenceMetrics(failed=True)
        else:
            evaluation = evaluate(
                table, made.table, card=made.card, compliance=level, quasi_identifiers=quasi_identifiers,
                target=target if target in made.table.columns else None, depth=depth, say=say,
            )  # fmt: skip
            done.append(AutoRound(number, result, made, evaluation, _score(tradeoff, evaluation, made)))
            tell(f"round {number}: {made.card.method} {_sentence(evaluation)}")
            if not evaluation.failed:
                break
            metrics = evaluation.to_metrics()
            if made.card.method != result.plan.choice.method:
                # What was measured belongs to the backup; of the choice it is only known that it failed.
                metrics = EvidenceMetrics(failed=True)
        if number == rounds:
            break
        try:
            result = selector.replan(result, metrics)
        except SelectorError as error:
            if not done:
                raise
            tell(f"no further plan: {error}")
            break
        if result.plan.choice in tried:
            tell("no further plan: the next one would repeat an earlier one")
            break
        tried.append(result.plan.choice)
    if not done:
        assert failed is not None
        raise failed
    return max(done, key=_order), tuple(done)


def _tuned(
    table: TableHandle,
    result: SelectionResult,
    selector: ClinicalModelSelector,
    held_out: float,
    seed: int,
    max_seconds: float,
    limits: FitLimits | None,
    public: Mapping[str, Bounds] | None,
    tell: Say,
    request: Mapping[str, Any],
) -> SelectionResult:
    """``result`` with the plan that a race on the fitted rows found."""
    persons = next((item.column for item in result.treatments if item.patient), None)
    reading = read_table(table, persons=persons)
    group = group_column(reading.frame, reading.treatments_of_parts(result.treatments))
    inside, _ = split_rows(reading.frame, held_out, seed, group)
    tell(f"tuning the plan on this table for at most {max_seconds:.0f} CPU seconds")
    raced = tune(
        reading.frame.iloc[inside].reset_index(drop=True), selector=selector, start=result, max_seconds=max_seconds,
        seed=seed, limits=limits, public=public, watch=lambda stage, share: tell(f"tuning: {share:.0%}, {stage}"),
        **request,
    )  # fmt: skip
    assert raced.race is not None
    tell(raced.race.sentence)
    question = result._question
    assert isinstance(question, Question)
    warnings = [*renew_warnings(result, raced.plan, question), raced.race.sentence, raced.race.about_proposal]
    return result.model_copy(update={"plan": raced.plan, "race": raced.race, "warnings": warnings})


def _score(tradeoff: Tradeoff, evaluation: Evaluation, made: Synthesis) -> float:
    parts = evaluation.score
    if parts is None:
        # Nothing was held out: nothing is known of utility and risk, and the risk is taken for that of a copy.
        return score_cell(tradeoff, evaluation.fidelity.overall, None, 1.0, made.card.fit_cpu_seconds)
    risk = 1.0 if parts.privacy is None else 1 - parts.privacy
    return score_cell(tradeoff, parts.fidelity, parts.utility, risk, made.card.fit_cpu_seconds)


def _order(candidate: AutoRound) -> tuple[int, int, float]:
    """A refused release is outweighed by nothing."""
    evaluation = candidate.evaluation
    return _RELEASES.index(evaluation.release), -len(evaluation.failed), candidate.score


def _sentence(evaluation: Evaluation) -> str:
    failed = ", ".join(evaluation.failed)
    return f"release: {evaluation.release}; " + (f"fails {failed}" if failed else "fails no threshold")
