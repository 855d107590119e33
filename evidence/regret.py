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

from ..schemas.policy import POLICIES, Compliance
from ..schemas.profile import SafeColumn, SafeProfile
from ..schemas.question import Constraints, Question
from ..schemas.request import Tradeoff
from ..synthesizers.catalogue import CATALOGUE
from ..synthesizers.sizing import TableShape
from .measured import Measured
from .recommender import rank_any
from .score import score_cell

__all__ = ["SCENARIOS", "Scenario", "Selector", "report_regret", "select_embedded"]

Selector = Callable[[Question, frozenset[str]], str | None]
"""A question and the origins it must not use → a method; None where it finds nothing feasible."""

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
    Scenario("no constraint"),
    Scenario("privacy-weighted", tradeoff="privacy"),
    Scenario("risk cap", compliance="hipaa_like", membership_cap=POLICIES["hipaa_like"].max_membership_auc),
    Scenario("DP, epsilon 1", require_dp=True),
    Scenario("saas licence", saas=True),
    Scenario("60 s budget", max_seconds=60.0),
    Scenario("the backend's four", allowed=("gaussian_copula", "ctgan", "tvae", "tabddpm")),
)


@dataclass(frozen=True, slots=True)
class _Judged:
    """One table in one scenario: the score of each method, by seed, and of each policy."""

    scenario: str
    table: str
    by_seed: dict[str, dict[int, float]]
    policies: dict[str, float]

    @property
    def oracle(self) -> float:
        return max(_mean(scores) for scores in self.by_seed.values())


def select_embedded(question: Question, left_out: frozenset[str]) -> str | None:
    """The embedded recommender's choice."""
    ranked = rank_any(question, left_out)
    return ranked[0].method if ranked else None


def report_regret(cells: Sequence[Measured], selector: Selector = select_embedded) -> dict[str, Any]:
    """Mean regret of the selector and of simple policies, by scenario and overall, with bootstrap intervals.

    On each table the methods measured there can be chosen; always-one is judged for those measured on every table.
    """
    tables = sorted({cell.table for cell in cells})
    methods = [
        method
        for method in CATALOGUE
        if {cell.table for cell in cells if cell.method == method} == set(tables) and tables
    ]
    judged = [
        one
        for scenario in SCENARIOS
        for table in tables
        if (one := _judge(scenario, [c for c in cells if c.table == table], methods, selector)) is not None
    ]
    names = ["selector", *(f"always {method}" for method in methods), "random feasible", "old rules", "noise floor"]
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
        "methods": methods,
        "not_on_every_table": [method for method in CATALOGUE if method not in methods],
        "scenarios": rows,
        "overall": overall,
        "findings": _findings(rows, overall, methods),
    }


def _judge(scenario: Scenario, cells: Sequence[Measured], methods: Sequence[str], selector: Selector) -> _Judged | None:
    here = {cell.method for cell in cells}
    offered = [method for method in scenario.allowed if method in here and _is_offered(method, scenario)]
    by_seed: dict[str, dict[int, float]] = {method: {} for method in offered}
    for cell in cells:
        if cell.method in by_seed:
            by_seed[cell.method][cell.seed] = _score(scenario, cell)
    if len(offered) < 2 or max((_mean(scores) for scores in by_seed.values()), default=0.0) == 0:
        return None
    shape, origin = cells[0].shape, cells[0].origin
    policies = {f"always {method}": _mean(by_seed.get(method, {})) for method in methods}
    chosen = selector(_question(scenario, shape, tuple(offered)), frozenset({origin}))
    policies["selector"] = _mean(by_seed.get(chosen or "", {}))
    policies["random feasible"] = float(np.mean([_mean(scores) for scores in by_seed.values()]))
    # The predecessor took TabDDPM to be best for clinical tables, and DP-CTGAN where privacy was asked for.
    policies["old rules"] = _mean(by_seed.get("dpctgan" if scenario.require_dp else "tabddpm", {}))
    floor = _noise_floor(by_seed)
    if floor is not None:
        policies["noise floor"] = floor
    return _Judged(scenario.name, cells[0].table, by_seed, policies)


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
    """What the best of the other seeds scores: even who knows the table cannot foresee a seed."""
    seeds = set.intersection(*(set(scores) for scores in by_seed.values()))
    if len(seeds) < 2:
        return None
    found = []
    for seed in seeds:
        others = {m: np.mean([scores[s] for s in seeds if s != seed]) for m, scores in by_seed.items()}
        found.append(by_seed[max(others, key=lambda m: float(others[m]))][seed])
    return float(np.mean(found))


def _question(scenario: Scenario, shape: TableShape, offered: tuple[str, ...]) -> Question:
    policy = POLICIES[scenario.compliance]
    constraints = Constraints(
        tradeoff=scenario.tradeoff,
        compliance=scenario.compliance,
        require_dp=scenario.require_dp,
        epsilon_max=min(scenario.epsilon_max, policy.max_epsilon),
        delta_max=min(policy.max_delta, 1 / (1.1 * shape.rows)),
        allowed=offered,
        deployment="saas" if scenario.saas else "internal",
        max_fit_seconds=scenario.max_seconds,
    )
    return Question(profile=_profile(shape), constraints=constraints)


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


def _findings(rows: list[dict[str, Any]], overall: dict[str, dict[str, float]], methods: Sequence[str]) -> list[str]:
    if not overall:
        return ["nothing can be judged: no method was measured on every table"]
    best = min((f"always {m}" for m in methods), key=lambda name: overall[name]["mean"])
    own, other = overall["selector"]["mean"], overall[best]["mean"]
    lines = [
        f"over all scenarios: selector {own:.3f}, best always-one ({best}) {other:.3f}: "
        + ("at most half" if own <= other / 2 else "more than half")
    ]
    for row in rows:
        regret = row["regret"]
        name = min((f"always {m}" for m in methods), key=lambda one: regret[one]["mean"])
        if regret["selector"]["mean"] > regret[name]["mean"]:
            lines.append(
                f"{row['scenario']}: {name} loses {regret[name]['mean']:.3f}, "
                f"the selector {regret['selector']['mean']:.3f}"
            )
    return lines
