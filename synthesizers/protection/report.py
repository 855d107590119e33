"""What value protection did to a table, as the run card tells it: counts by column, no values."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ...schemas.base import Frozen

__all__ = ["ColumnProtection", "ProtectionReport"]

_Count = Annotated[int, Field(ge=0)]


class ColumnProtection(Frozen):
    """One column that held values of few."""

    column: str
    levels_generalised: _Count = 0
    """Codes replaced by a parent code, such as S72.0 by S72."""
    levels_pooled: _Count = 0
    """Levels that became ``other``."""
    levels_redrawn: _Count = 0
    """Levels whose cells were drawn anew among common ones."""
    public_levels_kept: _Count = 0
    """Levels of few that name nobody: words of the closed vocabulary, 0 and 1, levels given as public."""
    extremes_redrawn: _Count = 0
    """Cells beyond the k-th person at either end, drawn anew inside."""
    values_smoothed: _Count = 0
    """Cells inside whose exact number or date few hold, moved among their neighbours."""
    withheld: bool = False
    """No value is held by enough persons: every cell is empty."""

    @property
    def changed(self) -> bool:
        """Some cell is not what it was."""
        return bool(
            self.levels_generalised
            or self.levels_pooled
            or self.levels_redrawn
            or self.extremes_redrawn
            or self.values_smoothed
            or self.withheld
        )


class ProtectionReport(Frozen):
    """One table."""

    k: Annotated[int, Field(ge=2)]
    """Values held by fewer persons than this were replaced."""
    unit: Literal["patient", "row"]
    """What counts as a person: without a known patient id, a row."""
    columns: tuple[ColumnProtection, ...] = ()

    def column(self, name: str) -> ColumnProtection | None:
        """What was done to the column called ``name``; None where nothing was to do."""
        return next((item for item in self.columns if item.column == name), None)

    @property
    def levels(self) -> int:
        """Levels and codes that no longer stand in the table."""
        return sum(c.levels_generalised + c.levels_pooled + c.levels_redrawn for c in self.columns)

    @property
    def numbers(self) -> int:
        """Cells of numbers and dates that were moved."""
        return sum(c.extremes_redrawn + c.values_smoothed for c in self.columns)
