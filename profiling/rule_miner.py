"""Find the rules that hold in a table; local, counted by person, and only what chance would break."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ..schemas.table.rules import (
    Determines,
    ImpliesLevel,
    ImpliesMissing,
    MinedRule,
    NotAbove,
    Rule,
    SumsTo,
)

__all__ = ["LEAST_BROKEN_BY_CHANCE", "LEAST_SUPPORT", "mine_rules"]

LEAST_SUPPORT = 20
"""Persons that a rule must speak of (judgement)."""
LEAST_BROKEN_BY_CHANCE = 0.02
"""Share of rows that must break a rule among independent columns; what they keep too says nothing (judgement)."""
LEAST_EXPECTED = 12
"""Persons that must break a rule among independent columns: fewer, and a small table keeps some rules by luck."""
MOST_RULES = 200
_MOST_ROWS = 5_000
_MOST_COLUMNS = 80
_MOST_LEVELS = 5_000
_LEVELS_WITH_CONDITIONS = 12
_MOST_SUMMANDS = 40
_FIRST_ROWS = 200
"""Rows that a sum must hold in before the others are looked at."""
_CHANCE_ROWS = 2000
_ROUNDING = 1e-6
"""What a sum of decimals may be off by."""

Codes = np.ndarray[Any, np.dtype[np.int64]]


def mine_rules(
    table: pd.DataFrame, *, persons: pd.Series | None = None, least_support: int = LEAST_SUPPORT,
    least_confidence: float = 1.0,
) -> tuple[MinedRule, ...]:  # fmt: skip
    """Rules between two columns, those that say most first.

    Args:
        table: Its rows; dates as dates. Of more than 80 columns the first are looked at, of more than 5,000 rows those
            of a sample of persons.
        persons: Whose row each one is; by default every row is a person's.
        least_support: Persons that a rule must speak of.
        least_confidence: Share of them that must keep it.
    """
    owners = np.arange(len(table)) if persons is None else pd.factorize(persons.to_numpy(), use_na_sentinel=False)[0]
    if len(table) > _MOST_ROWS:
        rows = _some_persons(owners)
        table, owners = table.iloc[rows].reset_index(drop=True), owners[rows]
    everybody = len(np.unique(owners))
    names = list(table.columns)[:_MOST_COLUMNS]
    mined_rules: list[MinedRule] = []
    for rule, applies, broken, chance in _candidates(table, names):
        if chance < LEAST_BROKEN_BY_CHANCE or chance * everybody < LEAST_EXPECTED:
            continue
        support = len(np.unique(owners[applies]))
        if support < least_support:
            continue
        confidence = 1 - len(np.unique(owners[broken])) / support
        if confidence >= least_confidence:
            mined_rules.append(MinedRule(rule=rule, support=support, confidence=confidence, by_chance=min(1.0, chance)))
    mined_rules.sort(key=lambda mined: (-mined.by_chance, str(mined.rule)))
    return tuple(mined_rules[:MOST_RULES])


_Candidate = tuple[Rule, np.ndarray[Any, Any], np.ndarray[Any, Any], float]
"""Rule, rows it speaks of, rows that break it, share that would break it by chance."""


def _some_persons(owners: Codes) -> Codes:
    """Rows of as many persons, drawn at random, as have so many rows together."""
    persons, sizes = np.unique(owners, return_counts=True)
    drawn = np.random.default_rng(0).permutation(len(persons))
    kept = drawn[: max(1, int(np.searchsorted(np.cumsum(sizes[drawn]), _MOST_ROWS)))]
    return np.flatnonzero(np.isin(owners, persons[kept]))


def _candidates(table: pd.DataFrame, names: list[Any]) -> Iterator[_Candidate]:
    numbers = {name: _number(table[name]) for name in names if _is_ordered(table[name])}
    gaps = {name: table[name].isna().to_numpy() for name in names}
    levels = {}
    for name in names:
        codes, distinct = pd.factorize(table[name])
        if 2 <= len(distinct) <= _MOST_LEVELS and _repeat(codes):
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
    yield from _sums_to(table, {name: values for name, values in numbers.items() if not _is_date(table[name])})
    yield from _implies_level({name: pair for name, pair in levels.items() if len(pair[1]) <= _LEVELS_WITH_CONDITIONS})


def _repeat(codes: Codes) -> bool:
    """At least half of the known cells have an equal."""
    present = codes[codes >= 0]
    return len(present) > 0 and float((np.bincount(present)[present] >= 2).mean()) >= 0.5


def _determines(first: Any, second: Any, codes: Codes, other_codes: Codes) -> Iterator[_Candidate]:
    present = (codes >= 0) & (other_codes >= 0)
    if present.sum() < 2:
        return
    a, b = codes[present], other_codes[present]
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
    applies, broken = np.zeros(len(codes), dtype=bool), np.zeros(len(codes), dtype=bool)
    applies[present] = repeated
    broken[present] = repeated & (partner[a] != b)
    yield Determines(determinant=str(first), dependent=str(second)), applies, broken, chance


def _not_above(first: Any, second: Any, numbers: Any, other_numbers: Any) -> Iterator[_Candidate]:
    present = ~(np.isnan(numbers) | np.isnan(other_numbers))
    if present.sum() < 2:
        return
    a, b = numbers[present], other_numbers[present]
    rows = np.random.default_rng(0).integers(0, len(a), (2, _CHANCE_ROWS))
    drawn_a, drawn_b = a[rows[0]], b[rows[1]]
    strict = bool((a < b).mean() >= (a <= b).mean() and (a != b).all())
    broken = np.zeros(len(numbers), dtype=bool)
    broken[present] = (a >= b) if strict else (a > b)
    chance = float((drawn_a >= drawn_b).mean() if strict else (drawn_a > drawn_b).mean())
    yield NotAbove(lower=str(first), upper=str(second), strict=strict), present, broken, chance


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


def _sums_to(table: pd.DataFrame, numbers: Mapping[Any, Any]) -> Iterator[_Candidate]:
    """One column is the sum of two others."""
    names = list(numbers)[:_MOST_SUMMANDS]
    if len(names) < 3:
        return
    whole = np.column_stack([numbers[name] for name in names])
    first = whole[:_FIRST_ROWS]
    for a, b in combinations(range(len(names)), 2):
        sums = first[:, a] + first[:, b]
        far = np.abs(first - sums[:, None]) > _ROUNDING
        for total in np.flatnonzero(~far.any(axis=0)).tolist():
            if total in (a, b):
                continue
            present = ~np.isnan(whole[:, [a, b, total]]).any(axis=1)
            # Where a part is mostly zero, the total is the other part.
            if present.sum() < 2 or min((whole[present, part] != 0).mean() for part in (a, b)) < LEAST_BROKEN_BY_CHANCE:
                continue
            wrong = np.abs(whole[:, a] + whole[:, b] - whole[:, total]) > _ROUNDING
            rows = np.random.default_rng(0).integers(0, int(present.sum()), (3, _CHANCE_ROWS))
            drawn = [whole[present, part][rows[at]] for at, part in enumerate((a, b, total))]
            chance = float((np.abs(drawn[0] + drawn[1] - drawn[2]) > _ROUNDING).mean())
            rule = SumsTo(parts=(str(names[a]), str(names[b])), total=str(names[total]))
            yield rule, present, present & wrong, chance


def _implies_level(levels: Mapping[Any, tuple[Codes, Any]]) -> Iterator[_Candidate]:
    """A level of one column goes with one level of another, though not each of its levels does."""
    owner, flags = [], []
    for name, (codes, distinct) in levels.items():
        for code in range(len(distinct)):
            owner.append((name, code))
            flags.append(codes == code)
    if not flags:
        return
    hot = np.array(flags, dtype=np.float32)
    together = hot @ hot.T
    starts = {name: at for at, (name, code) in reversed(list(enumerate(owner)))}
    for second, (codes, distinct) in levels.items():
        block = together[:, starts[second] : starts[second] + len(distinct)]
        sizes, most = block.sum(axis=1), block.max(axis=1)
        shares = np.bincount(codes[codes >= 0]) / max(int((codes >= 0).sum()), 1)
        single = (sizes > 0) & (most == sizes)
        for at in np.flatnonzero(single).tolist():
            first, code = owner[at]
            alone = single[starts[first] : starts[first] + len(levels[first][1])]
            if first == second or alone.all():
                continue
            value = int(block[at].argmax())
            applies = (levels[first][0] == code) & (codes >= 0)
            rule = ImpliesLevel(
                condition=str(first), level=str(levels[first][1][code]), column=str(second), value=str(distinct[value])
            )
            yield rule, applies, np.zeros(len(codes), dtype=bool), float(applies.mean() * (1 - shares[value]))


def _is_date(cells: pd.Series) -> bool:
    return bool(pd.api.types.is_datetime64_any_dtype(cells.dtype))


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
