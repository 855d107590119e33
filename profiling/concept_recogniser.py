"""Which clinical concept a column holds, and in which unit: by its name and its values together.

A name proposes, the values dispose: a column called ``k`` is potassium only where its figures could be a patient's
potassium. What is recognised is a member of the closed vocabulary (``schemas.meaning``) and says nothing of a person.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..schemas.errors import TableError
from ..schemas.meaning import CONCEPTS, Concept, Unit, normalise_name
from ..schemas.meaning.vocabulary import concept_names
from ..schemas.profile import Kind, SafeColumn

__all__ = ["Recognised", "check_concept", "recognise_concept", "unit_of"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ACCEPT = 0.5
"""Least confidence of a concept that is told (chosen on the first half of the benchmark's tables)."""

_KINDS: dict[Kind, frozenset[str]] = {
    "identifier": frozenset({"identifier", "code", "text"}),
    "quasi_identifier": frozenset({"number", "levels", "date", "text"}),
    "name": frozenset({"text"}),
    "address": frozenset({"text", "levels"}),
    "phone": frozenset({"text"}),
    "email": frozenset({"text"}),
    "ssn": frozenset({"identifier", "text"}),
    "date": frozenset({"date"}),
    "datetime": frozenset({"date"}),
    "free_text": frozenset({"text"}),
    "code": frozenset({"code", "levels", "identifier"}),
    "boolean": frozenset({"levels"}),
    "categorical": frozenset({"levels", "text"}),
    "ordinal": frozenset({"levels", "number"}),
    "count": frozenset({"number", "levels"}),
    "continuous": frozenset({"number"}),
    "event_time": frozenset({"number"}),
    "event_indicator": frozenset({"levels"}),
    "constant": frozenset({"number", "levels", "date", "code", "text", "identifier", "constant"}),
}
"""Kind of a column → kinds of values that a concept may have there."""

_TELLING_RATIO = 15.0
"""Units nearer than this factor cannot be told apart by their figures."""

_TIME_UNITS = frozenset({"a", "mo", "wk", "d", "h"})
"""Lengths of time are plausible in each of them."""

_QUALIFIERS = _words(
    "baseline bl base first last mean avg average min minimum max maximum median serum plasma blood value "
    "values val result level levels initial final current measured admission discharge enrollment entry "
    "screening fasting total at on the of in day hour week month visit pre post adm ser is has had history hx "
    "patient pat subject raw std num text flag yn code source concept grouped group cat category calc "
    "calculated"
)
"""Words that say when or how something was measured, not what."""

_UNIT_WORDS: dict[str, str] = {
    "mgdl": "mg/dL", "gdl": "g/dL", "gl": "g/L", "mgl": "mg/L", "mmoll": "mmol/L", "umoll": "umol/L", "ul": "U/L",
    "iul": "U/L", "ngml": "ng/mL", "pgml": "pg/mL", "ngdl": "ng/dL", "ugdl": "ug/dL", "mmhg": "mm[Hg]", "cm": "cm",
    "mm": "mm", "kg": "kg", "lbs": "[lb_av]", "lb": "[lb_av]", "inches": "[in_i]", "inch": "[in_i]", "years": "a",
    "yrs": "a", "yr": "a", "months": "mo", "days": "d", "hours": "h", "weeks": "wk", "percent": "%", "pct": "%",
    "bpm": "/min", "c": "Cel", "celsius": "Cel", "f": "[degF]", "fahrenheit": "[degF]", "g": "g", "mg": "mg",
    "kgm2": "kg/m2", "fl": "fL", "pg": "pg", "kpa": "kPa", "ms": "ms", "ml": "mL", "miuml": "m[IU]/mL",
}  # fmt: skip
"""Units as they stand in names, without separators → UCUM."""

_GENERIC = _words(
    "time status drug date test result group form type days name event day score class form code unit note "
    "year change risk cost side arms"
)
"""Names that say what a column is only where they are all of its name."""

_BRACKETS = re.compile(r"[(\[{][^)\]}]{0,40}[)\]}]")


@dataclass(frozen=True, slots=True)
class Recognised:
    """A concept with the unit that the values are in."""

    concept: str
    unit: str | None
    confidence: float
    """0 to 1."""
    caution: str | None = None
    """What is odd about the values, without any of them."""


def check_concept(column: str, concept: str) -> str:
    """``concept`` as one of the vocabulary.

    Raises:
        TableError: It is unknown; the message names the column and the concepts nearest to it.
    """
    if concept in CONCEPTS:
        return concept
    near = difflib.get_close_matches(concept, list(CONCEPTS), n=3)
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    raise TableError(f"unknown clinical concept for column {column!r}{hint}")


def recognise_concept(name: str, column: SafeColumn, told: str | None = None) -> Recognised | None:
    """The concept of the column called ``name``; None where nothing is sure enough.

    Args:
        name: The column's name, which stays on this machine.
        column: Its safe facts.
        told: The concept by the user's word, which wins; only its unit is then looked for.
    """
    if told is not None:
        unit = unit_of(CONCEPTS[told], column.quantiles, _stated_unit(name)) if column.quantiles else None
        return Recognised(told, unit.code if unit else None, 1.0)
    if column.role == "patient_id":
        return Recognised("patient_identifier", None, 1.0)
    best: Recognised | None = None
    for concept, by_name in _proposals(name):
        judged = _judge(concept, by_name, name, column)
        if judged is not None and (best is None or judged.confidence > best.confidence):
            best = judged
    return best if best is not None and best.confidence >= ACCEPT else None


def unit_of(concept: Concept, quantiles: tuple[float, ...], hint: str | None = None) -> Unit | None:
    """The unit in which ``quantiles`` are plausible figures of ``concept``; None where there is none.

    Several may fit; then a unit that the name states wins, else the first where the others are too near to be told from
    it, else the one in whose middle the median lies.
    """
    if concept.limits is None:
        return None
    fitting = [unit for unit in concept.units if _fits(concept, unit, quantiles)]
    stated = [unit for unit in fitting if unit.code == hint]
    if stated or len(fitting) < 2:
        return next(iter(stated or fitting), None)
    apart = max(unit.factor for unit in fitting) / min(unit.factor for unit in fitting)
    if apart < _TELLING_RATIO or fitting[0].code in _TIME_UNITS:
        return fitting[0]
    median = quantiles[len(quantiles) // 2]
    return min(fitting, key=lambda unit: _distance(concept, unit, median))


def _proposals(name: str) -> Iterator[tuple[Concept, float]]:
    """Concepts that the name speaks of, with how plainly."""
    names = concept_names()
    whole = "".join(normalise_name(name))
    bare = normalise_name(_BRACKETS.sub(" ", name))
    seen: set[str] = set()
    ways = [(whole, 1.0), ("".join(bare), 1.0)]
    without_unit = bare[:-1] if len(bare) > 1 and bare[-1] in _UNIT_WORDS else bare
    ways.append(("".join(without_unit), 0.95))
    telling = tuple(word for word in without_unit if word not in _QUALIFIERS and not word.isdigit())
    ways.append(("".join(telling), 0.85))
    ways.append(("".join(telling).rstrip("0123456789"), 0.75))
    ways.extend(_parts(telling))
    for text, confidence in ways:
        for concept in names.get(text, ()):
            if concept not in seen:
                seen.add(concept)
                yield CONCEPTS[concept], confidence


def _parts(words: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    """Neighbouring words that make up most of the name, longest first."""
    letters = sum(map(len, words))
    for length in range(len(words) - 1, 0, -1):
        for start in range(len(words) - length + 1):
            text = "".join(words[start : start + length])
            if len(text) >= 4 and len(text) / letters >= 0.5 and text not in _GENERIC:
                yield text, 0.4 + 0.3 * len(text) / letters


def _judge(concept: Concept, by_name: float, name: str, column: SafeColumn) -> Recognised | None:
    if not concept.kinds & _KINDS[column.kind]:
        return None
    if column.distinct <= 2 and column.quantiles is None and any(unit.code == "{score}" for unit in concept.units):
        # A score has more than two values.
        return None
    short = len("".join(normalise_name(_BRACKETS.sub(" ", name)))) <= 2
    numeric = column.quantiles is not None and "number" in concept.kinds
    if not numeric or concept.limits is None or not concept.units:
        # A word of two letters needs figures that agree with it.
        return Recognised(concept.name, None, by_name * (0.45 if short and concept.limits is not None else 0.9))
    assert column.quantiles is not None
    hint = _stated_unit(name)
    unit = unit_of(concept, column.quantiles, hint)
    if unit is None:
        mixed = _mixed_units(concept, column.quantiles)
        if mixed is not None:
            return Recognised(concept.name, None, by_name * 0.8, f"values look like two units ({mixed})")
        if "levels" in concept.kinds:
            return Recognised(concept.name, None, by_name * 0.8)
        confidence = 0.0 if short else by_name * 0.55
        return Recognised(concept.name, None, confidence, "values lie outside what is plausible")
    if short and unit.code != hint:
        near = _distance(concept, unit, column.quantiles[len(column.quantiles) // 2]) < 1.0
        return Recognised(concept.name, unit.code, by_name * (0.7 if near else 0.4))
    return Recognised(concept.name, unit.code, by_name)


def _fits(concept: Concept, unit: Unit, quantiles: tuple[float, ...]) -> bool:
    assert concept.limits is not None
    low, high = map(unit.of, concept.limits)
    return low <= quantiles[0] and quantiles[-1] <= high


def _distance(concept: Concept, unit: Unit, median: float) -> float:
    """Decades between ``median`` and the middle of what is plausible in ``unit``."""
    assert concept.limits is not None
    low, high = map(unit.of, concept.limits)
    low = max(low, high / 1000)
    return abs(math.log10(max(median, 1e-12)) - (math.log10(low) + math.log10(high)) / 2)


def _mixed_units(concept: Concept, quantiles: tuple[float, ...]) -> str | None:
    """Two units of which one explains the lower values and the other the upper."""
    for lower in concept.units:
        for upper in concept.units:
            if lower.code == upper.code or upper.factor < 3 * lower.factor:
                continue
            half = len(quantiles) // 2
            if _fits(concept, lower, quantiles[:half] or quantiles[:1]) and _fits(concept, upper, quantiles[-1:]):
                return f"{lower.code} and {upper.code}"
    return None


def _stated_unit(name: str) -> str | None:
    inside = _BRACKETS.search(name)
    if inside is not None:
        return _UNIT_WORDS.get("".join(normalise_name(inside.group())), "%" if "%" in inside.group() else None)
    words = normalise_name(name)
    for length in (2, 1):
        tail = "".join(words[-length:])
        if len(words) > length and tail in _UNIT_WORDS:
            return _UNIT_WORDS[tail]
    return None
