"""What other columns tell: next to an address, a town or a postcode is one; births lie before other dates."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow.compute as pc

from ..values.arrow_arrays import integer_scalar
from .age_rules import find_births
from .column_facts import ColumnFacts
from .decision import Decision
from .identifiers.name_dictionary import name_shares
from .identity_rules import is_arbitrary, is_even

__all__ = ["reconsider"]

_NEAR = 4
"""Columns after an address that may belong to it."""
_PAIR = "Two neighbouring columns are a latitude and a longitude."
_BESIDE = "It stands beside an address and looks like its postcode or town."
_OF_PERSON = "Its values repeat evenly, and another column never changes within one, as with persons."
_OF_TOWN = "Each value goes with one town, as postcodes do."
_COULD_BE_POSTCODES = ("continuous", "code", "categorical", "count")


def reconsider(facts: Sequence[ColumnFacts], decisions: Sequence[Decision]) -> list[Decision]:
    """Decisions after a look at each column's neighbours; those by the user's word are not passed in."""
    changed = list(decisions)
    for first in range(len(facts) - 1):
        if _is_coordinate_pair(facts[first], facts[first + 1]):
            coordinate = Decision("address", direct=True, quasi=True, detail="coordinate", reason=_PAIR)
            changed[first] = changed[first + 1] = coordinate
    for position, decision in enumerate(decisions):
        if decision.kind != "address" or decision.detail:
            continue
        for near in range(position + 1, min(position + 1 + _NEAR, len(facts))):
            changed[near] = _beside_address(facts[near], changed[near])
    for position, decision in enumerate(changed):
        if decision.kind != "address" or decision.detail != "place":
            continue
        for near in range(max(position - _NEAR // 2, 0), min(position + 1 + _NEAR // 2, len(facts))):
            if near != position and _is_postcode_of(facts[near], changed[near], facts[position]):
                changed[near] = Decision("address", direct=True, quasi=True, detail="postcode", reason=_OF_TOWN)
    for position in _person_keys(facts, changed):
        changed[position] = Decision("identifier", direct=True, detail="record", reason=_OF_PERSON)
    for position, birth in find_births(facts, changed).items():
        changed[position] = birth
    return changed


def _person_keys(facts: Sequence[ColumnFacts], decisions: Sequence[Decision]) -> list[int]:
    """Shorter keys that repeat evenly, where another column never changes within one of them (sex, date of birth)."""
    if any(
        decision.kind == "identifier" and 0 < column.unique_share < 0.95
        for column, decision in zip(facts, decisions, strict=True)
    ):
        return []  # another column tells persons apart already
    steady = [
        c
        for c, d in zip(facts, decisions, strict=True)
        if c.distinct >= 2 and c.unique_share < 0.5 and d.kind in _STEADY
    ]
    return [
        position
        for position, (column, decision) in enumerate(zip(facts, decisions, strict=True))
        if decision.kind in _COULD_BE_POSTCODES
        and column.distinct >= 20
        and column.unique_share <= 0.5
        and (column.values.width in (5, 6, 7) or (column.word is not None and column.word.width in (5, 6, 7)))
        and (is_arbitrary(column) or (column.word is not None and column.word.digit_share == 1.0))
        and is_even(column)
        and any(_never_changes(other, column) for other in steady if other is not column)
    ]


_STEADY = ("boolean", "quasi_identifier", "categorical", "date")


def _never_changes(column: ColumnFacts, key: ColumnFacts) -> bool:
    """One value for nearly every key of several rows, where chance would give many keys several."""
    size = len(column.values.distinct)
    keys, values = key.values.positions, column.values.positions
    packed = pc.add(pc.multiply(pc.cast(keys, "int64"), integer_scalar(size)), pc.cast(values, "int64")).drop_null()
    pairs = len(pc.unique(packed))
    most = max(column.values.counts.to_pylist()) / max(column.values.present, 1)
    return most <= 0.9 and pairs <= 1.02 * len(key.values.distinct) and len(packed) >= 2 * len(key.values.distinct)


def _is_postcode_of(column: ColumnFacts, decision: Decision, town: ColumnFacts) -> bool:
    """Digits of a postcode's length each of which goes with one town."""
    number = column.number
    if number is None or not number.integer or number.minimum < 0 or decision.kind not in _COULD_BE_POSTCODES:
        return False
    if column.values.width not in (4, 5, 6) or column.distinct < 3 or number.round_share > 0.6:
        return False
    codes, towns = column.values.positions, town.values.positions
    size = len(town.values.distinct)
    pairs = pc.unique(pc.add(pc.multiply(pc.cast(codes, "int64"), integer_scalar(size)), pc.cast(towns, "int64")))
    # A person lives in one town too, but there are many persons to a town.
    repeated = column.totals.present >= 1.5 * column.distinct and column.distinct <= 4 * town.distinct
    return repeated and len(pairs.drop_null()) <= 1.1 * len(column.values.distinct)


def _is_coordinate_pair(first: ColumnFacts, second: ColumnFacts) -> bool:
    """Two neighbouring columns of at least four decimals that spread little around a latitude and a longitude."""
    numbers = (first.number, second.number)
    if any(n is None or n.integer or n.decimals < 4 for n in numbers) or min(first.distinct, second.distinct) < 10:
        return False
    latitude, longitude = numbers
    assert latitude is not None
    assert longitude is not None
    if not (
        latitude.minimum >= -90 and latitude.maximum <= 90 and longitude.minimum >= -180 and longitude.maximum <= 180
    ):
        return False
    tight = all(n.maximum - n.minimum <= 0.2 * abs(n.quantiles[2]) for n in (latitude, longitude))
    return tight and abs(latitude.quantiles[2]) >= 5 and abs(longitude.quantiles[2]) >= 2 and first.unique_share > 0.1


def _beside_address(facts: ColumnFacts, decision: Decision) -> Decision:
    number, word = facts.number, facts.word
    if number is not None:
        five = number.integer and number.minimum >= 500 and number.maximum <= 99_999 and facts.distinct >= 15
        if five and decision.kind in ("continuous", "code", "identifier") and facts.values.width in (0, 4, 5):
            return Decision("address", direct=True, quasi=True, detail="postcode", reason=_BESIDE)
        return decision
    if word is None or decision.kind not in ("name", "categorical", "free_text", "identifier"):
        return decision
    if facts.has("zip", 0.9):
        return Decision("address", direct=True, quasi=True, detail="postcode", reason=_BESIDE)
    shares = name_shares(facts.texts)
    if decision.kind == "categorical" and shares.place + shares.region < 0.3:
        return decision
    if facts.distinct >= 8 and max(word.title_share, word.upper_share) >= 0.8 and word.letter_share >= 0.7:
        return Decision("address", direct=True, quasi=True, detail="place", reason=_BESIDE)
    return decision
