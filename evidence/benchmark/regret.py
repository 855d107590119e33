"""How much a selector loses against always knowing the best: regret over measured tables and scenarios.

The score of a choice is that of its cells (see ``score.py``), averaged over seeds; a choice that is infeasible in the
scenario, over its budget, over its risk cap, or whose fit failed scores 0. Every selector judges a table that it has
no measurement of: the table's origin is left out.

The best of few candidates on few seeds owes some of its lead to luck, so plain regret is too high for everybody.
Split-seed regret holds a policy against the candidate that was best on the other seeds, seed by seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...schemas.compliance import DEFAULT_COMPLIANCE, POLICIES
from ...schemas.methods import Hyperparameters
from ...schemas.question import Question
from ...synthesizers.catalogue import CATALOGUE
from ..disclosure.intervals import Interval
from ..recommender.ranking import rank_any, rate_all, rate_config
from ..thresholds.disclosure import judge_membership
from .judging import Case, bootstrap_mean, make_case
from .results import Measured
from .scenarios import SCENARIOS, WORDS

__all__ = ["Selector", "report_regret", "select_embedded"]

Selector = Callable[[Question], Hyperparameters | None]
"""A question, which says what must not be used → a configuration; None where nothing feasible is found."""


_SHOWN = 3
"""Tables that a reason names at most."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """A case, and the score of each policy in it."""

    case: Case
    policies: dict[str, float]
    choice: str | None
    """What the selector chose, as the label of a measured candidate."""
    config: Hyperparameters | None
    """The same as the selector gave it."""

    def regret(self, policy: str, *, split_seed: bool) -> float | None:
        """None where the policy was not measured here, or nothing can be split."""
        best = self.case.split_best if split_seed else self.case.oracle
        return None if best is None or policy not in self.policies else best - self.policies[policy]


def _judge(case: Case, candidates: Sequence[str], selector: Selector, *, require_dp: bool) -> _Judged:
    config = selector(case.question)
    choice = case.label_of(config)
    policies = {
        **{f"always {label}": case.score(label) for label in candidates},
        "selector": case.score(choice),
        "random feasible": float(np.mean([case.score(label) for label in case.feasible] or [0.0])),
        # The predecessor took TabDDPM to be best for clinical tables, and DP-CTGAN where privacy was asked for.
        "old rules": case.score("dpctgan" if require_dp else "tabddpm"),
    }
    if case.split_best is not None:
        policies["noise floor"] = case.split_best
    return _Judged(case, policies, choice, config)


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
        _judge(case, sorted(seen), selector, require_dp=scenario.require_dp)
        for scenario in SCENARIOS
        for own in by_table.values()
        if scenario.takes(own[0]) and (case := make_case(scenario, own)) is not None
    ]
    always = [f"always {label}" for label in candidates]
    names = ["selector", *always, "random feasible", "old rules", "noise floor"]
    rows: list[dict[str, Any]] = []
    for scenario in SCENARIOS:
        own_cases = [one for one in judged if one.case.scenario == scenario.name]
        if own_cases:
            rows.append(
                {
                    "scenario": scenario.name,
                    "meaning": scenario.meaning,
                    "tables": len(own_cases),
                    "origins": len({one.case.origin for one in own_cases}),
                    "oracle": float(np.mean([one.case.oracle for one in own_cases])),
                    **_regrets(own_cases, names, _always(own_cases, seen)),
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
        "controls": _controls(cells),
        "scenarios": rows,
        "overall": overall,
        "overall_split_seed": every["split_seed"],
        "overall_against_best": every["against_best"],
        "findings": _findings(rows, every),
        "words": WORDS,
    }


def _always(judged: Sequence[_Judged], labels: Iterable[str]) -> list[str]:
    """The fixed choices that were measured in each of these cases."""
    return [f"always {label}" for label in sorted(labels) if all(label in one.case.by_seed for one in judged)]


def _regrets(judged: Sequence[_Judged], names: Sequence[str], always: Sequence[str]) -> dict[str, Any]:
    """Both regrets of every policy, and the selector's difference to the best fixed choice."""
    wanted = dict.fromkeys((*names, *always))
    regret = {name: _interval(judged, _regret_of(name, split_seed=False)) for name in wanted}
    split = {name: _interval(judged, _regret_of(name, split_seed=True)) for name in wanted}
    measured = {name: interval["mean"] for name in always if (interval := regret[name]) is not None}
    against = None
    if measured:
        best = min(measured, key=measured.__getitem__)
        paired = _interval(judged, lambda one: one.policies[best] - one.policies["selector"])
        assert paired is not None
        against = {"best": best, **paired}
    figures: dict[str, Any] = {"regret": regret, "split_seed": split, "against_best": against}
    return {**figures, "reason": None if against is None else _reason(judged, figures)}


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


def _regret_of(policy: str, *, split_seed: bool) -> Callable[[_Judged], float | None]:
    return lambda one: one.regret(policy, split_seed=split_seed)


def _interval(judged: Sequence[_Judged], value: Callable[[_Judged], float | None]) -> dict[str, float] | None:
    """Mean of ``value`` with a 95 % bootstrap interval over origins; None where it is nowhere known."""
    by_origin: dict[str, list[float]] = {}
    for one in judged:
        figure = value(one)
        if figure is not None:
            by_origin.setdefault(one.case.origin, []).append(figure)
    if not by_origin:
        return None
    mean, low, high = bootstrap_mean(list(by_origin.values()))
    return {"mean": mean, "low": low, "high": high}


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
    half = "at most half" if own <= best / 2 else f"more than half, for {figures['reason']}"
    return (
        f"{name}: selector {own:.3f}, {against['best']} {best:.3f}; difference {against['mean']:+.3f} "
        f"({against['low']:+.3f} to {against['high']:+.3f}), {verdict}; {half}"
    )


def _reason(judged: Sequence[_Judged], figures: dict[str, Any]) -> str:
    """Why the selector loses more than half of what the best fixed choice loses."""
    half = figures["regret"][figures["against_best"]["best"]]["mean"] / 2
    floor = figures["regret"]["noise floor"]
    if floor is not None and floor["mean"] >= half:
        return f"luck of single seeds: who knows the other seeds of the very table loses {floor['mean']:.3f}"
    dearest = sorted(((one.regret("selector", split_seed=False) or 0.0, one) for one in judged), key=lambda p: -p[0])
    left = sum(lost for lost, _ in dearest)
    # The dearest tables, until what is left lies within half.
    told: list[str] = []
    for lost, one in dearest[:_SHOWN]:
        if left / len(judged) <= half:
            break
        told.append(f"{one.case.table} ({one.choice}, {lost:.3f} lost; {_surprise(one)})")
        left -= lost
    return ", ".join(told)


def _surprise(judged: _Judged) -> str:
    """The figure of the choice that turned out furthest from its expectation."""
    case, config = judged.case, judged.config
    cells = [cell for cell in case.offered if cell.label == judged.choice and cell.failure is None]
    if config is None or not cells or config.method not in {item.method for item in rate_all(case.question)}:
        return "nothing of it was measured"
    expected = rate_config(config, case.question).expectation
    figures = []
    for name in ("fidelity", "utility", "risk"):
        values = [value for cell in cells if (value := getattr(cell, name)) is not None]
        if values:
            figures.append((name, getattr(expected, name), float(np.mean(values))))
    name, hoped, measured = max(figures, key=lambda item: abs(item[1] - item[2]))
    return f"{name} expected {hoped:.2f}, measured {measured:.2f}"
