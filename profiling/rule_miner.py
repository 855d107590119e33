"""Find the rules that hold in a table; local, counted by person, and only what chance would break."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from ..schemas.table.rules import Determines, ImpliesMissing, MinedRule, NotAbove, Rule

__all__ = ["LEAST_BROKEN_BY_CHANCE", "LEAST_SUPPORT", "mine_rules"]

LEAST_SUPPORT = 20
"""Persons that a rule must speak of (judgement)."""
LEAST_BROKEN_BY_CHANCE = 0.02
"""Share of rows that must break a rule among independent columns; what they keep too says nothing (judgement)."""
MOST_RULES = 200
_MOST_COLUMNS = 80
_MOST_LEVELS = 200
_LEVELS_WITH_CONDITIONS = 12
_CHANCE_ROWS = 2000

Codes = np.ndarray[Any, np.dtype[np.int64]]


def mine_rules(
    table: pd.DataFrame, *, persons: pd.Series | None = None, least_support: int = LEAST_SUPPORT,
    least_confidence: float = 1.0,
) -> tuple[MinedRule, ...]:  # fmt: skip
    """Rules between two columns, those that say most first.

    Args:
        table: Its rows; dates as dates. Of more than 80 columns the first are looked at.
        persons: Whose row each one is; by default every row is a person's.
        least_support: Persons that a rule must speak of.
        least_confidence: Share of them that must keep it.
    """
    owners = np.arange(len(table)) if persons is None else pd.factorize(persons.to_numpy(), use_na_sentinel=False)[0]
    names = list(table.columns)[:_MOST_COLUMNS]
    found: list[MinedRule] = []
    for rule, applies, broken, chance in _candidates(table, names):
        if chance < LEAST_BROKEN_BY_CHANCE:
            continue
        support = len(np.unique(owners[applies]))
        if support < least_support:
            continue
        confidence = 1 - len(np.unique(owners[broken])) / support
        if confidence >= least_confidence:
            found.append(MinedRule(rule=rule, support=support, confidence=confidence, by_chance=min(1.0, chance)))
    found.sort(key=lambda mined: (-mined.by_chance, str(mined.rule)))
    return tuple(found[:MOST_RULES])


_Candidate = tuple[Rule, np.ndarray[Any, Any], np.ndarray[Any, Any], float]
"""Rule, rows it speaks of, rows that break it, share that would break it by chance."""


def _candidates(table: pd.DataFrame, names: list[Any]) -> Iterator[_Candidate]:
    numbers = {name: _number(table[name]) for name in names if _is_ordered(table[name])}
    gaps = {name: table[name].isna().to_numpy() for name in names}
    levels = {}
    for name in names:
        codes, distinct = pd.factorize(table[name])
        if 2 <= len(distinct) <= min(_MOST_LEVELS, len(table) / 3):
            levels[name] = codes, distinct
    for first in names:
        for second in names:
            if first == second:
                continue
            if first in levels and second in levels:
                yield from _determines(first, second, levels[first][0], levels[second][0])
            if first in numbers and second in numbers:
                yield from _not_above(first, second, numbers[first], numbers[second])
            if gaps[second].any() and not gaps[second].all():
                yield from _implies_missing(first, second, gaps[first], gaps[second], levels.get(first))


def _determines(first: Any, second: Any, one: Codes, other: Codes) -> Iterator[_Candidate]:
    known = (one >= 0) & (other >= 0)
    if known.sum() < 2:
        return
    a, b = one[known], other[known]
    width = int(b.max()) + 1
    pairs, counts = np.unique(a * width + b, return_counts=True)
    sizes = np.bincount(pairs // width, counts)
    # A level that comes once determines everything.
    repeated = sizes[a] >= 2
    if not repeated.any():
        return
    shares = np.bincount(b) / len(b)
    chance = float(repeated.mean() * (1 - (shares**2).sum()))
    # The commonest partner of each level is what it determines.
    order = np.lexsort((-counts, pairs // width))
    heads = order[np.unique((pairs // width)[order], return_index=True)[1]]
    partner = np.full(len(sizes), -1)
    partner[(pairs // width)[heads]] = (pairs % width)[heads]
    applies, broken = np.zeros(len(one), dtype=bool), np.zeros(len(one), dtype=bool)
    applies[known] = repeated
    broken[known] = repeated & (partner[a] != b)
    yield Determines(determinant=str(first), dependent=str(second)), applies, broken, chance


def _not_above(first: Any, second: Any, one: Any, other: Any) -> Iterator[_Candidate]:
    known = ~(np.isnan(one) | np.isnan(other))
    if known.sum() < 2:
        return
    a, b = one[known], other[known]
    rows = np.random.default_rng(0).integers(0, len(a), (2, _CHANCE_ROWS))
    drawn_a, drawn_b = a[rows[0]], b[rows[1]]
    strict = bool((a < b).mean() >= (a <= b).mean() and (a != b).all())
    broken = np.zeros(len(one), dtype=bool)
    broken[known] = (a >= b) if strict else (a > b)
    chance = float((drawn_a >= drawn_b).mean() if strict else (drawn_a > drawn_b).mean())
    yield NotAbove(lower=str(first), upper=str(second), strict=strict), known, broken, chance


def _implies_missing(
    first: Any, second: Any, gone: Any, other_gone: Any, levels: tuple[Codes, Any] | None
) -> Iterator[_Candidate]:
    present = float(1 - other_gone.mean())
    if gone.any() and not gone.all():
        chance = float(gone.mean() * present)
        rule = ImpliesMissing(condition=str(first), missing=str(second))
        yield rule, gone, gone & ~other_gone, chance
    if levels is None or len(levels[1]) > _LEVELS_WITH_CONDITIONS:
        return
    for code, level in enumerate(levels[1]):
        at = levels[0] == code
        rule = ImpliesMissing(condition=str(first), level=str(level), missing=str(second))
        yield rule, at, at & ~other_gone, float(at.mean() * present)


def _is_ordered(cells: pd.Series) -> bool:
    if pd.api.types.is_bool_dtype(cells.dtype):
        return False
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return True
    # Codes such as 0 and 1 have an order that means nothing.
    return bool(pd.api.types.is_numeric_dtype(cells.dtype) and cells.nunique() > 5)


def _number(cells: pd.Series) -> Any:
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        values = cells.astype("datetime64[s]").astype("int64").to_numpy(dtype=float)
        return np.where(cells.isna().to_numpy(), np.nan, values)
    return cells.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
