"""Plausibility: the share of synthetic rows that break a rule which holds in the real table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...schemas.table.rules import Determines, ImpliesMissing, MinedRule, NotAbove, Rule
from .comparable import Array, as_category, as_number

__all__ = ["BrokenRule", "Plausibility", "broken_rows", "measure_plausibility"]

_TOLD = 12


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A rule and how often it is broken."""

    rule: str
    support: int
    """Persons of the real table that it speaks of."""
    synthetic: float
    """Share of synthetic rows that break it."""
    by_chance: float
    """Share of rows of independent columns that would."""


@dataclass(frozen=True, slots=True)
class Plausibility:
    """Over all rules that hold in the real table."""

    rules: int
    broken_rows: float
    """Share of synthetic rows that break at least one."""
    held_out_rows: float | None
    """The same of held-out real rows: what chance alone breaks; None where there are none."""
    worst: tuple[BrokenRule, ...]
    """The rules broken most, at most twelve."""


def measure_plausibility(
    rules: Sequence[MinedRule], real: pd.DataFrame, synthetic: pd.DataFrame, held_out: pd.DataFrame
) -> Plausibility:
    """Hold ``synthetic`` against rules mined from ``real``.

    Args:
        rules: As mined from ``real``.
        real: What a rule's levels mean is read off these rows.
        synthetic: Synthetic rows with the same columns.
        held_out: Real rows that the rules were not mined from; may be empty.
    """
    some, told = np.zeros(len(synthetic), dtype=bool), []
    unseen = np.zeros(len(held_out), dtype=bool)
    for mined in rules:
        broken = broken_rows(mined.rule, synthetic, real)
        some |= broken
        if len(held_out):
            unseen |= broken_rows(mined.rule, held_out, real)
        told.append(BrokenRule(str(mined.rule), mined.support, float(broken.mean()), mined.by_chance))
    told.sort(key=lambda rule: (-rule.synthetic, rule.rule))
    return Plausibility(
        rules=len(rules),
        broken_rows=float(some.mean()) if len(synthetic) else 0.0,
        held_out_rows=float(unseen.mean()) if len(held_out) else None,
        worst=tuple(rule for rule in told[:_TOLD] if rule.synthetic > 0),
    )


def broken_rows(rule: Rule, table: pd.DataFrame, real: pd.DataFrame) -> Array:
    """Which rows of ``table`` break ``rule``, whose levels mean what they mean in ``real``."""
    columns = {str(name): name for name in real.columns}
    if isinstance(rule, NotAbove):
        a, b = (as_number(table[columns[name]]) for name in (rule.lower, rule.upper))
        return np.asarray((a >= b) if rule.strict else (a > b))
    if isinstance(rule, ImpliesMissing):
        cells = table[columns[rule.condition]]
        at = cells.isna().to_numpy() if rule.level is None else _has_level(cells, rule.level)
        return np.asarray(at & table[columns[rule.missing]].notna().to_numpy())
    return _contradicts(rule, table, real, columns)


def _contradicts(rule: Determines, table: pd.DataFrame, real: pd.DataFrame, columns: dict[str, object]) -> Array:
    first, second = columns[rule.determinant], columns[rule.dependent]
    complete = real[first].notna() & real[second].notna()
    pairs = pd.DataFrame({"a": as_category(real.loc[complete, first]), "b": as_category(real.loc[complete, second])})
    partner = pairs.groupby("a")["b"].agg(lambda labels: labels.value_counts().index[0])
    both = (table[first].notna() & table[second].notna()).to_numpy()
    expected = pd.Series(as_category(table[first])).map(partner)
    # A level that the real table does not know contradicts nothing.
    return np.asarray(both & expected.notna().to_numpy() & (expected.to_numpy() != as_category(table[second])))


def _has_level(cells: pd.Series, level: str) -> Array:
    if pd.api.types.is_numeric_dtype(cells.dtype) and not pd.api.types.is_bool_dtype(cells.dtype):
        return np.asarray(as_number(cells) == float(level))
    return np.asarray(cells.astype(str).to_numpy() == level)
