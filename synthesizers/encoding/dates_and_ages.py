"""Dates and ages of a table: read with the one reader of each, and dates written back as they stood."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from ...schemas.table.ages import AGE_CAP, MOST_YEARS, read_ages
from ...schemas.table.dates import WrittenDate, is_day_first, read_date

__all__ = ["MOST_DAYS", "ages_at", "as_whole", "capped_ages", "days_since", "digits", "read_moments", "write_dates"]

MOST_DAYS = AGE_CAP * 365.25
"""Days that a relative date may span: more would tell an age over 89, where the first date is a birth."""

_DAY = 86_400


def digits(cells: pd.Series, width: int) -> pd.Series:
    """Cells as text; numbers without a point and with the zeros that they have lost."""
    if pd.api.types.is_numeric_dtype(cells.dtype):
        return cells.astype("Float64").round().astype("Int64").astype("string").str.zfill(width)
    return cells.astype("string")


def read_moments(cells: pd.Series) -> pd.Series:
    """Dates in whatever form as ``datetime64``; missing where a cell is none or stands for "open" (year 9999)."""
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return pd.to_datetime(cells, utc=True).dt.tz_localize(None)
    return _placed(cells, lambda written: written.moment if 1700 <= written.year <= 2262 else None)


def _placed(cells: pd.Series, moment: Callable[[WrittenDate], datetime | None]) -> pd.Series:
    """Each distinct text is read once."""
    texts = digits(cells, 8).str.strip()
    read = _read(texts)
    chosen = {text: None if written is None else moment(written) for text, written in read.items()}
    values = [chosen.get(text) if isinstance(text, str) else None for text in texts.tolist()]
    return pd.Series(pd.to_datetime(pd.Series(values, dtype=object), errors="coerce").to_numpy(), index=cells.index)


def _read(texts: pd.Series) -> dict[str, WrittenDate | None]:
    distinct = texts.dropna().unique().tolist()
    day_first = is_day_first(distinct)
    return {text: read_date(text, day_first=day_first) for text in distinct}


def ages_at(births: pd.Series, reference: pd.Series | date, *, short_years: bool = False) -> pd.Series:
    """Whole years from birth to the reference day, 90 and over in one class; never negative.

    Args:
        births: Dates of birth in any form, or years (of four digits or two).
        reference: A day of each row, or one of all, in which the person lived.
        short_years: Years were written with two digits, though the dates may have four by now.
    """
    days = pd.Series(pd.Timestamp(reference), index=births.index) if isinstance(reference, date) else reference
    if pd.api.types.is_numeric_dtype(births.dtype) and (births.dropna() < 10_000).all():
        years = pd.to_numeric(births).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
        seen = days.dt.year.to_numpy(dtype=float)
        ages = pd.Series(np.where(years < 100, (seen - years) % 100, seen - years), index=births.index)
    else:
        ages = ((days - _births(births, days, short_years)).dt.days / 365.25).apply(np.floor)
    return as_whole(ages.mask((ages < 0) | (ages > MOST_YEARS)).clip(upper=AGE_CAP))


def as_whole(numbers: pd.Series) -> pd.Series:
    """Whole numbers as such, missing ones among them, where all are whole."""
    known = numbers.dropna()
    return numbers.astype("Int64") if bool((known == known.round()).all()) else numbers


def _births(cells: pd.Series, days: pd.Series, short_years: bool) -> pd.Series:
    """Dates of birth; of a year of two digits in the century that makes an age."""
    read = read_moments(cells)
    if not short_years and not pd.api.types.is_datetime64_any_dtype(cells.dtype):
        written = _read(digits(cells, 8).str.strip())
        short_years = any(date is not None and date.short_year for date in written.values())
    if not short_years:
        return read
    late = (read > days).to_numpy()
    moved = [_in_year(birth, birth.year - 100) if is_late else birth for birth, is_late in zip(read, late, strict=True)]
    return pd.Series(pd.to_datetime(pd.Series(moved, dtype=object), errors="coerce").to_numpy(), index=cells.index)


def _in_year(moment: datetime, year: int) -> datetime:
    leap_day = moment.month == 2 and moment.day == 29
    return moment.replace(year=year, day=28 if leap_day else moment.day)


def capped_ages(cells: pd.Series, codes: Sequence[float] = ()) -> pd.Series:
    """Ages in years, 90 and over in one class; what is no age is missing, codes for missing stay."""
    numeric = pd.to_numeric(cells, errors="coerce")
    texts = pd.Series([_age_text(cell) for cell in cells.tolist()], index=cells.index, dtype=object)
    distinct: list[str] = texts.dropna().unique().tolist()
    years = dict(zip(distinct, read_ages(distinct), strict=True))
    ages = pd.Series([years.get(text) for text in texts.tolist()], index=cells.index, dtype="float64")
    return as_whole(ages.clip(upper=AGE_CAP).where(~numeric.isin(list(codes)), numeric.astype("float64")))


def _age_text(cell: Any) -> str | None:
    if cell is None or pd.isna(cell):
        return None
    number = isinstance(cell, (int, float, np.integer, np.floating)) and float(cell).is_integer()
    return str(int(cell)) if number else str(cell).strip()


def days_since(cells: pd.Series, first: pd.Series) -> pd.Series:
    """Days from each row's ``first``, at most 90 years of them."""
    return ((read_moments(cells) - first).dt.total_seconds() / _DAY).clip(upper=MOST_DAYS)


def write_dates(days: pd.Series, anchors: pd.Series, like: pd.Series) -> pd.Series:
    """Days after each row's anchor as dates, in the type and form of the real column.

    Args:
        days: Synthetic days since the person's first date.
        anchors: That date, made up.
        like: The real column.
    """
    typed = pd.api.types.is_datetime64_any_dtype(like.dtype)
    read = read_moments(like)
    clock = bool((read.dropna() != read.dropna().dt.normalize()).any())
    exact = pd.to_numeric(days, errors="coerce")
    made = anchors + pd.to_timedelta(exact if clock else exact.round(), unit="D")
    made = made.dt.round("s") if clock else made.dt.normalize()
    if typed:
        zone = getattr(like.dtype, "tz", None)
        return made if zone is None else made.dt.tz_localize("UTC").dt.tz_convert(zone)
    form = _form(like, clock)
    texts = made.dt.strftime(form)
    if pd.api.types.is_numeric_dtype(like.dtype):
        return pd.to_numeric(texts).astype("Int64")
    return texts.astype(object).where(made.notna(), None)


_WRITTEN = re.compile(r"(\d{1,4})([-/.])(\d{1,2})[-/.](\d{4}|\d{1,2})(T| )?")


def _form(like: pd.Series, clock: bool) -> str:
    """A ``strftime`` form of the real column's texts; ISO where it is none of the common ones."""
    texts = digits(like, 8).dropna().str.strip()
    matches = [match for match in map(_WRITTEN.match, texts.head(200).tolist()) if match]
    if not matches:
        compact = not texts.empty and bool(texts.str.fullmatch(r"\d{8}").all())
        return "%Y%m%d" if compact else "%Y-%m-%d %H:%M:%S" if clock else "%Y-%m-%d"
    first = matches[0]
    mark = first.group(2)
    if len(first.group(1)) == 4:
        day = f"%Y{mark}%m{mark}%d"
    else:
        year = "%Y" if len(first.group(4)) == 4 else "%y"
        day = mark.join(("%d", "%m", year) if is_day_first(texts.unique().tolist()) else ("%m", "%d", year))
    return f"{day}{first.group(5) or ' '}%H:%M:%S" if clock else day
