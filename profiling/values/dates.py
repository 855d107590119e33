"""Dates in whatever form a column writes them, as ISO texts; and the form, to write them back in it.

One form is read from a whole column, never cell by cell: ``03/04/21`` is a day in April or in March, and of 1921 or
2021, by what the other cells say.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from .arrow_arrays import FALSE, integer_scalar, listed, text_scalar

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DateForm", "DateReading", "read_dates"]

_TIME = (
    r"(?:(?P<t>[T ]+)(?P<h>\d{1,2}):(?P<i>\d{2})(?::(?P<s>\d{2})(?:\.\d+)?)?(?P<p>\s?[AaPp]\.?[Mm]\.?)?"
    r"(?P<z>\s?(?:Z|UTC|[+-]\d{2}:?\d{2}))?)?"
)
_YEAR_FIRST = rf"^(?P<y>\d{{4}})(?P<g>[-/.])(?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}}){_TIME}$"
_YEAR_LAST = rf"^(?P<a>\d{{1,2}})(?P<g>[-/.])(?P<b>\d{{1,2}})[-/.](?P<y>\d{{4}}|\d{{2}}){_TIME}$"
_NAMED = rf"^(?P<d>\d{{1,2}})(?P<g>[-\s.]*)(?P<m>\pL{{3,9}})\.?[-\s.,]*(?P<y>\d{{4}}|\d{{2}}){_TIME}$"
_FORMS = {
    _YEAR_FIRST: re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?!\d)"),
    _YEAR_LAST: re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2}(?:\d{2})?(?!\d)"),
    _NAMED: re.compile(r"\d{1,2}[-\s.]{0,3}[^\W\d_]{3,9}\.?[-\s.,]{0,3}\d{2}(?:\d{2})?(?!\d)"),
}
"""Pattern for Arrow → its beginning for Python: to compile the first takes milliseconds, which a glance saves."""
_SCREEN = 20
_MONTHS = {
    name: month
    for month, names in enumerate(
        (
            "jan januar january janvier enero ene", "feb februar february fev fév février febrero",
            "mar mär märz march mrz mars marzo", "apr april avr avril abr abril", "may mai mayo",
            "jun juni june juin junio", "jul juli july juil juillet julio", "aug august aou aoû août ago agosto",
            "sep sept september septembre septiembre", "oct okt oktober october octobre octubre",
            "nov november novembre noviembre", "dec dez dezember december déc décembre dic diciembre",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
_MOSTLY = 0.95
_PARTIAL = re.compile(r"\d{4}(?:-\d{2})?(?:-)?")
_FAR_FUTURE, _FAR_PAST = 2200, 1800
_CODES = frozenset(("1900-01-01", "1899-12-30", "1899-12-31", "1753-01-01", "1970-01-01", "2099-12-31", "1111-11-11"))
"""Dates that systems write for "none"; taken so where they stand far from all others, as any beyond 1800 to 2200 is."""
_NEVER = 2500
"""No date of a person, even where dates were moved a century or more ahead to hide them."""
_APART = 20
"""Years between such a date and the others."""
_WINDOW = 20
"""A column of two-digit years that span at most so many years may reach ten years into the future (appointments)."""


@dataclass(frozen=True, slots=True)
class DateForm:
    """How a column writes its dates.

    Attributes:
        pattern: For ``strftime``; None where it is the ISO form.
        padded: Days and months below ten have a leading zero.
    """

    pattern: str | None = None
    padded: bool = True

    def write(self, moments: pd.Series) -> pd.Series:
        """Timestamps as texts of this form."""
        texts = moments.dt.strftime(self.pattern or "%Y-%m-%d").astype(object)
        if not self.padded:
            texts = texts.str.replace(r"(^|[/.\-])0(?=\d[/.\-])", r"\1", regex=True)
        return texts.where(moments.notna(), None)


@dataclass(frozen=True, slots=True)
class DateReading:
    """A column of dates.

    Attributes:
        iso: Per distinct text its date in ISO form, with the time of day where any is not midnight; null where the text
            is no date or stands for none.
        form: How the column writes them.
        clock: Some have a time of day.
        codes: Which texts are dates that stand for a missing cell.
        notes: Which texts are no dates.
        day_first: The order of day and month in a form that has them as numbers before the year; None in others.
        assumed: Nothing in the column tells the order.
        two_digits: Years have two digits.
    """

    iso: pa.Array
    form: DateForm
    clock: bool
    codes: pa.Array
    notes: pa.Array
    day_first: bool | None = None
    assumed: bool = False
    two_digits: bool = False


def read_dates(texts: pa.Array, day_first: bool | None = None) -> DateReading | None:
    """Read a column's distinct texts as dates of one form.

    Args:
        texts: Distinct texts, null where missing.
        day_first: What other columns of the table say of the order of day and month.

    Returns:
        None where they are not dates, or not all of one form.
    """
    present = texts.drop_null()
    if not len(present):
        return None
    screen = present.slice(0, _SCREEN).to_pylist()
    for pattern, looks in _FORMS.items():
        if 2 * sum(looks.match(text) is not None for text in screen) >= len(screen):
            return _read(texts, pattern, day_first)
    return None


def _read(texts: pa.Array, pattern: str, day_first: bool | None) -> DateReading | None:
    # Pattern groups are RE2's, which Arrow uses.
    parts = pc.extract_regex(texts, pattern)
    matched = pc.fill_null(pc.is_valid(parts), FALSE)
    present = len(texts) - texts.null_count
    count = int(pc.sum(matched).as_py() or 0)
    if count < present and (count < _MOSTLY * present or count < 10):
        return None
    notes = pc.and_(pc.is_valid(texts), pc.invert(matched))
    if count < present and any(_PARTIAL.fullmatch(text) for text in pc.filter(texts, notes).to_pylist()):
        return None
    get = {field.name: pc.struct_field(parts, field.name) for field in parts.type}
    order: bool | None = None
    assumed = False
    if "a" in get:
        first, second = (pc.max(pc.cast(get[name], pa.int64())).as_py() for name in "ab")
        if min(first, second) > 12:
            return None
        separator = get["g"].drop_null()[0].as_py()
        assumed = max(first, second) <= 12 and separator != "." and day_first is None
        order = first > 12 or (second <= 12 and (separator == "." or bool(day_first)))
        day, month = (get["a"], get["b"]) if order else (get["b"], get["a"])
    elif "m" in get and pattern == _NAMED:
        numbers = [None if name is None else _MONTHS.get(name.lower()) for name in get["m"].to_pylist()]
        if sum(number is None for number in numbers) > len(texts) - count:
            return None
        day, month = get["d"], listed([str(n or 0) for n in numbers], pa.string())
    else:
        day, month = get["d"], get["m"]
    year, two_digits = _full_years(get["y"])
    moments = _moments(year, month, day, get)
    if pc.any(pc.and_(matched, pc.is_null(moments))).as_py():
        return None
    codes = _codes(moments)
    kept = pc.if_else(codes, pa.NA, moments)
    clock = bool(pc.any(pc.not_equal(pc.cast(pc.floor_temporal(kept, unit="day"), kept.type), kept)).as_py())
    iso = pc.strftime(kept, format="%Y-%m-%d %H:%M:%S" if clock else "%Y-%m-%d")
    form = _form_of(get, pattern, order, two_digits, clock)
    return DateReading(iso, form, clock, codes, notes, order, assumed, two_digits)


def _full_years(years: pa.Array) -> tuple[pa.Array, bool]:
    """Years of four digits; of two, the century by which no date lies in the future.

    A birth date then never comes after today, and an age is never negative. A column whose years lie close together
    may be one of appointments, and reach into the next ten years.
    """
    if int(pc.min(pc.utf8_length(years)).as_py() or 4) >= 4:
        return years, False
    numbers = pc.cast(years, pa.int64())
    today = datetime.date.today().year
    for latest, widest in ((today + 10, _WINDOW), (today, 100)):
        short = pc.less(numbers, integer_scalar(100))
        century = integer_scalar(latest // 100 * 100)
        late = pc.greater(pc.add(numbers, century), integer_scalar(latest))
        full = pc.if_else(late, integer_scalar(latest // 100 * 100 - 100), century)
        found = pc.if_else(short, pc.add(numbers, full), numbers)
        if pc.max(found).as_py() - pc.min(found).as_py() <= widest:
            break
    return pc.cast(found, pa.string()), True


def _moments(year: pa.Array, month: pa.Array, day: pa.Array, get: dict[str, pa.Array]) -> pa.Array:
    def two(part: pa.Array) -> pa.Array:
        return pc.utf8_lpad(part, 2, "0")

    def filled(name: str) -> pa.Array:
        return pc.if_else(pc.equal(pc.fill_null(get[name], nothing), nothing), text_scalar("00"), get[name])

    nothing = text_scalar("")
    hour = filled("h")
    if pc.any(pc.not_equal(pc.fill_null(get["p"], nothing), nothing)).as_py():
        number, noon = pc.cast(hour, pa.int64()), integer_scalar(12)
        evening = pc.match_substring(get["p"], "p", ignore_case=True)
        morning = pc.match_substring(get["p"], "a", ignore_case=True)
        number = pc.if_else(pc.and_(evening, pc.less(number, noon)), pc.add(number, noon), number)
        number = pc.if_else(pc.and_(morning, pc.equal(number, noon)), integer_scalar(0), number)
        hour = pc.cast(number, pa.string())
    minute, second = filled("i"), filled("s")
    whole = pc.binary_join_element_wise(year, two(month), two(day), text_scalar("-"))
    clock = pc.binary_join_element_wise(two(hour), minute, second, text_scalar(":"))
    text = pc.binary_join_element_wise(whole, clock, text_scalar(" "))
    return pc.strptime(text, format="%Y-%m-%d %H:%M:%S", unit="s", error_is_null=True)


def _codes(moments: pa.Array) -> pa.Array:
    """Which dates stand for a missing one."""
    years = pc.fill_null(pc.year(moments), integer_scalar(2000))
    coded = pc.greater_equal(years, integer_scalar(_NEVER))
    named = pc.is_in(pc.strftime(moments, format="%Y-%m-%d"), listed(sorted(_CODES), pa.string()))
    early, late = pc.less(years, integer_scalar(_FAR_PAST)), pc.greater_equal(years, integer_scalar(_FAR_FUTURE))
    odd = pc.or_(pc.or_(named, coded), pc.or_(early, late))
    others = pc.filter(years, pc.and_(pc.is_valid(moments), pc.invert(odd)))
    if len(others):
        low, high = pc.min(others).as_py(), pc.max(others).as_py()
        apart = pc.or_(pc.less(years, integer_scalar(low - _APART)), pc.greater(years, integer_scalar(high + _APART)))
        coded = pc.or_(coded, pc.and_(odd, apart))
    return pc.and_(pc.is_valid(moments), coded)


def _form_of(get: dict[str, pa.Array], pattern: str, day_first: bool | None, two_digits: bool, clock: bool) -> DateForm:
    def first(name: str) -> str:
        values = get[name].drop_null()
        return str(values[0].as_py()) if len(values) else ""

    separator, year = first("g"), "%y" if two_digits else "%Y"
    time = ""
    if first("h"):
        time = first("t") + ("%I:%M" if first("p") else "%H:%M") + (":%S" if first("s") else "")
        time += (" %p" if first("p").startswith(" ") else "%p") if first("p") else ""
        time += first("z") if first("z").strip() in ("Z", "UTC") else ""
    if pattern == _YEAR_FIRST:
        days = f"%Y{separator}%m{separator}%d"
    elif pattern == _NAMED:
        # Months are written by their English names.
        days = f"%d{separator}%b{separator}{year}"
    else:
        days = separator.join(("%d", "%m", year) if day_first else ("%m", "%d", year))
    lengths = [int(pc.min(pc.utf8_length(get[name])).as_py() or 2) for name in ("d", "m", "a", "b") if name in get]
    plain = days == "%Y-%m-%d" and time in ("", " %H:%M:%S") and min(lengths) > 1
    return DateForm(None if plain else days + time, min(lengths) > 1)
