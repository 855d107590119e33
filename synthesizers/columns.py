"""What a fit sees of a table, and the way back.

Every column becomes a number (float64) or a category (a code such as ``"3"``), under an alias ``c1``…``cN``, without
missing cells: libraries differ in what else they take, and none of them can then print a value or a name. ``Encoding``
remembers names, order, types, levels and decimals, and restores them on synthetic rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..schemas.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Bounds", "ColumnCode", "Encoding"]

_MAX_NUMERIC_LEVELS = 10
"""Whole numbers of at most this many distinct values are categories: codes, grades, flags."""

_MISSING = "missing"
_INDICATOR = "_missing"
_DATE_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
_NANOSECONDS_PER_DAY = 86_400_000_000_000
_MAX_DECIMALS = 6

Bounds = tuple[float, float] | tuple[str, ...]
"""Public knowledge of a column: lowest and highest value, or every level."""


@dataclass(frozen=True, slots=True)
class ColumnCode:
    """How one column is coded."""

    name: str
    alias: str
    numeric: bool
    dtype: str
    has_missing: bool
    levels: tuple[Any, ...] = ()
    """Of a category: its values, in the order of their codes."""
    decimals: int | None = None
    """Of a number: digits after the point; None where they are not a fixed few."""
    date_format: str | None = None
    """Of dates written as text."""
    is_date: bool = False
    lower: float = 0.0
    upper: float = 0.0
    public: bool = False
    """Bounds or levels were given and not read off the data."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """The coding of a whole table."""

    columns: tuple[ColumnCode, ...]

    @classmethod
    def of(cls, table: pd.DataFrame, public: Mapping[str, Bounds] | None = None) -> Encoding:
        """How ``table`` is coded.

        Args:
            table: What enters the fit.
            public: Column name → bounds or levels that are public knowledge, in days since 1970 for dates.

        Raises:
            TableError: The table has no rows or no columns, or a value lies outside its public levels.
        """
        if table.empty:
            raise TableError("nothing is left to fit: the table has no rows or no columns after its treatments")
        public = public or {}
        return cls(
            tuple(
                _code(table[name], str(name), f"c{i}", public.get(str(name)))
                for i, name in enumerate(table.columns, start=1)
            )
        )

    @property
    def public(self) -> bool:
        """Every column's bounds or levels are public."""
        return all(column.public for column in self.columns)

    def encode(
        self, table: pd.DataFrame, seed: int, *, native_missing: bool = False, private: bool = False
    ) -> pd.DataFrame:
        """The rows of ``table`` as numbers and category codes.

        Missing numbers are filled by draws from the column, next to an indicator category; missing categories are a
        level of their own. With ``native_missing`` they stay missing. With ``private`` the fill is the middle of the
        bounds, for a draw would let one person's value into another's row.
        """
        rng = np.random.default_rng(seed)
        parts: dict[str, Any] = {}
        for column in self.columns:
            cells = table[column.name]
            if column.numeric:
                values = _to_number(cells, column)
                gone = np.isnan(values)
                if column.has_missing and not native_missing:
                    parts[column.alias + _INDICATOR] = np.where(gone, "1", "0").astype(object)
                    known = values[~gone]
                    middle = (column.lower + column.upper) / 2
                    draws = rng.choice(known, gone.sum()) if len(known) and not private else middle
                    values[gone] = draws
                if column.public:
                    values = np.clip(values, column.lower, column.upper)
                parts[column.alias] = values
            else:
                codes = _to_codes(cells, column)
                labels = codes.astype(str).astype(object)
                labels[codes < 0] = None if native_missing else _MISSING
                parts[column.alias] = labels
        return pd.DataFrame(parts)

    def describe(self, *, native_missing: bool = False) -> dict[str, dict[str, Any]]:
        """Alias of each encoded column → kind, and bounds or levels, as an adapter takes them."""
        found: dict[str, dict[str, Any]] = {}
        for column in self.columns:
            if column.numeric:
                if column.has_missing and not native_missing:
                    found[column.alias + _INDICATOR] = {"kind": "categorical", "levels": ["0", "1"]}
                found[column.alias] = {
                    "kind": "numeric",
                    "lower": column.lower,
                    "upper": column.upper,
                    "integer": column.decimals == 0,
                    "public": column.public,
                }
            else:
                levels = [str(i) for i in range(len(column.levels))]
                if column.has_missing and not native_missing:
                    levels.append(_MISSING)
                found[column.alias] = {"kind": "categorical", "levels": levels}
        return found

    def decode(self, encoded: pd.DataFrame) -> pd.DataFrame:
        """Synthetic rows with names, order, types, levels, decimals and missing cells as in the original."""
        return pd.DataFrame({column.name: _decode_one(encoded, column) for column in self.columns})


def _code(cells: pd.Series, name: str, alias: str, public: Bounds | None) -> ColumnCode:
    has_missing = bool(cells.isna().any())
    dtype = str(cells.dtype)
    base: dict[str, Any] = {"name": name, "alias": alias, "dtype": dtype, "has_missing": has_missing}
    date_format = _date_format(cells)
    is_date = bool(date_format) or pd.api.types.is_datetime64_any_dtype(cells.dtype)
    if is_date or (pd.api.types.is_numeric_dtype(cells.dtype) and not pd.api.types.is_bool_dtype(cells.dtype)):
        draft = ColumnCode(**base, numeric=True, is_date=is_date, date_format=date_format)
        values = _to_number(cells, draft)
        known = values[~np.isnan(values)]
        if public is not None and all(isinstance(bound, int | float) for bound in public) and len(public) == 2:
            low, high = float(public[0]), float(public[1])
            return ColumnCode(
                **base, numeric=True, is_date=is_date, date_format=date_format, decimals=_decimals(known),
                lower=low, upper=high, public=True,
            )  # fmt: skip
        distinct = np.unique(known)
        few = len(distinct) <= _MAX_NUMERIC_LEVELS and bool(np.all(distinct == np.round(distinct)))
        if public is None and not (few and not is_date):
            low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
            return ColumnCode(
                **base, numeric=True, is_date=is_date, date_format=date_format, decimals=_decimals(known),
                lower=low, upper=high,
            )  # fmt: skip
    levels = tuple(public) if public is not None else _levels(cells)
    if public is not None and not set(_levels(cells)) <= set(levels):
        raise TableError(f"the public levels given for column {name!r} do not cover it")
    return ColumnCode(**base, numeric=False, levels=levels or (None,), public=public is not None)


def _levels(cells: pd.Series) -> tuple[Any, ...]:
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return tuple(cells.cat.categories)
    return tuple(sorted(pd.unique(cells.dropna()).tolist(), key=lambda value: (str(type(value)), value)))


def _date_format(cells: pd.Series) -> str | None:
    """The ISO form that every known value of a text column has, or None."""
    if not (pd.api.types.is_object_dtype(cells.dtype) or pd.api.types.is_string_dtype(cells.dtype)):
        return None
    known = cells.dropna()
    if known.empty or not str(known.iloc[0])[:4].isdigit():
        return None
    for form in _DATE_FORMATS:
        if pd.to_datetime(known, format=form, errors="coerce").notna().all():
            return form
    return None


def _to_number(cells: pd.Series, column: ColumnCode) -> np.ndarray[Any, np.dtype[np.float64]]:
    if not column.is_date:
        return np.array(pd.to_numeric(cells).astype("Float64").to_numpy(dtype=float, na_value=np.nan))
    moments = pd.to_datetime(cells, format=column.date_format, errors="coerce")
    if getattr(moments.dt, "tz", None) is not None:
        moments = moments.dt.tz_convert("UTC").dt.tz_localize(None)
    days = moments.astype("datetime64[ns]").astype("int64").to_numpy() / _NANOSECONDS_PER_DAY
    return np.where(moments.isna().to_numpy(), np.nan, days)


def _to_codes(cells: pd.Series, column: ColumnCode) -> np.ndarray[Any, Any]:
    index = {level: i for i, level in enumerate(column.levels)}
    return np.array([index.get(value, -1) for value in cells.tolist()], dtype=int)


def _decimals(known: np.ndarray[Any, Any]) -> int | None:
    for digits in range(_MAX_DECIMALS + 1):
        if np.allclose(known, np.round(known, digits), rtol=0, atol=1e-9):
            return digits
    return None


def _decode_one(encoded: pd.DataFrame, column: ColumnCode) -> pd.Series:
    cells = encoded[column.alias]
    if not column.numeric:
        found = [column.levels[int(code)] if str(code).isdigit() else None for code in cells.tolist()]
        return _typed(pd.Series(found, dtype=object), column)
    values: np.ndarray[Any, Any] = np.clip(cells.to_numpy(dtype=float), column.lower, column.upper)
    if column.has_missing and column.alias + _INDICATOR in encoded:
        values = np.where(encoded[column.alias + _INDICATOR].astype(str) == "1", np.nan, values)
    if not column.has_missing and np.isnan(values).any():
        # Only a library's own slip makes a cell missing in a column that has none.
        values = np.where(
            np.isnan(values), np.nanmedian(values) if not np.isnan(values).all() else column.lower, values
        )
    if column.is_date:
        return _typed_date(values, column)
    if column.decimals is not None:
        values = np.round(values, column.decimals)
    return _typed(pd.Series(values), column)


def _typed_date(days: np.ndarray[Any, Any], column: ColumnCode) -> pd.Series:
    whole = days if column.decimals != 0 else np.round(days)
    seconds = np.where(np.isnan(whole), 0, np.round(whole * 86_400))
    moments = pd.Series(pd.to_datetime(seconds, unit="s")).mask(pd.Series(np.isnan(whole)))
    if column.date_format:
        return moments.dt.strftime(column.date_format).astype(object).astype(column.dtype)
    if "," in column.dtype:
        return moments.dt.tz_localize("UTC").astype(column.dtype)
    return moments.astype(column.dtype)


def _typed(values: pd.Series, column: ColumnCode) -> pd.Series:
    if column.dtype == "category":
        return pd.Series(pd.Categorical(values.tolist(), categories=list(column.levels)))
    if values.isna().any() and column.dtype in ("bool", "int8", "int16", "int32", "int64"):
        return values.fillna(values.dropna().mode().iloc[0]).astype(column.dtype)
    return values.astype(column.dtype)
