"""Keys that lead from one table of a set to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ....schemas.errors import TableError
from ..restore_columns import new_keys
from .linked_set import LinkedSet, LinkedTable

__all__ = ["find_keys", "find_shared", "keys_of", "linked_records", "own_keys", "write_keys"]

_FITS = 0.98
"""Share of a column's cells that must be among the other's for one to refer to the other."""
_NAMED = 0.5
"""The same for columns of the same name: orphans are counted then, and do not hide the link."""
_PATIENT_WORDS = ("patient", "person", "subject", "subj", "usubjid", "mrn", "pid")


def find_keys(tables: Mapping[str, pd.DataFrame], given: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Table → column that holds the patient's key.

    A column that all tables name alike, and after patients, is it; else one whose values all differ in one table,
    and stand under the same name or with the same values in all others.

    Args:
        tables: Name → table.
        given: What the user knows: table → column.

    Raises:
        TableError: A given column is not there, or some table cannot be linked; the message names it.
    """
    given = dict(given or {})
    for name, column in given.items():
        if name not in tables:
            raise TableError(f"there is no table {name!r} among {', '.join(map(repr, tables))}")
        if column not in tables[name].columns:
            raise TableError(f"there is no column {column!r} in the table {name!r}")
    if set(given) == set(tables):
        return dict(given)
    # A column of patients that all tables name alike comes first: the key of a stay may be shared by all, too.
    common = set.intersection(*(set(map(str, table.columns)) for table in tables.values()))
    named = [column for column in sorted(common) if any(word in column.lower() for word in _PATIENT_WORDS)]
    if named and not given:
        return dict.fromkeys(tables, named[0])
    told = list(given.items())
    candidates = told or [
        (name, column)
        for name, table in tables.items()
        for column in table.columns
        if table[column].notna().all() and not table[column].duplicated().any()
    ]
    best: dict[str, Any] = {}
    for home, column in candidates:
        links = {**given, **_links_to(tables, home, column, given)}
        if _rank(links, column) > _rank(best, None):
            best = links
    if len(best) < len(tables):
        missing = ", ".join(repr(name) for name in tables if name not in best)
        raise TableError(f"no key leads from {missing} to the other tables: say which column holds the patient's key")
    return {name: best[name] for name in tables}


def _links_to(tables: Mapping[str, pd.DataFrame], home: str, column: Any, given: Mapping[str, str]) -> dict[str, Any]:
    values = set(tables[home][column].dropna())
    links = {home: column}
    for name, table in tables.items():
        if name == home or name in given:
            continue
        shares = {c: table[c].dropna().isin(values).mean() for c in table.columns if table[c].notna().any()}
        alike = [c for c in shares if c == column and shares[c] >= _NAMED]
        fitting = [c for c in shares if shares[c] >= _FITS and _may_be_key(table[c])]
        fitting.sort(key=lambda c: not any(word in str(c).lower() for word in _PATIENT_WORDS))
        if alike or fitting:
            links[name] = (alike or fitting)[0]
    return links


def _may_be_key(cells: pd.Series) -> bool:
    """Small whole numbers and flags are among the values of many a key by chance."""
    return not pd.api.types.is_numeric_dtype(cells.dtype) or float(pd.to_numeric(cells).max()) > 10_000


def _rank(links: Mapping[str, Any], column: Any) -> tuple[int, int]:
    names = [str(column).lower(), *(str(c).lower() for c in links.values())]
    return len(links), sum(any(word in name for word in _PATIENT_WORDS) for name in names)


def find_shared(tables: LinkedSet) -> dict[str, dict[Any, str]]:
    """Event table → key column → event table in which the same key numbers the rows."""
    shared: dict[str, dict[Any, str]] = {}
    for home in tables.events:
        for name in home.table:
            cells = home.table[name]
            if (
                name == home.key
                or home.treatment(name).action == "keep"
                or cells.isna().any()
                or cells.duplicated().any()
            ):
                continue
            for item in tables.events:
                if item is home or name not in item.table or name == item.key:
                    continue
                other = item.table[name].dropna()
                if len(other) and other.isin(set(cells)).mean() >= _FITS:
                    shared.setdefault(item.name, {})[name] = home.name
    return shared


def own_keys(table: str, shared: Mapping[str, Mapping[Any, str]]) -> list[Any]:
    """Keys that number the rows of a table and are held by others."""
    return list(dict.fromkeys(name for links in shared.values() for name, home in links.items() if home == table))


def keys_of(tables: LinkedSet, shared: Mapping[str, Mapping[Any, str]], item: LinkedTable, name: Any) -> pd.Series:
    """The real cells of a key in all tables that hold it: a new key equals none of them, and is alike in all."""
    if name == item.key:
        return pd.concat([t.table[t.key] for t in tables.tables], ignore_index=True)
    home = shared.get(item.name, {}).get(name, item.name)
    held = [t.table[name] for t in tables.events if t.name == home or shared.get(t.name, {}).get(name) == home]
    return pd.concat(held, ignore_index=True)


def linked_records(
    marks: pd.Series,
    owners: np.ndarray[Any, Any],
    home_owners: np.ndarray[Any, Any],
    home_numbers: np.ndarray[Any, Any],
) -> pd.Series:
    """A patient's n-th record here gets the key of his or her n-th row there, the last where there are fewer."""
    starts = pd.Series(home_numbers).groupby(home_owners).min()
    counts = pd.Series(home_numbers).groupby(home_owners).size()
    own_first = marks.groupby(owners).transform("min")
    rank = (marks - own_first).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    begin = starts.reindex(owners).to_numpy(dtype=float)
    most = counts.reindex(owners).to_numpy(dtype=float)
    return pd.Series(begin + np.minimum(rank, most - 1)).astype("Int64")


def write_keys(numbers: pd.Series, real: pd.Series, own: pd.Series) -> pd.Series:
    """Records numbered from 1 as keys in the real column's manner; missing where there is none."""
    gone = numbers.isna().to_numpy()
    keys = new_keys(real, numbers.fillna(1).to_numpy(dtype=np.int64) - 1)
    if pd.api.types.is_numeric_dtype(keys.dtype):
        return keys.astype("float64").mask(gone) if gone.any() else keys
    texts = keys.astype(object).mask(gone, None)
    return texts.astype(own.dtype) if pd.api.types.is_string_dtype(own.dtype) else texts
