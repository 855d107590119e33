"""How much a selector loses against always knowing the best: regret over measured tables and scenarios.

The score of a choice is that of its cells (see ``score.py``), averaged over seeds; a choice that is infeasible in the
scenario, over its budget, over its risk cap, or whose fit failed scores 0. Every selector judges a table that it has
no measurement of: the table's origin is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...schemas.compliance import DEFAULT_COMPLIANCE, POLICIES, Compliance
from ...schemas.methods import Hyperparameters
from ...schemas.options import Tradeoff
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

__all__ = ["SCENARIOS", "Scenario", "Selector", "report_regret", "select_embedded"]

Selector = Callable[[Question], Hyperparameters | None]
"""A question, which says what must not be used → a configuration; None where nothing feasible is found."""

_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Scenario:
    """Constraints that a choice is made and judged under."""

    name: str
    tradeoff: Tradeoff = "balanced"
    compliance: Compliance = "research"
    membership_cap: float | None = None
    require_dp: bool = False
    epsilon_max: float = 1.0
    saas: bool = False
    max_seconds: float | None = None
    allowed: tuple[str, ...] = field(default=tuple(CATALOGUE))


SCENARIOS = (
    Scenario("none"),
    Scenario("privacy", tradeoff="privacy"),
    Scenario("risk cap", compliance="hipaa_like", membership_cap=POLICIES["hipaa_like"].max_membership_auc),
    Scenario("DP", require_dp=True),
    Scenario("saas", saas=True),
    Scenario("60 s", max_seconds=60.0),
    Scenario("backend", allowed=("gaussian_copula", "ctgan", "tvae", "tabddpm")),
)
"""No constraint; weights that favour low risk; a cap on the risk; DP with epsilon 1; a licence for services; a minute
of CPU; and the existing backend's own four methods."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """One table in one scenario: the score of each candidate, by seed, and of each policy."""

    scenario: str
    table: str
    by_seed: dict[str, dict[int, float]]
    policies: dict[str, float]

    @property
    def oracle(self) -> float:
        return max(_mean(scores) for scores in self.by_seed.values())


def select_embedded(question: Question) -> Hyperparameters | None:
    """The embedded recommender's choice."""
    ranked = rank_any(question)
    return ranked[0].config if ranked else None


def report_regret(cells: Sequence[Measured], selector: Selector = select_embedded) -> dict[str, Any]:
    """Mean regret of the selector and of simple policies, by scenario and overall, with bootstrap intervals.

    A candidate is a method at a measured level of caution, such as ``cart~0.25``. On each table the candidates measured
    there can be chosen; always-one is judged for those measured on every table.
    """
    tables = sorted({cell.table for cell in cells})
    seen: dict[str, set[str]] = {}
    for cell in cells:
        if cell.method in CATALOGUE:
            seen.setdefault(cell.label, set()).add(cell.table)
    candidates = sorted(label for label, own in seen.items() if own == set(tables))
    judged = [
        one
        for scenario in SCENARIOS
        for table in tables
        if (one := _judge(scenario, [c for c in cells if c.table == table], candidates, selector)) is not None
    ]
    always = [f"always {label}" for label in candidates]
    names = ["selector", *always, "random feasible", "old rules", "noise floor"]
    rows = []
    for scenario in SCENARIOS:
        own = [one for one in judged if one.scenario == scenario.name]
        if own:
            rows.append(
                {
                    "scenario": scenario.name,
                    "tables": len(own),
                    "oracle": float(np.mean([one.oracle for one in own])),
                    "regret": {name: _interval(own, name) for name in names},
                }
            )
    overall = {name: mean for name in names if (mean := _interval(judged, name)) is not None}
    return {
        "tables": len(tables),
        "seeds": len({cell.seed for cell in cells}),
        "candidates": candidates,
        "not_on_every_table": sorted(set(seen) - set(candidates)),
        "controls": _controls(cells),
        "scenarios": rows,
        "overall": overall,
        "findings": _findings(rows, overall, always),
    }


def _controls(cells: Sequence[Measured]) -> dict[str, dict[str, int]]:
    """How often the risk check says of a control what it must: a row copy fails, independent marginals do not."""
    limit = POLICIES[DEFAULT_COMPLIANCE].max_membership_auc
    found = {}
    for name, wanted in (("row_copy", True), ("independent", False)):
        own = [
            Interval(cell.membership_auc, cell.membership_low, cell.membership_high)
            for cell in cells
            if cell.method == name
            and cell.membership_auc is not None
            and cell.membership_low is not None
            and cell.membership_high is not None
        ]
        fails = [judge_membership(auc, limit).outcome == "fail" for auc in own]
        found[name] = {"cells": len(own), "as_expected": sum(one == wanted for one in fails)}
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
    return _Judged(scenario.name, cells[0].table, by_seed, policies)


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
    return score_cell(scenario.tradeoff, cell.fidelity, cell.utility, cell.risk, cell.cpu_seconds or 0.0)


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


def _interval(judged: Sequence[_Judged], name: str) -> dict[str, float] | None:
    """Mean regret with a 95 % bootstrap interval over tables."""
    known = [one for one in judged if name in one.policies]
    if not known:
        return None
    by_table: dict[str, list[float]] = {}
    for one in known:
        by_table.setdefault(one.table, []).append(one.oracle - one.policies[name])
    values = list(by_table.values())
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(_DRAWS):
        picked = rng.integers(0, len(values), len(values))
        draws.append(np.mean([x for i in picked for x in values[i]]))
    low, high = np.percentile(draws, [2.5, 97.5])
    return {"mean": float(np.mean([x for one in values for x in one])), "low": float(low), "high": float(high)}


def _findings(rows: list[dict[str, Any]], overall: dict[str, dict[str, float]], always: Sequence[str]) -> list[str]:
    if not overall or not always:
        return ["nothing can be judged: no method was measured on every table"]
    best = min(always, key=lambda name: overall[name]["mean"])
    own, other = overall["selector"]["mean"], overall[best]["mean"]
    lines = [
        f"over all scenarios: selector {own:.3f}, best always-one ({best}) {other:.3f}: "
        + ("at most half" if own <= other / 2 else "more than half")
    ]
    for row in rows:
        regret = row["regret"]
        name = min(always, key=lambda one: regret[one]["mean"])
        if regret["selector"]["mean"] > regret[name]["mean"] / 2:
            lines.append(
                f"{row['scenario']}: {name} loses {regret[name]['mean']:.3f}, "
                f"the selector {regret['selector']['mean']:.3f}"
            )
    return lines
