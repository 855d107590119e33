"""The facts of a table that decide what a synthesizer costs on it and whether it can serve it."""

from __future__ import annotations

from dataclasses import dataclass

from ..profile import SafeColumn, SafeProfile

__all__ = ["TableShape"]

_MODES_PER_CONTINUOUS = 11
"""CTGAN encodes a continuous column as a scalar and up to ten mixture modes (Xu 2019, section 4.2)."""


@dataclass(frozen=True, slots=True)
class TableShape:
    """The facts of a safe profile that decide cost and feasibility."""

    rows: int
    columns: int
    """Columns that enter a fit."""
    continuous: int
    levels: int
    """Categories of all categorical columns together."""
    max_levels: int
    high_cardinality: int
    """Columns of more than 50 levels."""
    missing_share: float
    """Mean over the columns that enter a fit."""
    patients: int | None = None
    """Of a table in which a patient has several rows."""
    survival: bool = False
    """There are a time to an event and the event."""

    @classmethod
    def of(cls, profile: SafeProfile) -> TableShape:
        """The shape of what a synthesizer would see of ``profile``."""
        columns = profile.modelled
        levels = [column.encoded_levels for column in columns if _is_categorical(column)]
        return cls(
            rows=profile.rows,
            columns=len(columns),
            continuous=sum(not _is_categorical(column) for column in columns),
            levels=sum(levels),
            max_levels=max(levels, default=0),
            high_cardinality=sum(count > 50 for count in levels),
            missing_share=sum(column.missing_share for column in columns) / len(columns) if columns else 0.0,
            patients=profile.patients if profile.history is not None else None,
            survival=profile.survival,
        )

    @property
    def one_hot_width(self) -> int:
        """Width of the one-hot encoding: every level, and eleven per continuous column."""
        return self.levels + _MODES_PER_CONTINUOUS * self.continuous


def _is_categorical(column: SafeColumn) -> bool:
    return column.encoded_levels > 0
