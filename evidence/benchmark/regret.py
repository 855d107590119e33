"""How much a selector loses against always knowing the best: regret over measured tables and scenarios.

The score of a choice is that of its cells (see ``score.py``), averaged over seeds; a choice that is infeasible in the
scenario, over its budget, over its risk cap, or whose fit failed scores 0. Every selector judges a table that it has
no measurement of: the table's origin is left out.

The best of few candidates on few seeds owes some of its lead to luck, so plain regret is too high for everybody.
Split-seed regret holds a policy against the candidate that was best on the other seeds, seed by seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...schemas.compliance import DEFAULT_COMPLIANCE, POLICIES
from ...schemas.methods import Hyperparameters
from ...schemas.profile import SafeColumn, SafeProfile
from ...schemas.question import Constraints, Question
from ...synthesizers.catalogue import CATALOGUE
from ...synthesizers.feasibility import assess
from ...synthesizers.sizing import TableShape
from ..disclosure.intervals import Interval
from ..recommender.ranking import rank_any
from ..recommender.weighing import score_cell
from ..thresholds import judge_membership
from .results import Measured
from .scenarios import SCENARIOS, WORDS, Scenario

__all__ = ["Selector", "bootstrap_mean", "report_regret", "select_embedded"]

Selector = Callable[[Question], Hyperparameters | None]
"""A question, which says what must not be used → a configuration; None where nothing feasible is found."""

_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class _Judged:
    """One table in one scenario: the score of each candidate, by seed, and of each policy."""

    scenario: str
    table: str
    origin: str
    by_seed: dict[str, dict[int, float]]
    policies: dict[str, float]
    split_best: float | None
    """Mean over seeds of the score of who was best on the other seeds; None without two seeds of two candidates."""

    @property
    def oracle(self) -> float:
        return max(_mean(scores) for scores in self.by_seed.values())

    def regret(self, policy: str, *, split_seed: bool) -> float | None:
        """None where the policy was not measured here, or nothing can be split."""
        best = self.split_best if split_seed else self.oracle
        return None if best is None or policy not in self.policies else best - self.policies[policy]


def select_embedded(question: Question) -> Hyperparameters | None:
    """The embedded recommender's choice."""
    ranked = rank_any(question)
    return ranked[0].config if ranked else None


def report_regret(cells: Sequence[Measured], selector: Selector = select_embedded) -> dict[str, Any]:
    """Mean regret of the selector and of simple policies, by scenario and overall, with bootstrap intervals.

    A candidate is a method at a measured level of caution, such as ``cart~0.25``. On each table the candidates measured
    there can be chosen; always-one is judged for those measured on every table.
    """
    by_table: dict[str, list[Measured]] = {}
    for cell in cells:
        by_table.setdefault(cell.table, []).append(cell)
    plain = [table for table, own in by_table.items() if not own[0].survival]
    seen: dict[str, set[str]] = {}
    for cell in cells:
        if cell.method in CATALOGUE:
            seen.setdefault(cell.label, set()).add(cell.table)
    candidates = sorted(label for label, own in seen.items() if own >= set(plain))
    judged = [
        one
        for scenario in SCENARIOS
        for own in by_table.values()
        if scenario.takes(own[0]) and (one := _judge(scenario, own, candidates, selector)) is not None
    ]
    always = [f"always {label}" for label in candidates]
    names = ["selector", *always, "random feasible", "old rules", "noise floor"]
    rows: list[dict[str, Any]] = []
    for scenario in SCENARIOS:
        own_cases = [one for one in judged if one.scenario == scenario.name]
        if own_cases:
            rows.append(
                {
                    "scenario": scenario.name,
                    "meaning": scenario.meaning,
                    "tables": len(own_cases),
                    "origins": len({one.origin for one in own_cases}),
                    "oracle": float(np.mean([one.oracle for one in own_cases])),
                    **_regrets(own_cases, names, always),
                }
            )
    every = _regrets(judged, names, always)
    overall = {name: mean for name, mean in every["regret"].items() if mean is not None}
    return {
        "tables": len(by_table),
        "origins": len({cell.origin for cell in cells}),
        "seeds": len({cell.seed for cell in cells}),
        "candidates": candidates,
        "not_on_every_table": sorted(set(seen) - set(candidates)),
        "before_protection": _before_protection(cells),
        "controls": _controls(cells),
        "scenarios": rows,
        "overall": overall,
        "overall_split_seed": every["split_seed"],
        "overall_against_best": every["against_best"],
        "findings": _findings(rows, every),
        "words": WORDS,
    }


def _regrets(judged: Sequence[_Judged], names: Sequence[str], always: Sequence[str]) -> dict[str, Any]:
    """Both regrets of every policy, and the selector's difference to the best fixed choice."""
    regret = {name: _interval(judged, _regret_of(name, split_seed=False)) for name in names}
    split = {name: _interval(judged, _regret_of(name, split_seed=True)) for name in names}
    measured = {name: figures["mean"] for name in always if (figures := regret[name]) is not None}
    against = None
    if measured:
        best = min(measured, key=measured.__getitem__)
        paired = _interval(judged, lambda one: one.policies[best] - one.policies["selector"])
        assert paired is not None
        against = {"best": best, **paired}
    return {"regret": regret, "split_seed": split, "against_best": against}


def _before_protection(cells: Sequence[Measured]) -> list[str]:
    """Methods whose cells are older than those they stand beside."""
    if all(cell.protection is None for cell in cells):
        return []
    return sorted({cell.method for cell in cells if cell.protection is None and cell.method in CATALOGUE})


def _controls(cells: Sequence[Measured]) -> dict[str, dict[str, int]]:
    """How often a row copy is caught, by its overlap or the membership attack, and independent columns are not accused.

    Where protection redrew or pooled most of what a row holds, its copy is no copy of a real row any more.
    """
    limit = POLICIES[DEFAULT_COMPLIANCE].max_membership_auc
    found = {}
    for name, wanted in (("row_copy", True), ("independent", False)):
        own = [
            (cell.copied, Interval(cell.membership_auc, cell.membership_low, cell.membership_high))
            for cell in cells
            if cell.method == name
            and cell.membership_auc is not None
            and cell.membership_low is not None
            and cell.membership_high is not None
        ]
        caught = [copied or judge_membership(auc, limit).outcome == "fail" for copied, auc in own]
        found[name] = {"cells": len(own), "as_expected": sum(one == wanted for one in caught)}
    return found


def _judge(
    scenario: Scenario, cells: Sequence[Measured], candidates: Sequence[str], selector: Selector
) -> _Judged | None:
    offered = [cell for cell in cells if cell.method in scenario.allowed and _is_offered(cell.method, scenario)]
    by_seed: dict[str, dict[int, float]] = {}
    for cell in offered:
        by_seed.setdefault(cell.label, {})[cell.seed] = _score(scenario, cell)
    if len(by_seed) < 2 or max(map(_mean, by_seed.values())) == 0:
        return None
    methods = tuple(dict.fromkeys(cell.method for cell in offered))
    question = _question(scenario, cells[0].shape, methods, cells[0].origin)
    feasible = {name for name, item in assess(question.profile, question.constraints).items() if item.feasible}
    policies = {f"always {label}": _mean(by_seed.get(label, {})) for label in candidates}
    policies["selector"] = _mean(by_seed.get(_chosen_label(selector(question), offered), {}))
    possible = {cell.label for cell in offered if cell.method in feasible}
    policies["random feasible"] = float(np.mean([_mean(by_seed[one]) for one in by_seed if one in possible] or [0.0]))
    # The predecessor took TabDDPM to be best for clinical tables, and DP-CTGAN where privacy was asked for.
    policies["old rules"] = _mean(by_seed.get("dpctgan" if scenario.require_dp else "tabddpm", {}))
    floor = _noise_floor(by_seed)
    if floor is not None:
        policies["noise floor"] = floor
    return _Judged(scenario.name, cells[0].table, cells[0].origin, by_seed, policies, floor)


def _chosen_label(chosen: Hyperparameters | None, offered: Sequence[Measured]) -> str:
    """The measured candidate whose hyper-parameters come nearest to ``chosen``."""
    own = [cell for cell in offered if chosen is not None and cell.method == chosen.method]
    with_knobs = [cell for cell in own if cell.knobs]
    if chosen is None or not own:
        return ""
    return min(with_knobs or own, key=lambda cell: cell.config.distance(chosen)).label


def _is_offered(method: str, scenario: Scenario) -> bool:
    entry = CATALOGUE[method]
    return not (scenario.require_dp and entry.dp is None) and not (scenario.saas and entry.source_available_only)


def _score(scenario: Scenario, cell: Measured) -> float:
    if cell.failure is not None or cell.fidelity is None or cell.risk is None:
        return 0.0
    if scenario.max_seconds is not None and (cell.cpu_seconds or 0.0) > scenario.max_seconds:
        return 0.0
    if scenario.membership_cap is not None and (cell.membership_auc or 0.0) > scenario.membership_cap:
        return 0.0
    utility = cell.utility
    if scenario.survival:
        parts = [value for value in (cell.utility, cell.survival_utility) if value is not None]
        utility = sum(parts) / len(parts) if parts else None
    return score_cell(scenario.tradeoff, cell.fidelity, utility, cell.risk, cell.cpu_seconds or 0.0)


def _noise_floor(by_seed: dict[str, dict[int, float]]) -> float | None:
    """What the best of the other seeds scores: even who knows the table cannot foresee a seed.

    Among the candidates that were measured at more than one seed.
    """
    several = {label: scores for label, scores in by_seed.items() if len(scores) > 1}
    seeds = set.intersection(*(set(scores) for scores in several.values())) if several else set()
    if len(seeds) < 2:
        return None
    found = []
    for seed in seeds:
        others = {m: np.mean([scores[s] for s in seeds if s != seed]) for m, scores in several.items()}
        found.append(several[max(others, key=lambda m: float(others[m]))][seed])
    return float(np.mean(found))


def _question(scenario: Scenario, shape: TableShape, methods: tuple[str, ...], origin: str) -> Question:
    policy = POLICIES[scenario.compliance]
    constraints = Constraints(
        tradeoff=scenario.tradeoff,
        compliance=scenario.compliance,
        require_dp=scenario.require_dp,
        epsilon_max=min(scenario.epsilon_max, policy.max_epsilon),
        delta_max=policy.delta_for(shape.rows),
        allowed=methods,
        deployment="saas" if scenario.saas else "internal",
        max_fit_seconds=scenario.max_seconds,
    )
    return Question(profile=_profile(shape), constraints=constraints, left_out=frozenset({origin}))


def _profile(shape: TableShape) -> SafeProfile:
    """A safe profile of this shape: all that a benchmark's result keeps of its table."""
    categorical = shape.columns - shape.continuous
    levels = [shape.max_levels] + [max(2, (shape.levels - shape.max_levels) // max(1, categorical - 1))] * (
        categorical - 1
    )
    columns = []
    for i in range(shape.columns):
        many = 0 if i < shape.continuous else max(1, levels[i - shape.continuous])
        columns.append(
            SafeColumn(
                alias=f"c{i + 1}",
                kind="categorical" if many else "continuous",
                role="feature",
                action="keep",
                direct_identifier=False,
                missing_share=shape.missing_share,
                distinct=many or 100,
                encoded_levels=many,
            )
        )
    return SafeProfile(rows=shape.rows, columns=tuple(columns))


def _mean(scores: dict[int, float]) -> float:
    return float(np.mean(list(scores.values()))) if scores else 0.0


def _regret_of(policy: str, *, split_seed: bool) -> Callable[[_Judged], float | None]:
    return lambda one: one.regret(policy, split_seed=split_seed)


def _interval(judged: Sequence[_Judged], value: Callable[[_Judged], float | None]) -> dict[str, float] | None:
    """Mean of ``value`` with a 95 % bootstrap interval over origins; None where it is nowhere known."""
    by_origin: dict[str, list[float]] = {}
    for one in judged:
        figure = value(one)
        if figure is not None:
            by_origin.setdefault(one.origin, []).append(figure)
    if not by_origin:
        return None
    mean, low, high = bootstrap_mean(list(by_origin.values()))
    return {"mean": mean, "low": low, "high": high}


def bootstrap_mean(groups: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Mean over all values, and its 95 % bootstrap interval where whole groups are drawn anew."""
    sums = np.array([sum(group) for group in groups])
    sizes = np.array([len(group) for group in groups])
    picked = np.random.default_rng(0).integers(0, len(groups), (_DRAWS, len(groups)))
    draws = sums[picked].sum(axis=1) / sizes[picked].sum(axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(sums.sum() / sizes.sum()), float(low), float(high)


def _findings(rows: Sequence[dict[str, Any]], every: dict[str, Any]) -> list[str]:
    if every["against_best"] is None:
        return ["nothing can be judged: no method was measured on every table"]
    return [_finding("over all scenarios", every), *(_finding(row["scenario"], row) for row in rows)]


def _finding(name: str, figures: dict[str, Any]) -> str:
    against, regret = figures["against_best"], figures["regret"]
    best, own = regret[against["best"]]["mean"], regret["selector"]["mean"]
    if against["low"] > 0:
        verdict = "worse beyond noise"
    elif against["high"] < 0:
        verdict = "better beyond noise"
    else:
        verdict = "equal within noise"
    half = "at most half" if own <= best / 2 else "more than half"
    return (
        f"{name}: selector {own:.3f}, {against['best']} {best:.3f}: {half}; difference {against['mean']:+.3f} "
        f"({against['low']:+.3f} to {against['high']:+.3f}), {verdict}"
    )
