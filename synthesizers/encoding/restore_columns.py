"""After a fit: keys that group rows as the real ones do, dates as dates, constants, every column back in its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...schemas.column_treatment import Treatment
from .apply_treatments import KEY_ACTION, first_dates, group_column
from .dates_and_ages import write_dates

__all__ = ["constant_cells", "make_stand_in", "new_keys", "reads_real_rows", "restore_columns"]

Ints = np.ndarray[Any, np.dtype[np.int64]]

_LARGEST_KEY = 10**17
"""Beyond it numbers are written as text: they would not be told apart as floats."""
_HALF_YEAR = 183 * 86_400


def restore_columns(
    synthetic: pd.DataFrame, table: pd.DataFrame, treatments: Sequence[Treatment], *, seed: int, k: int
) -> pd.DataFrame:
    """The synthetic rows with keys, constants and the real table's order of columns.

    Rows belong to synthetic persons as many as in the real table: counts are drawn from the real persons', capped at
    the k-th longest. Keys lead nowhere, and none equals a real one.

    Args:
        synthetic: What a fit drew.
        table: The real table.
        treatments: One for each of its columns.
        seed: Of the draws.
        k: Persons who must share a count or a constant for it to come out.
    """
    rng = np.random.default_rng(seed)
    by_name = {item.column: item for item in treatments}
    person = group_column(table, treatments)
    rows = len(synthetic)
    blocks = np.zeros(rows, dtype=np.int64) if person is None else _deal(_sizes(table[person], k), rows, rng)
    anchors = _anchors(table, treatments, person, blocks, k, rng)
    columns: dict[Any, Any] = {}
    for name in table.columns:
        item = by_name[str(name)]
        if name in synthetic.columns and item.how == "time_since_first" and anchors is not None:
            columns[name] = write_dates(synthetic[name], anchors, table[name]).set_axis(synthetic.index)
        elif name in synthetic.columns:
            columns[name] = synthetic[name]
        elif item.action == KEY_ACTION:
            columns[name] = new_keys(table[name], _groups(table, name, person, blocks, k, rng))
        elif item.constant:
            columns[name] = constant_cells(table[name], table[person] if person is not None else None, rows, k, rng)
    return pd.DataFrame(columns, index=synthetic.index)


def _anchors(
    table: pd.DataFrame, treatments: Sequence[Treatment], person: Any, blocks: Ints, k: int, rng: np.random.Generator
) -> pd.Series | None:
    """A made-up first date for each synthetic person: a real one moved by up to half a year, inside the k-th ends."""
    first = first_dates(table, treatments)
    if first is None:
        return None
    of_persons = first if person is None else first[~table[person].duplicated()]
    known = np.sort(of_persons.dropna().to_numpy().astype("datetime64[s]").astype(np.int64))
    if not len(known):
        return None
    low, high = known[min(k, len(known)) - 1], known[-min(k, len(known))]
    low, high = min(low, high), max(low, high)
    drawn = rng.choice(known, size=len(blocks)) + rng.integers(-_HALF_YEAR, _HALF_YEAR, size=len(blocks))
    per_row = drawn if person is None else drawn[blocks]
    outside = (per_row < low) | (per_row > high)
    per_row = np.where(outside, low + np.abs(per_row - low) % max(high - low, 1), per_row)
    return pd.Series(per_row.astype("datetime64[s]")).dt.normalize()


def reads_real_rows(table: pd.DataFrame, treatments: Sequence[Treatment]) -> bool:
    """Whether more comes from the real rows than what a fit sees, so that no budget of the fit covers the output.

    So it is with first dates, how keys repeat, and how often a constant is missing; and where rows have a person, one
    of them decides what the others' dates and ages become.
    """
    cells = {str(name): table[name] for name in table.columns}
    return group_column(table, treatments) is not None or any(
        item.how == "time_since_first"
        or (item.action == KEY_ACTION and bool(cells[str(item.column)].duplicated().any()))
        or (item.constant and bool(cells[str(item.column)].isna().any()))
        for item in treatments
    )


def make_stand_in(table: pd.DataFrame, treatments: Sequence[Treatment]) -> pd.DataFrame:
    """What ``restore_columns`` takes in place of ``table`` later on.

    How keys repeat and what they look like, constants, and dates that became time since the first: no real key, and of
    every other column nothing but its name.
    """
    by_name = {item.column: item for item in treatments}
    columns: dict[Any, Any] = {}
    for name in table.columns:
        item = by_name[str(name)]
        if item.action == KEY_ACTION:
            columns[name] = _stand_in_keys(table[name])
        elif item.constant or item.how == "time_since_first":
            columns[name] = table[name]
        else:
            columns[name] = pd.Series(0, index=table.index, dtype="int8")
    return pd.DataFrame(columns).reset_index(drop=True)


def _stand_in_keys(keys: pd.Series) -> pd.Series:
    """Keys that repeat as ``keys`` do, of which ``new_keys`` makes none that equals a real one."""
    codes = pd.factorize(keys)[0]
    if pd.api.types.is_numeric_dtype(keys.dtype) and keys.notna().any() and keys.abs().max() < _LARGEST_KEY:
        digits = len(str(int(keys.abs().max())))
        return pd.Series(np.where(codes < 0, np.nan, codes + 10.0 ** (digits - 1)), index=keys.index)
    # What new_keys would make, one letter shorter.
    shorter = str(new_keys(keys, np.zeros(1, dtype=np.int64)).iloc[0]).removesuffix("1").removeprefix("S")
    return pd.Series([None if code < 0 else f"{shorter}{code}" for code in codes.tolist()], index=keys.index)


def _groups(table: pd.DataFrame, name: Any, person: Any, blocks: Ints, k: int, rng: np.random.Generator) -> Ints:
    """Which rows share a key: the persons themselves, parts of a person's rows, or groups across persons."""
    if name == person:
        return blocks
    if not table[name].duplicated().any():
        return np.arange(len(blocks), dtype=np.int64)
    sizes = _sizes(table[name], k)
    nested = person is not None and int(table.groupby(name, dropna=True)[person].nunique().max()) <= 1
    if not nested:
        return np.asarray(rng.permutation(_deal(sizes, len(blocks), rng)), dtype=np.int64)
    # A person's rows fall into as many groups as in the real table on average.
    rows, persons = len(table), table[person].nunique()
    breaks = (table[name].nunique() - persons) / max(rows - persons, 1)
    begins = np.append(True, np.diff(blocks) > 0)
    return np.asarray(np.cumsum(begins | (rng.random(len(blocks)) < breaks)) - 1, dtype=np.int64)


def _sizes(keys: pd.Series, k: int) -> Ints:
    """Rows of each key, none longer than the k-th longest."""
    sizes = np.sort(keys.value_counts().to_numpy().astype(np.int64))
    return np.asarray(np.minimum(sizes, sizes[-min(k, len(sizes))]), dtype=np.int64)


def _deal(sizes: Ints, rows: int, rng: np.random.Generator) -> Ints:
    """A group for each row, groups one after another, their sizes drawn from ``sizes``."""
    drawn: list[int] = []
    while sum(drawn) < rows:
        drawn.extend(rng.choice(sizes, size=max(1, rows // max(int(sizes.mean()), 1))).tolist())
    return np.repeat(np.arange(len(drawn), dtype=np.int64), drawn)[:rows]


def new_keys(real: pd.Series, groups: Ints) -> pd.Series:
    """Keys 1, 2, … in a form of their own."""
    if pd.api.types.is_numeric_dtype(real.dtype):
        known = pd.to_numeric(real.dropna())
        highest = int(known.abs().max()) if len(known) else 0
        if highest < _LARGEST_KEY:
            # Above every real one: one digit more than the longest.
            return pd.Series(10 ** len(str(highest)) + 1 + groups, dtype="int64")
    prefix = "S"
    texts = real.dropna().astype(str)
    while texts.str.fullmatch(f"{prefix}[0-9]+").any():
        prefix += "S"
    return pd.Series([f"{prefix}{number + 1}" for number in groups.tolist()], dtype=object)


def constant_cells(
    cells: pd.Series, persons: pd.Series | None, rows: int, k: int, rng: np.random.Generator
) -> pd.Series:
    """The one value, where enough persons hold it, missing as often as in the real column."""
    known = cells.notna()
    holders = int(known.sum()) if persons is None else int(persons[known].nunique())
    if holders < k:
        return pd.Series([None] * rows, dtype=object)
    filled = np.flatnonzero(known.to_numpy())
    drawn = np.where(rng.random(rows) < known.mean(), filled[0], np.flatnonzero(~known.to_numpy())[:1].sum())
    return cells.iloc[drawn].reset_index(drop=True)
