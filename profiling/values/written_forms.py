"""Measurements that carry more than a number: a unit in the cell, several numbers, a duration.

``7.4kg`` is 7.4; ``113/82`` is two numbers; ``3 days 04:05:00`` is a duration. Each is modelled as numbers and written
back in its form. A number with a word of its own beside it is a measurement with notes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .dates import DateForm

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = [
    "Composite",
    "PLAIN",
    "UnitForm",
    "WrittenForm",
    "duration_unit",
    "find_composite",
    "find_unit",
    "is_note",
    "read_duration",
]

FormKind = Literal["plain", "unit", "composite", "duration", "date", "boolean"]


@dataclass(frozen=True, slots=True)
class UnitForm:
    """What stands around the number in every cell."""

    before: str = ""
    after: str = ""
    width: int = 0
    """Digits, where numbers are written with leading zeros (``067Y``)."""

    def write(self, numbers: pd.Series) -> pd.Series:
        """Numbers as texts with their unit."""
        texts = [
            None if number != number or number is None else f"{self.before}{self._digits(number)}{self.after}"
            for number in numbers.astype("Float64").to_numpy(dtype=float, na_value=float("nan")).tolist()
        ]
        return numbers.astype(object).mask([True] * len(numbers), texts)

    def _digits(self, number: float) -> str:
        text = str(int(number)) if number == int(number) else repr(number)
        return text.zfill(self.width)


@dataclass(frozen=True, slots=True)
class Composite:
    """Several numbers in one cell.

    Attributes:
        pieces: The texts before, between and after the numbers: one more than there are numbers.
        decimals: Digits after the point of each number.
    """

    pieces: tuple[str, ...]
    decimals: tuple[int, ...]

    def split(self, cells: pd.Series) -> list[pd.Series]:
        """One column of numbers for each part; missing where the cell is missing or has another form."""
        pattern = "".join(
            re.escape(piece) + (r"(\d+(?:\.\d+)?)" if place < len(self.decimals) else "")
            for place, piece in enumerate(self.pieces)
        )
        parts = cells.astype("string").str.extract(f"^{pattern}$")
        return [parts[place].astype("Float64").astype("float64") for place in range(len(self.decimals))]

    def join(self, parts: Sequence[np.ndarray]) -> list[str | None]:
        """The parts as texts of the column's form; None where a part is missing."""
        texts: list[str | None] = []
        for numbers in zip(*parts, strict=True):
            if any(number != number for number in numbers):
                texts.append(None)
                continue
            written = [f"{abs(n):.{places}f}" for n, places in zip(numbers, self.decimals, strict=True)]
            texts.append("".join(a + b for a, b in zip(self.pieces, [*written, ""], strict=True)))
        return texts


@dataclass(frozen=True, slots=True)
class WrittenForm:
    """How a column's cells are written.

    Attributes:
        kind: ``plain`` for numbers and labels as they are.
        unit: Of ``unit``.
        composite: Of ``composite``.
        date: Of ``date``.
    """

    kind: FormKind = "plain"
    unit: UnitForm | None = None
    composite: Composite | None = None
    date: DateForm | None = None


PLAIN = WrittenForm()

_UNIT_WORDS = (
    "kg g mg µg μg ug mcg ng pg lb lbs oz stone km m cm mm in inch inches ft l ml dl µl fl % ‰ °c °f bpm /min mmhg "
    "cmh2o kpa hpa pa kcal kj cal w watt v mv hz mol/l mmol/l µmol/l μmol/l umol/l nmol/l pmol/l mmol/mol mol mmol "
    "mg/dl mg/l g/dl g/l µg/l μg/l ug/l ng/ml ng/dl ng/l pg/ml u/l iu/l miu/l miu/ml iu iu/ml u/ml meq/l meq "
    "kg/m2 kg/m² m2 m² ml/min ml/min/1.73m2 ml/kg mg/kg mg/d mg/day g/d /µl /ul /nl 10^9/l x10^9/l x10e9/l 10^12/l "
    "years year yrs yr y y/o yo jahre jahr j. j ans an años año anni jaar jaren lat anos ano år "
    "months month mths mo mon monate monat mois meses mesi maanden weeks week wks wk w wochen woche semaines semanas "
    "days day d tage tag jours jour días dias giorni dagen hours hour hrs hr h std std. stunden heures horas "
    "minutes minute mins min minuten sec secs s seconds sekunden € $ £ eur usd gbp chf pack-years py points pts"
)
_UNITS = frozenset(_UNIT_WORDS.split())
_NUMBER = r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)"
_WITH_UNIT = re.compile(
    rf"(?P<before>[€$£]\s?)?(?P<number>{_NUMBER})(?P<after>\s?[^\s\d.,<>=][^\s]{{0,14}}(?:\s[a-z/²2]+)?)?"
)
_COMPOSITE_PIECE = re.compile(
    r"\s*(?:[/:+x\u00d7'\"°]|''|\u2032|\u2033|ft\.?|in\.?|w|d|wk|weeks?|days?|on|over|and)\s*|\s+"
)
_PART = re.compile(r"\d+(?:\.\d+)?")
_MOST_DIGITS = 3
FEWEST_COMPOSITES = 12
"""Distinct values below which a composite is a level like any other."""
_CODE_LIKE = re.compile(r"[A-Za-z]{0,4}[-.]?\d[\w.\-/]*|[\w.\-]*\d[A-Za-z]{0,2}")
_DURATION = re.compile(
    r"(?P<sign>-)?(?:(?P<days>\d+) days?,?\s*)?"
    r"(?:(?P<hours>\d{1,3}):(?P<minutes>[0-5]\d):(?P<seconds>[0-5]\d(?:\.\d+)?))?"
)
_ISO_DURATION = re.compile(
    r"(?P<sign>-)?P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)


_DURATION_UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1))


def duration_unit(seconds: float) -> tuple[str, int]:
    """The largest unit that a length reaches, and the seconds in it."""
    return next(((name, length) for name, length in _DURATION_UNITS if seconds >= length), _DURATION_UNITS[-1])


def find_unit(texts: Sequence[str]) -> tuple[UnitForm, dict[str, str]] | None:
    """The unit that the cells of a column carry, and the number in each text.

    Args:
        texts: Distinct texts, numbers with a decimal point.

    Returns:
        None unless the texts are numbers of which most carry the same unit of measurement.
    """
    numbers: dict[str, str] = {}
    forms: dict[tuple[str, str], int] = {}
    bare = 0
    for text in texts:
        match = _WITH_UNIT.fullmatch(text)
        if match is None:
            return None
        before, after = match["before"] or "", match["after"] or ""
        numbers[text] = match["number"]
        if not before and not after:
            bare += 1
        elif (before or after).strip().casefold() not in _UNITS:
            return None
        else:
            forms[before, after] = forms.get((before, after), 0) + 1
    if not forms or bare > len(texts) / 2 or len({(b + a).strip().casefold() for b, a in forms}) != 1:
        return None
    before, after = max(forms, key=lambda form: forms[form])
    widths = {len(number) for number in numbers.values()}
    led = any(re.match(r"0\d", number) for number in numbers.values())
    return UnitForm(before, after, widths.pop() if led and len(widths) == 1 else 0), numbers


def find_composite(texts: Sequence[str]) -> tuple[Composite, dict[str, tuple[float, ...]]] | None:
    """The form of cells that hold several numbers, and the numbers in each text.

    Returns:
        None unless nearly all texts have one form, such as ``113/82``, ``29+5`` or ``6'2"``, and are no dates, codes or
        keys: no number has more than three digits or a leading zero.
    """
    if len(texts) < FEWEST_COMPOSITES:
        return None
    parts: dict[str, tuple[float, ...]] = {}
    pieces: tuple[str, ...] | None = None
    decimals: list[int] = []
    for text in texts:
        numbers = _PART.findall(text)
        between = tuple(_PART.split(text))
        if pieces is None:
            if not 2 <= len(numbers) <= 4 or between[0] or not all(map(_COMPOSITE_PIECE.fullmatch, between[1:-1])):
                return None
            if between[-1] and not _COMPOSITE_PIECE.fullmatch(between[-1]):
                return None
            pieces, decimals = between, [0] * len(numbers)
        if between != pieces:
            return None
        for place, number in enumerate(numbers):
            whole, _, fraction = number.partition(".")
            if len(whole) > _MOST_DIGITS or (len(whole) > 1 and whole[0] == "0"):
                return None
            decimals[place] = max(decimals[place], len(fraction))
        parts[text] = tuple(map(float, numbers))
    assert pieces is not None
    return Composite(pieces, tuple(decimals)), parts


def is_note(text: str) -> bool:
    """Whether a text among numbers is a remark (``hemolyzed``, ``#REF!``) and no code with digits (``V58.1``)."""
    return any(c.isalpha() for c in text) and _CODE_LIKE.fullmatch(text) is None


def read_duration(text: str) -> float | None:
    """Seconds of a duration such as ``3 days 04:05:00``, ``26:30:00`` or ``P3DT4H``; None where it is none."""
    match = _DURATION.fullmatch(text) or _ISO_DURATION.fullmatch(text)
    if match is None:
        return None
    parts = {name: float(value) for name, value in match.groupdict().items() if value and name != "sign"}
    if not parts:
        return None
    seconds = sum(
        parts.get(name, 0.0) * length
        for name, length in (("weeks", 604_800), ("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1))
    )
    return -seconds if match["sign"] else seconds
