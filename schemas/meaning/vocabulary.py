"""The concepts as objects, read from their files once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["CONCEPTS", "Concept", "Unit", "concept_names", "normalise_name"]

_FOLDER = Path(__file__).with_name("concepts")
_SPLIT = re.compile(r"[^a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of a concept."""

    code: str
    """UCUM."""
    factor: float
    """A figure in the concept's first unit times this, plus ``offset``, is the figure in this unit."""
    offset: float = 0.0

    def of(self, value: float) -> float:
        """``value``, which is in the concept's first unit, in this unit."""
        return value * self.factor + self.offset


@dataclass(frozen=True, slots=True)
class Concept:
    """One clinical concept."""

    name: str
    group: str
    """The file it stands in: demographics, vitals, laboratory, …"""
    kinds: frozenset[str]
    """number, levels, date, code, text, identifier, constant: what its values may be."""
    units: tuple[Unit, ...]
    """First the one that ``limits`` are in; empty where it has none."""
    limits: tuple[float, float] | None
    """Lowest and highest plausible value in the first unit."""
    names: tuple[str, ...]
    """Names of columns that hold it, normalised."""


class _Concepts(Mapping[str, Concept]):
    """Concept id → concept; the files are read when the first is asked for."""

    def __getitem__(self, name: str) -> Concept:
        return _load()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_load())

    def __len__(self) -> int:
        return len(_load())


CONCEPTS: Mapping[str, Concept] = _Concepts()


def normalise_name(name: str) -> tuple[str, ...]:
    """Lower-case words of a column's name without accents: ``"HbA1c_Wert (%)"`` → ``("hb", "a1c", "wert")``."""
    # German umlauts are two letters where they cannot be typed, and names in our files are written so.
    spelt = name.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss")
    plain = unicodedata.normalize("NFKD", _CAMEL.sub(" ", spelt))
    letters = "".join(char for char in plain if not unicodedata.combining(char)).lower()
    return tuple(word for word in _SPLIT.split(letters) if word)


@cache
def concept_names() -> dict[str, tuple[str, ...]]:
    """Name without separators → ids of the concepts that bear it; the values then decide between several."""
    names: dict[str, tuple[str, ...]] = {}
    for concept in CONCEPTS.values():
        for name in concept.names:
            joined = name.replace(" ", "")
            names[joined] = (*names.get(joined, ()), concept.name)
    return names


@cache
def _load() -> dict[str, Concept]:
    concepts = (
        _read(line, path.stem)
        for path in sorted(_FOLDER.glob("*.txt"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    )
    return {concept.name: concept for concept in concepts}


def _read(line: str, group: str) -> Concept:
    name, kinds, units, limits, names = (part.strip() for part in line.split("|"))
    low, _, high = limits.partition("..")
    return Concept(
        name=name,
        group=group,
        kinds=frozenset(_listed(kinds, ",")),
        units=tuple(_unit(text) for text in _listed(units, ";")),
        limits=(float(low), float(high)) if limits else None,
        names=tuple(dict.fromkeys(" ".join(normalise_name(part)) for part in (name, *_listed(names, ",")))),
    )


def _unit(text: str) -> Unit:
    code, _, factor = text.rpartition("=")
    slope, _, offset = factor.partition("+")
    return Unit(code.strip(), float(slope), float(offset or 0))


def _listed(text: str, separator: str) -> list[str]:
    return [part.strip() for part in text.split(separator) if part.strip()]
