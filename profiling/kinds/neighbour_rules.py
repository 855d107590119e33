"""What a column's neighbours tell: next to an address, a town or a postcode is one, whatever its name."""

from __future__ import annotations

from collections.abc import Sequence

from .column_facts import Evidence
from .decision import Verdict

__all__ = ["reconsider"]

_NEAR = 4
"""Columns after an address that may belong to it."""


def reconsider(evidence: Sequence[Evidence], verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Verdicts after a look at each column's neighbours; those by the user's word are not passed in."""
    changed = list(verdicts)
    for place in range(len(evidence) - 1):
        if _is_coordinate_pair(evidence[place], evidence[place + 1]):
            found = Verdict("address", direct=True, quasi=True, detail="coordinate")
            changed[place] = changed[place + 1] = found
    for place, verdict in enumerate(verdicts):
        if verdict.kind != "address" or verdict.detail:
            continue
        for near in range(place + 1, min(place + 1 + _NEAR, len(evidence))):
            changed[near] = _beside_address(evidence[near], changed[near])
    return changed


def _is_coordinate_pair(first: Evidence, second: Evidence) -> bool:
    """Two neighbouring columns of at least four decimals that spread little around a latitude and a longitude."""
    numbers = (first.number, second.number)
    if any(n is None or n.integer or n.decimals < 4 for n in numbers) or min(first.distinct, second.distinct) < 10:
        return False
    one, other = numbers
    assert one is not None
    assert other is not None
    if not (one.minimum >= -90 and one.maximum <= 90 and other.minimum >= -180 and other.maximum <= 180):
        return False
    tight = all(n.maximum - n.minimum <= 0.2 * abs(n.quantiles[2]) for n in (one, other))
    return tight and abs(one.quantiles[2]) >= 5 and abs(other.quantiles[2]) >= 2 and first.unique_share > 0.1


def _beside_address(evidence: Evidence, verdict: Verdict) -> Verdict:
    number, word = evidence.number, evidence.word
    if number is not None:
        five = number.integer and number.minimum >= 500 and number.maximum <= 99_999 and evidence.distinct >= 15
        if five and verdict.kind in ("continuous", "code", "identifier") and evidence.cells.width in (0, 4, 5):
            return Verdict("address", direct=True, quasi=True, detail="postcode")
        return verdict
    if word is None or verdict.kind not in ("name", "categorical", "free_text", "identifier"):
        return verdict
    if evidence.has("zip", 0.9):
        return Verdict("address", direct=True, quasi=True, detail="postcode")
    if evidence.distinct >= 8 and max(word.title_share, word.upper_share) >= 0.8 and word.letter_share >= 0.7:
        return Verdict("address", direct=True, quasi=True, detail="place")
    return verdict
