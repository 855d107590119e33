"""Which rows a rule speaks of, and which of them break it: the one meaning that every rule has."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...schemas.table.rules import Determines, ImpliesLevel, ImpliesMissing, NotAbove, Rule, SumsTo, Within
from ..encoding.comparable_cells import Array, as_category, as_number

__all__ = ["broken_rows", "has_level", "spoken_of"]

_ROUNDING = 1e-6
"""What a sum of decimals may be off by."""


def spoken_of(rule: Rule, table: pd.DataFrame) -> Array:
    """Rows of ``table`` that could break ``rule``: what it speaks of is known there."""
    columns = {str(name): name for name in table.columns}
    if isinstance(rule, ImpliesMissing | ImpliesLevel):
        return _meets(table[columns[rule.condition]], rule.level)
    known = [table[columns[name]].notna().to_numpy() for name in rule.columns]
    return np.asarray(np.logical_and.reduce(known))


def broken_rows(rule: Rule, table: pd.DataFrame, real: pd.DataFrame) -> Array:
    """Which rows of ``table`` break ``rule``, whose levels mean what they mean in ``real``."""
    columns = {str(name): name for name in real.columns}
    if isinstance(rule, NotAbove):
        a, b = (as_number(table[columns[name]]) for name in (rule.lower, rule.upper))
        return np.asarray((a >= b) if rule.strict else (a > b))
    if isinstance(rule, SumsTo):
        parts = sum(as_number(table[columns[name]]) for name in rule.parts)
        return np.asarray(np.abs(parts - as_number(table[columns[rule.total]])) > _ROUNDING)
    if isinstance(rule, Within):
        values = as_number(table[columns[rule.column]])
        low = -np.inf if rule.least is None else rule.least
        return np.asarray((values < low) | (values > (np.inf if rule.most is None else rule.most)))
    if isinstance(rule, Determines):
        return _contradicts(rule, table, real, columns)
    at = _meets(table[columns[rule.condition]], rule.level)
    if isinstance(rule, ImpliesMissing):
        return np.asarray(at & table[columns[rule.missing]].notna().to_numpy())
    cells = table[columns[rule.column]]
    return np.asarray(at & cells.notna().to_numpy() & ~has_level(cells, rule.value))


def _meets(cells: pd.Series, level: str | None) -> Array:
    return cells.isna().to_numpy() if level is None else has_level(cells, level)


def _contradicts(rule: Determines, table: pd.DataFrame, real: pd.DataFrame, columns: dict[str, object]) -> Array:
    first, second = columns[rule.determinant], columns[rule.dependent]
    known = real[first].notna() & real[second].notna()
    pairs = pd.DataFrame({"a": as_category(real.loc[known, first]), "b": as_category(real.loc[known, second])})
    counts = pairs.value_counts().reset_index()
    partner = counts.drop_duplicates("a").set_index("a")["b"]
    both = (table[first].notna() & table[second].notna()).to_numpy()
    expected = pd.Series(as_category(table[first])).map(partner)
    # A level that the real table does not know contradicts nothing.
    return np.asarray(both & expected.notna().to_numpy() & (expected.to_numpy() != as_category(table[second])))


def has_level(cells: pd.Series, level: str) -> Array:
    """Cells that are ``level``, which is written as text; none where a number's column is given a word."""
    if pd.api.types.is_bool_dtype(cells.dtype):
        return np.asarray((cells.astype("string").str.lower() == level.lower()).fillna(False).to_numpy(dtype=bool))
    if pd.api.types.is_numeric_dtype(cells.dtype):
        try:
            return np.asarray(as_number(cells) == float(level))
        except ValueError:
            return np.zeros(len(cells), dtype=bool)
    return np.asarray(cells.astype(str).to_numpy() == level)
