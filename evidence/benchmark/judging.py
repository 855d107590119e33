"""One table in one scenario: what every candidate scored, and what somebody's choice scores there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ...schemas.compliance import POLICIES
from ...schemas.methods import Hyperparameters
from ...schemas.profile import SafeColumn, SafeProfile
from ...schemas.question import Constraints, Question
from ...synthesizers.catalogue import CATALOGUE
from ...synthesizers.feasibility import assess
from ...synthesizers.sizing import TableShape
from ..recommender.weighing import score_cell
from .results import Measured
from .scenarios import Scenario

__all__ = ["Case", "bootstrap_mean", "make_case", "profile_of_shape"]

_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Case:
    """A table under a scenario's constraints: the question, and the score of each candidate, seed by seed."""

    scenario: str
    table: str
    origin: str
    question: Question
    """As a selector is asked: the table's origin must be left out of what it knows."""
    by_seed: dict[str, dict[int, float]]
    """Candidate's label → seed → score."""
    feasible: tuple[str, ...]
    """Labels of what the constraints allow."""
    offered: tuple[Measured, ...] = field(repr=False)
    """The cells of all candidates."""

    @property
    def oracle(self) -> float:
        """Mean score of the best."""
        return max(self.score(label) for label in self.by_seed)

    @property
    def split_best(self) -> float | None:
        """Mean over seeds of the score of who was best on the other seeds; None without two seeds of two candidates."""
        several = [label for label, scores in self.by_seed.items() if len(scores) > 1]
        return self.raced(several) if len(several) > 1 else None

    def score(self, label: str | None) -> float:
        """Mean over seeds; 0 for what was not measured here."""
        return _mean(self.by_seed.get(label or "", {}))

    def raced(self, labels: Sequence[str]) -> float:
        """Mean over seeds of the score of that one of ``labels`` that was best on the other seeds.

        As if all of them had been fitted to the table first. Those measured at one seed alone cannot be raced; where
        that are all, the first of them counts.
        """
        known = [label for label in dict.fromkeys(labels) if label in self.by_seed]
        several = [label for label in known if len(self.by_seed[label]) > 1]
        if len(several) < 2:
            return self.score(next(iter(several or known), None))
        seeds = set.intersection(*(set(self.by_seed[label]) for label in several))
        if len(seeds) < 2:
            return self.score(several[0])
        won = []
        for seed in seeds:
            others = {label: _mean({s: self.by_seed[label][s] for s in seeds if s != seed}) for label in several}
            won.append(self.by_seed[max(several, key=others.__getitem__)][seed])
        return float(np.mean(won))

    def label_of(self, chosen: Hyperparameters | None) -> str | None:
        """The measured candidate whose hyper-parameters come nearest to ``chosen``; None where there is none."""
        own = [cell for cell in self.offered if chosen is not None and cell.method == chosen.method]
        if chosen is None or not own:
            return None
        with_knobs = [cell for cell in own if cell.knobs]
        return min(with_knobs or own, key=lambda cell: cell.config.distance(chosen)).label


def make_case(scenario: Scenario, cells: Sequence[Measured]) -> Case | None:
    """The cells of one table as a case; None where fewer than two candidates could be chosen, or none scores."""
    offered = [cell for cell in cells if cell.method in scenario.allowed and _is_offered(cell.method, scenario)]
    by_seed: dict[str, dict[int, float]] = {}
    for cell in offered:
        by_seed.setdefault(cell.label, {})[cell.seed] = _score(scenario, cell)
    if len(by_seed) < 2 or max(map(_mean, by_seed.values())) == 0:
        return None
    methods = tuple(dict.fromkeys(cell.method for cell in offered))
    question = _question(scenario, cells[0].shape, methods, cells[0].origin)
    allowed = {name for name, item in assess(question.profile, question.constraints).items() if item.feasible}
    feasible = tuple(dict.fromkeys(cell.label for cell in offered if cell.method in allowed))
    return Case(scenario.name, cells[0].table, cells[0].origin, question, by_seed, feasible, tuple(offered))


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
    return Question(profile=profile_of_shape(shape), constraints=constraints, left_out=frozenset({origin}))


def profile_of_shape(shape: TableShape) -> SafeProfile:
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
    return SafeProfile(rows=shape.rows, columns=tuple(columns), survival=shape.survival)


def _mean(scores: dict[int, float]) -> float:
    return float(np.mean(list(scores.values()))) if scores else 0.0


def bootstrap_mean(groups: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Mean over all values, and its 95 % bootstrap interval where whole groups are drawn anew."""
    sums = np.array([sum(group) for group in groups])
    sizes = np.array([len(group) for group in groups])
    picked = np.random.default_rng(0).integers(0, len(groups), (_DRAWS, len(groups)))
    draws = sums[picked].sum(axis=1) / sizes[picked].sum(axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(sums.sum() / sizes.sum()), float(low), float(high)
