"""``run_auto_set`` and ``tune_set``: what ``run_auto`` and ``tune`` do, for linked tables.

One method makes sets. What is left to choose is its caution, how many rows and patients stand behind every cell: more
keeps patients apart from their copies and costs what their rows say together.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from ..evidence.evaluation_histories import ComparedSets, HistoryEvaluation, compare_histories
from ..evidence.evaluation_sets import SetEvaluation, evaluate_set, split_patients
from ..evidence.histories.link_tables import ProfiledSet, combine_profiles, link_tables
from ..evidence.recommender.weighing import score_cell
from ..schemas.compliance import POLICIES, Compliance
from ..schemas.errors import NoFeasibleSynthesizer
from ..schemas.methods import CATALOGUE, Hyperparameters
from ..schemas.options import Tradeoff
from ..schemas.plan import ModelSelectionPlan
from ..schemas.result import RaceEntry, RaceReport, SelectionResult
from ..synthesizers.progress import Say, say_nothing
from ..synthesizers.running.fit_process import FitFailed, FitLimits
from ..synthesizers.running.run_histories import fit_set
from .linked import SetSynthesis, synthesize_set
from .selector import ClinicalModelSelector
from .synthesize import protection_by

__all__ = ["SetRound", "run_auto_set", "tune_set"]

MAX_ROUNDS = 3
_LEVELS: tuple[dict[str, int], ...] = (
    {},
    {"visit_leaf": 15, "patient_leaf": 25},
    {"visit_leaf": 20, "patient_leaf": 30},
)
"""Knobs that are raised above the plan's own, level by level."""
_RELEASES = ("no", "not shown", "yes")
"""Worst first."""
_HELD_OUT = 0.3
"""Share of the patients that the levels are measured on."""
_DISTANCES = (
    "length", "gap", "lag_one", "lag_one_within", "intraclass", "step", "drift", "transitions", "bigrams", "copresence",
    "once_repeated", "survival",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SetRound:
    """One round that gave a set: plan, synthetic tables, evaluation."""

    number: int
    plan: ModelSelectionPlan
    synthesis: SetSynthesis
    evaluation: SetEvaluation


def run_auto_set(
    tables: Mapping[str, Any],
    *,
    selector: ClinicalModelSelector,
    keys: Mapping[str, str] | None = None,
    rounds: int = MAX_ROUNDS,
    seed: int | None = None,
    held_out: float = 0.2,
    limits: FitLimits | None = None,
    say: Say | None = None,
    **request: Any,
) -> tuple[SetRound, tuple[SetRound, ...]]:
    """Plan, make and judge a set, then again with more caution while its release is refused; the best and all rounds.

    Best is what may be released, before what is not shown to be safe, before what must not be; among equals what fails
    the fewest thresholds, then the least cautious.

    Args:
        tables: Name → whatever ``open_table`` takes.
        selector: Who plans.
        keys: Table → column of the patient's key, where it is not to be found.
        rounds: At most so many; there are three levels of caution.
        seed: Makes the syntheses repeatable.
        held_out: Share of the patients that no fit sees.
        limits: Time and memory of each fit.
        say: Told what happens.
        request: Fields of ``SelectionRequest``.

    Raises:
        SelectorError: As for a selection; or the plan could not be run.
    """
    tell = say or say_nothing
    level: Compliance = request.get("compliance") or selector.settings.compliance_level
    result = selector.select(profile=combine_profiles(link_tables(tables, keys=keys)), **request)
    seed = secrets.randbits(31) if seed is None else seed
    done: list[SetRound] = []
    for number, config in enumerate(_levels(_of_histories(result.plan))[:rounds], start=1):
        plan = _with_choice(result.plan, config)
        tell(f"round {number}: {config.method}, {_told(config)}")
        made = synthesize_set(
            tables, plan, keys=keys, protection=protection_by(selector.settings, level), seed=seed, held_out=held_out,
            limits=limits, settings=selector.settings, say=tell,
        )  # fmt: skip
        judged = evaluate_set(tables, made, keys=keys, compliance=level, say=tell)
        done.append(SetRound(number, plan, made, judged))
        failed = ", ".join(judged.failed)
        tell(f"round {number}: release: {judged.release}; " + (f"fails {failed}" if failed else "fails no threshold"))
        if judged.release == "yes" or not any(v.outcome == "fail" and v.group == "disclosure" for v in judged.verdicts):
            # More caution cures leaks alone; neither too few patients nor what is lost.
            break
    return max(done, key=_order), tuple(done)


def tune_set(
    tables: Mapping[str, Any],
    *,
    selector: ClinicalModelSelector,
    keys: Mapping[str, str] | None = None,
    seed: int = 0,
    limits: FitLimits | None = None,
    say: Say | None = None,
    **request: Any,
) -> SelectionResult:
    """The plan for a set with the caution that does best on patients whom a fit did not see.

    Each level is fitted once to seven tenths of the patients and held against the others; the score is that of single
    tables, fidelity being what a patient's rows say together and risk the attack on whole patients.

    Args:
        tables: Name → whatever ``open_table`` takes.
        selector: Who plans.
        keys: Table → column of the patient's key, where it is not to be found.
        seed: Decides how the patients are split.
        limits: Time and memory of each fit.
        say: Told what is fitted.
        request: Fields of ``SelectionRequest``.

    Raises:
        SelectorError: As for a selection.
    """
    tell = say or say_nothing
    began = process_time()
    profiled = link_tables(tables, keys=keys)
    result = selector.select(profile=combine_profiles(profiled), **request)
    proposed = _of_histories(result.plan)
    level: Compliance = request.get("compliance") or selector.settings.compliance_level
    tradeoff: Tradeoff = request.get("tradeoff", "balanced")
    entries: list[RaceEntry] = []
    configs = _levels(proposed)
    for config in configs:
        tell(f"measuring {config.method}, {_told(config)}")
        entries.append(_measure(profiled, config, selector, level, tradeoff, seed, limits, config == proposed))
    places = sorted(range(len(entries)), key=lambda place: _worth(entries[place]), reverse=True)
    best = configs[places[0]] if entries[places[0]].score is not None else proposed
    told = (
        "the plan's own caution was the best" if best == proposed else f"{_told(best)} did better than the plan's own"
    )
    report = RaceReport(
        ended="splits", splits=1, cpu_seconds=round(process_time() - began + sum(e.cpu_seconds for e in entries), 1),
        max_seconds=0.0, entries=tuple(entries[i] for i in places), about_proposal=told,
    )  # fmt: skip
    plan = _with_choice(result.plan, best)
    return result.model_copy(
        update={"plan": plan, "race": report, "warnings": [*result.warnings, report.sentence, report.about_proposal]}
    )


def _measure(
    profiled: ProfiledSet,
    config: Hyperparameters,
    selector: ClinicalModelSelector,
    level: Compliance,
    tradeoff: Tradeoff,
    seed: int,
    limits: FitLimits | None,
    proposed: bool,
) -> RaceEntry:
    real = profiled.tables
    keys = real.keys()
    inside, outside = split_patients(len(keys), _HELD_OUT, seed)
    label = f"{config.method} ({_told(config)})"
    facts: dict[str, Any] = {
        "label": label, "method": config.method, "hyperparameters": config.knobs(), "proposed": proposed,
        "expected_score": 0.0, "error": None,
    }  # fmt: skip
    shield = protection_by(selector.settings, level)
    try:
        made = fit_set(
            real.take(keys[inside]), config, patients=len(keys), seed=seed, limits=limits, protection=shield,
            environments=Path(selector.settings.selector_environments).expanduser(),
        )  # fmt: skip
    except FitFailed as error:
        return RaceEntry(**facts, score=None, fits=0, note=str(error))
    histories, patients = compare_histories(ComparedSets.of(real, made.tables, inside, outside, shield), seed)
    cost = made.run.fit_cpu_seconds + made.run.sample_seconds
    if patients is None:
        return RaceEntry(**facts, score=None, fits=1, cpu_seconds=round(cost, 2), note="too few patients to measure")
    fidelity = float(np.mean([_kept(history) for history in histories.values()]))
    risk = min(1.0, 2 * max(0.0, patients.membership.auc.value - 0.5))
    score = score_cell(tradeoff, fidelity, None, risk, cost)
    note = ""
    if patients.membership.auc.low > POLICIES[level].max_membership_auc or patients.overlap.copied:
        # A leak is outweighed by nothing.
        score, note = score - 1.0, "patients of the fit are told from others"
    return RaceEntry(
        **facts, score=round(score, 4), fits=1, fidelity=round(fidelity, 4), privacy=round(1 - risk, 4),
        cpu_seconds=round(cost, 2), note=note,
    )  # fmt: skip


def _worth(entry: RaceEntry) -> float:
    return -np.inf if entry.score is None else entry.score


def _kept(history: HistoryEvaluation) -> float:
    """1 less the mean of the distances."""
    figures = [history.figures[name] for name in _DISTANCES]
    return 1 - float(np.mean([min(1.0, figure) for figure in figures if figure is not None]))


def _of_histories(plan: ModelSelectionPlan) -> Hyperparameters:
    for config in (plan.choice, *plan.backups):
        if CATALOGUE[config.method].histories:
            return config
    raise NoFeasibleSynthesizer({plan.choice.method: "makes single rows, and no set of tables"})


def _levels(config: Hyperparameters) -> list[Hyperparameters]:
    """The plan's own configuration, then those of more caution, each once."""
    own = config.knobs()
    found: list[Hyperparameters] = []
    for level in _LEVELS:
        raised = {name: max(value, own[name]) for name, value in level.items() if name in own}
        candidate = type(config).model_validate({**config.model_dump(), **raised})
        if candidate not in found:
            found.append(candidate)
    return found


def _with_choice(plan: ModelSelectionPlan, config: Hyperparameters) -> ModelSelectionPlan:
    backups = [backup.model_dump() for backup in plan.backups if backup.method != config.method]
    return ModelSelectionPlan.model_validate({**plan.model_dump(), "choice": config.model_dump(), "backups": backups})


def _told(config: Hyperparameters) -> str:
    return ", ".join(f"{name} {value}" for name, value in config.knobs().items())


def _order(candidate: SetRound) -> tuple[int, int, int]:
    """A refused release is outweighed by nothing."""
    evaluation = candidate.evaluation
    return _RELEASES.index(evaluation.release), -len(evaluation.failed), -candidate.number
