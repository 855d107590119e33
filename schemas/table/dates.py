"""The one reader of dates written as text: ISO, European, American, SAS, month names of several languages, bare digits.

Where day and month are both numbers, a column's values tell their order (``is_day_first``); a year of two digits is
read into the century that ends in ``LATEST_SHORT_YEAR``, or, of births, the one that makes an age below 100.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["LATEST_SHORT_YEAR", "OLDEST_AGE", "OPEN_DATES", "WrittenDate", "birth_year", "is_day_first", "read_date"]

LATEST_SHORT_YEAR = 2035
"""Years of two digits are 1936 to 2035."""
OLDEST_AGE = 110
OPEN_DATES = frozenset(((9999, 12, 31), (9999, 1, 1), (1900, 1, 1), (1, 1, 1), (1899, 12, 30), (2999, 12, 31)))
"""Year, month and day that systems write for "open" or "unknown" (0 of a spreadsheet is 1899-12-30)."""

_LONGEST = 40
_MONTHS = {
    prefix: number
    for number, prefixes in enumerate(
        (
            "jan ene gen jän sty", "feb fév fev lut", "mar mär mrt", "apr abr avr kwi", "may mai maj mag mei",
            "jun juin giu cze", "jul juil lug lip", "aug aoû aou ago sie", "sep set wrz", "oct okt ott out paź",
            "nov lis", "dec déc dez dic gru",
        ),
        start=1,
    )
    for prefix in prefixes.split()
}  # fmt: skip
_MONTH = r"(?P<name>(?:" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")[^\W\d_]{0,9})"
_TIME = (
    r"(?:[T\s:]\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?\s?(?P<half>[AaPp])?(?:[Mm])?"
    r"\s?(?P<zone>Z|UTC|[+-]\d{2}:?\d{2})?)?"
)
_FORMS = (
    (re.compile(rf"(?P<y>\d{{4}})[-/.](?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}}){_TIME}"), False),
    (re.compile(rf"(?P<a>\d{{1,2}})[-/.]\s?(?P<b>\d{{1,2}})[-/.]\s?(?P<y>\d{{4}}|\d{{2}}){_TIME}"), False),
    (re.compile(rf"(?P<d>\d{{1,2}})[-\s.]{{0,2}}{_MONTH}[-\s.,]{{0,2}}(?P<y>\d{{4}}|\d{{2}}){_TIME}", re.I), False),
    (re.compile(rf"{_MONTH}\.?\s(?P<d>\d{{1,2}}),?\s(?P<y>\d{{4}}){_TIME}", re.I), False),
    (
        re.compile(
            r"(?P<y>(?:18|19|20|21|22)\d{2})(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])"
            r"(?:(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)(?P<second>[0-5]\d))?"
        ),
        True,
    ),
    (re.compile(r"(?P<y>(?:18|19|20|21|22)\d{2})-(?P<m>0[1-9]|1[0-2])"), True),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class WrittenDate:
    """What one value says as a date.

    Attributes:
        moment: Calendar day and time of day, in UTC where a zone is written.
        clock: It has a time of day other than midnight.
        weak: A bare number or a year and month, which could be something else.
        short_year: Its year has two digits, so that its century is a guess.
    """

    moment: datetime
    clock: bool
    weak: bool
    short_year: bool = False

    @property
    def year(self) -> int:
        """Calendar year."""
        return self.moment.year

    @property
    def is_open(self) -> bool:
        """It stands for "open" or "unknown"."""
        return (self.moment.year, self.moment.month, self.moment.day) in OPEN_DATES


def read_date(text: str, *, day_first: bool | None = None) -> WrittenDate | None:
    """The date in ``text``, or None.

    Args:
        text: One value.
        day_first: Order of day and month where both are numbers; None takes what is possible, the month first.
    """
    if not 6 <= len(text) <= _LONGEST:
        return None
    for form, weak in _FORMS:
        match = form.fullmatch(text)
        if match:
            return _written(match.groupdict(), weak, day_first)
    return None


def _written(parts: dict[str, str | None], weak: bool, day_first: bool | None) -> WrittenDate | None:
    year = parts["y"] or ""
    number = int(year)
    short = len(year) == 2
    if short:
        number += 1900 if number > LATEST_SHORT_YEAR % 100 else 2000
    month, day = _month_and_day(parts, day_first)
    if not (1800 <= number <= 2300 or (number, month, day) in OPEN_DATES):
        return None
    hour, minute, second = (int(parts.get(part) or 0) for part in ("hour", "minute", "second"))
    if parts.get("half"):
        hour = hour % 12 + (12 if (parts["half"] or "").lower() == "p" else 0)
    try:
        moment = datetime(number, month, day, hour, minute, second)
    except ValueError:
        return None
    zone = parts.get("zone")
    if zone and zone not in ("Z", "UTC"):
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        moment = moment - offset if zone[0] == "+" else moment + offset
    return WrittenDate(moment, clock=bool(hour or minute or second), weak=weak, short_year=short)


def _month_and_day(parts: dict[str, str | None], day_first: bool | None) -> tuple[int, int]:
    name = parts.get("name")
    if name:
        prefix = name.lower()
        month = _MONTHS.get(prefix[:4]) or _MONTHS.get(prefix[:3]) or 0
        return month, int(parts["d"] or 0)
    if parts.get("a"):
        first, second = int(parts["a"] or 0), int(parts["b"] or 0)
        if day_first is None:
            day_first = first > 12
        return (second, first) if day_first else (first, second)
    return int(parts["m"] or 0), int(parts.get("d") or 1)


_ORDER = re.compile(r"\s?(\d{1,2})([./-])\s?(\d{1,2})[./-]")


def is_day_first(texts: Iterable[str]) -> bool:
    """Whether a column writes the day before the month: a first number above 12 says so, else dots between them do."""
    dotted = False
    for text in texts:
        match = _ORDER.match(text[:_LONGEST])
        if not match:
            continue
        if int(match.group(1)) > 12:
            return True
        if int(match.group(3)) > 12:
            return False
        dotted = dotted or match.group(2) == "."
    return dotted


def birth_year(year: int, reference: int) -> int:
    """The year of birth that a year of two digits stands for: the latest not after the reference.

    Args:
        year: In any century.
        reference: A year in which the person lived.
    """
    return reference - (reference - year) % 100
