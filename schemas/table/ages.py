"""The one reader of ages as clinical systems write them: units, top codes, DICOM, and codes that are no years."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["AGE_CAP", "MOST_YEARS", "read_age", "read_ages"]

AGE_CAP = 90.0
"""Ages of 90 and over are one class (45 CFR 164.514(b)(2)(i)(C))."""
MOST_YEARS = 125.0

_LONGEST = 40
_NUMBER = r"(?P<n>\d{1,4}(?:[.,]\d{1,15})?)"
_UNITS: dict[float, str] = {
    1.0: "y yo y/o yr yrs year years j jr jahr jahre a an ans año años ano anos anni anno jaar lat lata rok "
    "år ar let roky лет год года yaş yas ετών",
    1 / 12: "m mo mos mon mth mths month months monat monate mois mes meses mês mesi mese maand maanden miesiąc "
    "miesięcy månader mån мес ay",
    7 / 365.25: "w wk wks week weeks woche wochen semaine semaines semana semanas settimane weken tygodni",
    1 / 365.25: "d day days tag tage jour jours día días dia dias giorni dagen dni dagar дней gün",
}  # fmt: skip
_PER_YEAR = {word: years for years, words in _UNITS.items() for word in words.split()}
_OVER = (
    r"\+|and (?:over|older|above)|or (?:over|older|above|more)|und (?:älter|mehr)|oder älter|et plus|ou plus|y más|"
    r"o más|e oltre|o più|ou mais|en ouder|of ouder|i więcej|och äldre|и старше|ve üzeri"
)
_UNIT = r"(?: ?(?P<unit>[^\W\d_]{1,9}(?:/o)?)\.?)?"
_PLAIN = re.compile(rf"(?:age[ds]?[: ]{{1,2}})?{_NUMBER}{_UNIT}(?: old)?(?: ?(?:{_OVER}))?")
_ABOVE = re.compile(
    rf"(?:>=?|≥|over|above|older than|über|älter als|plus de|más de|oltre|mais de|ouder dan|boven|powyżej|över|старше)"
    rf" ?{_NUMBER}{_UNIT}"
)
_DICOM = re.compile(r"(?P<n>\d{3})(?P<unit>[DWMY])")


def read_age(text: str) -> float | None:
    """Years that one value says, or None where it is no age.

    ``45``, ``67 years``, ``067Y`` and ``018M`` (DICOM), ``90+`` and ``>89`` (90: one class), ``300`` and up to 310
    (MIMIC's code for over 89).
    """
    if not 1 <= len(text) <= _LONGEST:
        return None
    folded = text.strip().casefold()
    dicom = _DICOM.fullmatch(text.strip())
    match = dicom or _PLAIN.fullmatch(folded) or _ABOVE.fullmatch(folded)
    if match is None:
        return None
    parts = match.groupdict()
    number = float(parts["n"].replace(",", "."))
    unit = (parts.get("unit") or "").casefold()
    if unit:
        years = _PER_YEAR.get(unit)
        if years is None:
            return None
        return _checked(number * years)
    if 300 <= number <= 310:
        return AGE_CAP
    if match.re is _ABOVE and number >= AGE_CAP - 1:
        return AGE_CAP
    return _checked(number)


def _checked(years: float) -> float | None:
    return years if years <= MOST_YEARS else None


_DATASUS = re.compile(r"[0-5]\d{3}")


def read_ages(texts: Sequence[str]) -> list[float | None]:
    """Years of a column's values; where most are DATASUS codes (``4045``: 45 years), all are read as such."""
    coded = [text for text in texts if _DATASUS.fullmatch(text)]
    in_years = sum(text[0] == "4" and int(text[1:]) <= MOST_YEARS for text in coded)
    if texts and len(coded) >= 0.8 * len(texts) and in_years >= 0.5 * len(coded):
        return [_read_datasus(text) for text in texts]
    return [read_age(text) for text in texts]


def _read_datasus(text: str) -> float | None:
    """First digit: 0 minutes, 1 hours, 2 days, 3 months, 4 years, 5 years from 100 (Ministry of Health of Brazil)."""
    if not _DATASUS.fullmatch(text):
        return None
    unit, number = int(text[0]), int(text[1:])
    if unit < 2:
        return 0.0
    years = {2: number / 365.25, 3: number / 12, 4: float(number), 5: 100.0 + number}[unit]
    return _checked(years)
