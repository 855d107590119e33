"""One column as a fit sees it, and the way back to the type that it had."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import pandas as pd

from ...schemas.column_treatment import OutcomePart
from ...schemas.errors import SettingsError, TableError

__all__ = ["Bounds", "ColumnCode", "code_column", "decode_column", "to_codes", "to_number"]

_MAX_NUMERIC_LEVELS = 10
"""Whole numbers of at most this many distinct values are categories: codes, grades, flags."""

_DATE_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
_NANOSECONDS_PER_DAY = 86_400_000_000_000
_MAX_DECIMALS = 6
_EXACT = 2.0**53
"""Whole numbers beyond it are no longer told apart as floats."""
_TEXT_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.(\d+))?")

Bounds = tuple[float, float] | tuple[str, ...]
"""Public knowledge of a column: lowest and highest value, or every level."""

Form = Literal["number", "moment", "date", "date text", "duration", "decimal", "number text"]
"""What a numeric code was: a number, a timestamp, a ``datetime.date``, a date in ISO form as text, a duration in days,
a ``Decimal``, or numbers written as text that all have the same digits after the point."""

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class ColumnCode:
    """How one column is coded."""

    name: Any
    alias: str
    numeric: bool
    dtype: Any
    """pandas' own, with categories, order, time zone and nullability."""
    has_missing: bool
    """Some cell is empty or holds a missing code."""
    has_empty: bool
    codes: tuple[float, ...] = ()
    """Of a number: values that stand for a missing cell and occur."""
    levels: tuple[Any, ...] = ()
    """Of a category: its values, in the order of their codes."""
    decimals: int | None = None
    """Of a number: digits after the point; None where they are not a fixed few."""
    form: Form = "number"
    date_format: str | None = None
    """Of dates written as text."""
    lower: float = 0.0
    upper: float = 0.0
    public: bool = False
    """Bounds or levels were given and not read off the data."""
    outcome: OutcomePart | None = None
    """What it is of a time-to-event outcome."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Levels of the indicator beside a number: known, empty, and one for each missing code."""
        return ("0", *(["1"] if self.has_empty else []), *(str(i + 2) for i in range(len(self.codes))))


def code_column(
    cells: pd.Series, name: Any, alias: str, public: Bounds | None, missing_codes: tuple[float, ...]
) -> ColumnCode:
    """How ``cells`` are coded; what is public of them is not read off the data.

    Raises:
        TableError: A value lies outside its public levels, or is a list or another container.
        SettingsError: What is given as public is neither two bounds in order nor levels.
    """
    _check_public(name, public)
    form, date_format = _form(cells)
    empty = bool(cells.isna().any())
    base: dict[str, Any] = {"name": name, "alias": alias, "dtype": cells.dtype, "has_empty": empty}
    if form is not None:
        draft = ColumnCode(**base, numeric=True, has_missing=empty, form=form, date_format=date_format)
        values = to_number(cells, draft)
        codes = tuple(code for code in missing_codes if form in ("number", "decimal") and bool((values == code).any()))
        present = values[~np.isnan(values) & ~np.isin(values, codes)]
        # An infinite value is none.
        base["has_empty"] = empty = bool(np.isnan(values).any())
        facts: dict[str, Any] = {
            **base, "numeric": True, "has_missing": empty or bool(codes), "codes": codes, "form": form,
            "date_format": date_format, "decimals": _decimals(present),
        }  # fmt: skip
        if public is not None and all(isinstance(bound, int | float) for bound in public) and len(public) == 2:
            return ColumnCode(**facts, lower=float(public[0]), upper=float(public[1]), public=True)
        if public is None and not _is_code(present, form):
            low, high = (float(present.min()), float(present.max())) if len(present) else (0.0, 1.0)
            if max(abs(low), abs(high)) < _EXACT:
                return ColumnCode(**facts, lower=low, upper=high)
    held = _levels(cells)
    levels = tuple(public) if public is not None else held
    if public is not None and not set(held) <= set(levels):
        raise TableError(f"the public levels given for column {name!r} do not cover it")
    return ColumnCode(
        **base, numeric=False, has_missing=empty, levels=levels or (None,), public=public is not None
    )  # fmt: skip


def _check_public(name: Any, public: Bounds | None) -> None:
    """Whoever holds a file of bounds can write anything into it."""
    if public is None:
        return
    numbers = [bound for bound in public if isinstance(bound, int | float) and not isinstance(bound, bool)]
    plain = all(bound is None or isinstance(bound, str | int | float) for bound in public)
    if not public or not plain or not all(abs(number) < _EXACT for number in numbers):
        raise SettingsError(f"public bounds of column {name!r}: give [low, high] or a list of levels")
    if len(public) == len(numbers) == 2 and numbers[0] > numbers[1]:
        raise SettingsError(f"public bounds of column {name!r}: the lower one comes first")


def to_number(cells: pd.Series, column: ColumnCode) -> Floats:
    """Cells as floats, dates and durations in days, missing as NaN; missing codes stay."""
    if column.form in ("number", "decimal", "number text"):
        values = np.array(pd.to_numeric(cells).astype("Float64").to_numpy(dtype=float, na_value=np.nan))
        return np.where(np.isfinite(values), values, np.nan)
    if column.form == "duration":
        return np.array(pd.to_timedelta(cells).dt.total_seconds() / 86_400, dtype=float)
    moments = pd.to_datetime(cells, format=column.date_format, errors="coerce")
    if getattr(moments.dt, "tz", None) is not None:
        moments = moments.dt.tz_convert("UTC").dt.tz_localize(None)
    days = moments.astype("datetime64[ns]").astype("int64").to_numpy() / _NANOSECONDS_PER_DAY
    return np.where(moments.isna().to_numpy(), np.nan, days)


def to_codes(cells: pd.Series, column: ColumnCode) -> np.ndarray[Any, Any]:
    """Cells as places in the column's levels, -1 where missing."""
    index = {level: i for i, level in enumerate(column.levels)}
    return np.array([index.get(value, -1) for value in cells.tolist()], dtype=int)


def decode_column(values: pd.Series, reasons: pd.Series | None, column: ColumnCode) -> pd.Series:
    """Synthetic cells with the type, levels, decimals, bounds and missing cells of the original.

    Args:
        values: The coded column.
        reasons: Its indicator, where it has one.
        column: How it was coded.
    """
    if not column.numeric:
        cells = [column.levels[int(code)] if str(code).isdigit() else None for code in values.tolist()]
        return _typed(pd.Series(cells, dtype=object), column)
    numbers: Floats = np.clip(values.to_numpy(dtype=float), column.lower, column.upper)
    gone = np.isnan(numbers)
    if gone.any() and (not column.has_empty or reasons is not None):
        # Where something else tells which cells are missing, only a library's own slip makes another one so.
        numbers = np.where(gone, column.lower if gone.all() else np.nanmedian(numbers), numbers)
    if column.decimals is not None and column.form not in ("moment", "date text", "date"):
        numbers = np.round(numbers, column.decimals)
    if reasons is not None:
        told = reasons.astype(str).to_numpy()
        numbers = np.where(told == "1", np.nan, numbers)
        for i, code in enumerate(column.codes):
            numbers = np.where(told == str(i + 2), code, numbers)
    return _formed(numbers, column)


def _form(cells: pd.Series) -> tuple[Form | None, str | None]:
    """What the column's numbers are, None where it is a category; and the form of dates written as text."""
    dtype = cells.dtype
    types = pd.api.types
    if types.is_datetime64_any_dtype(dtype):
        return "moment", None
    if types.is_timedelta64_dtype(dtype):
        return "duration", None
    if types.is_numeric_dtype(dtype) and not types.is_bool_dtype(dtype):
        return "number", None
    if not (types.is_object_dtype(dtype) or types.is_string_dtype(dtype)):
        return None, None
    present = cells.dropna()
    kinds = set(map(type, present))
    if kinds and kinds <= {int, float}:
        return "number", None
    if kinds == {Decimal}:
        return "decimal", None
    if kinds == {datetime.date}:
        return "date", None
    if kinds != {str}:
        return None, None
    form = _date_format(present)
    if form is not None:
        return "date text", form
    return ("number text" if _are_numbers(present) else None), None


def _date_format(texts: pd.Series) -> str | None:
    """The ISO form that every known value of a text column has, or None."""
    if not texts.iloc[0][:4].isdigit():
        return None
    for form in _DATE_FORMATS:
        if pd.to_datetime(texts, format=form, errors="coerce").notna().all():
            return form
    return None


def _are_numbers(texts: pd.Series) -> bool:
    """Numbers as text, all written alike, so that they can be written so again."""
    places = set()
    for text in pd.unique(texts):
        match = _TEXT_NUMBER.fullmatch(text)
        if match is None or text.startswith("-0") or len(text) > 15:
            return False
        places.add(len(match.group(1) or ""))
    return len(places) == 1


def _is_code(values: Floats, form: Form) -> bool:
    distinct = np.unique(values)
    few = len(distinct) <= _MAX_NUMERIC_LEVELS and bool(np.all(distinct == np.round(distinct)))
    return few and form in ("number", "decimal", "number text")


def _levels(cells: pd.Series) -> tuple[Any, ...]:
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return tuple(cells.cat.categories)
    try:
        return tuple(sorted(pd.unique(cells.dropna()).tolist(), key=lambda value: (str(type(value)), value)))
    except TypeError:
        raise TableError(
            f"column {cells.name!r} holds lists or other containers: make them columns of their own"
        ) from None


def _decimals(values: Floats) -> int | None:
    for digits in range(_MAX_DECIMALS + 1):
        if np.allclose(values, np.round(values, digits), rtol=0, atol=1e-9):
            return digits
    return None


def _formed(numbers: Floats, column: ColumnCode) -> pd.Series:
    """Numbers as what they were."""
    if column.form in ("moment", "date", "date text"):
        return _dated(numbers, column)
    if column.form == "duration":
        return pd.Series(pd.to_timedelta(np.round(numbers * 86_400), unit="s")).astype(column.dtype)
    if column.form in ("decimal", "number text"):
        digits = _MAX_DECIMALS if column.decimals is None else column.decimals
        texts = [None if np.isnan(x) else f"{x:.{digits}f}" for x in numbers]
        if column.form == "decimal":
            return pd.Series([None if text is None else Decimal(text) for text in texts], dtype=column.dtype)
        return pd.Series(texts, dtype=object).astype(column.dtype)
    if column.dtype == object:
        whole = column.decimals == 0
        return pd.Series([None if np.isnan(x) else int(x) if whole else float(x) for x in numbers], dtype=object)
    return _typed(pd.Series(numbers), column)


def _dated(days: Floats, column: ColumnCode) -> pd.Series:
    whole = days if column.decimals != 0 else np.round(days)
    seconds = np.where(np.isnan(whole), 0, np.round(whole * 86_400))
    moments = pd.Series(pd.to_datetime(seconds, unit="s")).mask(pd.Series(np.isnan(whole)))
    if column.form == "date":
        return pd.Series([None if pd.isna(one) else one.date() for one in moments], dtype=object)
    if column.date_format:
        texts = [None if pd.isna(one) else one.strftime(column.date_format) for one in moments]
        return pd.Series(texts, dtype=object).astype(column.dtype)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return moments.dt.tz_localize("UTC").astype(column.dtype)
    return moments.astype(column.dtype)


def _typed(values: pd.Series, column: ColumnCode) -> pd.Series:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pd.Series(pd.Categorical(values.tolist(), dtype=column.dtype))
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biu" and values.isna().any():
        # A library that protects values of few may give none of a column's back: then its first level stands.
        common = values.dropna().mode()
        return values.fillna(common.iloc[0] if len(common) else column.levels[0]).astype(column.dtype)
    return values.astype(column.dtype)
