"""One threshold's verdict, and the worst of several tables' verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from ...schemas.base import Frozen

__all__ = ["ThresholdGroup", "ThresholdOutcome", "ThresholdVerdict", "worst_of"]

ThresholdOutcome = Literal["pass", "fail", "cannot tell"]
ThresholdGroup = Literal["disclosure", "quality"]
_OUTCOMES: tuple[ThresholdOutcome, ...] = ("pass", "cannot tell", "fail")
"""Best first."""


class ThresholdVerdict(Frozen):
    """One threshold."""

    name: str
    group: ThresholdGroup
    outcome: ThresholdOutcome
    measured: float | None
    threshold: float | bool
    low: float | None = None
    """Bounds of the measured figure, where it has any."""
    high: float | None = None
    source: str = ""
    """Whose figure the threshold is."""
    note: str = ""


def worst_of(verdicts: Mapping[str, Iterable[ThresholdVerdict]]) -> tuple[ThresholdVerdict, ...]:
    """One verdict a threshold: that of the table with the worst outcome, which its note names.

    Args:
        verdicts: Table → its verdicts.
    """
    found: dict[str, tuple[tuple[int, float], ThresholdVerdict]] = {}
    for table, own in verdicts.items():
        for verdict in own:
            rank = (_OUTCOMES.index(verdict.outcome), verdict.measured or 0.0)
            if verdict.name not in found or rank > found[verdict.name][0]:
                note = f"{table}: {verdict.note}" if verdict.note else table
                found[verdict.name] = (rank, verdict.model_copy(update={"note": note}))
    return tuple(verdict for _, verdict in found.values())
