"""What changed from the real table to the synthetic one, column by column, in words for the run card."""

from __future__ import annotations

from collections.abc import Sequence

from ...schemas.column_treatment import Treatment
from ..encoding.apply_treatments import KEY_ACTION
from ..protection.report import ColumnProtection, ProtectionReport
from .run_card import ColumnChange

__all__ = ["protection_changes", "treatment_changes"]


def treatment_changes(treatments: Sequence[Treatment]) -> tuple[ColumnChange, ...]:
    """Columns that came in otherwise than they come out."""
    changes = []
    for item in treatments:
        if item.action == "keep" or item.column is None:
            continue
        if item.action == KEY_ACTION:
            text = "new keys, grouped as the real ones are; they lead to nobody"
        elif item.constant:
            text = "constant: not modelled, put back as it was"
        elif item.action == "drop":
            text = f"left out. {item.rule}"
        else:
            text = f"made coarser. {item.rule}"
        changes.append(ColumnChange(column=item.column, change=text))
    return tuple(changes)


def protection_changes(report: ProtectionReport | None) -> tuple[ColumnChange, ...]:
    """What value protection did to each column, in counts."""
    if report is None:
        return ()
    changed = (item for item in report.columns if item.changed)
    return tuple(ColumnChange(column=item.column, change=_sentence(item, report)) for item in changed)


def _sentence(item: ColumnProtection, report: ProtectionReport) -> str:
    who = f"fewer than {report.k} {report.unit}s"
    if item.withheld:
        return f"empty: every value is held by {who}"
    counts = (
        (item.levels_generalised, "codes became their parent"),
        (item.levels_pooled, "levels were pooled"),
        (item.levels_redrawn, "levels were drawn anew among common ones"),
        (item.extremes_redrawn, "cells at the ends were drawn anew inside"),
        (item.values_smoothed, "cells with an exact value of few were moved"),
    )
    told = ", ".join(f"{count} {words}" for count, words in counts if count)
    return f"values held by {who}: {told}"
