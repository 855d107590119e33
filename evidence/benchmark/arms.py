"""Does the model add anything: ways to choose, asked the same questions, held against each other in pairs.

Every arm proposes up to four configurations for every measured table, the table's origin left out of what it knows.
With one fit its first proposal counts; with four, the one of them that was best on the other seeds, as if all four had
been fitted first: the same number of fits for everybody. Differences are paired by table and scenario and clustered by
origin. Two arms whose difference lies within ``MARGIN`` with 95 % confidence are called equivalent; the margin was
stated before anything was measured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ...schemas.errors import SettingsError
from ...schemas.methods import Hyperparameters
from ...schemas.question import Question
from ..recommender.ranking import rank_any
from .judging import Case, bootstrap_mean, make_case
from .results import Measured
from .scenarios import SCENARIOS

__all__ = [
    "ARM_WORDS", "COMPARISONS", "FITS", "MARGIN", "Arm", "ArmVerdict", "compare_arms", "judge_difference",
    "propose_embedded",
]  # fmt: skip

MARGIN = 0.01
"""Difference of two scores, or of two shares of goals, that nobody need care for."""
FITS = 4
"""Configurations that an arm may propose: a plan's choice and its three backups."""

Arm = Callable[[Question], Sequence[Hyperparameters]]
"""A question → proposals, best first; none where no answer could stand."""

ArmVerdict = Literal["equivalent", "better", "worse", "not settled"]

COMPARISONS = (
    ("embedded", "majority"),
    ("race", "embedded"),
    ("llm + evidence", "llm alone"),
    ("llm + evidence", "llm + shuffled evidence"),
    ("llm + evidence", "embedded"),
    ("llm + evidence", "race"),
)
"""Pairs whose difference answers something, where both were asked."""

ARM_WORDS = {
    "majority": "the candidates that were best most often on tables of other origins",
    "random": "what the constraints allow, drawn by lot: the mean of all draws",
    "embedded": "the recommender, without a language model",
    "race": "every candidate fitted first, the best on the other seeds taken",
    "llm alone": "the language model with the table's profile and no measured figure",
    "llm + evidence": "the same with the measured figures, as a selection asks it",
    "llm + shuffled evidence": "the same with each method given another's figures: who reads them falls for it",
    "one fit": "mean score of the arm's first proposal",
    "four fits": "mean score of the best of its four by other seeds",
    "equivalent": f"the difference lies within ±{MARGIN:g} with 95 % confidence, origins drawn anew",
}
"""Word of the report → what it means."""


@dataclass(frozen=True, slots=True)
class _Scored:
    case: Case
    one: dict[str, float]
    four: dict[str, float]
    """Empty, and no race among the others, where nothing was measured at two seeds."""


def propose_embedded(question: Question) -> list[Hyperparameters]:
    """The recommender's first four."""
    return [item.config for item in rank_any(question)[:FITS]]


def compare_arms(
    cells: Sequence[Measured], arms: Mapping[str, Arm], *, scenarios: Sequence[str] = ("none", "privacy", "risk cap")
) -> dict[str, Any]:
    """Scores of all arms and the differences of those in ``COMPARISONS``.

    Args:
        cells: Measured cells.
        arms: Name → arm; majority, random and race are added.
        scenarios: Those that are asked about, by name.

    Raises:
        SettingsError: A scenario is unknown, or no table can be judged.
    """
    by_name = {scenario.name: scenario for scenario in SCENARIOS}
    unknown = [name for name in scenarios if name not in by_name]
    if unknown:
        raise SettingsError(f"--scenarios: unknown {', '.join(unknown)}; known are {', '.join(by_name)}")
    tables: dict[str, list[Measured]] = {}
    for cell in cells:
        tables.setdefault(cell.table, []).append(cell)
    cases = [
        case
        for name in scenarios
        for own in tables.values()
        if by_name[name].takes(own[0]) and (case := make_case(by_name[name], own)) is not None
    ]
    if not cases:
        raise SettingsError("nothing can be judged: no table has two measured candidates")
    scored = [_score_case(case, cases, arms) for case in cases]
    raced = any(item.four for item in scored)
    names = ["majority", "random", *arms, *(["race"] if raced else [])]
    return {
        "tables": len({case.table for case in cases}),
        "origins": len({case.origin for case in cases}),
        "scenarios": list(scenarios),
        "margin": MARGIN,
        "arms": {
            name: {
                "one_fit": _mean([item.one[name] for item in scored if name in item.one]),
                "four_fits": _mean([item.four[name] for item in scored if item.four]) if raced else None,
                "by_scenario": {
                    scenario: _mean([i.one[name] for i in scored if i.case.scenario == scenario and name in i.one])
                    for scenario in scenarios
                    if any(item.case.scenario == scenario for item in scored)
                },
            }
            for name in names
        },
        "differences": [
            {"arm": first, "against": second, "fits": fits, **_difference(scored, first, second, fits)}
            for fits in ((1, FITS) if raced else (1,))
            for first, second in COMPARISONS
            if first in names and second in names
        ],
        "words": ARM_WORDS,
    }


def judge_difference(low: float, high: float, margin: float = MARGIN) -> ArmVerdict:
    """What an interval of the difference says; within the margin it is no matter on which side of 0 it lies."""
    if -margin <= low and high <= margin:
        return "equivalent"
    if low > 0:
        return "better"
    return "worse" if high < 0 else "not settled"


def _score_case(case: Case, cases: Sequence[Case], arms: Mapping[str, Arm]) -> _Scored:
    proposals: dict[str, list[str]] = {"majority": _majority(case, cases)}
    for name, arm in arms.items():
        labels = [case.label_of(config) for config in list(arm(case.question))[:FITS]]
        proposals[name] = [label for label in labels if label is not None]
    one = {name: case.score(labels[0] if labels else None) for name, labels in proposals.items()}
    one["random"] = _mean([case.score(label) for label in case.feasible])
    if case.split_best is None:
        return _Scored(case, one, {})
    four = {name: case.raced(labels) for name, labels in proposals.items()}
    four["random"] = _mean([case.raced(draw) for draw in _draws(case.feasible)])
    one["race"] = four["race"] = case.raced(case.feasible)
    return _Scored(case, one, four)


def _majority(case: Case, cases: Sequence[Case]) -> list[str]:
    """What was best most often on other origins' tables under the same constraints, most often first."""
    won = Counter(
        max(other.by_seed, key=other.score)
        for other in cases
        if other.scenario == case.scenario and other.origin != case.origin
    )
    return [label for label, _ in sorted(won.items(), key=lambda item: (-item[1], item[0]))][:FITS]


def _draws(labels: Sequence[str]) -> list[list[str]]:
    """Twenty draws of four, or all where there are no more."""
    if len(labels) <= FITS:
        return [list(labels)]
    rng = np.random.default_rng(0)
    return [[labels[i] for i in rng.permutation(len(labels))[:FITS]] for _ in range(20)]


def _difference(scored: Sequence[_Scored], first: str, second: str, fits: int) -> dict[str, Any]:
    groups: dict[str, list[float]] = {}
    for item in scored:
        scores = item.one if fits == 1 else item.four
        if first not in scores or second not in scores:
            continue
        groups.setdefault(item.case.origin, []).append(scores[first] - scores[second])
    mean, low, high = bootstrap_mean(list(groups.values()))
    return {"mean": mean, "low": low, "high": high, "verdict": judge_difference(low, high)}


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0
