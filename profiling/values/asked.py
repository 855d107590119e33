"""What is asked of the whole table beyond the sample, and the answers."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ColumnQuery", "Totals"]


@dataclass(frozen=True, slots=True)
class ColumnQuery:
    """What is asked about one column.

    Attributes:
        column: Its name in the engine.
        tokens: Texts that count as missing, besides null.
        text: The engine holds it as text.
        floating: It may hold NaN, which counts as missing.
        distinct: Ask for the (approximate) number of distinct values.
        maximum: Ask for the largest number.
    """

    column: str
    tokens: tuple[str, ...] = ()
    text: bool = False
    floating: bool = False
    distinct: bool = True
    maximum: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Totals:
    """Of one column in the whole table; ``distinct`` is approximate where the engine's count is, -1 if not asked."""

    rows: int
    present: int
    distinct: int
    maximum: float | None = None
