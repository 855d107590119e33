"""Ages and births: by name, by how values are written, and by what dates tell together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from statistics import median

import pyarrow as pa
import pyarrow.compute as pc

from ...schemas.table.ages import AGE_CAP, MOST_YEARS, read_ages
from ...schemas.table.dates import OLDEST_AGE, birth_year, read_date
from .column_facts import ColumnFacts
from .decision import Decision, Detail

__all__ = ["find_births", "named_age", "written_age"]

_MOST_VALUES = 1000
_ENOUGH = 0.8
"""Share of the values that must be ages; the rest are odd cells ("refused", a code, a slip)."""
_PER_YEAR = {"day": 365.25, "month": 12.0}


def named_age(column: ColumnFacts) -> Decision | None:
    """Ages identify together with others; over 89 they are direct identifiers (45 CFR 164.514(b)(2)(i)(C))."""
    header = column.header
    if header.says("birth") and header.says("day") and column.number is not None:
        return _in_units(column, "day")
    if not header.says("age") or header.says("date", "count", "ordinal") or column.distinct < 3:
        return None
    for unit in ("day", "month"):
        if header.says(unit):
            return _in_units(column, unit)
    texts = _values(column)
    years = read_ages(texts)
    ages = [age for age in years if age is not None]
    if len(ages) < _ENOUGH * len(texts):
        banded = column.word is not None and column.word.digit_share > 0.6 and column.distinct <= 30
        return Decision("quasi_identifier", quasi=True) if banded else None
    odd = len(ages) < len(texts) or any(str(age) != f"{text}.0" for age, text in zip(years, texts, strict=True))
    return _aged(column, max(ages), written=odd and not _is_plain(column))


def _values(column: ColumnFacts) -> list[str]:
    """Distinct values, codes for missing left out."""
    codes = {f"{code:g}" for code in column.number.sentinels} if column.number is not None else set()
    texts = column.values.distinct
    step = max(1, len(texts) // _MOST_VALUES)
    form = column.values.form
    before, after = (form.unit.before, form.unit.after) if form.unit is not None else ("", "")
    return [f"{before}{text}{after}" for text in texts[::step].to_pylist() if text not in codes and len(text) < 60]


def _is_plain(column: ColumnFacts) -> bool:
    """Numbers all of which can be ages as they are."""
    number = column.number
    return number is not None and not column.values.censored and number.minimum >= 0 and number.maximum <= MOST_YEARS


def _aged(column: ColumnFacts, highest: float, *, written: bool) -> Decision:
    if column.totals.maximum is not None and column.totals.maximum <= MOST_YEARS:
        highest = max(highest, column.totals.maximum)
    # Top-coded ages pile up at 90; a tail beyond it, or single ages above 89, is what the rule forbids.
    over = highest > AGE_CAP - 1 and highest != AGE_CAP
    detail: Detail = "age_over_89" if over else "age_written" if written else "age"
    return Decision("quasi_identifier", direct=over, quasi=True, detail=detail)


def _in_units(column: ColumnFacts, unit: str) -> Decision | None:
    """Ages in days or months (days to birth may be negative)."""
    number = column.number
    if number is None or column.distinct < 3:
        return None
    years = max(abs(number.minimum), abs(number.maximum)) / _PER_YEAR[unit]
    if years > MOST_YEARS or (number.minimum < 0 < number.maximum):
        return None
    over = years >= AGE_CAP
    detail: Detail = ("age_in_days" if unit == "day" else "age_in_months") if over else "age"
    return Decision("quasi_identifier", direct=over, quasi=True, detail=detail)


def written_age(column: ColumnFacts) -> Decision | None:
    """Ages by how they are written: with a unit of years, or top-coded at 90."""
    written = column.word is not None or column.values.form.unit is not None or column.values.censored > 0
    if not written or column.distinct < 8 or (column.word is not None and column.word.mean_words > 3):
        return None
    texts = _values(column)
    ages = [age for age in read_ages(texts) if age is not None]
    lettered = sum(any(c.isalpha() for c in text) for text in texts) >= 0.9 * len(texts)
    capped = any("+" in text or ">" in text for text in texts) and AGE_CAP in ages
    spread = bool(ages) and max(ages) >= 18 and max(ages) - min(ages) >= 10
    if len(ages) < 0.9 * len(texts) or not spread or not (lettered or capped):
        return None
    return _aged(column, max(ages), written=True)


_SPREAD, _BIRTHS_SPAN, _ALONE_SPAN = 30, 25, 45
_MOST_ROWS = 2000


def find_births(facts: Sequence[ColumnFacts], decisions: Sequence[Decision]) -> dict[int, Decision]:
    """Dates and years of birth by value: position → decision.

    A birth lies 0 to 110 years before another date of its row, ages are spread over decades and so are the births
    themselves. Without another date, dates spread over half a century are taken for births (fail closed).
    """
    days = {
        position: _days(column)
        for position, (column, decision) in enumerate(zip(facts, decisions, strict=True))
        if _is_date(decision) or _could_be_year(column, decision)
    }
    dated = [position for position in days if _is_date(decisions[position])]
    births: dict[int, Decision] = {}
    for position in days:
        if decisions[position].detail == "birth":
            continue
        others = [other for other in dated if other != position and decisions[other].detail != "birth"]
        if any(_are_births(days[position], days[other], facts[position]) for other in others):
            births[position] = _born(decisions[position], "It lies 0 to 110 years before another date, as births do.")
        elif len(dated) == 1 and _is_date(decisions[position]) and _span(days[position]) >= _ALONE_SPAN * 365:
            births[position] = _born(decisions[position], "Dates spread over half a century: taken for births.")
    return births


def _born(decision: Decision, reason: str) -> Decision:
    if decision.kind in ("date", "datetime"):
        return Decision(decision.kind, direct=True, quasi=True, detail="birth", reason=reason)
    return Decision("quasi_identifier", quasi=True, detail="year", reason=reason)


def _is_date(decision: Decision) -> bool:
    return decision.kind in ("date", "datetime") and decision.direct


def _could_be_year(column: ColumnFacts, decision: Decision) -> bool:
    number = column.number
    if number is None or not number.integer or decision.kind not in ("continuous", "count", "code"):
        return False
    return number.minimum >= 1890 and number.maximum <= 2035 and column.distinct >= 15


def _days(column: ColumnFacts) -> list[int | None]:
    """Day number per row of the sample, at most so many rows; a year counts from its middle."""
    rows = column.values.positions
    rows = rows[:: max(1, len(rows) // _MOST_ROWS)]
    texts = pc.take(column.values.distinct, rows.drop_null().unique())
    day_first = column.date.day_first if column.date is not None else None
    day_of: dict[str, int | None] = {}
    for text in texts.to_pylist():
        if column.date is None:
            day_of[text] = datetime(int(text), 7, 1).toordinal()
            continue
        written = read_date(text, day_first=day_first)
        day_of[text] = None if written is None or written.is_open else written.moment.toordinal()
    return [day_of.get(text) for text in _row_texts(column, rows)]


def _row_texts(column: ColumnFacts, rows: pa.Array) -> list[str]:
    return [text if text is not None else "" for text in pc.take(column.values.distinct, rows).to_pylist()]


def _span(days: Sequence[int | None]) -> int:
    """Days between the 5 % and 95 % quantiles."""
    ordered = sorted(day for day in days if day is not None)
    if len(ordered) < 15:
        return 0
    return ordered[int(0.95 * (len(ordered) - 1))] - ordered[int(0.05 * (len(ordered) - 1))]


def _are_births(born: Sequence[int | None], seen: Sequence[int | None], column: ColumnFacts) -> bool:
    short = column.date is not None and column.date.short_year
    pairs = [(b, s) for b, s in zip(born, seen, strict=True) if b is not None and s is not None]
    if len(pairs) < 15:
        return False
    if short:
        pairs = [(_moved(b, s), s) for b, s in pairs]
    years = sorted((s - b) / 365.25 for b, s in pairs)
    fitting = sum(-0.6 <= age <= OLDEST_AGE for age in years) >= 0.98 * len(years)
    spread = years[int(0.95 * (len(years) - 1))] - years[int(0.05 * (len(years) - 1))]
    decades = _span([b for b, _ in pairs]) >= max(_BIRTHS_SPAN * 365, 1.5 * _span([s for _, s in pairs]))
    return fitting and decades and spread >= _SPREAD and median(years) >= 18


def _moved(born: int, seen: int) -> int:
    """A birth of a two-digit year in the century that makes an age."""
    year = datetime.fromordinal(born).year
    return born + round(365.25 * (birth_year(year, datetime.fromordinal(seen).year) - year))
