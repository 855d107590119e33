"""Every proposed rule is tried on the real rows, by person: what they break is refused, and told with its reason."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...schemas.table.rules import (
    Determines,
    ImpliesLevel,
    ImpliesMissing,
    NotAbove,
    ProposedRule,
    Rule,
    RuleOrigin,
    SumsTo,
    Within,
)
from ...schemas.table.safe_levels import canonical_level
from ..encoding.comparable_cells import Array, as_number
from .violations import broken_rows, has_level, spoken_of

__all__ = ["LEAST_CONFIDENCE", "TriedRule", "try_rules"]

LEAST_CONFIDENCE = 0.99
"""Share of persons that must keep a rule."""
LEAST_SUPPORT = 20
"""Persons that a rule must speak of (judgement); no fewer than hold a value that may come out."""
_CHANCE_ROWS = 2000
_RANKED = re.compile(r"L([1-9]\d{0,3})")


@dataclass(frozen=True, slots=True)
class TriedRule:
    """A rule and how the real rows bear it out."""

    rule: Rule
    origin: RuleOrigin
    refused: str | None
    """Why it does not count; None where it does."""
    support: int = 0
    """Persons whose rows the rule speaks of."""
    confidence: float = 0.0
    """Share of those persons none of whose rows breaks it."""
    by_chance: float = 0.0
    """Of an order: share of rows of independent columns that would break it."""


def try_rules(
    proposed: Sequence[ProposedRule], table: pd.DataFrame, persons: pd.Series | None, k: int
) -> tuple[TriedRule, ...]:
    """Each rule once, with what speaks for it and whether it counts.

    Args:
        proposed: Rules from wherever; of equal ones the first counts.
        table: Treated real rows, missing codes as missing cells.
        persons: Whose row each one is; None counts every row as a person.
        k: Persons below whom nothing may be told.
    """
    owners = np.arange(len(table)) if persons is None else pd.factorize(persons.to_numpy(), use_na_sentinel=False)[0]
    tried: dict[Rule, TriedRule] = {}
    for item in proposed:
        if item.origin == "model":
            item = item.model_copy(update={"rule": _with_own_levels(item.rule, table)})
        if item.rule not in tried:
            tried[item.rule] = _try(item, table, owners, max(k, LEAST_SUPPORT))
    return tuple(tried.values())


def _try(item: ProposedRule, table: pd.DataFrame, owners: Array, least_support: int) -> TriedRule:
    rule = item.rule
    obstacle = _obstacle(rule, table)
    if obstacle is not None:
        return TriedRule(rule, item.origin, obstacle)
    applies = spoken_of(rule, table)
    support = len(np.unique(owners[applies]))
    if support < least_support:
        return TriedRule(rule, item.origin, f"speaks of fewer than {least_support} persons")
    confidence = 1 - len(np.unique(owners[broken_rows(rule, table, table)])) / support
    refused = None
    if confidence < LEAST_CONFIDENCE:
        # Two digits: an exact share of a table would tell of single persons.
        refused = f"the table breaks it: {1 - confidence:.0%} of the persons that it speaks of"
    elif isinstance(rule, Determines) and _says_nothing(rule, table):
        refused = "hardly any value of the first column occurs twice: it says nothing"
    chance = _broken_by_chance(rule, table) if isinstance(rule, NotAbove) else 0.0
    return TriedRule(rule, item.origin, refused, support, confidence, chance)


def _with_own_levels(rule: Rule, table: pd.DataFrame) -> Rule:
    """``rule`` with the table's levels in place of what a model was told they are called."""
    columns = {str(name): name for name in table.columns}
    if not isinstance(rule, ImpliesMissing | ImpliesLevel) or not set(rule.columns) <= set(columns):
        return rule
    named = {"level": (rule.condition, rule.level)}
    if isinstance(rule, ImpliesLevel):
        named["value"] = (rule.column, rule.value)
    levels = {
        field: _own_level(table[columns[name]], word) for field, (name, word) in named.items() if word is not None
    }
    return rule.model_copy(update=levels)


def _own_level(cells: pd.Series, word: str) -> str:
    """The level that the safe profile calls ``word``: a word of the closed vocabulary, or L and its rank."""
    if has_level(cells, word).any():
        return word
    levels = [str(level) for level in cells.value_counts().index]
    if match := _RANKED.fullmatch(word):
        return levels[int(match[1]) - 1] if int(match[1]) <= len(levels) else word
    return next((level for level in levels if canonical_level(level) == word), word)


def _obstacle(rule: Rule, table: pd.DataFrame) -> str | None:
    columns = {str(name): name for name in table.columns}
    if len(set(rule.columns)) < len(rule.columns):
        return "names a column twice"
    for name in rule.columns:
        if name not in columns:
            return f"column {name} is not modelled: it is unknown, left out, or an identifier"
    if isinstance(rule, NotAbove | SumsTo | Within):
        for name in rule.columns:
            if not _is_number(table[columns[name]]):
                return f"column {name} holds no numbers or dates"
    if isinstance(rule, NotAbove):
        first, second = (pd.api.types.is_numeric_dtype(table[columns[name]].dtype) for name in rule.columns)
        if first != second:
            return "compares a date with a number"
    return None


def _is_number(cells: pd.Series) -> bool:
    types = pd.api.types
    return bool(
        types.is_datetime64_any_dtype(cells.dtype)
        or types.is_timedelta64_dtype(cells.dtype)
        or (types.is_numeric_dtype(cells.dtype) and not types.is_bool_dtype(cells.dtype))
    )


def _says_nothing(rule: Determines, table: pd.DataFrame) -> bool:
    first = {str(name): name for name in table.columns}[rule.determinant]
    return bool(table[first].dropna().duplicated(keep=False).mean() < 0.5)


def _broken_by_chance(rule: NotAbove, table: pd.DataFrame) -> float:
    columns = {str(name): name for name in table.columns}
    a, b = (as_number(table[columns[name]]) for name in rule.columns)
    known = ~(np.isnan(a) | np.isnan(b))
    if not known.any():
        return 0.0
    rng = np.random.default_rng(0)
    drawn_a, drawn_b = (rng.choice(values[known], _CHANCE_ROWS) for values in (a, b))
    return float((drawn_a >= drawn_b).mean() if rule.strict else (drawn_a > drawn_b).mean())
