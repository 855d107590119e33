"""Shapes of values: identifiers, terminology codes, dates, censored numbers; check digits are checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...schemas.profile import Pattern

__all__ = ["DIRECT", "PATTERNS", "DateShape", "pattern_shares", "read_date"]

_STREET = (
    r"street|st|avenue|ave|road|rd|lane|ln|drive|dr|court|ct|place|pl|way|boulevard|blvd|square|sq|terrace|circle|highway|"
    r"hwy|parkway|path|row|run|route|mill|dam|pike|trail|crossing|alley|walk|gate|close|crescent|unit|suite|apt|floor"
)
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_EURO_STREET = r"(?:stra(?:ß|ss)e|str\.|weg|gasse|platz|allee|ring|damm|ufer)"

_VERHOEFF_D = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_VERHOEFF_P = (
    "0123456789", "1576283094", "5803796142", "8916043527",
    "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def _regex(pattern: str, flags: int = 0) -> Callable[[str], bool]:
    compiled = re.compile(pattern, flags)
    return lambda text: compiled.fullmatch(text) is not None


def _is_ssn(text: str) -> bool:
    # 000 and 666 are never given out (SSA, randomisation of 2011); the 900s are kept, since test data use them.
    match = re.fullmatch(r"(\d{3})-(\d{2})-(\d{4})", text)
    return bool(match) and match.group(1) not in ("000", "666") and match.group(2) != "00"  # type: ignore[union-attr]


def _is_phone(text: str) -> bool:
    if not re.fullmatch(r"\+?[\d(][\d\s().\-/]{6,22}(?:\s*(?:x|ext\.?)\s*\d{1,6})?", text):
        return False
    digits = sum(c.isdigit() for c in text)
    if not 7 <= digits <= 17 or read_date(text):
        return False
    return bool(
        re.fullmatch(r"\+\d[\d\s().\-/]+", text)
        or re.fullmatch(r"(?:1[\s.\-])?\(?\d{3}\)?[\s.\-/]\s?\d{3}[\s.\-]\d{4}(?:\s*(?:x|ext\.?)\s*\d{1,6})?", text)
        or re.fullmatch(r"\(?0\d{1,4}\)?\s?[\s/\-]\s?\d[\d\s]{4,10}\d", text)
        or re.fullmatch(r"0\d(?:[\s.]\d{2}){4}", text)
        or re.fullmatch(r"\d{3}-\d{4}", text)
    )


def _is_loinc(text: str) -> bool:
    """LOINC's check digit is Luhn's (mod 10), over the digits before the hyphen."""
    match = re.fullmatch(r"(\d{1,7})-(\d)", text)
    if not match:
        return False
    total = 0
    for place, digit in enumerate(reversed(match.group(1))):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return (10 - total % 10) % 10 == int(match.group(2))


def _is_snomed(text: str) -> bool:
    """A SNOMED CT identifier: 6 to 18 digits with a partition (concept, description, relation) and Verhoeff's digit."""
    if not re.fullmatch(r"[1-9]\d{5,17}", text) or text[-3] not in "01" or text[-2] not in "012":
        return False
    check = 0
    for place, digit in enumerate(reversed(text)):
        check = int(_VERHOEFF_D[check][int(_VERHOEFF_P[place % 8][int(digit)])])
    return check == 0


PATTERNS: dict[Pattern, Callable[[str], bool]] = {
    "ssn": _is_ssn,
    "email": _regex(r"[\w.+%'-]+@[\w-]+(?:\.[\w-]+)+"),
    "phone": _is_phone,
    "ip": _regex(rf"(?:{_OCTET}\.){{3}}{_OCTET}|(?:[0-9a-f]{{1,4}}:){{7}}[0-9a-f]{{1,4}}", re.I),
    "uuid": _regex(r"(?:urn:uuid:)?\{?[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\}?|[0-9a-f]{32,64}", re.I),
    "url": _regex(r"(?:https?|ftp)://\S+|www\.\S+\.\S+", re.I),
    "street_address": _regex(
        r"(?:\d{1,6}[a-zA-Z]?\s(?:\w\.?\s)?[A-ZÀ-Þ][a-zß-ÿ'.-]+(?:\s+[A-ZÀ-Þ#][\w'.-]*){1,6}(?:\s+#?\d+\w?)?)|"
        r"(?i:" +
        rf"(?:\d{{1,6}}[a-z]?(?:[-/]\d+)?,?\s+[^\d].*\b(?:{_STREET})\b.*)|(?:p\.?\s?o\.?\s+box\s+\d+.*)"
        rf"|(?:[^\d,]*{_EURO_STREET}\s+\d{{1,4}}\s?[a-z]?(?:,.*)?)"
        r"|(?:\d{1,4}(?:\s?(?:bis|ter))?,?\s+(?:rue|avenue|boulevard|place|chemin|impasse|allée|quai|cours)\s.+)"
        r"|(?:(?:calle|avenida|av\.|plaza|paseo|c/|carrera|vía|via)\s.+\d.*))",
    ),
    "licence": _regex(r"[A-Z]{1,2}\d{6,9}[A-Z]?"),
    "zip": _regex(r"\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d"),
    "icd10": _regex(r"[A-TV-Z]\d[0-9AB](?:\.?[0-9A-Z]{1,4})?[!*+]?"),
    "icd9": _regex(r"(?:\d{3}(?:\.\d{1,2})?|V\d{2}(?:\.\d{1,2})?|E\d{3}(?:\.\d)?|V\d{3,4}|E\d{4})"),
    "loinc": _is_loinc,
    "atc": _regex(r"[A-DGHJLMNPRSV]\d{2}[A-Z]{2}\d{2}|[A-DGHJLMNPRSV]\d{2}[A-Z]{1,2}"),
    "ndc": _regex(r"\d{4,5}-\d{3,4}-\d{1,2}|\d{11}"),
    "snomed": _is_snomed,
    "clock_time": _regex(r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:\s?[AaPp]\.?[Mm]\.?)?"),
    "integer": _regex(r"[+-]?\d+"),
    "decimal": _regex(r"[+-]?(?:\d+[.,]\d*|[.,]\d+)(?:[eE][+-]?\d+)?"),
    "censored_number": _regex(r"(?:[<>≤≥]=?|<=|>=)\s*[+-]?\d+(?:[.,]\d+)?"),
    "roman": _regex(r"(?:stage |stadium |grade |grad |stade )?(?:I{1,3}|IV|VI{0,3}|IX|X)(?:[A-C]\d?)?", re.I),
}  # fmt: skip
"""Shape → test of one value; ``zip``, ``icd9``, ``licence`` and ``ndc`` are weak alone and need a name or company."""

DIRECT: tuple[Pattern, ...] = ("ssn", "email", "phone", "ip", "uuid", "url", "street_address")
"""Shapes that identify on their own (45 CFR 164.514(b)(2)(i))."""

_MONTH = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mai|okt|dez|mär|fev|avr|juin|juil|aou|ene|abr|ago|dic)"
    r"[a-zäéû]*"
)
_TIME = r"(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(?:[AaPp][Mm])?\s*(?:Z|UTC|[+-]\d{2}:?\d{2})?)?"
_DATES = (
    (re.compile(rf"(?P<y>\d{{4}})[-/.](?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}}){_TIME}"), False),
    (re.compile(rf"(?P<a>\d{{1,2}})[-/.](?P<b>\d{{1,2}})[-/.](?P<y>\d{{4}}){_TIME}"), False),
    (re.compile(rf"(?P<a>\d{{1,2}})[-/.](?P<b>\d{{1,2}})[-/.](?P<s>\d{{2}}){_TIME}"), False),
    (re.compile(rf"(?P<d>\d{{1,2}})[-\s.]?{_MONTH}[-\s.,]*(?P<y>\d{{4}}|\d{{2}}):?{_TIME}", re.I), False),
    (re.compile(rf"{_MONTH}\.?\s+(?P<d>\d{{1,2}}),?\s+(?P<y>\d{{4}}){_TIME}", re.I), False),
    (re.compile(r"(?P<y>(?:18|19|20|21|22)\d{2})(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])(?:\d{6})?"), True),
    (re.compile(r"(?P<y>(?:18|19|20|21|22)\d{2})-(?P<m>0[1-9]|1[0-2])"), True),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DateShape:
    """What one value says as a date.

    Attributes:
        year: Calendar year.
        clock: It has a time of day other than midnight.
        weak: A bare number or a year and month, which could be something else.
    """

    year: int
    clock: bool
    weak: bool


def read_date(text: str) -> DateShape | None:
    """The date in ``text``, in ISO, European, American or SAS form, or None."""
    if not 6 <= len(text) <= 40:
        return None
    for form, weak in _DATES:
        match = form.fullmatch(text)
        if not match:
            continue
        found = match.groupdict()
        if "m" in found and not 1 <= int(found["m"]) <= 12:
            return None
        if "d" in found and not 1 <= int(found["d"]) <= 31:
            return None
        if "a" in found:
            first, second = int(found["a"]), int(found["b"])
            if not (1 <= first <= 31 and 1 <= second <= 31 and min(first, second) <= 12):
                return None
        year = found.get("y") or found.get("s") or ""
        number = int(year) if len(year) == 4 else 1900 + int(year) + (100 if int(year) < 50 else 0)
        if not 1800 <= number <= 2300:
            return None
        clock = any(int(group) for group in match.groups()[-3:] if group and group.isdigit()) if ":" in text else False
        return DateShape(number, clock, weak)
    return None


_SCREEN = 40
"""Values looked at first; a shape rarer than half of them is not counted further."""


def pattern_shares(values: Sequence[str]) -> dict[Pattern, float]:
    """Share of ``values`` (distinct, not missing) per shape; shapes of less than half are left out."""
    if not values:
        return {}
    shares: dict[Pattern, float] = {}
    step = max(1, len(values) // _SCREEN)
    screen = values[::step][:_SCREEN]
    for shape, matches in PATTERNS.items():
        if sum(map(matches, screen)) * 2 < len(screen):
            continue
        share = sum(map(matches, values)) / len(values)
        if share >= 0.5:
            shares[shape] = share
    return shares
