"""Goals in words whose right constraint stands in no field, with the right answers as data.

A goal is right where every condition of its ``right`` holds of the plan. What a plan must keep to is looked up in the
catalogue (family, licence, privacy) or counted (rows, seconds, hyper-parameters); the plan's rationale is not read.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ...schemas.base import Frozen, describe_error
from ...schemas.compliance import DEFAULT_COMPLIANCE, POLICIES
from ...schemas.errors import SettingsError
from ...schemas.plan import ModelSelectionPlan
from ...schemas.question import Constraints, Question
from ...synthesizers.catalogue import CATALOGUE
from ...synthesizers.sizing import TableShape, estimate_seconds
from .judging import profile_of_shape

__all__ = ["GOAL_TABLE", "Goal", "Right", "broken", "compare_on_goals", "question_for", "read_goals"]

GOAL_TABLE = TableShape(
    rows=1200, columns=14, continuous=6, levels=28, max_levels=6, high_cardinality=0, missing_share=0.03
)
"""The table that every goal is asked of: one on which all single-row methods are feasible."""


class Right(Frozen):
    """What a plan must keep to; a field that is left out asks for nothing."""

    private: bool | None = None
    """Whether the choice must be differentially private."""
    epsilon_at_most: float | None = None
    families: tuple[str, ...] | None = None
    """The choice must be of one of these."""
    not_families: tuple[str, ...] = ()
    methods: tuple[str, ...] | None = None
    not_methods: tuple[str, ...] = ()
    backups_too: bool = False
    """Families, methods, licence and installation hold for the backups as well."""
    own: bool | None = None
    """Needs no environment of its own."""
    free: bool | None = None
    """Its licence allows a service for third parties."""
    seconds_at_most: float | None = None
    rows_at_least: int | None = None
    rows_at_most: int | None = None
    knob: str | None = None
    """A hyper-parameter of the choice, where it has it …"""
    knob_at_least: float | None = None
    knob_at_most: float | None = None


class Goal(Frozen):
    """Words, and what is right."""

    name: str
    words: str
    right: Right


def read_goals(path: Path) -> tuple[Goal, ...]:
    """The goals of a TOML file, listed under ``[[goal]]``.

    Raises:
        SettingsError: The file cannot be read, or an entry is wrong; the message names it.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["goal"]
        goals = tuple(Goal.model_validate(entry) for entry in entries)
    except ValidationError as error:
        raise SettingsError(f"{path}: {describe_error(error)}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise SettingsError(f"{path}: not a list of goals ({type(error).__name__})") from None
    if len({goal.name for goal in goals}) != len(goals):
        raise SettingsError(f"{path}: two goals have one name")
    return goals


def question_for(goal: Goal) -> Question:
    """``goal`` asked of the table of goals, nothing of it in a field."""
    policy = POLICIES[DEFAULT_COMPLIANCE]
    constraints = Constraints(
        epsilon_max=policy.max_epsilon, delta_max=policy.delta_for(GOAL_TABLE.rows), goal=goal.words
    )
    return Question(profile=profile_of_shape(GOAL_TABLE), constraints=constraints)


def broken(goal: Goal, plan: ModelSelectionPlan | None) -> tuple[str, ...]:
    """Names of the conditions that ``plan`` breaks; ``no plan`` where there is none."""
    if plan is None:
        return ("no plan",)
    right, choice = goal.right, plan.choice
    entries = [CATALOGUE[method] for method in (plan.methods if right.backups_too else plan.methods[:1])]
    rows = min(round(plan.sample_multiplier * GOAL_TABLE.rows), plan.max_synth_rows)
    value = choice.knobs().get(right.knob) if right.knob is not None else None
    holds = {
        "private": right.private is None or choice.is_dp == right.private,
        "epsilon_at_most": right.epsilon_at_most is None or choice.total_epsilon <= right.epsilon_at_most + 1e-9,
        "families": right.families is None or all(entry.family in right.families for entry in entries),
        "not_families": all(entry.family not in right.not_families for entry in entries),
        "methods": right.methods is None or all(entry.method in right.methods for entry in entries),
        "not_methods": all(entry.method not in right.not_methods for entry in entries),
        "own": right.own is None or all((entry.environment is None) == right.own for entry in entries),
        "free": right.free is None or all(entry.source_available_only != right.free for entry in entries),
        "seconds_at_most": right.seconds_at_most is None
        or estimate_seconds(choice, GOAL_TABLE) <= right.seconds_at_most,
        "rows_at_least": right.rows_at_least is None or rows >= right.rows_at_least,
        "rows_at_most": right.rows_at_most is None or rows <= right.rows_at_most,
        "knob": right.knob is None or value is not None,
        "knob_at_least": value is None or right.knob_at_least is None or value >= right.knob_at_least,
        "knob_at_most": value is None or right.knob_at_most is None or value <= right.knob_at_most,
    }
    return tuple(name for name, kept in holds.items() if not kept)


def compare_on_goals(
    goals: Sequence[Goal], planners: Mapping[str, Callable[[Question], ModelSelectionPlan | None]]
) -> dict[str, Any]:
    """Share of the goals that each planner gets right, and what it broke."""
    found: dict[str, Any] = {}
    for name, planner in planners.items():
        faults = {goal.name: broken(goal, planner(question_for(goal))) for goal in goals}
        right = [goal for goal, names in faults.items() if not names]
        found[name] = {
            "right": len(right),
            "goals": len(goals),
            "share": len(right) / len(goals) if goals else 0.0,
            "broken": {goal: list(names) for goal, names in faults.items() if names},
        }
    return found
