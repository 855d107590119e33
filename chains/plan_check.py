"""The plan check: does an answer fit the table, the catalogue and the policy?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig

from ..schemas.methods import CATALOGUE
from ..schemas.plan import MAX_SYNTH_ROWS, ModelSelectionPlan, SynthesizerConfig
from ..schemas.question import Constraints, Question
from ..synthesizers.feasibility import assess, config_obstacles, method_obstacles
from ..synthesizers.sizing import TableShape

__all__ = ["PlanCheck", "Violation", "check_plan", "plan_cautions"]

_FEWEST_BACKUPS = 2
"""Wherever so many others are feasible."""

_LEAST_SHARE = 0.1
"""Of the table's rows: the least that ``sample_multiplier`` allows, and ``max_synth_rows`` must not undercut it."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One reason why a plan cannot stand; shaped like a pydantic error so that a repair can carry both alike."""

    loc: tuple[str | int, ...]
    type: str
    msg: str


class PlanCheck(Runnable[ModelSelectionPlan, tuple[Violation, ...]]):
    """The plan check as a step of its own, so that a trace shows what was wrong."""

    name = "check"

    def __init__(self, question: Question) -> None:
        self._question = question

    def invoke(
        self, input: ModelSelectionPlan, config: RunnableConfig | None = None, **kwargs: Any
    ) -> tuple[Violation, ...]:
        """Everything that table, catalogue or policy forbid in the plan."""
        return self._call_with_config(self._check, input, config)

    async def ainvoke(
        self, input: ModelSelectionPlan, config: RunnableConfig | None = None, **kwargs: Any
    ) -> tuple[Violation, ...]:
        """As ``invoke``; it computes for a millisecond, which is not worth a thread."""
        return await self._acall_with_config(self._acheck, input, config)

    def _check(self, plan: ModelSelectionPlan) -> tuple[Violation, ...]:
        return check_plan(plan, self._question)

    async def _acheck(self, plan: ModelSelectionPlan) -> tuple[Violation, ...]:
        return check_plan(plan, self._question)


def check_plan(plan: ModelSelectionPlan, question: Question) -> tuple[Violation, ...]:
    """Everything in the plan that table, catalogue or policy forbid; empty when it may run.

    The plan's own rules (ranges, cross rules, methods all different, budget covers the choice) hold already: they are
    part of its schema.
    """
    shape = TableShape.of(question.profile)
    constraints = question.constraints
    violations = list(_check_config(plan.choice, ("choice",), shape, constraints))
    for index, backup in enumerate(plan.backups):
        violations.extend(_check_config(backup, ("backups", index), shape, constraints))
    violations.extend(_check_backups(plan, question))
    violations.extend(_check_budget(plan, constraints))
    violations.extend(_check_rows(plan, question))
    violations.extend(_check_emphasis(plan, question))
    return tuple(violations)


def plan_cautions(plan: ModelSelectionPlan, question: Question) -> list[str]:
    """What the caller should know about a plan that may run."""
    policy = question.constraints.policy
    cautions: list[str] = []
    if policy.dp_recommended and not plan.dp.enabled:
        cautions.append(
            f"{question.constraints.compliance} recommends differential privacy; this plan has none, so its disclosure "
            "risk can be measured but not bounded"
        )
    patients = question.profile.patients
    if patients is not None and patients < policy.min_rows:
        cautions.append(
            f"about {patients} patients, and {question.constraints.compliance} asks for {policy.min_rows} rows: each "
            "patient weighs heavily in the synthetic data, so measure disclosure risk by patient"
        )
    feasible = _feasible(question)
    if len(plan.backups) < _FEWEST_BACKUPS:
        cautions.append(
            f"only {len(feasible)} synthesizer{'s are' if len(feasible) > 1 else ' is'} feasible here "
            f"({', '.join(feasible)}): the plan has {len(plan.backups) or 'no'} backup{'s' * (not plan.backups)}"
        )
    single = not CATALOGUE[plan.choice.method].histories
    if single and patients is not None and patients < question.profile.rows:
        cautions.append("rows of one patient are modelled as if they were independent: within-patient order is lost")
    return cautions


def _check_config(
    config: SynthesizerConfig, loc: tuple[str | int, ...], shape: TableShape, constraints: Constraints
) -> Iterator[Violation]:
    obstacles = method_obstacles(config.method, shape, constraints)
    if obstacles:
        for obstacle in obstacles:
            yield Violation((*loc, "method"), obstacle.type, f"{config.method} cannot be used: {obstacle.message}")
        return
    for obstacle in config_obstacles(config, shape, constraints):
        yield Violation((*loc, config.method, obstacle.field or "method"), obstacle.type, obstacle.message)


def _check_backups(plan: ModelSelectionPlan, question: Question) -> Iterator[Violation]:
    wanted = min(_FEWEST_BACKUPS, len(_feasible(question)) - 1)
    if len(plan.backups) < wanted:
        yield Violation(("backups",), "too_few_backups", f"name at least {wanted}: so many others are feasible")


def _feasible(question: Question) -> list[str]:
    return [method for method, item in assess(question.profile, question.constraints).items() if item.feasible]


def _check_rows(plan: ModelSelectionPlan, question: Question) -> Iterator[Violation]:
    rows = question.profile.rows
    least = math.ceil(_LEAST_SHARE * min(rows, MAX_SYNTH_ROWS))
    if plan.max_synth_rows < least:
        yield Violation(("max_synth_rows",), "too_few_rows", f"must be at least {least}, a tenth of the table's rows")


def _check_emphasis(plan: ModelSelectionPlan, question: Question) -> Iterator[Violation]:
    aliases = {column.alias for column in question.profile.columns if column.role != "withheld"}
    if not set(plan.emphasis) <= aliases:
        yield Violation(("emphasis",), "unknown_alias", "must be aliases of columns that are modelled")


def _check_budget(plan: ModelSelectionPlan, constraints: Constraints) -> Iterator[Violation]:
    if plan.dp.epsilon is not None and plan.dp.epsilon > constraints.epsilon_max * (1 + 1e-9):
        yield Violation(("dp", "epsilon"), "epsilon", f"must be at most {constraints.epsilon_max:g}")
    if plan.dp.delta is not None and plan.dp.delta > constraints.delta_max * (1 + 1e-9):
        yield Violation(("dp", "delta"), "delta", f"must be at most {constraints.delta_max:g}")
