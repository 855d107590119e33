"""Cells of drawn rows changed until no rule is broken, with values that the drawn table holds itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...schemas.table.rules import Determines, ImpliesLevel, ImpliesMissing, NotAbove, Rule, SumsTo, Within
from ..encoding.comparable_cells import Array, as_number
from .lookup import Lookup
from .violations import broken_rows, has_level

__all__ = ["repair_rows", "share_gaps"]

_PASSES = 3
"""A repair may break another rule; what is still broken then is told."""
_NEAR = 50
"""A number moves to one of the next 1/50 of its column's values."""


def repair_rows(
    table: pd.DataFrame, rules: Sequence[Rule], lookups: Mapping[Rule, Lookup], rng: np.random.Generator
) -> pd.DataFrame:
    """``table`` with as few cells changed as it takes.

    Args:
        table: Drawn rows, missing codes as missing cells.
        rules: In the order in which they are to be kept.
        lookups: Of the functional dependencies.
        rng: Of what is drawn.
    """
    columns = {str(name): table[name] for name in table.columns}
    names = {str(name): name for name in table.columns}
    for _ in range(_PASSES):
        changed = False
        for rule in rules:
            frame = pd.DataFrame({names[name]: columns[name] for name in rule.columns})
            lookup = lookups.get(rule)
            broken = broken_rows(rule, frame, frame) if lookup is None else ~lookup.allowed(frame)
            if broken.any():
                changed = True
                columns |= {str(name): cells for name, cells in _repaired(rule, frame, broken, lookup, rng).items()}
        if not changed:
            break
    return pd.DataFrame({names[name]: cells for name, cells in columns.items()})


def share_gaps(
    table: pd.DataFrame, rules: Sequence[Rule], apart: Collection[str], rng: np.random.Generator
) -> pd.DataFrame:
    """Columns that are only ever missing together follow the first of them: else one gap would empty all the others.

    Args:
        table: Drawn rows, missing codes as missing cells.
        rules: Those that count.
        apart: Columns with codes for a missing cell, which are left as they are.
        rng: Of the cells that fill a gap, drawn from their column.
    """
    pairs = {
        (rule.condition, rule.missing) for rule in rules if isinstance(rule, ImpliesMissing) and rule.level is None
    }
    leaders: list[Any] = []
    made = table.copy()
    for name in table.columns:
        mutual = (lead for lead in leaders if {(str(lead), str(name)), (str(name), str(lead))} <= pairs)
        leader = None if str(name) in apart else next(mutual, None)
        if leader is None:
            leaders.append(name)
            continue
        gone, own = made[leader].isna().to_numpy(), made[name].isna().to_numpy()
        known = np.flatnonzero(~own)
        if len(known):
            at = np.flatnonzero(own & ~gone)
            made[name] = _put(made[name], at, made[name].iloc[rng.choice(known, len(at))]).mask(gone)
    return made


def _repaired(
    rule: Rule, frame: pd.DataFrame, broken: Array, lookup: Lookup | None, rng: np.random.Generator
) -> dict[Any, pd.Series]:
    columns = {str(name): name for name in frame.columns}
    at = np.flatnonzero(broken)
    if isinstance(rule, Determines):
        if lookup is None:
            return _follow_the_majority(rule, frame, columns)
        name = columns[rule.dependent]
        return {name: _put(frame[name], at, lookup.draw(frame[columns[rule.determinant]].iloc[at], rng))}
    if isinstance(rule, ImpliesMissing):
        name = columns[rule.missing]
        return {name: frame[name].mask(broken)}
    if isinstance(rule, ImpliesLevel):
        name = columns[rule.column]
        holders = np.flatnonzero(has_level(frame[name], rule.value))
        if not len(holders):
            return {name: frame[name].mask(broken)}
        return {name: _put(frame[name], at, frame[name].iloc[np.repeat(holders[0], len(at))])}
    if isinstance(rule, Within):
        name = columns[rule.column]
        kept = np.flatnonzero(~broken & frame[name].notna().to_numpy())
        if not len(kept):
            return {}
        return {name: _put(frame[name], at, frame[name].iloc[rng.choice(kept, len(at))])}
    if isinstance(rule, NotAbove):
        return _ordered(rule, frame, at, columns, rng)
    assert isinstance(rule, SumsTo)
    return _added_up(rule, frame, broken, columns)


def _added_up(rule: SumsTo, frame: pd.DataFrame, broken: Array, columns: dict[str, Any]) -> dict[Any, pd.Series]:
    """The total becomes the sum where it has such values, else the row takes parts and total of one that adds up."""
    name = columns[rule.total]
    sums = np.sum([as_number(frame[columns[part]]) for part in rule.parts], axis=0)
    totals = as_number(frame[name])
    inside = broken & (sums >= np.nanmin(totals)) & (sums <= np.nanmax(totals))
    whole = pd.api.types.is_float_dtype(frame[name].dtype) or bool((sums[inside] == np.round(sums[inside])).all())
    cells = frame[name].copy() if whole else frame[name].astype("float64")
    cells.iloc[np.flatnonzero(inside)] = sums[inside]
    made = {columns[part]: frame[columns[part]] for part in rule.parts} | {name: cells}
    donors, rest = np.flatnonzero((inside | ~broken) & ~np.isnan(sums)), np.flatnonzero(broken & ~inside)
    if len(donors) and len(rest):
        ranked = donors[np.argsort(sums[donors], kind="stable")]
        near = ranked[np.clip(np.searchsorted(sums[ranked], sums[rest]), 0, len(ranked) - 1)]
        made = {key: _put(column, rest, column.iloc[near]) for key, column in made.items()}
    return made


def _follow_the_majority(rule: Determines, frame: pd.DataFrame, columns: dict[str, Any]) -> dict[Any, pd.Series]:
    """Each determining value's commonest partner among the drawn rows themselves."""
    first, second = columns[rule.determinant], columns[rule.dependent]
    known = frame[first].notna() & frame[second].notna()
    counts = frame[known].reset_index(names="_row").groupby([first, second], observed=True)["_row"].agg(["size", "min"])
    best = counts.sort_values(["size", "min"], ascending=[False, True]).groupby(level=0, observed=True).head(1)
    rows = frame[first].map(best["min"].droplevel(1))
    at = np.flatnonzero(known.to_numpy())
    donors = frame.index.get_indexer(rows.iloc[at])
    return {second: _put(frame[second], at, frame[second].iloc[donors])}


def _ordered(
    rule: NotAbove, frame: pd.DataFrame, at: Array, columns: dict[str, Any], rng: np.random.Generator
) -> dict[Any, pd.Series]:
    """The upper one moves up to one of its column's next values, else the lower one down to one of its own."""
    low, high = columns[rule.lower], columns[rule.upper]
    a, b = as_number(frame[low]), as_number(frame[high])
    upward = np.flatnonzero(~np.isnan(b))[np.argsort(b[~np.isnan(b)], kind="stable")]
    downward = np.flatnonzero(~np.isnan(a))[np.argsort(a[~np.isnan(a)], kind="stable")]
    starts = np.searchsorted(b[upward], a[at], side="right" if rule.strict else "left")
    ends = np.searchsorted(a[downward], b[at], side="left" if rule.strict else "right")
    step = rng.integers(0, max(1, len(frame) // _NEAR), len(at))
    rises = starts < len(upward)
    falls = ~rises & (ends > 0)
    new_high = upward[np.minimum(starts + step, len(upward) - 1)]
    new_low = downward[np.maximum(ends - 1 - step, 0)]
    return {
        high: _put(frame[high], at[rises], frame[high].iloc[new_high[rises]]),
        low: _put(frame[low], at[falls], frame[low].iloc[new_low[falls]]),
    }


def _put(cells: pd.Series, at: Array, values: pd.Series) -> pd.Series:
    """``cells`` with those at some places replaced."""
    if not len(at):
        return cells
    made = cells.copy()
    if made.dtype != values.dtype:
        made = made.astype(object)
        values = values.astype(object)
        made.iloc[at] = values.to_numpy()
        return made.infer_objects()
    made.iloc[at] = values.array
    return made
