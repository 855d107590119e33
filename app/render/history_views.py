"""What the benchmark of histories found, set by set: a row a figure, a column an arm."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType

from .rich_tables import table_of

if TYPE_CHECKING:
    from ...evidence.histories.benchmark import HistoryArm

__all__ = ["history_benchmark_view"]


def history_benchmark_view(arms: Sequence[HistoryArm]) -> RenderableType:
    """A table for each event table; a figure that misses what was set is marked with an exclamation mark."""
    parts: list[RenderableType] = []
    for (tables, events), found in groupby(arms, key=lambda arm: (arm.tables, arm.events)):
        group = list(found)
        rows = [
            [figure.replace("_", " "), *(_shown(arm, figure) for arm in group)]
            for figure in group[0].scores
            if any(arm.scores[figure] is not None for arm in group)
        ]
        cost = next((arm.fit_cpu_seconds for arm in group if arm.fit_cpu_seconds is not None), None)
        title = f"{tables}: {events}, mean of {group[0].seeds} seeds" + (f", {cost:.1f} CPU s" if cost else "")
        headings = ["", *(arm.arm.replace("_", " ") for arm in group)]
        parts.append(table_of(title, headings, rows, numbers=range(1, len(headings))))
    return Group(*parts)


def _shown(arm: HistoryArm, figure: str) -> str:
    value = arm.scores[figure]
    if value is None:
        return ""
    return f"{value:.2f}{'!' if figure in arm.missed else ''}"
