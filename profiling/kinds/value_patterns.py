"""Shapes of values: identifiers, terminology codes, censored numbers; check digits are checked.

Cells come from strangers: no value longer than ``LONGEST`` has a shape, and expressions run in Arrow's engine (RE2),
whose time grows with the length of the text and no faster.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ...schemas.profile import Pattern
from ...schemas.table.dates import read_date
from ..values.arrow_arrays import listed
from .identifiers.addresses import is_phone, is_street_address
from .identifiers.national_ids import passes_luhn, passes_verhoeff

__all__ = ["DIRECT", "EXPRESSIONS", "LONGEST", "TESTS", "matches", "pattern_shares"]

LONGEST = 200
"""Characters of a value that the rules look at."""

_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_MAC = r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}"

EXPRESSIONS: dict[Pattern, str] = {
    "email": r"[\p{L}\p{N}_.+%'-]+@[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)+",
    "ip": rf"(?i:(?:{_OCTET}\.){{3}}{_OCTET}|(?:[0-9a-f]{{1,4}}:){{7}}[0-9a-f]{{1,4}}|{_MAC})",
    "uuid": r"(?i:(?:urn:uuid:)?\{?[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\}?|[0-9a-f]{32,64})",
    "url": r"(?i:(?:https?|ftp)://\S+|www\.\S+\.\S+)",
    "licence": r"[A-Z]{1,2}\d{6,9}[A-Z]?",
    "zip": r"\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d",
    "icd10": r"[A-TV-Z]\d[0-9AB](?:\.?[0-9A-Z]{1,4})?[!*+]?",
    "icd9": r"(?:\d{3}(?:\.\d{1,2})?|V\d{2}(?:\.\d{1,2})?|E\d{3}(?:\.\d)?|V\d{3,4}|E\d{4})",
    "atc": r"[A-DGHJLMNPRSV]\d{2}[A-Z]{2}\d{2}|[A-DGHJLMNPRSV]\d{2}[A-Z]{1,2}",
    "ndc": r"\d{4,5}-\d{3,4}-\d{1,2}|\d{11}",
    "clock_time": r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:\s?[AaPp]\.?[Mm]\.?)?",
    "integer": r"[+-]?\d+",
    "decimal": r"[+-]?(?:\d+[.,]\d*|[.,]\d+)(?:[eE][+-]?\d+)?",
    "censored_number": r"(?:[<>≤≥]=?|<=|>=)\s*[+-]?\d+(?:[.,]\d+)?",
    "roman": r"(?i:(?:stage |stadium |grade |grad |stade )?(?:I{1,3}|IV|VI{0,3}|IX|X)(?:[A-C]\d?)?)",
}
"""Shape → expression; ``zip``, ``icd9``, ``licence`` and ``ndc`` are weak alone and need a name or company."""


def _is_ssn(text: str) -> bool:
    # 000 and 666 are never given out (SSA, randomisation of 2011); the 900s are kept, since test data use them.
    area, _, rest = text.partition("-")
    group, _, serial = rest.partition("-")
    if not (len(area) == 3 and len(group) == 2 and len(serial) == 4 and (area + group + serial).isdecimal()):
        return False
    return area not in ("000", "666") and group != "00"


def _is_loinc(text: str) -> bool:
    """LOINC's check digit is Luhn's, over the digits before the hyphen."""
    number, _, check = text.partition("-")
    return 1 <= len(number) <= 7 and len(check) == 1 and _is_digits(number + check) and passes_luhn(number + check)


def _is_snomed(text: str) -> bool:
    """A SNOMED CT identifier: 6 to 18 digits with a partition (concept, description, relation) and Verhoeff's digit."""
    if (
        not (6 <= len(text) <= 18 and _is_digits(text) and text[0] != "0")
        or text[-3] not in "01"
        or text[-2] not in "012"
    ):
        return False
    return passes_verhoeff(text)


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _is_dialled(text: str) -> bool:
    return is_phone(text) and read_date(text) is None


TESTS: dict[Pattern, Callable[[str], bool]] = {
    "ssn": _is_ssn,
    "phone": _is_dialled,
    "street_address": is_street_address,
    "loinc": _is_loinc,
    "snomed": _is_snomed,
}
"""Shape → test of one value, where an expression does not do; each reads a value once."""

DIRECT: tuple[Pattern, ...] = ("ssn", "email", "phone", "ip", "uuid", "url", "street_address")
"""Shapes that identify on their own (45 CFR 164.514(b)(2)(i))."""

_SCREEN = 40
"""Values looked at first; a shape rarer than half of them is not counted further."""


def matches(values: Sequence[str], expression: str) -> int:
    """How many values the expression (of RE2) describes from end to end; those of ``LONGEST`` characters none."""
    return _matches(_short(values), expression)


def _short(values: Sequence[str]) -> pa.Array:
    return listed([value for value in values if len(value) < LONGEST], pa.string())


def _matches(values: pa.Array, expression: str) -> int:
    return int(pc.sum(pc.match_substring_regex(values, rf"\A(?:{expression})\z")).as_py() or 0)


def pattern_shares(values: Sequence[str]) -> dict[Pattern, float]:
    """Share of ``values`` (distinct, not missing) per shape; shapes of less than half are left out."""
    if not values:
        return {}
    screen = values[:: max(1, len(values) // _SCREEN)][:_SCREEN]
    screened, whole = _short(screen), _short(values)
    shares: dict[Pattern, float] = {}
    for shape, test in TESTS.items():
        if 2 * sum(map(test, screened.to_pylist())) >= len(screen):
            shares[shape] = sum(map(test, whole.to_pylist())) / len(values)
    for shape, expression in EXPRESSIONS.items():
        if 2 * _matches(screened, expression) >= len(screen):
            shares[shape] = _matches(whole, expression) / len(values)
    return {shape: share for shape, share in shares.items() if share >= 0.5}
