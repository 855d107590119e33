"""Real values that fewer than so many persons hold and that stand in the synthetic table all the same."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...schemas.table.safe_levels import canonical_level
from ...synthesizers.protection.code_parents import parent_rule
from ..metrics.comparable import MISSING, Array, as_category, as_number

__all__ = ["ColumnOfFew", "ValuesOfFew", "count_values_of_few"]


@dataclass(frozen=True, slots=True)
class ColumnOfFew:
    """One column with such values; counts of distinct values, none of which is told."""

    column: str
    levels: int
    """Levels, codes, words or identifiers."""
    extremes: int
    """Numbers beyond the k-th person at either end."""


@dataclass(frozen=True, slots=True)
class ValuesOfFew:
    """Over all columns."""

    persons: int
    """A value of fewer persons than this is one of few."""
    columns: tuple[ColumnOfFew, ...]

    @property
    def count(self) -> int:
        """Distinct values of few in the synthetic table."""
        return sum(column.levels + column.extremes for column in self.columns)


def count_values_of_few(
    real: pd.DataFrame, synthetic: pd.DataFrame, persons: Array, fewest: int, public: Collection[str] = ()
) -> ValuesOfFew:
    """Values of the real table held by fewer than ``fewest`` persons that occur in the synthetic one.

    Words of the closed public vocabulary and the levels of two-valued columns name nobody and do not count.

    Args:
        real: The whole real table, as it was before any protection.
        synthetic: Synthetic rows with the same columns.
        persons: Whose row each real one is.
        fewest: Persons that make a value common.
        public: Columns whose levels are public knowledge.
    """
    owners = pd.factorize(persons, use_na_sentinel=False)[0]
    # Whole numbers of few values are compared as categories elsewhere; here they have ends like other numbers.
    numeric = {name for name in real.columns if _is_number(real[name])}
    of_few = []
    for name in real.columns:
        if str(name) in public:
            continue
        levels = extremes = 0
        if name in numeric:
            extremes = _extremes(as_number(real[name]), as_number(synthetic[name]), owners, fewest)
        else:
            levels = _levels(as_category(real[name]), as_category(synthetic[name]), owners, fewest)
        if levels or extremes:
            of_few.append(ColumnOfFew(str(name), levels, extremes))
    return ValuesOfFew(fewest, tuple(of_few))


def _is_number(cells: pd.Series) -> bool:
    number = pd.api.types.is_numeric_dtype(cells.dtype) or pd.api.types.is_datetime64_any_dtype(cells.dtype)
    # The 0 and 1 of a two-valued column name nobody.
    return bool(number and not pd.api.types.is_bool_dtype(cells.dtype) and cells.nunique() > 2)


def _levels(real: Array, synthetic: Array, owners: Array, fewest: int) -> int:
    holders = pd.Series(owners).groupby(real).nunique()
    holders = holders[holders.index != MISSING]
    if len(holders) <= 2:
        return 0
    rare = holders.index[holders.to_numpy() < fewest]
    made = set(np.unique(synthetic.astype(str)))
    few = [level for level in rare if level in made and canonical_level(level) is None]
    groups = _holders_below(real, owners) if few else {}
    return sum(groups.get(level, 0) < fewest for level in few)


def _holders_below(real: Array, owners: Array) -> dict[str, int]:
    """Parents of a classification's codes → persons with a code at or below them: a parent that protection put in
    place of rare codes may by chance be some person's own code, and stands for all of theirs."""
    parent = parent_rule([level for level in pd.unique(real) if level != MISSING])
    if parent is None:
        return {}
    persons: dict[str, set[int]] = {}
    for level, rows in pd.Series(owners).groupby(real):
        own, code = set(rows), str(level)
        above = parent(code) if code != MISSING else None
        persons.setdefault(code, set()).update(own)
        while above is not None:
            persons.setdefault(above, set()).update(own)
            above = parent(above)
    return {code: len(held) for code, held in persons.items()}


def _extremes(real: Array, synthetic: Array, owners: Array, fewest: int) -> int:
    present = ~np.isnan(real)
    if len(np.unique(owners[present])) < 2 * fewest:
        return 0
    order = np.argsort(real[present], kind="stable")
    values, people = real[present][order], owners[present][order]
    low, high = _kth(values, people, fewest), _kth(values[::-1], people[::-1], fewest)
    beyond = np.unique(values[(values < low) | (values > high)])
    return int(np.isin(beyond, synthetic).sum())


def _kth(values: Array, people: Array, fewest: int) -> float:
    """The value at which the so-many-th person is reached, from the start."""
    first = np.sort(np.unique(people, return_index=True)[1])
    return float(values[first[fewest - 1]])
